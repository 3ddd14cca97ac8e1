// SPDX-License-Identifier: Apache-2.0
// /alerts: newest first, live. What arrives waits under a bar, so that the list does not move while it is read.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, listen, paths, type Alert, type AlertDetail, type AlertFilter, type Page as ListPage } from '../api';
import { keyParam, keyText, number, plural, ruleTitle, value } from '../lib/format';
import { useShortcuts } from '../lib/keys';
import { useQuery } from '../lib/query';
import { navigate, setQuery, useLocation } from '../lib/router';
import { useRules } from '../lib/rules';
import { AlertBody, AlertHead } from '../parts/alertview';
import { Ago, Button, CopyCurl, Empty, Failed, Link, Loading, SeverityPill, States, severities } from '../parts/basic';
import { Icon } from '../parts/icons';
import { Page } from '../parts/page';

const STEP = 60;
const KEEP = 3000; // rows held in the page

interface Feed {
  rows: Alert[];
  next: string | null;
  fresh: Set<string>; // slid in last
}
const empty: Feed = { rows: [], next: null, fresh: new Set() };

const fits = (a: Alert, f: AlertFilter) =>
  (!f.rule || a.rule === f.rule) &&
  (!f.severity || a.severity === f.severity) &&
  (f.mode ? a.mode === f.mode : true) &&
  (!f.key || keyParam(a.key) === f.key);

/** New ones in front; an alert that came again (a revision, a count) takes its old place. */
function merge(rows: Alert[], more: Alert[]): Alert[] {
  const known = new Map(more.map((a) => [a.id, a]));
  const gone = new Set(more.flatMap((a) => a.replaces ?? []));
  const kept = rows.map((r) => {
    const again = known.get(r.id);
    if (again) known.delete(r.id);
    if (gone.has(r.id)) return { ...r, retracted: true };
    return again && again.seq >= r.seq ? again : r;
  });
  return [...[...known.values()].sort((a, b) => b.seq - a.seq), ...kept].slice(0, KEEP);
}

const summary = (a: Alert) =>
  Object.entries(a.row ?? {})
    .filter(([k]) => !(a.key && k in a.key) && !/^window_(start|end|time)$/.test(k))
    .slice(0, 4)
    .map(([k, v]) => `${k} ${value(v)}`)
    .join('   ');

function Row({ a, on, fresh, open }: { a: Alert; on: boolean; fresh: boolean; open: () => void }) {
  return (
    <li id={`row-${a.id}`} class={`${on ? 'on' : ''} ${fresh ? 'fresh' : ''}`} role="option" aria-selected={on} onClick={open}>
      <span class={`stripe bg-${a.severity}`} aria-hidden="true" />
      <div class="alert-top">
        <b>{ruleTitle(a.title, a.rule)}</b>
        {a.retracted ? <span class="pill warn">retracted</span> : null}
        {a.count > 1 ? <em class="num">× {a.count}</em> : null}
        <span class="dim num">
          <Ago time={a.created} />
        </span>
      </div>
      <div class="alert-sub">
        <SeverityPill severity={a.severity} />
        {a.key ? <span class="mono key">{keyText(a.key)}</span> : null}
        <span class="dim cut">{summary(a)}</span>
      </div>
    </li>
  );
}

function Detail({ id, close }: { id: string; close: () => void }) {
  const q = useQuery(id, (s) => api.get<AlertDetail>(paths.alert(id), s));
  return (
    <div class="split-detail" tabIndex={-1}>
      <div class="split-bar">
        <Button kind="ghost" icon="back" class="only-narrow" onClick={close}>
          Alerts
        </Button>
        <span class="mono dim cut">{id}</span>
        <CopyCurl path={paths.alert(id)} />
        <Link to={`/alerts/${id}`} class="btn btn-ghost" title="Open the alert's own page (Enter)">
          <Icon name="expand" />
          Open
        </Link>
      </div>
      <States of={q} rows={10}>
        {(a) => (
          <>
            <AlertHead alert={a} link />
            <AlertBody alert={a} />
          </>
        )}
      </States>
    </div>
  );
}

export function AlertsPage() {
  const { query: q } = useLocation();
  const filter: AlertFilter = { rule: q.get('rule'), severity: q.get('severity'), key: q.get('key'), mode: q.get('mode') };
  const id = q.get('id');
  const follow = q.get('follow') === '1';
  const filterKey = JSON.stringify(filter);
  const [feed, setFeed] = useState<Feed>(empty);
  const [waiting, setWaiting] = useState<Alert[]>([]);
  const [more, setMore] = useState(false);
  const list = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);

  const first = useQuery(filterKey, (s) => api.get<ListPage<Alert>>(paths.alerts({ ...filter, limit: STEP }), s));
  const rules = useRules(30000);
  useEffect(() => {
    if (!first.data) return void (setFeed(empty), setWaiting([]));
    setFeed({ rows: first.data.data, next: first.data.page?.has_more ? first.data.page.next : null, fresh: new Set() });
    setWaiting([]);
  }, [first.data]);

  const state = useRef({ filter, feed, follow, ready: false });
  state.current = { filter, feed, follow, ready: first.data !== null };
  const reveal = (rows: Alert[]) => {
    setFeed((f) => {
      const known = new Set(f.rows.map((r) => r.id));
      return { ...f, rows: merge(f.rows, rows), fresh: new Set(rows.filter((r) => !known.has(r.id)).map((r) => r.id)) };
    });
    setWaiting([]);
  };
  useEffect(() => {
    // Many can arrive in one moment: they are taken over together.
    let batch: Alert[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      const now = state.current;
      if (!now.ready) return void (timer = setTimeout(flush, 300));
      const got = batch.filter((a) => fits(a, now.filter));
      batch = [];
      const known = new Set(now.feed.rows.map((r) => r.id));
      const old = now.feed.rows[now.feed.rows.length - 1];
      const again = got.filter((a) => known.has(a.id));
      if (again.length) setFeed((f) => ({ ...f, rows: merge(f.rows, again) }));
      const fresh = got.filter((a) => !known.has(a.id) && !(now.feed.next && old && a.seq < old.seq));
      if (!fresh.length) return;
      const atTop = (list.current?.scrollTop ?? 0) < 8;
      if (now.feed.rows.length === 0 || (now.follow && atTop)) reveal(fresh);
      else setWaiting((w) => merge(w, fresh));
    };
    const push = (some: Alert[]) => {
      batch.push(...some);
      if (some.length) timer ??= setTimeout(flush, 250);
    };
    // What came between the list and the stream, or while it was broken off, is asked for when it opens.
    const missed = () =>
      api.get<ListPage<Alert>>(paths.alerts({ ...state.current.filter, limit: STEP })).then(
        (p) => push(p.data),
        () => {},
      );
    const stop = listen<Alert>(
      paths.alertsStream,
      'alert',
      (a) => push([a]),
      () => void missed(),
    );
    return () => (stop(), clearTimeout(timer));
  }, []);

  const show = () => {
    reveal(waiting);
    list.current?.scrollTo({ top: 0 });
  };
  const loadMore = async () => {
    if (!feed.next || more) return;
    setMore(true);
    try {
      const got = await api.get<ListPage<Alert>>(paths.alerts({ ...filter, limit: STEP, after: feed.next }));
      setFeed((f) => {
        const known = new Set(f.rows.map((r) => r.id));
        return {
          ...f,
          rows: [...f.rows, ...got.data.filter((a) => !known.has(a.id))],
          next: got.page?.has_more ? got.page.next : null,
        };
      });
    } catch {
      /* the banner says it */
    }
    setMore(false);
  };

  const rows = feed.rows;
  const at = rows.findIndex((r) => r.id === id);
  const open = (r: Alert | undefined) => {
    if (!r) return;
    setQuery({ id: r.id });
    document.getElementById(`row-${r.id}`)?.scrollIntoView({ block: 'nearest' });
  };
  const move = (d: number) => open(rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + d))]);
  useShortcuts([
    { keys: 'j', does: 'Next alert', group: 'Alerts', run: () => move(1) },
    { keys: 'k', does: 'Alert before', group: 'Alerts', run: () => move(-1) },
    { keys: 'Enter', does: "Open the alert's page", group: 'Alerts', run: () => id && navigate(`/alerts/${id}`) },
    { keys: 'Escape', does: 'Close the alert', group: 'Alerts', run: () => setQuery({ id: null }) },
    { keys: 'n', does: 'Show the new ones', group: 'Alerts', run: show },
    {
      keys: 'f',
      does: 'Follow: new ones come in by themselves',
      group: 'Alerts',
      run: () => setQuery({ follow: follow ? null : '1' }),
    },
    { keys: '/', does: 'Filter by key', group: 'Alerts', run: () => search.current?.focus() },
  ]);

  const names = useMemo(
    () => [...new Set([...(rules.data?.map((r) => r.name) ?? []), ...(filter.rule ? [filter.rule] : [])])].sort(),
    [rules.data, filter.rule],
  );
  const filtered = !!(filter.rule || filter.severity || filter.key || filter.mode);

  return (
    <Page
      title="Alerts"
      fixed
      class="alerts-page"
      actions={
        <>
          <label class="switch" title="New alerts come in by themselves while the list is at its top (f)">
            <input type="checkbox" checked={follow} onChange={() => setQuery({ follow: follow ? null : '1' })} />
            <i aria-hidden="true" />
            Follow
          </label>
          <CopyCurl path={paths.alerts(filter)} />
        </>
      }
    >
      <div class="filters" role="search">
        <label class="input-icon">
          <Icon name="search" size={14} />
          <input
            ref={search}
            type="search"
            placeholder="Key, as c_17"
            aria-label="Key"
            value={filter.key ?? ''}
            onChange={(e) => setQuery({ key: e.currentTarget.value.trim(), id: null })}
          />
          <kbd>/</kbd>
        </label>
        <div class="segments" role="group" aria-label="Severity">
          {severities.map((s) => (
            <button
              key={s}
              type="button"
              class={filter.severity === s ? 'on' : ''}
              aria-pressed={filter.severity === s}
              onClick={() => setQuery({ severity: filter.severity === s ? null : s, id: null })}
            >
              <i class={`bg-${s}`} aria-hidden="true" />
              {s}
            </button>
          ))}
        </div>
        <select aria-label="Rule" value={filter.rule ?? ''} onChange={(e) => setQuery({ rule: e.currentTarget.value, id: null })}>
          <option value="">All rules</option>
          {names.map((n) => (
            <option key={n}>{n}</option>
          ))}
        </select>
        <select aria-label="Mode" value={filter.mode ?? ''} onChange={(e) => setQuery({ mode: e.currentTarget.value, id: null })}>
          <option value="">Active and shadow</option>
          <option value="active">Active only</option>
          <option value="shadow">Shadow only</option>
        </select>
        {filtered ? (
          <Button kind="ghost" icon="close" onClick={() => setQuery({ rule: null, severity: null, key: null, mode: null })}>
            Clear
          </Button>
        ) : null}
      </div>
      <div class={`split ${id ? 'has-detail' : ''}`}>
        <div
          class="split-list"
          ref={list}
          onScroll={(e) =>
            e.currentTarget.scrollHeight - e.currentTarget.scrollTop - e.currentTarget.clientHeight < 400 && void loadMore()
          }
        >
          {waiting.length ? (
            <button type="button" class="new-bar" onClick={show} aria-live="polite">
              <Icon name="up" size={14} />
              {plural(waiting.length, 'new alert')}
              <kbd>n</kbd>
            </button>
          ) : null}
          {first.problem && !rows.length ? <Failed problem={first.problem} retry={first.reload} /> : null}
          {first.loading ? <Loading rows={9} /> : null}
          {first.data && !rows.length ? (
            filtered ? (
              <Empty icon="filter" title="No alert fits the filter">
                <Button onClick={() => setQuery({ rule: null, severity: null, key: null, mode: null })}>Clear the filter</Button>
              </Empty>
            ) : (
              <Empty title="No alerts yet">
                <p>They appear here the moment a rule finds something, without a reload.</p>
                <Link to={rules.data?.length ? '/rules' : '/rules/new'} class="btn btn-plain">
                  {rules.data?.length ? 'See the rules' : 'Write a rule'}
                </Link>
              </Empty>
            )
          ) : null}
          <ul
            class="alert-list"
            role="listbox"
            aria-label="Alerts"
            tabIndex={rows.length ? 0 : -1}
            aria-activedescendant={at >= 0 ? `row-${id}` : undefined}
            onKeyDown={(e) => {
              const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
              if (step) (e.preventDefault(), move(step));
            }}
          >
            {rows.map((a) => (
              <Row key={a.id} a={a} on={a.id === id} fresh={feed.fresh.has(a.id)} open={() => setQuery({ id: a.id })} />
            ))}
          </ul>
          {feed.next ? (
            <Button kind="ghost" class="more" busy={more} onClick={loadMore}>
              Older alerts
            </Button>
          ) : rows.length ? (
            <p class="dim note">{number(rows.length)} shown, that is all</p>
          ) : null}
        </div>
        {id ? (
          <Detail id={id} close={() => setQuery({ id: null })} />
        ) : (
          <div class="split-detail none">
            <Empty icon="alerts" title="Choose an alert">
              <p>
                <kbd>j</kbd> and <kbd>k</kbd> go through the list.
              </p>
            </Empty>
          </div>
        )}
      </div>
    </Page>
  );
}
