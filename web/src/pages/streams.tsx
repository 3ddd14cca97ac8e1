// SPDX-License-Identifier: Apache-2.0
// /streams and /streams/{s}: schema, how far each partition is and which one holds time back, what came in last.
import { useMemo, useState } from 'preact/hooks';
import { api, paths, type Fields, type Page as ListPage, type Stream, type StreamEvent, type Watermark } from '../api';
import { exampleEvent } from '../lib/example';
import { clock, duration, full, number, plural, short } from '../lib/format';
import { useShortcuts } from '../lib/keys';
import { useQuery } from '../lib/query';
import { navigate, useLocation } from '../lib/router';
import { demoStream } from '../lib/templates';
import { Ago, Button, Card, Code, CopyButton, CopyCurl, Empty, Link, States, curl } from '../parts/basic';
import { Icon } from '../parts/icons';
import { NewObject } from '../parts/newobject';
import { Page } from '../parts/page';
import { JsonLine, JsonView, SqlView } from '../parts/sqlview';

export const streamLink = (name: string) => `/streams/${encodeURIComponent(name)}`;

function Partitions({ stream, marks }: { stream: Stream; marks: Watermark[] | null }) {
  return (
    <div class="scroll-x">
      <table class="rows tight">
        <thead>
          <tr>
            <th>Partition</th>
            <th>Watermark (UTC)</th>
            <th class="r">Worker</th>
            <th class="r">Recorded</th>
            <th class="r">Waiting</th>
            <th class="r">Late</th>
            <th>State</th>
          </tr>
        </thead>
        <tbody>
          {stream.partitions.map((p) => {
            const mark = marks?.find((m) => m.stream === stream.name && m.partition === p.partition);
            const waiting = Math.max(0, p.end - p.taken);
            return (
              <tr key={p.partition}>
                <td class="num">{p.partition}</td>
                <td class="num" title={full(p.watermark)}>
                  {p.watermark ? clock(p.watermark, true) : <span class="dim">no event yet</span>}
                </td>
                <td class="num r">
                  <Link to="/workers" class="quiet">
                    {p.worker}
                  </Link>
                </td>
                <td class="num r">{number(p.end)}</td>
                <td class="num r">{waiting ? number(waiting) : <span class="dim">0</span>}</td>
                <td class="num r">
                  {p.late ? (
                    <Link to={`/dead-letters?kind=late&stream=${encodeURIComponent(stream.name)}`}>{number(p.late)}</Link>
                  ) : (
                    <span class="dim">0</span>
                  )}
                </td>
                <td>
                  {p.finished ? (
                    <span class="pill">finished</span>
                  ) : mark?.holds_back ? (
                    <Link
                      to="/time"
                      class="pill warn"
                      title="The stream's time is the least of its partitions': until this one has newer events, windows and absences wait."
                    >
                      holds time back
                    </Link>
                  ) : mark?.idle ? (
                    <Link to="/time" class="pill" title={`Silent since ${full(mark.idle_since)}: it holds nothing back`}>
                      idle
                    </Link>
                  ) : (
                    <span class="dim">open</span>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** The event's own time, as the clock has it; events carry it in ms or as text. */
function timeOf(e: Fields, column: string | null): string {
  const v = column ? e[column] : null;
  const t = typeof v === 'number' ? v : typeof v === 'string' ? Date.parse(v) : NaN;
  return Number.isFinite(t) ? clock(t, true) : '–';
}

function Newest({ stream }: { stream: Stream }) {
  const q = useQuery(
    'events/' + stream.name,
    (s) => api.get<ListPage<StreamEvent>>(paths.events(stream.name, 20), s).then((p) => p.data),
    2000,
  );
  const [open, setOpen] = useState<string | null>(null);
  const [held, setHeld] = useState<StreamEvent[] | null>(null); // while one is open, the list stands still
  const hold = (k: string, now: StreamEvent[]) => {
    setOpen(open === k ? null : k);
    setHeld(open === k ? null : now);
  };
  return (
    <>
      <Card
        title="Newest events"
        flush
        side={
          <>
            {held ? <span class="dim">standing still while one is open</span> : null}
            <CopyCurl path={paths.events(stream.name, 20)} />
          </>
        }
      >
        <States of={q} rows={6}>
          {(fresh) => {
            const list = held ?? fresh;
            return list.length ? (
              <ul class="events">
                {list.map((e) => {
                  const k = `${e.partition}/${e.offset}`;
                  return (
                    <li key={k} class={open === k ? 'open' : ''}>
                      <button type="button" aria-expanded={open === k} onClick={() => hold(k, list)}>
                        <span class="num dim" title={`partition ${e.partition}, offset ${e.offset}`}>
                          {e.partition}:{e.offset}
                        </span>
                        <time class="mono">{timeOf(e.event, stream.time_column)}</time>
                        <JsonLine of={e.event} without={stream.time_column} />
                      </button>
                      {e.dead_letter && open === k ? (
                        <p class="from-letter">
                          <Icon name="send" size={13} /> Sent again from a{' '}
                          <Link to={`/dead-letters?state=sent&stream=${encodeURIComponent(stream.name)}&id=${e.dead_letter}`}>dead letter</Link>
                        </p>
                      ) : null}
                      {open === k ? (
                        <p class="from-letter">
                          <Icon name="search" size={13} />{' '}
                          <Link to={`/why?stream=${encodeURIComponent(stream.name)}&event=${e.partition}/${e.offset}`}>What each rule says of it</Link>
                        </p>
                      ) : null}
                      {open === k ? <JsonView of={e.event} /> : null}
                    </li>
                  );
                })}
              </ul>
            ) : (
              <Empty icon="streams" title="No events recorded yet">
                <p>Send the first one with the command on this page.</p>
              </Empty>
            );
          }}
        </States>
      </Card>
    </>
  );
}

function Detail({ stream }: { stream: Stream }) {
  const marks = useQuery('watermarks', (s) => api.get<ListPage<Watermark>>(paths.watermarks, s).then((p) => p.data), 2000);
  const [sql, setSql] = useState(false);
  const body = useMemo(() => JSON.stringify(exampleEvent(stream)), [stream.name]);
  const recorded = stream.partitions.reduce((n, p) => n + p.end, 0);
  return (
    <div class="stream-detail">
      <div class="stream-head">
        <h2>{stream.name}</h2>
        <dl class="facts">
          <div>
            <dt>Connector</dt>
            <dd>{stream.connector}</dd>
          </div>
          <div>
            <dt>Event time</dt>
            <dd class="mono">{stream.time_column ?? 'none'}</dd>
          </div>
          <div>
            <dt>Disorder allowed</dt>
            <dd class="num">{stream.watermark_delay_ms === null ? 'none' : duration(stream.watermark_delay_ms)}</dd>
          </div>
          <div>
            <dt>Recorded</dt>
            <dd class="num">{number(recorded)}</dd>
          </div>
          <div>
            <dt>Created</dt>
            <dd>
              <Ago time={stream.created} />
            </dd>
          </div>
          <div>
            <dt>Side outputs</dt>
            <dd>
              <Link to={`/dead-letters?kind=error&stream=${encodeURIComponent(stream.name)}`}>refused</Link>{' · '}
              <Link to={`/dead-letters?kind=late&stream=${encodeURIComponent(stream.name)}`}>late</Link>
            </dd>
          </div>
          <div>
            <dt>Rules</dt>
            <dd>
              {stream.rules.length ? (
                <Link to={`/rules?q=${encodeURIComponent(stream.name)}`}>{plural(stream.rules.length, 'rule')}</Link>
              ) : (
                'none'
              )}
            </dd>
          </div>
        </dl>
      </div>
      <div class="grid-2-1 start-top">
        <div class="stack">
          <Card title={plural(stream.partitions.length, 'partition')} flush side={<CopyCurl path={paths.watermarks} />}>
            <Partitions stream={stream} marks={marks.data} />
          </Card>
          <Newest stream={stream} />
        </div>
        <div class="stack">
          <Card
            title={sql ? 'Statement' : plural(stream.columns.length, 'column')}
            flush={!sql}
            side={
              <>
                <Button kind="ghost" aria-pressed={sql} onClick={() => setSql(!sql)}>
                  {sql ? 'Columns' : 'SQL'}
                </Button>
                <CopyButton text={stream.sql} label="" title="Copy the statement" />
              </>
            }
          >
            {sql ? (
              <SqlView sql={stream.sql} label="CREATE STREAM statement" />
            ) : (
              <table class="rows tight">
                <thead>
                  <tr>
                    <th>Column</th>
                    <th>Type</th>
                    <th />
                  </tr>
                </thead>
                <tbody>
                  {stream.columns.map((c) => (
                    <tr key={c.name}>
                      <td class="mono">{c.name}</td>
                      <td class="mono dim">{c.type.toLowerCase()}</td>
                      <td class="r dim">
                        {c.name === stream.time_column ? (
                          <span class="pill accent">event time</span>
                        ) : c.computed ? (
                          'computed'
                        ) : c.not_null ? (
                          'not null'
                        ) : (
                          ''
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </Card>
          <Card title="Send an event" side={<span class="dim">one object, an array, or NDJSON</span>}>
            <Code label="curl: send an event" text={curl(`${paths.stream(stream.name)}/events`, { method: 'POST', body })} />
          </Card>
        </div>
      </div>
    </div>
  );
}

export function StreamsPage({ arg }: { arg: string }) {
  const { query } = useLocation();
  const making = query.get('new') === '1';
  const q = useQuery('streams', (s) => api.get<ListPage<Stream>>(paths.streams, s).then((p) => p.data), 2000);
  const list = q.data ?? [];
  const shown = list.find((s) => s.name === arg) ?? (arg ? undefined : list[0]);
  const at = shown ? list.indexOf(shown) : -1;
  const go = (d: number) => {
    const s = list[Math.min(list.length - 1, Math.max(0, at + d))];
    if (s) navigate(streamLink(s.name), { replace: true });
  };
  useShortcuts([
    { keys: 'c', does: 'New stream', group: 'Streams', run: () => navigate('/streams?new=1') },
    { keys: 'j', does: 'Next stream', group: 'Streams', run: () => go(1) },
    { keys: 'k', does: 'Stream before', group: 'Streams', run: () => go(-1) },
  ]);
  return (
    <Page
      title={making ? 'New stream' : arg || 'Streams'}
      head={
        making || arg ? (
          <div class="crumbs">
            <Link to="/streams">Streams</Link>
            <Icon name="right" size={12} />
            <b>{making ? 'New' : arg}</b>
          </div>
        ) : undefined
      }
      actions={
        making ? null : (
          <>
            <CopyCurl path={shown ? paths.stream(shown.name) : paths.streams} />
            <Link to="/streams?new=1" class="btn btn-primary" title="New stream (c)">
              <Icon name="plus" /> New stream
            </Link>
          </>
        )
      }
    >
      {making ? (
        <NewObject
          word="stream"
          path={paths.streams}
          example={demoStream + ';\n'}
          create={api.createStream}
          made={(s) => `Stream ${s.name} takes events`}
          done={(s) => {
            q.reload();
            navigate(streamLink(s.name));
          }}
        >
          The column in <code>WATERMARK FOR</code> is the event time; the interval is how long an event may be late behind others.
          Without a connector in <code>WITH</code>, events come by HTTP; with <code>'idle-timeout'</code> a silent partition holds
          nothing back.
        </NewObject>
      ) : (
        <States of={q} rows={9}>
          {() =>
            list.length === 0 ? (
              <Empty icon="streams" title="No streams yet">
                <p>A stream says which columns events have, and which of them is their time.</p>
                <Link to="/streams?new=1" class="btn btn-primary">
                  <Icon name="plus" /> New stream
                </Link>
              </Empty>
            ) : (
              <div class="streams">
                {list.length > 1 ? (
                  <nav class="stream-list" aria-label="Streams">
                    {list.map((s) => (
                      <Link
                        key={s.name}
                        to={streamLink(s.name)}
                        class={s === shown ? 'on' : ''}
                        aria-current={s === shown ? 'page' : undefined}
                      >
                        <b>{s.name}</b>
                        <span class="dim num">{short(s.partitions.reduce((n, p) => n + p.end, 0))} events</span>
                      </Link>
                    ))}
                  </nav>
                ) : null}
                {shown ? (
                  <Detail key={shown.name} stream={shown} />
                ) : (
                  <Empty icon="streams" title={`There is no stream ${arg}`}>
                    <Link to="/streams">All streams</Link>
                  </Empty>
                )}
              </div>
            )
          }
        </States>
      )}
    </Page>
  );
}
