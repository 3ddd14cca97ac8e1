// SPDX-License-Identifier: Apache-2.0
// /workers: the processes that do the work, how busy they are, and what went wrong.
import { useMemo, useRef } from 'preact/hooks';
import { api, paths, type Channel, type Memory, type Poison, type Restart, type Worker, type WorkerException } from '../api';
import { bytes, clock, duration, full, number, percent, plural, short } from '../lib/format';
import { useQuery } from '../lib/query';
import { Ago, Bar, Button, Card, CopyCurl, Empty, States } from '../parts/basic';
import { say, sayWrong } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { Page } from '../parts/page';

interface Answer {
  data: Worker[];
  channels: Channel[];
  memory: Memory;
  exceptions: WorkerException[];
  poison: Poison[];
  restart: Restart;
}

async function tryAgain(reload: () => void, skip = false) {
  try {
    await api.restartWorkers(skip);
    say('The next attempt begins');
  } catch (e) {
    sayWrong(e);
  }
  reload();
}

/** Workers are down: why, and when they are tried again. */
function Down({ restart, poison, reload }: { restart: Restart; poison: Poison[]; reload: () => void }) {
  if (!restart.given_up && restart.next_ms === null) return null;
  const killer = restart.given_up && poison.some((p) => !p.set_aside && p.times >= 3);
  return (
    <div class="banner boxed" role="alert">
      <Icon name="plug" />
      <span>
        <b>{restart.given_up ? 'The workers have failed and stay down.' : 'The workers have failed.'}</b>{' '}
        {restart.why ? <span class="mono">{restart.why}</span> : null}{' '}
        <span class="dim">
          {restart.given_up
            ? `${killer ? 'It would happen again.' : `The restart strategy ${restart.strategy} has given up.`} Events are still taken and kept in the log; nothing is lost.`
            : `They begin again in ${duration(restart.next_ms ?? 0)}.`}
        </span>
      </span>
      <Button kind="primary" onClick={() => tryAgain(reload)}>
        {restart.given_up ? (killer ? 'Try again' : 'Start them') : 'Start them now'}
      </Button>
      {killer ? <Button onClick={() => tryAgain(reload, true)}>Set the event aside and start</Button> : null}
    </div>
  );
}

function PoisonCard({ poison }: { poison: Poison[] }) {
  if (!poison.length) return null;
  return (
    <Card title="Events at which workers died" flush side={<span class="dim">Three deaths at one event are no accident</span>}>
      <div class="scroll-x">
        <table class="rows tight">
          <thead>
            <tr>
              <th>Stream</th>
              <th class="r">Partition</th>
              <th class="r">Offset</th>
              <th class="r">Deaths</th>
              <th>What became of it</th>
            </tr>
          </thead>
          <tbody>
            {poison.map((p) => (
              <tr key={`${p.stream}-${p.partition}-${p.offset}`}>
                <td>{p.stream ?? <span class="dim">deleted</span>}</td>
                <td class="num r">{p.partition}</td>
                <td class="num r">{p.offset}</td>
                <td class="num r">{p.times}</td>
                <td>{p.set_aside ? <span class="pill warn">set aside</span> : <span class="dim">it is read again</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

/** The last second of a worker: busy, kept waiting by what comes after it, idle. */
function Time({ of: w }: { of: Worker }) {
  const label = `Busy ${percent(w.busy_permille / 1000)}, backpressured ${percent(w.backpressured_permille / 1000)}, idle ${percent(w.idle_permille / 1000)}`;
  return (
    <>
      <span class="bar stacked" role="img" aria-label={label} title={label}>
        <i style={{ width: `${w.busy_permille / 10}%` }} />
        <i class="hot" style={{ width: `${w.backpressured_permille / 10}%` }} />
      </span>{' '}
      <span class="num">{percent(w.busy)}</span>
      {w.backpressured_permille >= 10 ? (
        <span class="pill warn" title={waits[w.waits_for ?? 'channel']}>
          backpressured {percent(w.backpressured_permille / 1000)}
        </span>
      ) : null}
    </>
  );
}

const waits = {
  channel: 'It waits for a channel whose credit is used up: see below which',
  ordering: 'Rows that wait for the watermark fill their budget (memory-ordering)',
  state: 'State fills its budget (memory-state): no events are taken until there is room',
};
const parts = [
  ['intake', 'Intake', 'Events read from the log that no worker has taken yet'],
  ['exchange', 'Exchange', 'On the way between workers, and results not stored yet'],
  ['ordering', 'Ordering', 'Rows that wait for the watermark'],
  ['state', 'State', 'Partial matches, windows, rows that rules keep'],
] as const;

const SHORT_OF_MEMORY = {
  ok: '',
  near: 'near the total: backtests wait',
  full: 'nearly at the total: no events are taken from clients',
  over: 'at the total: workers are given no more events',
};

function MemoryCard({ memory }: { memory: Memory }) {
  return (
    <Card
      title="Memory"
      flush
      side={
        <span class="dim num">
          {memory.level !== 'ok' && <span class="warn-text">{SHORT_OF_MEMORY[memory.level]} · </span>}
          {bytes(memory.resident_bytes)} resident{memory.total_bytes === null ? '' : ` of ${bytes(memory.total_bytes)}`}
        </span>
      }
    >
      <div class="scroll-x">
        <table class="rows tight">
          <thead>
            <tr>
              <th>Part</th>
              <th>Filled</th>
              <th class="r">Used</th>
              <th class="r">Budget</th>
              <th>What it holds</th>
            </tr>
          </thead>
          <tbody>
            {parts.map(([key, name, what]) => {
              const m = memory[key];
              const share = m.limit_bytes ? Math.min(1, m.used_bytes / m.limit_bytes) : 0;
              return (
                <tr key={key}>
                  <td>{name}</td>
                  <td class="busy">
                    <Bar share={share} label={`${name} filled to ${percent(share)}`} /> <span class="num">{percent(share)}</span>
                  </td>
                  <td class="num r">{bytes(m.used_bytes)}</td>
                  <td class="num r">{bytes(m.limit_bytes)}</td>
                  <td class="dim">{what}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

const end = (e: Channel['from']) => (e === 'coordinator' ? 'coordinator' : `worker ${e}`);

function ChannelsCard({ channels }: { channels: Channel[] }) {
  return (
    <Card title="Channels" flush side={<span class="dim">A sender without credit waits</span>}>
      <div class="scroll-x">
        <table class="rows tight">
          <thead>
            <tr>
              <th>From</th>
              <th>To</th>
              <th>Filled</th>
              <th class="r">Credit left</th>
              <th class="r">Credit in all</th>
              <th class="r">Sent</th>
              <th class="r">Made its sender wait</th>
            </tr>
          </thead>
          <tbody>
            {channels.map((c) => {
              const share = c.window_bytes ? Math.min(1, Math.max(0, 1 - c.credit_bytes / c.window_bytes)) : 0;
              return (
                <tr key={`${c.from}-${c.to}`}>
                  <td>{end(c.from)}</td>
                  <td>{end(c.to)}</td>
                  <td class="busy">
                    <Bar share={share} label={`Filled to ${percent(share)}`} /> <span class="num">{percent(share)}</span>
                  </td>
                  <td class="num r">{c.credit_bytes < 0 ? `−${bytes(-c.credit_bytes)}` : bytes(c.credit_bytes)}</td>
                  <td class="num r">{bytes(c.window_bytes)}</td>
                  <td class="num r">{bytes(c.sent_bytes)}</td>
                  <td class="num r">{c.blocked_ms ? duration(c.blocked_ms) : <span class="dim">–</span>}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

export function WorkersPage() {
  const q = useQuery('workers', (s) => api.get<Answer>(paths.workers, s), 2000);
  const before = useRef<{ at: number; rows: Map<string, number> } | null>(null);
  const perSecond = useMemo(() => {
    const now = Date.now();
    const rows = new Map((q.data?.data ?? []).map((w) => [`${w.index}/${w.pid}`, w.rows_in]));
    const out = new Map<string, number>();
    const b = before.current;
    if (b && now > b.at)
      for (const [k, n] of rows) if (b.rows.has(k)) out.set(k, Math.max(0, ((n - b.rows.get(k)!) * 1000) / (now - b.at)));
    before.current = { at: now, rows };
    return out;
  }, [q.data]);
  return (
    <Page title="Workers" actions={<CopyCurl path={paths.workers} />}>
      <States of={q} rows={6}>
        {({ data, channels, memory, exceptions, poison, restart }) => {
          const attempt = Math.max(0, ...data.map((w) => w.attempt));
          const running = data.filter((w) => w.state === 'running').length;
          return (
            <>
              <Down restart={restart} poison={poison} reload={q.reload} />
              <p class="lead">
                {running} of {plural(data.length, 'worker')} running, attempt {attempt}.
                <span class="dim">
                  {' '}
                  When a worker dies, all begin a new attempt and read the log again: alerts have fixed ids, so none is lost or
                  doubled.
                </span>
              </p>
              <div class="card flush scroll-x">
                <table class="rows">
                  <thead>
                    <tr>
                      <th>Worker</th>
                      <th>State</th>
                      <th>Busy</th>
                      <th class="r">Rows/s</th>
                      <th class="r">Rows in</th>
                      <th class="r">Waiting</th>
                      <th class="r">Keys</th>
                      <th class="r">Partials</th>
                      <th class="r">Windows</th>
                      <th class="r">State</th>
                      <th class="r">Memory</th>
                      <th class="r">Watermark</th>
                      <th class="r">Attempt</th>
                      <th class="r">Started</th>
                    </tr>
                  </thead>
                  <tbody>
                    {data.map((w) => (
                      <tr key={w.index}>
                        <td class="num">
                          {w.index} <span class="dim">pid {w.pid}</span>
                        </td>
                        <td>
                          <span class={`pill ${w.state === 'running' ? 'good' : w.state === 'failed' ? 'bad' : 'warn'}`}>
                            {w.state}
                          </span>
                        </td>
                        <td class="busy">
                          <Time of={w} />
                        </td>
                        <td class="num r">
                          {perSecond.has(`${w.index}/${w.pid}`) ? (
                            short(Math.round(perSecond.get(`${w.index}/${w.pid}`)!))
                          ) : (
                            <span class="dim">–</span>
                          )}
                        </td>
                        <td class="num r">{number(w.rows_in)}</td>
                        <td class="num r">{number(w.rows_waiting)}</td>
                        <td class="num r">{number(w.keys)}</td>
                        <td class="num r">{number(w.partials)}</td>
                        <td class="num r">{number(w.windows_open)}</td>
                        <td class="num r">{bytes(w.state_bytes)}</td>
                        <td class="num r">{bytes(w.rss_bytes)}</td>
                        <td class="num r" title={full(w.watermark)}>
                          {w.watermark ? clock(w.watermark) : <span class="dim">–</span>}
                        </td>
                        <td class="num r">{w.attempt}</td>
                        <td class="num r dim">
                          <Ago time={w.started} of="Started" />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
                {data.length ? null : <Empty icon="workers" title="No workers" />}
              </div>
              <PoisonCard poison={poison} />
              <MemoryCard memory={memory} />
              <ChannelsCard channels={channels} />
              <Card
                title="Exceptions"
                flush
                side={<span class="dim num">{exceptions.length ? plural(exceptions.length, 'exception') : ''}</span>}
              >
                {exceptions.length ? (
                  <table class="rows tight exceptions">
                    <thead>
                      <tr>
                        <th>When</th>
                        <th class="r">Attempt</th>
                        <th class="r">Worker</th>
                        <th>What</th>
                      </tr>
                    </thead>
                    <tbody>
                      {exceptions.map((e, i) => (
                        <tr key={i}>
                          <td class="num" title={full(e.at)}>
                            <Ago time={e.at} />
                          </td>
                          <td class="num r">{e.attempt}</td>
                          <td class="num r">{e.worker}</td>
                          <td class="mono wrap">{e.text}</td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                ) : (
                  <Empty icon="check" title="No worker has died" />
                )}
              </Card>
            </>
          );
        }}
      </States>
    </Page>
  );
}
