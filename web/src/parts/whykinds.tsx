// SPDX-License-Identifier: Apache-2.0
// What a why-not rests on, of rules that are no patterns: the windows, the pair that came nearest, and the key's events.
import type { AskedFrame, AskedPair, AskedWindow, Step, WhyNot } from '../api_inspect';
import { duration, full, number, plural, shown, value, when } from '../lib/format';
import { setQuery, useLocation } from '../lib/router';
import { Conditions, notTaken } from './whynot';

const sameWindow = (a: AskedWindow, b: AskedWindow | undefined) => b !== undefined && a.start === b.start && a.end === b.end && a.open === b.open;

function leftOut(w: AskedWindow): string {
  const l = w.left_out;
  if (!l) return '';
  return (
    [
      [l.late, 'late'],
      [l.where, 'left out by WHERE'],
      [l.paused, 'while paused'],
      [l.before_rule, 'before the rule'],
    ] as [number, string][]
  )
    .filter(([n]) => n > 0)
    .map(([n, what]) => `${n} ${what}`)
    .join(', ');
}

function Windows({ of: w }: { of: WhyNot }) {
  const list = w.windows ?? [];
  if (!list.length) return null;
  return (
    <section class="wn-block" aria-label="Windows">
      <h4>
        Windows that were asked <span class="dim num">{w.earlier_windows ? `${number(w.earlier_windows)} before these` : ''}</span>
      </h4>
      <div class="st-scroll">
        <table class="rows tight st-table">
          <thead>
            <tr>
              <th>Window</th>
              <th class="r">Events</th>
              {list[0]?.aggregates.map((a) => <th key={a.aggregate} class="r mono">{a.aggregate}</th>)}
              <th>HAVING</th>
            </tr>
          </thead>
          <tbody>
            {list.map((x, i) => (
              <tr key={i} class={sameWindow(x, w.verdict.window) ? 'at' : ''}>
                <td class="num">
                  {x.start ? `${when(x.start)} to ${when(x.end)}` : 'all events'} {x.open ? <span class="pill">not over yet</span> : null}
                </td>
                <td class="r num">
                  {x.rows === undefined ? '' : number(x.rows)}
                  {leftOut(x) ? <span class="dim"> · {leftOut(x)}</span> : null}
                </td>
                {x.aggregates.map((a) => (
                  <td key={a.aggregate} class="r num">{value(a.value)}</td>
                ))}
                <td class={x.having ? 'good-text' : 'bad-text'}>{x.having ? 'holds' : 'does not hold'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Pair({ of: p }: { of: AskedPair }) {
  const bounds = p.least_ms !== undefined && p.most_ms !== undefined;
  return (
    <section class="wn-block" aria-label="The rows that came nearest">
      <h4>The rows that came nearest to each other</h4>
      <p class="num">
        {duration(Math.abs(p.apart_ms))} apart
        {bounds ? <span class="dim"> · allowed: {bound(p.least_ms!)} to {bound(p.most_ms!)} after the left one</span> : null}{' '}
        <span class={`pill ${p.in_time ? 'good' : 'warn'}`}>{p.in_time ? 'in time' : `${duration(p.missed_by_ms)} out of bounds`}</span>
      </p>
      {p.rows.map((r) => (
        <p key={r.stream} class="wn-event mono">
          <b>{r.stream}</b> <span class="dim num">{when(r.time, true)}</span>{' '}
          {Object.entries(r.values).map(([k, v]) => (
            <span key={k}>
              <span class="dim">{k}</span> {shown(v)}
            </span>
          ))}
        </p>
      ))}
    </section>
  );
}
const bound = (ms: number) => (ms < 0 ? `−${duration(-ms)}` : duration(ms));

function Frames({ of: list }: { of: AskedFrame[] }) {
  return (
    <ul class="wn-frames">
      {list.map((f) => (
        <li key={f.call}>
          <code>{f.call}</code> = <b class="num">{shown(f.value)}</b>
          {f.rows === null ? null : <span class="dim num"> over {plural(f.rows, 'event')}</span>}
        </li>
      ))}
    </ul>
  );
}

function Told({ of: s, kind }: { of: Step; kind: WhyNot['kind'] }) {
  if (s.taken !== 'yes' && s.taken !== 'where') return <p class="dim">Not seen: {notTaken[s.taken]}.</p>;
  return (
    <div class="wn-block">
      {s.where.length ? <Conditions of={s.where} /> : kind === 'filter' ? <p class="dim">No condition.</p> : null}
      {s.frames?.length ? <Frames of={s.frames} /> : null}
      {s.conditions?.length ? <Conditions of={s.conditions} /> : null}
      {!s.where.length && !s.frames?.length && kind !== 'filter' ? <p class="dim">It was taken.</p> : null}
    </div>
  );
}

function mark(s: Step, kind: WhyNot['kind']) {
  if (s.found || (kind === 'filter' && s.taken === 'yes')) return <span class="pill good">found</span>;
  if (s.taken === 'yes') return null;
  if (kind === 'filter' && s.taken === 'where') return <span class="dim">a condition does not hold</span>;
  return <span class="pill warn">{notTaken[s.taken]}</span>;
}

/** The key's events, the newest first; what was asked of one is shown when it is chosen. */
function Events({ of: w }: { of: WhyNot }) {
  const { query } = useLocation();
  const told = w.verdict.event;
  const chosen = query.get('at') ?? (told ? `${told.partition}/${told.offset}` : null);
  return (
    <section class="wn-block" aria-label="Events of the key">
      <h4>
        {Object.keys(w.key).length ? 'Recorded events of the key' : 'Recorded events'} <span class="dim num">{w.earlier ? `${number(w.earlier)} before these` : ''}</span>
      </h4>
      <ol class="wn-events">
        {[...w.steps].reverse().map((s) => {
          const place = `${s.partition}/${s.offset}`;
          const on = place === chosen;
          return (
            <li key={`${s.stream ?? ''} ${place}`} class={on ? 'at' : ''}>
              <button type="button" class="plain" aria-expanded={on} onClick={() => setQuery({ at: on ? 'none' : place })}>
                <time class="num" title={full(s.time)}>
                  {when(s.time, true)}
                </time>
                <span class="dim num">{place}</span>
                {s.stream ? <b>{s.stream}</b> : null}
                <span class="mono wn-event">
                  {Object.entries(s.values).map(([k, v]) => (
                    <span key={k}>
                      <span class="dim">{k}</span> {shown(v)}
                    </span>
                  ))}
                </span>
                {mark(s, w.kind)}
              </button>
              {on ? <Told of={s} kind={w.kind} /> : null}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

export function Evidence({ of: w }: { of: WhyNot }) {
  return (
    <>
      {w.verdict.pair ? <Pair of={w.verdict.pair} /> : null}
      {w.verdict.frames?.length ? (
        <section class="wn-block" aria-label="Frames">
          <h4>In the frames at that event</h4>
          <Frames of={w.verdict.frames} />
        </section>
      ) : null}
      <Windows of={w} />
      <Events of={w} />
    </>
  );
}
