// SPDX-License-Identifier: Apache-2.0
// /time: how far each stream's time has come, partition by partition, and in words which one holds it back and why.
import type { ComponentChildren } from 'preact';
import { api, paths, type StreamTime, type Times, type Watermark, type WorkerTime } from '../api';
import { ago, clock, duration, full, number, plural, serverNow } from '../lib/format';
import { useQuery } from '../lib/query';
import { Ago, Card, CopyCurl, Empty, Link, States } from '../parts/basic';
import { Icon } from '../parts/icons';
import { Page } from '../parts/page';
import { pageOf } from '../lib/origin';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** Where the axis has marks: a lag of a second is to be seen beside one of a day. */
const MARKS: [number, string][] = [
  [0, 'now'],
  [SECOND, '1 s'],
  [10 * SECOND, '10 s'],
  [MINUTE, '1 min'],
  [10 * MINUTE, '10 min'],
  [60 * MINUTE, '1 h'],
  [24 * 60 * MINUTE, '1 d'],
  [30 * 24 * 60 * MINUTE, '30 d'],
  [365 * 24 * 60 * MINUTE, '1 y'],
];
const place = (ms: number) => Math.log10(1 + Math.max(0, ms) / SECOND);

const behind = (lag: number) => (lag >= 0 ? `${duration(lag)} behind the clock` : `${duration(-lag)} ahead of the clock`);

/** Why the partition holds its stream back, as one would say it. */
function reason(p: Watermark, s: StreamTime): ComponentChildren {
  const silent = p.last_event ? serverNow() - Date.parse(p.last_event) : 0;
  switch (p.holds_why) {
    case 'no-event':
      return <>it has never had an event</>;
    case 'silent':
      return <>nothing has come to it for {duration(Math.max(SECOND, silent - (silent % SECOND)))}</>;
    case 'backlog':
      return (
        <>
          <Link to="/workers">worker {p.worker}</Link> has {plural(p.end - p.taken, s.time === 'event' ? 'more event' : 'event')} of it
          to read
        </>
      );
    default:
      return <>its events have earlier times than those of the others</>;
  }
}

/** What ends it, or what one could do about it. */
function remedy(p: Watermark, s: StreamTime): ComponentChildren {
  if (p.holds_why === 'backlog') return null;
  if (p.holds_why === 'behind') return 'Results wait until it has caught up.';
  if (s.idle_timeout_ms === 0)
    return (
      <>
        Results wait until an event comes. With <code>'idle-timeout'</code> a silent partition would be left out, and{' '}
        <code>:finish</code> ends its input.
      </>
    );
  return `It is left out after ${duration(s.idle_timeout_ms)} of silence.`;
}

/** Does it matter who is last? Partitions that take turns within a few seconds are as they should be. */
const SECONDS_APART = 5;
function isPressing(s: StreamTime, parts: Watermark[]): boolean {
  const holder = parts.find((p) => p.holds_back);
  if (!holder || holder.holds_why !== 'behind') return !!holder;
  const others = parts.filter((p) => p !== holder && !p.idle && p.lag_ms !== null).map((p) => p.lag_ms!);
  return holder.lag_ms === null || holder.lag_ms - Math.max(...others, -Infinity) > SECONDS_APART * SECOND + s.delay_ms;
}

function Story({ s, parts }: { s: StreamTime; parts: Watermark[] }) {
  const holder = parts.find((p) => p.holds_back);
  const paused = parts.filter((p) => p.paused_since);
  let text: ComponentChildren;
  let tone = '';
  if (s.finished) text = 'All its input has ended: every window has fired, every match is decided.';
  else if (holder && isPressing(s, parts)) {
    const why = reason(holder, s);
    tone = 'warn';
    text = (
      <>
        <b>Partition {holder.partition}</b> holds time back
        {holder.holds_since ? (
          <>
            {' '}
            since <time title={full(holder.holds_since)}>{clock(holder.holds_since)}</time>
          </>
        ) : null}
        : {why}. {remedy(holder, s)}
      </>
    );
  } else if (s.watermark === null) text = 'It has no time yet: no event has come.';
  else if (s.idle) {
    const last = parts.reduce<string | null>((t, p) => (p.last_event && (!t || p.last_event > t) ? p.last_event : t), null);
    text = (
      <>
        All silent{last ? <>, the last event came {ago(last)}</> : null}. Time goes on by the clock as soon as a result waits for it.
      </>
    );
  } else if (s.time === 'processing') text = 'The clock is its time: it goes on as soon as a result waits for it.';
  else if (parts.length === 1)
    text = s.idle_timeout_ms ? (
      `One partition. After ${duration(s.idle_timeout_ms)} of silence time goes on by the clock.`
    ) : (
      <>
        One partition. When it falls silent, time stands still
        {s.time === 'event' ? (
          <>
            ; with <code>'idle-timeout'</code> it would go on by the clock
          </>
        ) : null}
        .
      </>
    );
  else if (holder) text = `All is well: partition ${holder.partition} is the last just now, by little.`;
  else text = 'All partitions are as far as each other.';
  return (
    <p class={`time-story ${tone}`}>
      <Icon name={tone === 'warn' ? 'clock' : s.finished ? 'check' : 'info'} size={15} />
      <span>
        {text}
        {paused.length ? (
          <>
            {' '}
            {paused.length === 1 ? `Partition ${paused[0]!.partition} waits` : `${paused.length} partitions wait`} for it, more than{' '}
            {duration(s.alignment_ms)} ahead.
          </>
        ) : null}
      </span>
    </p>
  );
}

function State({ p, pressing }: { p: Watermark; pressing: boolean }) {
  if (p.finished) return <span class="pill">finished</span>;
  if (p.holds_back && pressing) return <span class="pill warn">holds back</span>;
  if (p.paused_since)
    return (
      <span class="pill accent" title={`since ${full(p.paused_since)}`}>
        waits
      </span>
    );
  if (p.idle)
    return (
      <span class="pill" title={`silent since ${full(p.idle_since)}`}>
        idle
      </span>
    );
  if (!p.watermark) return <span class="dim">no event yet</span>;
  if (!p.read)
    return (
      <span class="dim" title="No live rule reads the stream: nothing waits for its time">
        not read
      </span>
    );
  return <span class="pill good">active</span>;
}

function Partitions({ s, parts }: { s: StreamTime; parts: Watermark[] }) {
  const most = Math.max(10 * SECOND, ...parts.map((p) => p.lag_ms ?? 0));
  const end = MARKS.find(([ms]) => ms >= most)?.[0] ?? most;
  const width = (ms: number) => (100 * place(ms)) / place(end);
  const pressing = isPressing(s, parts);
  let last = 0;
  const shown = MARKS.filter(([ms]) => {
    const far = width(ms) - last >= 15 && (ms === end || width(end) - width(ms) >= 15);
    if (ms > end || !(ms === 0 || far)) return false;
    last = width(ms);
    return true;
  });
  return (
    <div class="scroll-x">
      <table class="rows tight time-rows">
        <thead>
          <tr>
            <th class="r">Partition</th>
            <th>State</th>
            <th class="time-axis" aria-label="Behind the clock">
              {shown.map(([ms, text]) => (
                <i key={text} style={{ right: `${width(ms)}%` }} class={ms === 0 ? 'first' : ms === end ? 'last' : 'mid'}>
                  {text}
                </i>
              ))}
            </th>
            <th class="r">Behind</th>
            <th>Watermark (UTC)</th>
            <th class="r">Last event</th>
            <th class="r">Unread</th>
            <th class="r">Late</th>
          </tr>
        </thead>
        <tbody>
          {parts.map((p) => (
            <tr key={p.partition} class={p.holds_back && pressing ? 'holds' : ''}>
              <td class="num r">{p.partition}</td>
              <td>
                <State p={p} pressing={pressing} />
              </td>
              <td class="time-bar">
                {p.lag_ms === null ? (
                  <span class={`none ${p.finished ? '' : 'open'}`} title={p.finished ? 'its input has ended' : 'no watermark yet'} />
                ) : (
                  <span
                    role="img"
                    aria-label={behind(p.lag_ms)}
                    title={behind(p.lag_ms)}
                    style={{ width: `max(3px, ${width(p.lag_ms)}%)` }}
                  />
                )}
              </td>
              <td class="num r">{p.lag_ms === null ? <span class="dim">–</span> : duration(p.lag_ms)}</td>
              <td class="num" title={full(p.watermark)}>
                {p.watermark ? clock(p.watermark, true) : <span class="dim">{p.finished ? 'ended' : 'none yet'}</span>}
              </td>
              <td class="num r">{p.last_event ? <Ago time={p.last_event} /> : <span class="dim">never</span>}</td>
              <td class="num r">{p.end > p.taken ? number(p.end - p.taken) : <span class="dim">0</span>}</td>
              <td class="num r">
                {p.late ? (
                  <Link to={`/dead-letters?kind=late&stream=${encodeURIComponent(s.stream)}`}>{number(p.late)}</Link>
                ) : (
                  <span class="dim">0</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const Options = ({ s }: { s: StreamTime }) => (
  <span class="time-options">
    <span>{s.time} time</span>
    {s.time === 'event' ? <span>{s.delay_ms ? `disorder ${duration(s.delay_ms)}` : 'ascending'}</span> : null}
    {s.time === 'processing' ? null : <span>{s.idle_timeout_ms ? `idle after ${duration(s.idle_timeout_ms)}` : 'never idle'}</span>}
    {s.alignment_ms ? <span>at most {duration(s.alignment_ms)} ahead</span> : null}
  </span>
);

const Stream = ({ s, parts }: { s: StreamTime; parts: Watermark[] }) => (
  <Card
    class="time-card"
    flush
    title={
      <>
        <Link to={pageOf(s.stream)}>{s.stream}</Link>
        <span class="time-now num">
          {s.watermark ? (
            <>
              <span title={full(s.watermark)}>{clock(s.watermark, true)}</span>
              <em>{behind(s.lag_ms ?? 0)}</em>
            </>
          ) : (
            <em>{s.finished ? 'ended' : 'no time yet'}</em>
          )}
        </span>
      </>
    }
    side={<Options s={s} />}
  >
    <Story s={s} parts={parts} />
    <Partitions s={s} parts={parts} />
  </Card>
);

const Workers = ({ workers }: { workers: WorkerTime[] }) => (
  <Card title="Workers" flush side={<span class="dim">the least of all that their rules read</span>}>
    <table class="rows tight">
      <thead>
        <tr>
          <th class="r narrow">Worker</th>
          <th>Watermark (UTC)</th>
          <th class="r">Behind</th>
          <th class="r">Rows that wait for it</th>
        </tr>
      </thead>
      <tbody>
        {workers.map((w) => (
          <tr key={w.worker}>
            <td class="num r">
              <Link to="/workers" class="quiet">
                {w.worker}
              </Link>
            </td>
            <td class="num" title={full(w.watermark)}>
              {w.watermark ? clock(w.watermark, true) : <span class="dim">–</span>}
            </td>
            <td class="num r">{w.lag_ms === null ? <span class="dim">–</span> : duration(w.lag_ms)}</td>
            <td class="num r">{w.rows_waiting ? number(w.rows_waiting) : <span class="dim">0</span>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </Card>
);

/** Those that are held back first, then by name; those that nobody reads last. */
const order = (t: Times) => {
  const rank = (s: StreamTime) => {
    const parts = t.data.filter((p) => p.stream === s.stream);
    if (s.finished || !parts.some((p) => p.read)) return 2;
    return isPressing(s, parts) ? 0 : 1;
  };
  return [...t.streams].sort((a, b) => rank(a) - rank(b) || a.stream.localeCompare(b.stream));
};

export function TimePage() {
  const q = useQuery('times', (s) => api.get<Times>(paths.watermarks, s), 1000);
  return (
    <Page title="Time" actions={<CopyCurl path={paths.watermarks} />}>
      <States of={q} rows={8}>
        {(t) =>
          t.streams.length === 0 ? (
            <Empty icon="clock" title="No streams yet">
              <p>A stream's time is told by its events.</p>
              <Link to="/streams?new=1" class="btn btn-primary">
                <Icon name="plus" /> New stream
              </Link>
            </Empty>
          ) : (
            <div class="stack">
              <p class="lead">
                A stream's time is its watermark: no event from before it is to come.
                <span class="dim"> Windows fire and absences are decided when it passes them; the partition furthest behind sets it.</span>
              </p>
              {order(t).map((s) => (
                <Stream key={s.stream} s={s} parts={t.data.filter((p) => p.stream === s.stream)} />
              ))}
              <Workers workers={t.workers} />
            </div>
          )
        }
      </States>
    </Page>
  );
}
