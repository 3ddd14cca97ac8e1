// SPDX-License-Identifier: Apache-2.0
// Charts over time with uPlot: a live line, and bars stacked by severity. Colours come from the style sheet.
import { useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { number, short } from '../lib/format';
import { cssColor, useShown } from '../lib/theme';

export interface Series {
  label: string;
  colour: string; // a custom property of the style sheet
}
export interface Props {
  kind: 'line' | 'stack';
  times: number[]; // seconds
  values: (number | null)[][]; // one row for each series
  series: Series[];
  range?: [number, number];
  height: number;
  label: string;
  onPick?: (time: number) => void;
}

const hhmm = (t: number, seconds: boolean) => new Date(t * 1000).toISOString().slice(11, seconds ? 19 : 16);

/** Stacked: each row is the sum of itself and those before; drawn from the tallest down. */
function stacked(rows: (number | null)[][]): number[][] {
  const out: number[][] = [];
  rows.forEach((r, i) => out.push(r.map((v, j) => (v ?? 0) + (out[i - 1]?.[j] ?? 0))));
  return out.reverse();
}

export default function Chart(p: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const tip = useRef<HTMLDivElement>(null);
  const theme = useShown();
  const now = useRef(p);
  now.current = p;

  const data = (): uPlot.AlignedData => [p.times, ...(p.kind === 'stack' ? stacked(p.values) : p.values)] as uPlot.AlignedData;

  useLayoutEffect(() => {
    const el = box.current!;
    const order = p.kind === 'stack' ? [...p.series].reverse() : p.series;
    const axis = cssColor('--text-3');
    const grid = { stroke: cssColor('--line'), width: 1 };
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const bars = uPlot.paths.bars!({ size: [0.72, 14], radius: 0.12 });
    const u = new uPlot(
      {
        width: el.clientWidth || 400,
        height: p.height,
        padding: [8, 26, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: p.kind === 'line', size: 7 }, drag: { x: false, y: false } },
        scales: {
          x: { time: false, range: (_u, min, max) => now.current.range ?? [min, max] },
          y: { range: (_u, _min, max) => [0, p.kind === 'stack' ? Math.max(5, max * 1.15) : Math.max(10, max * 1.2)] },
        },
        axes: [
          {
            stroke: axis,
            font,
            grid: { show: false },
            ticks: { show: false },
            size: 26,
            gap: 6,
            space: 72,
            incrs: [5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600],
            values: (_u, s) => s.map((v) => hhmm(v, (s[1] ?? 0) - (s[0] ?? 0) < 60)),
          },
          {
            stroke: axis,
            font,
            grid,
            ticks: { show: false },
            size: 40,
            gap: 8,
            space: 28,
            incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6],
            values: (_u, s) => s.map((v) => short(v)),
          },
        ],
        series: [
          {},
          ...order.map((s) => {
            const c = cssColor(s.colour);
            return p.kind === 'stack'
              ? { label: s.label, stroke: c, fill: c, width: 0, paths: bars, points: { show: false } }
              : {
                  label: s.label,
                  stroke: c,
                  width: 1.6,
                  fill: c.replace('rgb(', 'rgba(').replace(')', ', 0.10)'),
                  points: { show: false },
                  spanGaps: false,
                };
          }),
        ],
        hooks: {
          setCursor: [
            (u) => {
              const t = tip.current!;
              const i = u.cursor.idx;
              const c = now.current;
              if (i === null || i === undefined || (u.cursor.left ?? -1) < 0) return void (t.hidden = true);
              const rows = c.series.map(
                (s, k) =>
                  `<i style="background:var(${s.colour})"></i>${s.label}<b>${number(Math.round(c.values[k]?.[i] ?? 0))}</b>`,
              );
              t.innerHTML = `<time>${hhmm(c.times[i]!, c.kind === 'line')} UTC</time>${rows.reverse().join('')}`;
              t.hidden = false;
              const x = u.valToPos(c.times[i]!, 'x') + u.bbox.left / devicePixelRatio;
              const flip = x > el.clientWidth / 2;
              t.style.left = flip ? '' : `${x + 12}px`;
              t.style.right = flip ? `${el.clientWidth - x + 12}px` : '';
            },
          ],
        },
      },
      data(),
      el,
    );
    plot.current = u;
    const sized = new ResizeObserver(() => el.clientWidth && u.setSize({ width: el.clientWidth, height: p.height }));
    sized.observe(el);
    return () => {
      sized.disconnect();
      u.destroy();
    };
  }, [theme, p.kind, p.height]);

  useLayoutEffect(() => plot.current?.setData(data()), [p.times, p.values, p.range?.[0], p.range?.[1]]);

  return (
    <div
      class="chart"
      ref={box}
      role="img"
      aria-label={p.label}
      style={{ height: p.height }}
      onClick={() => {
        const i = plot.current?.cursor.idx;
        if (i !== null && i !== undefined) p.onPick?.(p.times[i]!);
      }}
    >
      <div class="chart-tip" ref={tip} hidden />
    </div>
  );
}
