// SPDX-License-Identifier: Apache-2.0
// /dead-letters: what streams refused, what came too late, what rules could not do: in groups, put right, sent again,
// deleted. And timeouts: what began and was not completed in time.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, paths, type DeadLetter, type DeadLetterGroup, type LetterFilter, type Page as ListPage } from '../api';
import { number, plural } from '../lib/format';
import { useShortcuts } from '../lib/keys';
import { useQuery } from '../lib/query';
import { setQuery, useLocation } from '../lib/router';
import { who } from '../lib/who';
import { Button, Card, CopyCurl, Empty, Link, States } from '../parts/basic';
import { Icon } from '../parts/icons';
import { groupings, LetterGroups, type Grouping } from '../parts/lettergroups';
import { Letters, removeAll, sendAll } from '../parts/letters';
import { Page } from '../parts/page';
import { Timeouts } from '../parts/timeouts';

const AT_ONCE = 50;
const MOST = 500; // as many as the server gives in one answer

type Groups = { data: DeadLetterGroup[]; has_more: boolean };

/** "refused by payments: field 'id' is missing" */
const inWords = (f: LetterFilter) =>
  [
    f.kind === 'late' ? 'Events that came too late' : f.kind === 'error' ? 'Refused events and errors of rules' : 'All events here',
    f.stream ? ` of ${f.stream}` : '',
    f.rule ? ` for rule ${f.rule}` : '',
    f.contains ? ` with “${f.contains}”` : '',
    f.reason ? `: ${f.reason}` : f.code ? `: ${f.code}` : '',
  ].join('');

function Found({ filter, total }: { filter: LetterFilter; total: number }) {
  const { query } = useLocation();
  const open = query.get('id');
  const [limit, setLimit] = useState(AT_ONCE);
  const [at, setAt] = useState(-1);
  const send = useRef<(() => void) | null>(null);
  const key = JSON.stringify(filter);
  const path = paths.deadLetters({ ...filter, limit });
  const q = useQuery('dead/' + key, (s) => api.get<ListPage<DeadLetter>>(paths.deadLetters({ ...filter, limit }), s), 4000);
  useEffect(() => (setLimit(AT_ONCE), setAt(-1)), [key]);
  useEffect(() => q.reload(), [limit]);
  const list = q.data?.data ?? [];
  const go = (d: number) => setAt(Math.min(list.length - 1, Math.max(0, at + d)));
  const toggle = (d: DeadLetter | undefined) => {
    if (!d) return;
    send.current = null;
    setAt(list.indexOf(d));
    setQuery({ id: String(d.id) === open ? null : String(d.id) });
  };
  useShortcuts([
    { keys: 'j', does: 'Next', group: 'Dead letters', run: () => go(1) },
    { keys: 'k', does: 'Before', group: 'Dead letters', run: () => go(-1) },
    { keys: 'Enter', does: 'Open or close', group: 'Dead letters', run: () => toggle(list[at]) },
    { keys: 's', does: 'Send the open one again', group: 'Dead letters', run: () => send.current?.() },
  ]);
  const waiting = filter.state !== 'sent';
  const seen = { ...filter, up_to: list[0]?.id };
  return (
    <Card
      class="letters"
      flush
      title={filter.reason ?? plural(total, waiting ? 'event' : 'event that was sent again', waiting ? undefined : 'events that were sent again')}
      side={
        <>
          {waiting ? (
            <Button
              icon="send"
              disabled={!list.some((d) => d.sendable)}
              onClick={() => void sendAll(seen, total, inWords(filter), q.reload)}
            >
              Send all again
            </Button>
          ) : null}
          <Button kind="ghost" icon="trash" disabled={!list.length} onClick={() => void removeAll(seen, total, inWords(filter), q.reload)}>
            Delete all
          </Button>
          <CopyCurl path={path} />
        </>
      }
    >
      <States of={q} rows={8}>
        {(page) =>
          page.data.length ? (
            <div class="scroll-x">
              <Letters
                list={page.data}
                open={open}
                at={at}
                toggle={toggle}
                changed={q.reload}
                grouped={filter.reason !== null && filter.reason !== undefined}
                send={send}
              />
              {page.page?.has_more ? (
                <p class="note">
                  {limit < MOST ? (
                    <Button onClick={() => setLimit(Math.min(MOST, limit * 4))}>Show more</Button>
                  ) : (
                    <span class="dim num">The newest {number(page.data.length)}. Choose a group, or search, to see others.</span>
                  )}
                </p>
              ) : null}
            </div>
          ) : (
            <Empty icon={waiting ? 'check' : 'send'} title={waiting ? 'Nothing waits here' : 'Nothing was sent again yet'}>
              {waiting ? <p>What fits this filter was sent again, or deleted.</p> : null}
              {filter.kind === 'late' ? <p>A late event that only filters and windows with allowed lateness read is missed by nobody, and only counted.</p> : null}
            </Empty>
          )
        }
      </States>
    </Card>
  );
}

function Who() {
  const [by, setBy] = useState(who.get());
  return (
    <label class="who" title="Kept with what you put right and send again">
      <span class="dim">as</span>
      <input
        type="text"
        value={by}
        maxLength={100}
        placeholder="your name"
        aria-label="Your name"
        onInput={(e) => (setBy(e.currentTarget.value), who.set(e.currentTarget.value.trim()))}
      />
    </label>
  );
}

function LettersView({ filter, by }: { filter: LetterFilter; by: Grouping }) {
  const box = useRef<HTMLInputElement>(null);
  const { kind, stream, rule, contains, state } = filter;
  // Groups stay on screen when one is chosen, so they are asked without what choosing sets.
  const wide = { contains, state, ...(by === 'rule' ? {} : { rule }) };
  const g = useQuery<Groups>(
    'groups/' + by + JSON.stringify(wide),
    (s) => api.get(paths.deadGroups({ by: groupings[by], ...wide, limit: 100 }), s),
    4000,
  );
  const any = useQuery<Groups>('groups/any', (s) => api.get(paths.deadGroups({ by: 'kind', state: 'all' }), s), 8000);
  useShortcuts([{ keys: '/', does: 'Search events', group: 'Dead letters', run: () => box.current?.focus() }]);
  const fits = (x: DeadLetterGroup) =>
    (!kind || x.kind === undefined || x.kind === kind) &&
    (!stream || x.stream === undefined || x.stream === stream) &&
    (!rule || x.rule === undefined || x.rule === rule) &&
    (!filter.code || x.code === undefined || x.code === filter.code) &&
    (!filter.reason || x.reason === undefined || x.reason === filter.reason);
  const total = (g.data?.data ?? []).filter(fits).reduce((n, x) => n + x.count, 0);
  const narrowed = kind || stream || rule || filter.code || filter.reason;
  if (any.data && any.data.data.length === 0)
    return (
      <Empty icon="check" title="Nothing was refused, nothing came too late">
        <p>
          Events that cannot be read or break their schema, that come after their time, and what a rule could not do are kept here with the
          reason, and never stop the stream. They can be put right and sent again.
        </p>
      </Empty>
    );
  return (
    <>
      <div class="filters">
        <div class="segments" role="group" aria-label="State">
          {(['waiting', 'sent'] as const).map((s) => (
            <button
              key={s}
              type="button"
              class={(state ?? 'waiting') === s ? 'on' : ''}
              aria-pressed={(state ?? 'waiting') === s}
              onClick={() => setQuery({ state: s === 'waiting' ? null : s, id: null })}
            >
              {s === 'waiting' ? 'waiting' : 'sent again'}
            </button>
          ))}
        </div>
        <div class="segments" role="group" aria-label="Kind">
          {(['error', 'late'] as const).map((k) => (
            <button
              key={k}
              type="button"
              class={kind === k ? 'on' : ''}
              aria-pressed={kind === k}
              onClick={() => setQuery({ kind: kind === k ? null : k, code: null, reason: null, id: null })}
            >
              {k === 'error' ? 'refused' : 'late'}
            </button>
          ))}
        </div>
        <span class="input-icon">
          <Icon name="search" size={14} />
          <input
            ref={box}
            type="search"
            value={contains ?? ''}
            placeholder="Part of an event"
            aria-label="Search events"
            onInput={(e) => setQuery({ q: e.currentTarget.value || null, id: null })}
            onKeyDown={(e) => e.key === 'Escape' && (setQuery({ q: null }), e.currentTarget.blur())}
          />
          <kbd>/</kbd>
        </span>
        {stream ? <span class="chip on">{stream}</span> : null}
        {rule ? <span class="chip on">{rule}</span> : null}
        {narrowed ? (
          <Button
            kind="ghost"
            icon="close"
            onClick={() => setQuery({ kind: null, stream: null, rule: null, code: null, reason: null, id: null })}
          >
            Clear
          </Button>
        ) : null}
        <span class="grow" />
        <Who />
      </div>
      <div class="letter-desk">
        <LetterGroups of={g} by={by} filter={filter} />
        <Found filter={filter} total={total} />
      </div>
    </>
  );
}

export function DeadLettersPage() {
  const { query } = useLocation();
  const timeouts = query.get('show') === 'timeouts';
  const grouping = query.get('by');
  const by: Grouping = grouping === 'stream' || grouping === 'rule' ? grouping : 'reason';
  const filter: LetterFilter = {
    kind: query.get('kind'),
    stream: query.get('stream'),
    rule: query.get('rule'),
    code: query.get('code'),
    reason: query.get('reason'),
    contains: query.get('q'),
    state: query.get('state') === 'sent' ? 'sent' : null,
  };
  const tab = (to: string, on: boolean, text: string) => (
    <Link to={to} class={on ? 'on' : ''} aria-current={on ? 'page' : undefined}>
      {text}
    </Link>
  );
  return (
    <Page
      title="Dead letters"
      head={
        <nav class="page-tabs" aria-label="Side outputs">
          {tab('/dead-letters', !timeouts, 'Dead letters')}
          {tab('/dead-letters?show=timeouts', timeouts, 'Timeouts')}
        </nav>
      }
    >
      {timeouts ? <Timeouts rule={filter.rule ?? null} /> : <LettersView filter={filter} by={by} />}
    </Page>
  );
}
