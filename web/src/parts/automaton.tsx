// SPDX-License-Identifier: Apache-2.0
// The pattern as its automaton: states in order of flow (dagre), edges labelled by variable.
// Solid: the very next row. Dashed: rows may lie between. Dotted: any later row. A loop bends over its state.
import dagre from '@dagrejs/dagre';
import { useMemo, useRef, useState } from 'preact/hooks';
import type { Nfa, VariableOf } from '../api';
import { drawingOf, type Drawing, type Edge, type State } from '../lib/nfa';
import { variableClass } from '../lib/sql';
import { useWidth } from '../lib/width';

const R = 19; // of a state
const START = 7; // of the first one, which has no name
const radius = (s: State | undefined) => (s?.start ? START : s?.final ? R + 4 : R);
const words = {
  next: 'the very next row',
  followed: 'the next row that fits',
  any: 'any later row that fits',
  end: 'then the match is made',
};

interface Placed {
  edge: Edge;
  path: string;
  label: Point;
}
type Point = { x: number; y: number };

/** How wide an edge's label is: the variable, and under it what else is asked. */
const labelWidth = (e: Edge) => Math.max(e.takes.length * 7.4 + 12, e.short.length * 5.6 + 4, 18);
const labelHeight = (e: Edge) => (e.takes ? 18 : 0) + (e.short ? 14 : 0);

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

function place({ states, edges: all }: Drawing, direction: 'LR' | 'TB') {
  const g = new dagre.graphlib.Graph({ multigraph: true });
  const loopsAt = new Set(all.filter((e) => e.from === e.to).map((e) => e.from));
  g.setGraph({
    rankdir: direction,
    nodesep: 40,
    ranksep: direction === 'LR' ? 56 : 40,
    edgesep: 22,
    marginx: 26,
    marginy: loopsAt.size && direction === 'LR' ? 52 : 28,
  });
  g.setDefaultEdgeLabel(() => ({}));
  for (const s of states) g.setNode(s.id, { width: radius(s) * 2, height: radius(s) * 2 });
  const plain = all.filter((e) => e.from !== e.to);
  plain.forEach((e, i) =>
    g.setEdge(e.from, e.to, { width: labelWidth(e), height: Math.max(16, labelHeight(e)), labelpos: 'c' }, String(i)),
  );
  dagre.layout(g);
  const at = new Map(states.map((s) => [s.id, g.node(s.id) as Point]));
  const byId = new Map(states.map((s) => [s.id, s]));
  const edges: Placed[] = [];
  plain.forEach((edge, i) => {
    const e = g.edge({ v: edge.from, w: edge.to, name: String(i) }) as { points: Point[]; x?: number; y?: number };
    const pts = e.points.map((p) => ({ ...p }));
    // End a little before the circle, so that the arrow's head is seen.
    const to = at.get(edge.to)!;
    const gap = radius(byId.get(edge.to)) + 4;
    const last = pts[pts.length - 1]!;
    const before = pts[pts.length - 2] ?? at.get(edge.from)!;
    const d = Math.hypot(to.x - before.x, to.y - before.y) || 1;
    last.x = to.x - ((to.x - before.x) / d) * gap;
    last.y = to.y - ((to.y - before.y) / d) * gap;
    edges.push({ edge, path: smooth(pts), label: { x: e.x ?? (pts[0]!.x + last.x) / 2, y: e.y ?? (pts[0]!.y + last.y) / 2 } });
  });
  for (const edge of all.filter((e) => e.from === e.to)) {
    const c = at.get(edge.from)!;
    const r = radius(byId.get(edge.from));
    const h = 30;
    const lr = direction === 'LR';
    const path = lr
      ? `M${c.x - 9} ${c.y - r + 2}C${c.x - 27} ${c.y - r - h} ${c.x + 27} ${c.y - r - h} ${c.x + 11} ${c.y - r - 3}`
      : `M${c.x + r - 2} ${c.y - 9}C${c.x + r + h} ${c.y - 27} ${c.x + r + h} ${c.y + 27} ${c.x + r + 3} ${c.y + 11}`;
    const label = lr
      ? { x: c.x, y: c.y - r - h * 0.75 - (edge.short ? 11 : 4) }
      : { x: c.x + r + h * 0.75 + labelWidth(edge) / 2, y: c.y };
    edges.push({ edge, path, label });
  }
  const size = g.graph() as { width?: number; height?: number };
  const wide = edges.reduce((m, e) => Math.max(m, e.label.x + labelWidth(e.edge) / 2 + 12), size.width ?? 100);
  return { at, edges, width: wide, height: size.height ?? 100 };
}

export default function Automaton({
  nfa,
  defines,
  variables,
  onPick,
  active,
}: {
  nfa: Nfa;
  defines: VariableOf[];
  variables: string[];
  onPick?: (variable: string) => void;
  active?: Map<string, number>;
}) {
  const { box, width } = useWidth<HTMLDivElement>();
  const svg = useRef<SVGSVGElement>(null);
  const [hover, setHover] = useState<number | null>(null);
  const drawing = useMemo(() => drawingOf(nfa, defines), [nfa, defines]);
  const lr = useMemo(() => place(drawing, 'LR'), [drawing]);
  // Too long for one line: from top to bottom.
  const down = width > 0 && lr.width > width * 1.25;
  const drawn = useMemo(() => (down ? place(drawing, 'TB') : lr), [lr, down]);
  const scale = width ? Math.min(down ? 1 : 1.3, Math.max(0.55, width / drawn.width)) : 1;
  const shown = hover === null ? null : drawn.edges[hover];
  const tipAt = () => {
    const from = box.current!.getBoundingClientRect();
    const to = svg.current!.getBoundingClientRect();
    const x = to.left - from.left + shown!.label.x * scale;
    return {
      left: Math.min(Math.max(x, 130), Math.max(130, width - 110)),
      top: to.top - from.top + (shown!.label.y + R) * scale + 8,
    };
  };

  return (
    <div class="automaton" ref={box} onMouseLeave={() => setHover(null)}>
      <div class="automaton-scroll">
        <svg
          ref={svg}
          width={drawn.width * scale}
          height={drawn.height * scale}
          viewBox={`0 0 ${drawn.width} ${drawn.height}`}
          role="group"
          aria-label="Automaton of the pattern"
        >
          {drawn.edges.map(({ edge, path, label }, i) => {
            const note = edge.short;
            const wide = edge.takes.length * 7.4 + 12;
            const y = label.y - (note && edge.takes ? 7 : 0);
            const said = [
              edge.takes,
              words[edge.way],
              edge.notes,
              ...edge.conditions.map((c) => `${c.not ? 'not ' : ''}${c.variable}: ${c.text ?? 'every row'}`),
            ]
              .filter(Boolean)
              .join(', ');
            return (
              <g
                key={i}
                class={`edge ${variableClass(variables, edge.takes)} way-${edge.way} ${hover === i ? 'on' : ''}`}
                tabindex={0}
                role="button"
                aria-label={said}
                onMouseEnter={() => setHover(i)}
                onFocus={() => setHover(i)}
                onBlur={() => setHover(null)}
                onClick={() => onPick?.(edge.takes || edge.conditions[0]?.variable || '')}
                onKeyDown={(e) => e.key === 'Enter' && onPick?.(edge.takes)}
              >
                <path class="hit" d={path} />
                <path class="line" d={path} />
                <Head path={path} />
                {edge.takes ? (
                  <>
                    <rect x={label.x - wide / 2} y={y - 9} width={wide} height={18} rx={5} />
                    <text x={label.x} y={y + 4}>
                      {edge.takes}
                    </text>
                  </>
                ) : null}
                {note ? (
                  <text class="note" x={label.x} y={edge.takes ? y + 21 : y + 4}>
                    {note}
                  </text>
                ) : null}
              </g>
            );
          })}
          {drawing.states.map((s) => {
            const p = drawn.at.get(s.id)!;
            return (
              <g
                key={s.id}
                class={`state ${s.start ? 'state-start' : ''} ${s.final ? 'state-final' : ''} ${s.done ? 'state-done' : ''} ${active?.has(s.id) ? 'state-on' : ''}`}
              >
                {s.start ? (
                  <path class="entry" d={down ? `M${p.x} ${p.y - START - 16}v12` : `M${p.x - START - 18} ${p.y}h14`} />
                ) : null}
                {s.final ? <circle class="ring" cx={p.x} cy={p.y} r={R + 3.5} /> : null}
                <circle cx={p.x} cy={p.y} r={s.start ? START : R} />
                <text x={p.x} y={p.y + 4}>
                  {shortLabel(s.text)}
                </text>
                {(active?.get(s.id) ?? 0) > 1 ? (
                  <text class="many" x={p.x + R - 1} y={p.y + R + 5}>
                    {active!.get(s.id)}
                  </text>
                ) : null}
                <title>
                  {s.start
                    ? 'Waiting for the first row'
                    : s.done
                      ? 'The match'
                      : `${s.text} was taken${s.final ? ': the match may be complete' : ''}`}
                </title>
              </g>
            );
          })}
        </svg>
      </div>
      {shown ? (
        <div class="tip" style={tipAt()}>
          {shown.edge.takes ? <b class={variableClass(variables, shown.edge.takes)}>{shown.edge.takes}</b> : null}
          <span>{[words[shown.edge.way], shown.edge.notes].filter(Boolean).join('; ')}</span>
          {shown.edge.conditions.map((c) => (
            <code key={c.variable}>
              {c.not ? `not ${c.variable}: ` : ''}
              {c.text || 'every row fits'}
            </code>
          ))}
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
  const p = (d: number, side: number) =>
    `${x2 + Math.cos(a) * d - Math.sin(a) * side},${y2 + Math.sin(a) * d + Math.cos(a) * side}`;
  return <polygon class="head" points={`${p(4, 0)} ${p(-5, 4)} ${p(-5, -4)}`} />;
}
