// SPDX-License-Identifier: Apache-2.0
// /why: "why was there no alert for this event?", asked of all rules at once.
import { useState } from 'preact/hooks';
import { api, paths, type Page as ListPage, type Stream } from '../api';
import { eventBody, inspect, inspectPaths, keyInAddress, type WhyEvent } from '../api_inspect';
import { plural } from '../lib/format';
import { useQuery } from '../lib/query';
import { setQuery, useLocation } from '../lib/router';
import { Button, Card, CopyCurl, Empty, Link, States } from '../parts/basic';
import { Page } from '../parts/page';
import { Notes, Told, titles } from '../parts/whynot';

type Row = WhyEvent['data'][number];

/** What fired first, what came near, what could not be asked. */
const rank = (r: Row) => (r.verdict === 'matched' ? 0 : r.verdict === 'not-asked' || r.verdict === 'not-deployed' ? 3 : r.verdict === 'waiting' || r.verdict === 'pending' ? 1 : 2);

function stepsOf(w: WhyEvent, r: Row): string {
  const q = new URLSearchParams({ tab: 'state', why: '1', event: w.event_id });
  if (r.key && Object.keys(r.key).length) q.set('key', keyInAddress(r.key));
  if (r.kind === 'join') q.set('of', w.stream);
  return `/rules/${encodeURIComponent(r.rule)}?${q.toString()}`;
}

function Answers({ of: w }: { of: WhyEvent }) {
  const fired = w.data.filter((r) => r.verdict === 'matched').length;
  if (!w.data.length)
    return (
      <Empty icon="rules" title={`No rule reads stream ${w.stream}`}>
        <p>Nothing could have fired.</p>
      </Empty>
    );
  return (
    <>
      <p class="we-sum">
        <b>{fired ? `${plural(fired, 'rule')} fired` : 'No rule fired'}</b> for event <span class="num">{w.event_id}</span> of {w.stream}, of{' '}
        {plural(w.data.length, 'rule')} that read it
        {w.left_out ? `; ${plural(w.left_out, 'rule')} more were not asked` : ''}.
      </p>
      <ul class="we-rules">
        {[...w.data]
          .sort((a, b) => rank(a) - rank(b) || a.rule.localeCompare(b.rule))
          .map((r) => (
            <li key={r.rule} class={['good', 'none', 'bad', 'none'][rank(r)]}>
              <header>
                <Link to={`/rules/${encodeURIComponent(r.rule)}`}>
                  <b>{r.rule}</b>
                </Link>
                <span class="dim">
                  {r.kind} · v{r.version}
                </span>
                <span class="grow" />
                <span class={`pill ${r.verdict === 'matched' ? 'good' : r.verdict === 'not-asked' || r.verdict === 'not-deployed' ? '' : 'warn'}`}>{titles[r.verdict] ?? r.verdict}</span>
              </header>
              <p>{r.text}.</p>
              {r.verdict === 'not-deployed' ? null : <Notes of={r.notes} />}
              <Told alert={r.alert} />
              {r.verdict === 'not-asked' || r.verdict === 'upstream' || r.verdict === 'not-deployed' ? null : (
                <p>
                  <Link to={stepsOf(w, r)}>Details</Link>
                </p>
              )}
            </li>
          ))}
      </ul>
    </>
  );
}

/** The column by which people know an event, if its name says so; else it is asked for by its place in the log. */
const idColumn = (s?: Stream) => s?.columns.find((c) => /^(id|event_id)$/i.test(c.name))?.name ?? '';

function Ask({ streams }: { streams: Stream[] }) {
  const { query } = useLocation();
  const named = (name: string) => streams.find((s) => s.name === name);
  const [stream, setStream] = useState(query.get('stream') ?? streams[0]?.name ?? '');
  const [column, setColumn] = useState(query.get('event') ? (query.get('by') ?? '') : idColumn(named(stream)));
  const [text, setText] = useState(query.get('event') ?? '');
  const columns = named(stream)?.columns ?? [];
  return (
    <form
      class="we-ask"
      role="search"
      onSubmit={(e) => {
        e.preventDefault();
        setQuery({ stream, by: column || null, event: text.trim() || null }, { push: true });
      }}
    >
      <label>
        Stream
        <select value={stream} onChange={(e) => (setStream(e.currentTarget.value), setColumn(idColumn(named(e.currentTarget.value))))}>
          {streams.map((s) => (
            <option key={s.name}>{s.name}</option>
          ))}
        </select>
      </label>
      <label>
        Event by
        <select value={column} onChange={(e) => setColumn(e.currentTarget.value)}>
          <option value="">place</option>
          {columns.map((c) => (
            <option key={c.name}>{c.name}</option>
          ))}
        </select>
      </label>
      <label class="grow">
        {column || 'Partition/offset'}
        <input type="search" class="mono" value={text} placeholder={column ? '' : '0/4711'} spellcheck={false} onInput={(e) => setText(e.currentTarget.value)} />
      </label>
      <button type="submit" class="btn btn-primary" disabled={!text.trim() || !stream}>
        Ask all rules
      </button>
    </form>
  );
}

export function WhyPage() {
  const { query } = useLocation();
  const stream = query.get('stream');
  const event = query.get('event');
  const body = eventBody(query.get('by') ?? '', event ?? '');
  const streams = useQuery('streams', (s) => api.get<ListPage<Stream>>(paths.streams, s));
  const q = useQuery(stream && event ? `why/${stream}/${JSON.stringify(body)}` : null, (s) => inspect.whyEvent(stream!, body, s));
  return (
    <Page
      title="Why no alert?"
      actions={stream && event ? <CopyCurl path={inspectPaths.whyEvent(stream)} method="POST" body={JSON.stringify(body)} label="" /> : null}
    >
      <Card title="Which event">
        <States of={streams} rows={1}>
          {(s) => <Ask key={`${stream}/${event}`} streams={s.data} />}
        </States>
        <p class="dim we-hint">
          Every rule that reads the stream is asked about this one event: which fired, which came near and what it lacked, and why the others did not.
        </p>
      </Card>
      {stream && event ? (
        <Card title="What each rule says" side={<Button kind="ghost" icon="history" onClick={q.reload}>Ask again</Button>}>
          <States of={q} rows={5}>
            {(w) => <Answers of={w} />}
          </States>
        </Card>
      ) : null}
    </Page>
  );
}
