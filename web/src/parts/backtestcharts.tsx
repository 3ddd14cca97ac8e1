// SPDX-License-Identifier: Apache-2.0
// The charts of a backtest, drawn as SVG: alerts by day or hour beside the old ones, what both sides share, the curve of several values.
import { useState } from 'preact/hooks';
import type { Side, TimeCount, Variant } from '../api_backtests';
import { valuesText } from '../api_backtests';
import { dateOf, number, percent, short } from '../lib/format';
import { useWidth } from '../lib/width';

const DAY = 86400e3;
const HOUR = 3600e3;
const FIRST = 640; // until the box has been measured
const H = 200;
const LEFT = 44;
const BOTTOM = 24;

/** A round number not below n, to end an axis with. */
export function roof(n: number): number {
  const ten = 10 ** Math.floor(Math.log10(Math.max(n, 1)));
  return [1, 2, 5, 10].map((f) => f * ten).find((v) => v >= n) ?? n;
}
/** Times without any are there, too, as far as they can be shown. */
function whole(of: TimeCount[], step: number): TimeCount[] {
  if (!of.length) return [];
  const first = Date.parse(of[0]!.time);
  const n = Math.round((Date.parse(of[of.length - 1]!.time) - first) / step) + 1;
  if (n > 800) return of;
  const at = new Map(of.map((c) => [Date.parse(c.time), c]));
  return Array.from({ length: n }, (_, i) => at.get(first + i * step) ?? { time: new Date(first + i * step).toISOString(), new: 0, old: 0 });
}

export function Bars({ of: v, compared }: { of: Variant; compared: boolean }) {
  const [by, setBy] = useState<'day' | 'hour'>(v.by_hour && v.by_day.length < 3 ? 'hour' : 'day');
  const hours = by === 'hour' && v.by_hour !== undefined;
  const counts = whole(hours ? v.by_hour! : v.by_day, hours ? HOUR : DAY);
  const top = roof(Math.max(1, ...counts.map((c) => Math.max(c.new, compared ? c.old : 0))));
  const { box, width } = useWidth<HTMLElement>(FIRST);
  const W = Math.max(width, 200);
  const step = (W - LEFT) / Math.max(counts.length, 1);
  const bar = Math.min(22, step * (compared ? 0.4 : 0.7));
  const y = (n: number) => (H - BOTTOM) * (1 - n / top) + 4;
  const name = (t: string) => (hours ? `${t.slice(5, 10)} ${t.slice(11, 16)}` : dateOf(t));
  const every = Math.ceil((hours ? 84 : 76) / Math.max(step, 0.1));
  const one = (x: number, n: number, cls: string) => (n ? <rect x={x} y={y(n)} width={bar} height={H - BOTTOM + 4 - y(n)} class={cls} /> : null);
  return (
    <figure class="bt-chart" ref={box}>
      <figcaption>
        <span class="bt-key new">{compared ? 'this variant' : 'alerts'}</span>
        {compared ? <span class="bt-key old">old</span> : null}
        {v.by_hour ? (
          <span class="segments" role="group" aria-label="Counted by">
            {(['day', 'hour'] as const).map((x) => (
              <button type="button" key={x} class={by === x ? 'on' : ''} aria-pressed={by === x} onClick={() => setBy(x)}>
                {x}
              </button>
            ))}
          </span>
        ) : null}
      </figcaption>
      <svg width={W} height={H + 8} role="img" aria-label={`Alerts by ${by}: ${counts.map((c) => `${name(c.time)} ${c.new}`).slice(0, 40).join(', ')}`}>
        {[0, top / 2, top].map((n) => (
          <g key={n}>
            <line x1={LEFT} x2={W} y1={y(n)} y2={y(n)} class="grid" />
            <text x={LEFT - 8} y={y(n) + 4} class="end">
              {short(n)}
            </text>
          </g>
        ))}
        {counts.map((c, i) => {
          const mid = LEFT + step * (i + 0.5);
          return (
            <g key={c.time}>
              <title>{`${name(c.time)}: ${number(c.new)}${compared ? `, old ${number(c.old)}` : ''}`}</title>
              <rect x={LEFT + step * i} y={0} width={step} height={H - BOTTOM + 4} class="hit" />
              {compared ? (
                <>
                  {one(mid - bar - 0.5, c.old, 'old')}
                  {one(mid + 0.5, c.new, 'new')}
                </>
              ) : (
                one(mid - bar / 2, c.new, 'new')
              )}
              {i % every === 0 ? (
                <text x={mid} y={H + 2} class="mid">
                  {name(c.time)}
                </text>
              ) : null}
            </g>
          );
        })}
      </svg>
    </figure>
  );
}

const VENN = [
  ['only_old', 'Only old', 'M130 21.5A52 52 0 1 0 130 98.5A52 52 0 0 1 130 21.5'],
  ['both', 'Both', 'M130 21.5A52 52 0 0 1 130 98.5A52 52 0 0 1 130 21.5'],
  ['only_new', 'Only new', 'M130 21.5A52 52 0 1 1 130 98.5A52 52 0 0 0 130 21.5'],
] as const;
/** Two circles: what the old side told, and this variant. Each part leads to its alerts. */
export function Venn({ of: v, side, pick }: { of: Variant; side: Side | null; pick: (side: Side) => void }) {
  return (
    <svg class="bt-venn" viewBox="36 0 188 120" role="group" aria-label="Old and new alerts">
      {VENN.map(([of, name, path], i) => {
        const n = v[of]?.alerts ?? 0;
        return (
          <g
            key={of}
            class={`${of} ${side === of ? 'on' : ''}`}
            role="button"
            tabindex={0}
            aria-label={`${name}: ${number(n)} alerts`}
            aria-pressed={side === of}
            onClick={() => pick(of)}
            onKeyDown={(e) => (e.key === 'Enter' || e.key === ' ') && (e.preventDefault(), pick(of))}
          >
            <title>{`${name}: ${number(n)}`}</title>
            <path d={path} />
            <text x={72 + 58 * i} y={64}>
              {short(n)}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

interface CurveProps {
  of: Variant[];
  chosen: number;
  pick: (variant: number) => void;
}
/** Precision against recall where events are labelled; else alerts by variant. */
export function Curve({ of: variants, chosen, pick }: CurveProps) {
  const { box, width } = useWidth<HTMLElement>(FIRST);
  const W = Math.max(width, 200);
  const judged = variants.filter((v) => v.quality && v.quality.recall !== null && v.quality.precision !== null);
  const labelled = judged.length > 1;
  const shown = labelled ? judged : variants;
  const top = roof(Math.max(1, ...variants.map((v) => v.alerts)));
  const x = (v: Variant, i: number) => LEFT + 12 + (W - LEFT - 36) * (labelled ? v.quality!.recall! : shown.length > 1 ? i / (shown.length - 1) : 0.5);
  const y = (v: Variant) => 8 + (H - BOTTOM - 8) * (1 - (labelled ? v.quality!.precision! : v.alerts / top));
  const order = shown.map((v, i) => ({ v, x: x(v, i), y: y(v) })).sort((a, b) => a.x - b.x);
  const single = Object.keys(shown[0]?.parameters ?? {}).length === 1;
  const ticks = [0, 0.5, 1];
  return (
    <figure class="bt-chart" ref={box}>
      <figcaption>
        {labelled ? (
          <span>
            precision <span class="dim">(up)</span> against recall <span class="dim">(right)</span>
          </span>
        ) : (
          <span>alerts of each variant</span>
        )}
      </figcaption>
      <svg width={W} height={H + 8} role="group" aria-label={labelled ? 'Precision against recall' : 'Alerts of each variant'}>
        {ticks.map((t) => (
          <g key={t}>
            <line x1={LEFT} x2={W} y1={8 + (H - BOTTOM - 8) * (1 - t)} y2={8 + (H - BOTTOM - 8) * (1 - t)} class="grid" />
            <text x={LEFT - 8} y={12 + (H - BOTTOM - 8) * (1 - t)} class="end">
              {labelled ? percent(t) : short(t * top)}
            </text>
            {labelled ? (
              <text x={LEFT + 12 + (W - LEFT - 36) * t} y={H + 2} class="mid">
                {percent(t)}
              </text>
            ) : null}
          </g>
        ))}
        <polyline points={order.map((p) => `${p.x},${p.y}`).join(' ')} class="line" />
        {order.map((p) => (
          <g
            key={p.v.variant}
            class={`dot ${p.v.variant === chosen ? 'on' : ''}`}
            role="button"
            tabindex={0}
            aria-label={`${valuesText(p.v.parameters)}: ${p.v.alerts} alerts`}
            aria-pressed={p.v.variant === chosen}
            onClick={() => pick(p.v.variant)}
            onKeyDown={(e) => (e.key === 'Enter' || e.key === ' ') && (e.preventDefault(), pick(p.v.variant))}
          >
            <title>
              {`${valuesText(p.v.parameters)}: ${number(p.v.alerts)} alerts`}
              {labelled ? `, precision ${percent(p.v.quality!.precision!)}, recall ${percent(p.v.quality!.recall!)}` : ''}
            </title>
            <circle cx={p.x} cy={p.y} r={p.v.variant === chosen ? 6 : 4.5} />
            {single && shown.length <= 12 ? (
              <text x={p.x} y={p.y > 28 ? p.y - 10 : p.y + 20} class="mid">
                {String(Object.values(p.v.parameters)[0])}
              </text>
            ) : null}
          </g>
        ))}
      </svg>
    </figure>
  );
}

const measures = [
  ['precision', 'v-0'],
  ['recall', 'v-1'],
  ['f1', 'v-2'],
] as const;
/** Precision, recall and F1 of each variant, in their order; nothing where nothing is labelled. */
export function ByValue({ of: variants, chosen, pick }: CurveProps) {
  const { box, width } = useWidth<HTMLElement>(FIRST);
  if (!variants.some((v) => v.quality)) return null;
  const W = Math.max(width, 200);
  const step = (W - LEFT - 24) / Math.max(variants.length, 1);
  const x = (i: number) => LEFT + step * (i + 0.5);
  const y = (share: number) => 8 + (H - BOTTOM - 8) * (1 - share);
  const single = Object.keys(variants[0]?.parameters ?? {}).length === 1;
  const every = Math.ceil(40 / Math.max(step, 0.1));
  return (
    <figure class="bt-chart" ref={box}>
      <figcaption>
        {measures.map(([m, colour]) => (
          <span key={m} class={`bt-key ${colour}`}>
            {m === 'f1' ? 'F1' : m}
          </span>
        ))}
        <span class="dim">by {single ? Object.keys(variants[0]!.parameters)[0] : 'variant'}</span>
      </figcaption>
      <svg width={W} height={H + 8} role="img" aria-label="Precision, recall and F1 of each variant">
        {[0, 0.5, 1].map((t) => (
          <g key={t}>
            <line x1={LEFT} x2={W} y1={y(t)} y2={y(t)} class="grid" />
            <text x={LEFT - 8} y={y(t) + 4} class="end">
              {percent(t)}
            </text>
          </g>
        ))}
        {variants.map((v, i) => (
          <g key={v.variant} class={v.variant === chosen ? 'on' : ''} onClick={() => pick(v.variant)}>
            <title>{valuesText(v.parameters)}</title>
            <rect x={x(i) - step / 2} y={0} width={step} height={H - BOTTOM + 4} class="hit" />
            {i % every === 0 || v.variant === chosen ? (
              <text x={x(i)} y={H + 2} class="mid">
                {single ? String(Object.values(v.parameters)[0]) : i + 1}
              </text>
            ) : null}
          </g>
        ))}
        {measures.map(([m, colour]) => {
          const points = variants.flatMap((v, i) => (v.quality?.[m] === null || !v.quality ? [] : [[x(i), y(v.quality[m]!)] as const]));
          return (
            <g key={m} class={`measure ${colour}`}>
              <polyline points={points.map((p) => p.join(',')).join(' ')} />
              {points.map((p) => (
                <circle key={p[0]} cx={p[0]} cy={p[1]} r={3} />
              ))}
            </g>
          );
        })}
      </svg>
    </figure>
  );
}
