// SPDX-License-Identifier: Apache-2.0
// The events of an alert on an axis of event time: a lane for each pattern variable, the span that was open shaded.
import { useMemo } from 'preact/hooks';
import type { MatchEvent } from '../api';
import { clock, dateOf, duration, full } from '../lib/format';
import type { Origin } from '../lib/origin';
import { variableClass } from '../lib/sql';
import { useWidth } from '../lib/width';
import { markWords } from './origin';

export interface Mark extends MatchEvent {
  variable: string | null;
  index: number; // in order of time
  origin: Origin | null;
}
interface Props {
  marks: Mark[];
  variables: string[];
  absent: string[]; // variables that no row may be
  span: { start: number; end: number; text: string } | null;
  alertAt: number;
  selected: number;
  select: (i: number) => void;
}

const LANE = 34;
const HEAD = 26;
const STEPS = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  1e3,
  2e3,
  5e3,
  10e3,
  15e3,
  30e3,
  60e3,
  120e3,
  300e3,
  600e3,
  900e3,
  1800e3,
  3600e3,
  7200e3,
  10800e3,
  21600e3,
  43200e3,
  86400e3,
  2 * 86400e3,
  7 * 86400e3,
];

export function Timeline({ marks, variables, absent, span, alertAt, selected, select }: Props) {
  const { box, width } = useWidth<HTMLDivElement>(720);

  const lanes = useMemo(() => {
    if (!marks.length) return [''];
    const place = (l: string) => variables.indexOf(l.replace('!', '').toUpperCase());
    const used = [...new Set([...marks.map((m) => m.variable ?? ''), ...absent.map((v) => '!' + v)])];
    return used.sort((a, b) => place(a) - place(b));
  }, [marks, variables, absent]);

  const left = Math.min(110, Math.max(28, ...lanes.map((l) => (l || 'event').length * 7.4 + 18)));
  const right = 20;
  const times = marks.map((m) => Date.parse(m.time));
  if (!times.length) times.push(span?.start ?? alertAt, span?.end ?? alertAt);
  const first = Math.min(...times);
  const last = Math.max(...times);
  // The whole span if the events fill a fair part of it; else the events, and the span runs out of the picture.
  let lo = first;
  let hi = last;
  if (span && (Math.max(last, alertAt) - first) * 3 >= span.end - span.start) {
    lo = Math.min(lo, span.start);
    hi = Math.max(hi, span.end);
  }
  const room = Math.max(hi - lo, 10);
  lo -= room * 0.05;
  hi += room * 0.07;
  const x = (t: number) => left + ((t - lo) / (hi - lo)) * (width - left - right);
  const bottom = HEAD + lanes.length * LANE;
  const height = bottom + 30;

  const ticks = useMemo(() => {
    const wanted = Math.max(2, Math.floor((width - left) / 110));
    const step = STEPS.find((s) => (hi - lo) / s <= wanted) ?? STEPS[STEPS.length - 1]!;
    const out: number[] = [];
    for (let t = Math.ceil(lo / step) * step; t <= hi; t += step) out.push(t);
    return { step, out };
  }, [lo, hi, width]);

  // Marks of one lane that would cover each other move a little up and down.
  const dy = useMemo(() => {
    const lastX = new Map<string, { x: number; n: number }>();
    return marks.map((m) => {
      const lane = m.variable ?? '';
      const at = x(Date.parse(m.time));
      const l = lastX.get(lane);
      const n = l && at - l.x < 13 ? l.n + 1 : 0;
      lastX.set(lane, { x: at, n });
      return [0, -7, 7][n % 3]!;
    });
  }, [marks, width, lo, hi]);

  // The span's name keeps out of the way of the alert's mark.
  const nameAt = span ? x(alertAt) - Math.max(left, x(span.start)) : 0;
  const atEnd = span !== null && nameAt > -8 && nameAt < span.text.length * 6.5 + 24;
  const y = (i: number) => HEAD + lanes.indexOf(marks[i]!.variable ?? '') * LANE + LANE / 2 + dy[i]!;
  const way = marks.map((m, i) => `${i ? 'L' : 'M'}${x(Date.parse(m.time))} ${y(i)}`).join('');
  const name = (t: number) => (ticks.step < 1000 ? clock(t, true) : ticks.step >= 86400e3 ? dateOf(t) : clock(t));

  return (
    <div class="timeline" ref={box}>
      <svg width={width} height={height} role="group" aria-label={`${marks.length} events from ${full(first)} to ${full(last)}`}>
        {span ? (
          <g class="span">
            <rect
              x={Math.max(left, x(span.start))}
              y={HEAD - 4}
              width={Math.max(2, Math.min(width - right, x(span.end)) - Math.max(left, x(span.start)))}
              height={bottom - HEAD + 8}
              rx={4}
            />
            {x(span.end) <= width - right + 1 ? <path d={`M${x(span.end)} ${HEAD - 4}V${bottom + 4}`} /> : null}
            <text
              x={atEnd ? Math.min(width - right, x(span.end)) - 6 : Math.max(left, x(span.start)) + 6}
              y={HEAD - 10}
              text-anchor={atEnd ? 'end' : 'start'}
            >
              {span.text}
              {x(span.end) > width - right + 1 ? ' →' : ''}
            </text>
          </g>
        ) : null}
        {ticks.out.map((t) => (
          <g key={t} class="tick">
            <path d={`M${x(t)} ${HEAD - 4}V${bottom + 6}`} />
            <text x={x(t)} y={bottom + 21}>
              {name(t)}
            </text>
          </g>
        ))}
        {lanes.map((l, i) => (
          <g key={l} class={`lane ${variableClass(variables, l)}`}>
            <path d={`M${left} ${HEAD + i * LANE + LANE / 2}H${width - right}`} />
            <text x={left - 12} y={HEAD + i * LANE + LANE / 2 + 4}>
              {l || (marks.length ? 'event' : '')}
            </text>
          </g>
        ))}
        {lanes.map((l, i) =>
          l.startsWith('!') ? (
            <g key={l} class={`absent ${variableClass(variables, l)}`}>
              <path d={`M${x(first)} ${HEAD + i * LANE + LANE / 2}H${x(alertAt)}`} />
              <circle cx={x(alertAt)} cy={HEAD + i * LANE + LANE / 2} r={6.5} />
              <title>{`No row was ${l.slice(1)} until ${full(alertAt)}`}</title>
            </g>
          ) : null,
        )}
        <path class="way" d={way} />
        {alertAt >= lo && alertAt <= hi ? (
          <g class="fired">
            <path d={`M${x(alertAt)} ${HEAD - 6}V${bottom + 6}`} />
            <path class="flag" d={`M${x(alertAt)} ${HEAD - 14}l5 4.5-5 4.5-5-4.5Z`} />
            <title>{`Alert at ${full(alertAt)}`}</title>
          </g>
        ) : null}
        {marks.map((m, i) => (
          <g
            key={`${m.stream}/${m.partition}/${m.offset}/${i}`}
            class={`mark ${variableClass(variables, m.variable)} ${i === selected ? 'on' : ''} ${m.event ? '' : 'unkept'}`}
            tabindex={0}
            role="button"
            aria-pressed={i === selected}
            aria-label={`${markWords(m)}, ${full(m.time)}`}
            onClick={() => select(i)}
            onKeyDown={(e) => {
              if (e.key === 'Enter' || e.key === ' ') (e.preventDefault(), select(i));
            }}
          >
            <circle class="halo" cx={x(Date.parse(m.time))} cy={y(i)} r={12} />
            {m.origin?.role === 'result' ? (
              <rect class="dot" x={x(Date.parse(m.time)) - 6} y={y(i) - 6} width={12} height={12} rx={2.5} />
            ) : (
              <circle class="dot" cx={x(Date.parse(m.time))} cy={y(i)} r={6.5} />
            )}
            <title>{`${markWords(m)} · ${full(m.time)}${i ? ` · ${duration(Date.parse(m.time) - Date.parse(marks[i - 1]!.time))} after the one before` : ''}`}</title>
          </g>
        ))}
      </svg>
    </div>
  );
}
