// SPDX-License-Identifier: Apache-2.0
// /rules: what is deployed, how it fares, and the switches.
import { useMemo, useRef, useState } from 'preact/hooks';
import { paths, type Rule } from '../api';
import { draft } from '../lib/draft';
import { number, plural, short } from '../lib/format';
import { useShortcuts } from '../lib/keys';
import { navigate, setQuery, useLocation } from '../lib/router';
import { useRules } from '../lib/rules';
import { Ago, Button, CopyCurl, Empty, Link, ModePill, SeverityPill, States, severities } from '../parts/basic';
import { Icon } from '../parts/icons';
import { Page } from '../parts/page';
import { archiving, removeRule, restoring, rests, ruleLink, shownState, switchRule } from '../parts/ruleactions';
import { DoDialog, type Doing } from '../parts/share';
import { TemplateCards } from '../parts/templates';
import { pageOf } from '../lib/origin';

type SortKey = 'name' | 'severity' | 'alerts' | 'partials' | 'last_alert' | 'updated';
const newest = (time: string | null) => -(Date.parse(time ?? '') || 0);
/** What a column is sorted by: the most, the worst, the newest first; names from A. */
const rank: Record<SortKey, (r: Rule) => number | string> = {
  name: (r) => r.name,
  severity: (r) => (r.severity ? severities.indexOf(r.severity) : severities.length),
  alerts: (r) => -(r.alerts + (r.shadow_alerts ?? 0)),
  partials: (r) => -(r.partials + r.windows_open),
  last_alert: (r) => newest(r.last_alert),
  updated: (r) => newest(r.updated),
};

/** Alerts, or for a rule on trial what would have been alerts. */
const AlertCount = ({ r }: { r: Rule }) => {
  const shadow = r.shadow_alerts ?? 0;
  const to = `/alerts?rule=${encodeURIComponent(r.name)}`;
  return (
    <>
      {shadow ? (
        <Link to={to + '&mode=shadow'} class="shadow-count" title="Made in shadow: nobody was alerted">
          {number(shadow)}
        </Link>
      ) : null}
      {r.alerts ? (
        <Link to={to + (shadow ? '&mode=active' : '')}>{number(r.alerts)}</Link>
      ) : shadow ? null : (
        <span class="dim">0</span>
      )}
    </>
  );
};

const STEP = 200; // rows drawn at first and with each "more"

export function RulesPage() {
  const { query } = useLocation();
  const q = query.get('q') ?? '';
  const mode = query.get('mode');
  const sort = (query.get('sort') as SortKey | null) ?? 'alerts';
  const [shown, setShown] = useState(STEP);
  const rules = useRules(3000, true);
  const [doing, setDoing] = useState<Doing | null>(null);
  const search = useRef<HTMLInputElement>(null);
  const [at, setAt] = useState(-1);

  const list = useMemo(() => {
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    const found = (rules.data ?? []).filter((r) => {
      const text = `${r.name} ${r.title ?? ''} ${(r.streams ?? []).join(' ')} ${r.kind} ${r.severity} ${shownState(r)}`.toLowerCase();
      return (mode ? shownState(r) === mode : r.state !== 'archived') && words.every((w) => text.includes(w));
    });
    const by = rank[sort] ?? rank.alerts;
    return found.sort((a, b) => {
      const x = by(a);
      const y = by(b);
      return x < y ? -1 : x > y ? 1 : a.name < b.name ? -1 : 1;
    });
  }, [rules.data, q, mode, sort]);

  const current = list[Math.min(at, list.length - 1)];
  const go = (d: number) => {
    const i = Math.min(list.length - 1, Math.max(0, at + d));
    setAt(i);
    document.getElementById(`rule-${i}`)?.scrollIntoView({ block: 'nearest' });
  };
  useShortcuts([
    { keys: '/', does: 'Search rules', group: 'Rules', run: () => search.current?.focus() },
    { keys: 'c', does: 'New rule', group: 'Rules', run: () => navigate('/rules/new') },
    { keys: 'j', does: 'Next rule', group: 'Rules', run: () => go(1) },
    { keys: 'k', does: 'Rule before', group: 'Rules', run: () => go(-1) },
    { keys: 'Enter', does: 'Open the rule', group: 'Rules', run: () => current && navigate(ruleLink(current)) },
    { keys: 'p', does: 'Pause or resume', group: 'Rules', run: () => current && !rests(current) && void switchRule(current, rules.reload) },
  ]);

  const Th = ({ k, children, class: cls }: { k: SortKey; children: string; class?: string }) => (
    <th class={cls} aria-sort={sort === k ? (k === 'name' || k === 'severity' ? 'ascending' : 'descending') : undefined}>
      <button
        type="button"
        class={`sort ${sort === k ? 'on' : ''}`}
        onClick={() => setQuery({ sort: k === 'alerts' ? null : k })}
      >
        {children}
        {sort === k ? <Icon name="down" size={12} /> : null}
      </button>
    </th>
  );
  const counts = { active: 0, shadow: 0, paused: 0, draft: 0, archived: 0 };
  for (const r of rules.data ?? []) counts[shownState(r)]++;
  const states = (['active', 'shadow', 'paused', 'draft', 'archived'] as const).filter((m, i) => i < 3 || counts[m] || mode === m);

  return (
    <Page
      title="Rules"
      actions={
        <>
          <CopyCurl path={paths.rules} />
          <Link to="/rules/new" class="btn btn-primary" title="New rule (c)">
            <Icon name="plus" /> New rule
          </Link>
        </>
      }
    >
      <States of={rules} rows={9}>
        {(data) =>
          data.length === 0 ? (
            <div class="first-rule">
              <Empty icon="rules" title="No rules yet">
                <p>A rule says in SQL what should not happen. Start from one of these, or from a blank page.</p>
              </Empty>
              <TemplateCards
                pick={(t) => {
                  draft.write('new', null);
                  navigate(`/rules/new?template=${t.name}`);
                }}
              />
            </div>
          ) : (
            <>
              <div class="filters" role="search">
                <label class="input-icon">
                  <Icon name="search" size={14} />
                  <input
                    ref={search}
                    type="search"
                    placeholder="Search rules"
                    aria-label="Search rules"
                    value={q}
                    onInput={(e) => setQuery({ q: e.currentTarget.value })}
                  />
                  <kbd>/</kbd>
                </label>
                <div class="segments" role="group" aria-label="Mode">
                  {states.map((m) => (
                    <button
                      key={m}
                      type="button"
                      class={mode === m ? 'on' : ''}
                      aria-pressed={mode === m}
                      onClick={() => setQuery({ mode: mode === m ? null : m })}
                    >
                      {m} <b class="num">{counts[m]}</b>
                    </button>
                  ))}
                </div>
                <span class="dim num">
                  {list.length === data.length ? plural(data.length, 'rule') : `${list.length} of ${plural(data.length, 'rule')}`}
                </span>
              </div>
              <div class="card flush scroll-x">
                <table class="rows rules-table">
                  <thead>
                    <tr>
                      <th>Mode</th>
                      <Th k="name">Name</Th>
                      <Th k="severity">Severity</Th>
                      <th class="hide-s">Kind</th>
                      <th class="hide-s">Stream</th>
                      <Th k="alerts" class="r">
                        Alerts
                      </Th>
                      <Th k="partials" class="r hide-m">
                        In progress
                      </Th>
                      <Th k="last_alert" class="r hide-s">
                        Last alert
                      </Th>
                      <th>
                        <span class="sr">Actions</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {list.slice(0, Math.max(shown, at + 1)).map((r, i) => (
                      <tr
                        key={r.id}
                        id={`rule-${i}`}
                        class={`pick ${i === at ? 'on' : ''} ${r.mode === 'paused' || r.state === 'archived' ? 'muted' : ''}`}
                        onClick={(e) => !(e.target as Element).closest('a,button') && navigate(ruleLink(r))}
                      >
                        <td>
                          <ModePill mode={shownState(r)} />
                          {r.trial ? (
                            <Link
                              to={`${ruleLink(r)}?tab=compare`}
                              class="pill mode-shadow beside"
                              title={`Version ${r.trial.version} runs beside version ${r.trial.beside}`}
                            >
                              +v{r.trial.version}
                              {r.trial.rollout_percent ? ` ${r.trial.rollout_percent} %` : ''}
                            </Link>
                          ) : null}
                        </td>
                        <td class="name">
                          <Link to={ruleLink(r)}>{r.name}</Link>
                          {r.description || (r.title && r.title !== r.name) ? (
                            <small class="cut">{r.description || r.title}</small>
                          ) : null}
                        </td>
                        <td>
                          <SeverityPill severity={r.severity} />
                        </td>
                        <td class="hide-s dim">{r.kind}</td>
                        <td class="hide-s">
                          {(r.streams ?? []).map((s) => (
                            <Link key={s} to={pageOf(s)} class="quiet">
                              {s}{' '}
                            </Link>
                          ))}
                        </td>
                        <td class="num r">
                          <AlertCount r={r} />
                        </td>
                        <td
                          class="num r hide-m"
                          title={`${plural(r.partials, 'partial match', 'partial matches')}, ${plural(r.windows_open, 'open window')}`}
                        >
                          {r.partials + r.windows_open ? short(r.partials + r.windows_open) : <span class="dim">0</span>}
                        </td>
                        <td class="num r dim hide-s">
                          <Ago time={r.last_alert} of="Last alert" />
                        </td>
                        <td class="acts">
                          {rests(r) ? null : (
                            <Button
                              kind="ghost"
                              icon={r.mode === 'paused' ? 'play' : 'pause'}
                              title={r.mode === 'paused' ? 'Resume' : 'Pause'}
                              aria-label={`${r.mode === 'paused' ? 'Resume' : 'Pause'} ${r.name}`}
                              onClick={() => void switchRule(r, rules.reload)}
                            />
                          )}
                          {r.state === 'archived' ? (
                            <Button
                              kind="ghost"
                              icon="back"
                              title="Take it out of the archive"
                              aria-label={`Restore ${r.name}`}
                              onClick={() => setDoing(restoring(r))}
                            />
                          ) : (
                            <Button
                              kind="ghost"
                              icon="dead"
                              class="hide-s"
                              title="Archive"
                              aria-label={`Archive ${r.name}`}
                              onClick={() => setDoing(archiving(r))}
                            />
                          )}
                          <Button
                            kind="ghost"
                            icon="trash"
                            title="Delete"
                            aria-label={`Delete ${r.name}`}
                            onClick={() => void removeRule(r, rules.reload)}
                          />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
                {list.length > shown ? (
                  <Button kind="ghost" class="more" onClick={() => setShown(shown + STEP)}>
                    {number(list.length - shown)} more
                  </Button>
                ) : null}
                {list.length ? null : (
                  <Empty icon="search" title="No rule fits">
                    <Button onClick={() => setQuery({ q: null, mode: null })}>Clear the search</Button>
                  </Empty>
                )}
              </div>
            </>
          )
        }
      </States>
      {doing ? <DoDialog of={doing} close={() => setDoing(null)} done={rules.reload} /> : null}
    </Page>
  );
}
