// SPDX-License-Identifier: Apache-2.0
// /dead-letters: what a stream refused and what came too late, with its reason; it can be put right and sent again.
import { useMemo, useRef, useState } from 'preact/hooks';
import { api, paths, Problem, type DeadLetter, type Page as ListPage } from '../api';
import { full, number, plural, when } from '../lib/format';
import { useShortcuts } from '../lib/keys';
import { useOverview } from '../lib/live';
import { useQuery } from '../lib/query';
import { setQuery, useLocation } from '../lib/router';
import { Ago, Button, CopyButton, CopyCurl, Empty, Link, States } from '../parts/basic';
import { say } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { Page } from '../parts/page';

const NEWEST = 500; // as many as the server gives in one answer

/** An event is late for each rule by itself: one row, with all of them. */
interface Letter extends DeadLetter {
  rules: string[];
}
function together(list: DeadLetter[]): Letter[] {
  const known = new Map<string, Letter>();
  const out: Letter[] = [];
  for (const d of list) {
    const key = d.offset === null || d.offset === undefined ? null : `${d.kind}/${d.stream}/${d.partition}/${d.offset}/${d.code}`;
    const same = key ? known.get(key) : undefined;
    if (same) {
      if (d.rule) same.rules.push(d.rule);
      continue;
    }
    const letter = { ...d, rules: d.rule ? [d.rule] : [] };
    out.push(letter);
    if (key) known.set(key, letter);
  }
  return out;
}

function Again({ letter, done }: { letter: DeadLetter; done: () => void }) {
  const [text, setText] = useState(pretty(letter.raw ?? ''));
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<string | null>(null);
  const send = async () => {
    setAnswer(null);
    let line: string;
    try {
      line = JSON.stringify(JSON.parse(text));
    } catch (e) {
      setAnswer(`This is not JSON: ${e instanceof Error ? e.message : e}`);
      return;
    }
    setBusy(true);
    try {
      const a = await api.send(letter.stream, line + '\n');
      const bad = a.rows?.find((r) => r.status === 'rejected');
      if (bad || a.accepted === 0) setAnswer(bad?.error ?? 'Refused again');
      else {
        say(`Sent again to ${letter.stream}`);
        done();
      }
    } catch (e) {
      setAnswer(e instanceof Problem ? e.message : String(e));
    }
    setBusy(false);
  };
  return (
    <div class="again">
      <textarea
        class="mono"
        rows={Math.min(16, text.split('\n').length + 1)}
        value={text}
        spellcheck={false}
        aria-label="The event, to put right"
        onInput={(e) => setText(e.currentTarget.value)}
      />
      {answer ? (
        <p class="bad-text" role="alert">
          <Icon name="error" /> {answer}
        </p>
      ) : null}
      <div class="row-actions">
        <Button kind="primary" icon="send" busy={busy} onClick={() => void send()}>
          Send again
        </Button>
        <CopyButton text={letter.raw ?? ''} label="Copy as it came" />
        <CopyCurl label="Copy as curl" path={`${paths.stream(letter.stream)}/events`} method="POST" body={text} />
      </div>
    </div>
  );
}
function pretty(raw: string): string {
  try {
    return JSON.stringify(JSON.parse(raw), null, 2);
  } catch {
    return raw;
  }
}

export function DeadLettersPage() {
  const { query } = useLocation();
  const filter = { kind: query.get('kind'), stream: query.get('stream'), code: query.get('code') };
  const open = query.get('id');
  const q = useQuery(
    'dead',
    (s) =>
      api
        .get<ListPage<DeadLetter>>(`${paths.deadLetters}?limit=${NEWEST}`, s)
        .then((p) => ({ rows: p.data.length, list: together(p.data) })),
    4000,
  );
  const kept = useOverview()?.dead_letters ?? 0;
  const [at, setAt] = useState(-1);
  const list = useMemo(
    () =>
      (q.data?.list ?? []).filter(
        (d) =>
          (!filter.kind || d.kind === filter.kind) &&
          (!filter.stream || d.stream === filter.stream) &&
          (!filter.code || d.code === filter.code),
      ),
    [q.data, filter.kind, filter.stream, filter.code],
  );
  const groups = useMemo(() => {
    const g = new Map<string, number>();
    for (const d of q.data?.list ?? []) g.set(d.code ?? d.kind, (g.get(d.code ?? d.kind) ?? 0) + 1);
    return [...g].sort((a, b) => b[1] - a[1]);
  }, [q.data]);
  const table = useRef<HTMLTableElement>(null);
  const go = (d: number) => setAt(Math.min(list.length - 1, Math.max(0, at + d)));
  const toggle = (d: DeadLetter | undefined) => d && setQuery({ id: String(d.id) === open ? null : String(d.id) });
  useShortcuts([
    { keys: 'j', does: 'Next', group: 'Dead letters', run: () => go(1) },
    { keys: 'k', does: 'Before', group: 'Dead letters', run: () => go(-1) },
    { keys: 'Enter', does: 'Open or close', group: 'Dead letters', run: () => toggle(list[at]) },
  ]);
  const filtered = filter.kind || filter.stream || filter.code;
  return (
    <Page title="Dead letters" actions={<CopyCurl path={paths.deadLetters} />}>
      <States of={q} rows={8}>
        {({ rows, list: all }) =>
          all.length === 0 ? (
            <Empty icon="check" title="Nothing was refused">
              <p>
                Events that cannot be read, that break their schema or that come after their time are kept here with the reason,
                and never stop the stream.
              </p>
            </Empty>
          ) : (
            <>
              <div class="filters">
                <div class="segments" role="group" aria-label="Kind">
                  {['error', 'late'].map((k) => (
                    <button
                      key={k}
                      type="button"
                      class={filter.kind === k ? 'on' : ''}
                      aria-pressed={filter.kind === k}
                      onClick={() => setQuery({ kind: filter.kind === k ? null : k })}
                    >
                      {k === 'error' ? 'refused' : 'late'} <b class="num">{all.filter((d) => d.kind === k).length}</b>
                    </button>
                  ))}
                </div>
                <div class="chips" role="group" aria-label="Reason">
                  {groups.map(([code, n]) => (
                    <button
                      key={code}
                      type="button"
                      class={`chip ${filter.code === code ? 'on' : ''}`}
                      aria-pressed={filter.code === code}
                      onClick={() => setQuery({ code: filter.code === code ? null : code })}
                    >
                      {code} <b class="num">{n}</b>
                    </button>
                  ))}
                </div>
                {filtered ? (
                  <Button kind="ghost" icon="close" onClick={() => setQuery({ kind: null, stream: null, code: null })}>
                    Clear
                  </Button>
                ) : null}
                <span class="dim num">{plural(list.length, 'event')}</span>
              </div>
              <div class="card flush scroll-x">
                <table class="rows dead" ref={table}>
                  <thead>
                    <tr>
                      <th>Kind</th>
                      <th>Reason</th>
                      <th>Stream</th>
                      <th class="hide-s">As it came</th>
                      <th class="r">When</th>
                    </tr>
                  </thead>
                  <tbody>
                    {list.map((d, i) => {
                      const on = String(d.id) === open;
                      return [
                        <tr
                          key={d.id}
                          class={`pick ${on || i === at ? 'on' : ''}`}
                          onClick={(e) => !(e.target as Element).closest('a,button') && toggle(d)}
                        >
                          <td>
                            <span class={`pill ${d.kind === 'late' ? 'warn' : 'bad'}`}>
                              {d.kind === 'late' ? 'late' : 'refused'}
                            </span>
                          </td>
                          <td class="reason">
                            <button type="button" class="plain" aria-expanded={on} onClick={() => toggle(d)}>
                              {d.reason}
                            </button>
                            <small class="mono dim">
                              {d.code}
                              {d.rules.map((r, k) => (
                                <span key={r}>
                                  {k ? ', ' : ' for '}
                                  <Link to={`/rules/${encodeURIComponent(r)}`}>{r}</Link>
                                </span>
                              ))}
                            </small>
                          </td>
                          <td>
                            <Link to={`/streams/${encodeURIComponent(d.stream)}`} class="quiet">
                              {d.stream}
                            </Link>{' '}
                            <span class="dim num">:{d.partition}</span>
                          </td>
                          <td class="hide-s raw">
                            <code class="cut">{d.raw}</code>
                          </td>
                          <td class="r dim num" title={full(d.at)}>
                            <Ago time={d.at} />
                          </td>
                        </tr>,
                        on ? (
                          <tr key={d.id + '+'} class="opened">
                            <td colSpan={5}>
                              <p class="dim">
                                Refused at {when(d.at, true)} UTC.{' '}
                                {d.kind === 'late'
                                  ? 'Its time had passed when it came; sent again it will be late again, unless its time is changed.'
                                  : 'Put it right and send it again:'}
                              </p>
                              <Again letter={d} done={() => setQuery({ id: null })} />
                            </td>
                          </tr>
                        ) : null,
                      ];
                    })}
                  </tbody>
                </table>
                {list.length ? null : <Empty icon="filter" title="Nothing fits the filter" />}
                {kept > rows ? (
                  <p class="dim note num">
                    The newest {number(rows)} of {number(kept)} entries.
                  </p>
                ) : null}
              </div>
            </>
          )
        }
      </States>
    </Page>
  );
}
