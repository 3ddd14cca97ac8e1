// SPDX-License-Identifier: Apache-2.0
// The pattern as its automaton: states in order of flow (dagre), edges labelled by variable.
// Solid: the very next row. Dashed: rows may lie between. Dotted: any later row. A loop bends over its state.
import dagre from '@dagrejs/dagre';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Nfa, NfaEdge, NfaState } from '../api';
import { variableClass } from '../lib/sql';

const R = 19; // of a state
const START = 7; // of the first one, which has no name
const radius = (s: NfaState | undefined) => (s?.kind === 'start' ? START : s?.kind === 'final' ? R + 4 : R);
const words = { next: 'the very next row', followed: 'the next row that fits', any: 'any later row that fits' };
const kinds = { take: '', loop: 'again: ', skip: 'without a row' };

interface Placed {
  edge: NfaEdge;
  path: string;
  label: { x: number; y: number };
  tip: { x: number; y: number };
}
type Point = { x: number; y: number };

const keyOf = (id: number | string) => String(id);

/** A curve through all points (Catmull-Rom, as Bézier pieces). */
function smooth(points: Point[]): string {
  const at = (i: number) => points[Math.min(points.length - 1, Math.max(0, i))]!;
  if (points.length === 2) return `M${at(0).x} ${at(0).y}L${at(1).x} ${at(1).y}`;
  let d = `M${at(0).x} ${at(0).y}`;
  for (let i = 0; i < points.length - 1; i++) {
    const [a, b, c, e] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    d += `C${b.x + (c.x - a.x) / 6} ${b.y + (c.y - a.y) / 6} ${c.x - (e.x - b.x) / 6} ${c.y - (e.y - b.y) / 6} ${c.x} ${c.y}`;
  }
  return d;
}

function place(nfa: Nfa, direction: 'LR' | 'TB') {
  const g = new dagre.graphlib.Graph({ multigraph: true });
  g.setGraph({ rankdir: direction, nodesep: 44, ranksep: direction === 'LR' ? 74 : 52, edgesep: 26, marginx: 26, marginy: 44 });
  g.setDefaultEdgeLabel(() => ({}));
  for (const s of nfa.states) g.setNode(keyOf(s.id), { width: radius(s) * 2, height: radius(s) * 2 });
  const plain = nfa.edges.filter((e) => keyOf(e.from) !== keyOf(e.to));
  plain.forEach((e, i) => g.setEdge(keyOf(e.from), keyOf(e.to), { width: Math.max(16, e.label.length * 7 + 14), height: 16, labelpos: 'c' }, String(i)));
  dagre.layout(g);
  const at = new Map(nfa.states.map((s) => [keyOf(s.id), g.node(keyOf(s.id)) as Point]));
  const edges: Placed[] = [];
  plain.forEach((edge, i) => {
    const e = g.edge({ v: keyOf(edge.from), w: keyOf(edge.to), name: String(i) }) as { points: Point[]; x?: number; y?: number };
    const pts = e.points.map((p) => ({ ...p }));
    // End a little before the circle, so that the arrow's head is seen.
    const to = at.get(keyOf(edge.to))!;
    const gap = radius(nfa.states.find((s) => keyOf(s.id) === keyOf(edge.to))) + 4;
    const last = pts[pts.length - 1]!;
    const before = pts[pts.length - 2] ?? at.get(keyOf(edge.from))!;
    const d = Math.hypot(to.x - before.x, to.y - before.y) || 1;
    last.x = to.x - ((to.x - before.x) / d) * gap;
    last.y = to.y - ((to.y - before.y) / d) * gap;
    const mid = { x: e.x ?? (pts[0]!.x + last.x) / 2, y: e.y ?? (pts[0]!.y + last.y) / 2 };
    edges.push({ edge, path: smooth(pts), label: mid, tip: mid });
  });
  const loops = new Map<string, number>();
  for (const edge of nfa.edges.filter((e) => keyOf(e.from) === keyOf(e.to))) {
    const id = keyOf(edge.from);
    const n = loops.get(id) ?? 0;
    loops.set(id, n + 1);
    const c = at.get(id);
    if (!c) continue;
    const state = nfa.states.find((s) => keyOf(s.id) === id);
    const r = radius(state);
    const h = 30 + n * 20;
    const w = 13;
    const path = direction === 'LR'
      ? `M${c.x - 9} ${c.y - r + 2}C${c.x - w - 14} ${c.y - r - h} ${c.x + w + 14} ${c.y - r - h} ${c.x + 11} ${c.y - r - 3}`
      : `M${c.x + r - 2} ${c.y - 9}C${c.x + r + h} ${c.y - w - 14} ${c.x + r + h} ${c.y + w + 14} ${c.x + r + 3} ${c.y + 11}`;
    const label = direction === 'LR' ? { x: c.x, y: c.y - r - h * 0.75 - 5 } : { x: c.x + r + h * 0.75 + 9, y: c.y };
    edges.push({ edge, path, label, tip: label });
  }
  const size = g.graph() as { width?: number; height?: number };
  const wide = edges.reduce((m, e) => Math.max(m, e.label.x + e.edge.label.length * 4 + 20), size.width ?? 100);
  return { at, edges, width: wide, height: size.height ?? 100 };
}

export default function Automaton({ nfa, variables, onPick }: { nfa: Nfa; variables: string[]; onPick?: (variable: string) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [hover, setHover] = useState<number | null>(null);
  useEffect(() => {
    const see = new ResizeObserver(([e]) => setWidth(e!.contentRect.width));
    see.observe(box.current!);
    return () => see.disconnect();
  }, []);
  const lr = useMemo(() => place(nfa, 'LR'), [nfa]);
  // Too long for one line: from top to bottom.
  const down = width > 0 && lr.width > width * 1.25;
  const drawn = useMemo(() => (down ? place(nfa, 'TB') : lr), [lr, down]);
  const scale = width ? Math.min(down ? 1 : 1.3, Math.max(0.55, width / drawn.width)) : 1;
  const shown = hover === null ? null : drawn.edges[hover];
  const svg = useRef<SVGSVGElement>(null);
  const tipAt = () => {
    const from = box.current!.getBoundingClientRect();
    const to = svg.current!.getBoundingClientRect();
    const x = to.left - from.left + shown!.tip.x * scale;
    return { left: Math.min(Math.max(x, 130), Math.max(130, width - 110)), top: to.top - from.top + (shown!.tip.y + R) * scale + 8 };
  };

  return (
    <div class="automaton" ref={box} onMouseLeave={() => setHover(null)}>
      <svg ref={svg} width={drawn.width * scale} height={drawn.height * scale} viewBox={`0 0 ${drawn.width} ${drawn.height}`} role="group" aria-label="Automaton of the pattern">
        {drawn.edges.map(({ edge, path, label }, i) => {
          const colour = variableClass(variables, edge.label);
          const said = `${kinds[edge.kind]}${edge.label}, ${words[edge.contiguity]}${edge.condition ? ': ' + edge.condition : ''}`;
          const on = hover === i;
          const back = Math.max(18, edge.label.length * 7.4 + 12);
          return (
            <g key={i} class={`edge ${colour} edge-${edge.kind} way-${edge.contiguity} ${on ? 'on' : ''}`} tabIndex={0} role="button" aria-label={said}
              onMouseEnter={() => setHover(i)} onFocus={() => setHover(i)} onBlur={() => setHover(null)}
              onClick={() => onPick?.(edge.label)} onKeyDown={(e) => e.key === 'Enter' && onPick?.(edge.label)}>
              <path class="hit" d={path} />
              <path class="line" d={path} />
              <Head path={path} />
              {edge.label ? (
                <>
                  <rect x={label.x - back / 2} y={label.y - 9} width={back} height={18} rx={5} />
                  <text x={label.x} y={label.y + 4}>
                    {edge.label}
                  </text>
                </>
              ) : null}
            </g>
          );
        })}
        {nfa.states.map((s) => {
          const p = drawn.at.get(keyOf(s.id))!;
          return (
            <g key={keyOf(s.id)} class={`state state-${s.kind} ${variableClass(variables, s.variable)}`}>
              {s.kind === 'start' ? <path class="entry" d={down ? `M${p.x} ${p.y - START - 16}v12` : `M${p.x - START - 18} ${p.y}h14`} /> : null}
              {s.kind === 'final' ? <circle class="ring" cx={p.x} cy={p.y} r={R + 3.5} /> : null}
              <circle cx={p.x} cy={p.y} r={s.kind === 'start' ? START : R} />
              <text x={p.x} y={p.y + 4}>
                {s.kind === 'start' ? '' : s.kind === 'final' ? '✓' : shortLabel(s.label || String(s.id))}
              </text>
              <title>{s.kind === 'start' ? 'Start: waiting for the first row' : s.kind === 'final' ? 'The match is complete' : `State ${s.label || s.id}`}</title>
            </g>
          );
        })}
      </svg>
      {shown ? (
        <div class="tip" style={tipAt()}>
          <b class={variableClass(variables, shown.edge.label)}>{shown.edge.label || 'ε'}</b>
          <span>
            {kinds[shown.edge.kind]}
            {shown.edge.kind === 'skip' ? '' : words[shown.edge.contiguity]}
          </span>
          <code>{shown.edge.condition || 'every row fits'}</code>
        </div>
      ) : null}
    </div>
  );
}

const shortLabel = (s: string) => (s.length > 4 ? s.slice(0, 3) + '…' : s);

/** Arrow head at the end of a path, in the edge's own colour (markers cannot inherit it everywhere). */
function Head({ path }: { path: string }) {
  const n = path.match(/-?\d+(?:\.\d+)?/g)!.map(Number);
  const [x1, y1, x2, y2] = n.slice(-4) as [number, number, number, number];
  const a = Math.atan2(y2 - y1, x2 - x1);
  const p = (d: number, side: number) => `${x2 + Math.cos(a) * d - Math.sin(a) * side},${y2 + Math.sin(a) * d + Math.cos(a) * side}`;
  return <polygon class="head" points={`${p(4, 0)} ${p(-5, 4)} ${p(-5, -4)}`} />;
}
