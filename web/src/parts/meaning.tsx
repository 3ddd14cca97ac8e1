// SPDX-License-Identifier: Apache-2.0
// The right side of the rule editor: what the text means, as the server read it.
import { useMemo } from 'preact/hooks';
import { api, paths, type Alert, type Nfa, type Page as ListPage, type Rule, type Validation, type VariableOf } from '../api';
import { useQuery } from '../lib/query';
import { variableClass, variablesOf } from '../lib/sql';
import type { Template } from '../lib/templates';
import { Empty, Link, States } from './basic';
import { Newest } from './newest';
import { Picture } from './picture';
import { RuleState } from './rulestate';
import { TemplateCards } from './templates';
import { SideBySide } from './comparison';
import { Versions } from './versions';
import { pageOf } from '../lib/origin';

export type Tab = 'pattern' | 'outputs' | 'explain' | 'alerts' | 'state' | 'versions' | 'compare' | 'templates';

/** Those that are not of the text in the editor. */
const aside: Tab[] = ['alerts', 'state', 'versions', 'compare', 'templates'];

interface Props {
  tab: Tab;
  setTab: (t: Tab) => void;
  checked: Validation | null;
  good: Validation | null; // the last text that was valid
  rule: Rule | null;
  sql: string;
  pickVariable: (v: string) => void;
  pickTemplate: (t: Template) => void;
  take: (sql: string) => void; // into the editor
  activated: (version: Rule) => void;
}
const none: VariableOf[] = [];

const kindWords: Record<string, string> = {
  filter: 'A filter looks at each event by itself: what fits is an alert at once.',
  over: 'A rule over the past looks at each event together with those before it.',
  join: 'A join puts together events of two streams that belong together in time.',
  window: 'A window rule gathers events by time or count, and speaks when a window closes.',
};

export function Meaning(p: Props) {
  const stale = p.checked !== null && !p.checked.valid;
  const shown = p.checked?.valid ? p.checked : p.good;
  const nfa = shown?.nfa ?? (p.good === null ? p.rule?.nfa : null) ?? null;
  const defines = shown?.rule?.variables ?? p.rule?.variables ?? none;
  const variables = useMemo(() => {
    const fromText = variablesOf(p.sql);
    const more = (shown?.rule?.variables ?? []).map((v) => v.name.toUpperCase()).filter((v) => !fromText.includes(v));
    return [...fromText, ...more];
  }, [p.sql, shown]);
  const tabs: [Tab, string][] = [
    ['pattern', 'Pattern'],
    ['outputs', 'Outputs'],
    ['explain', 'Explain'],
    ...(p.rule
      ? ([['alerts', 'Alerts'], ['state', 'State'], ['versions', 'Versions'], ['compare', 'Compare']] as [Tab, string][])
      : []),
    ['templates', 'Templates'],
  ];
  const missing = (
    <Empty icon="rules" title={stale ? 'It does not compile yet' : 'Nothing to show yet'}>
      {stale ? <p>The problems are listed under the text.</p> : null}
    </Empty>
  );

  return (
    <section class="desk-right" aria-label="What the rule means">
      <div class="tabs" role="tablist">
        {tabs.map(([t, name]) => (
          <button
            key={t}
            type="button"
            role="tab"
            aria-selected={p.tab === t}
            class={p.tab === t ? 'on' : ''}
            onClick={() => p.setTab(t)}
          >
            {name}
          </button>
        ))}
        {stale && shown && !aside.includes(p.tab) ? (
          <span class="dim stale-note">of the last valid text</span>
        ) : null}
      </div>
      <div class={`tab-body ${stale && !aside.includes(p.tab) ? 'stale' : ''}`} role="tabpanel">
        {p.tab === 'pattern' ? (
          nfa ? (
            <>
              <Picture nfa={nfa} defines={defines} variables={variables} onPick={p.pickVariable} />
              <Legend nfa={nfa} />
              {defines.length ? (
                <dl class="variables">
                  {defines.map((v) => (
                    <div key={v.name}>
                      <dt>
                        <button
                          type="button"
                          class={`var ${variableClass(variables, v.name)}`}
                          onClick={() => p.pickVariable(v.name)}
                        >
                          {v.name}
                        </button>
                      </dt>
                      <dd>
                        <code>{v.define || 'every row'}</code>
                      </dd>
                    </div>
                  ))}
                </dl>
              ) : null}
            </>
          ) : shown?.rule ? (
            <div class="shape">
              <p>{kindWords[shown.rule.kind] ?? `A ${shown.rule.kind} rule.`}</p>
              <ol class="flow">
                <li>
                  <small>reads</small>
                  <Link to={pageOf(shown.rule.stream)}>{shown.rule.stream}</Link>
                </li>
                <li>
                  <small>kind</small>
                  {shown.rule.kind}
                </li>
                {shown.rule.keys.length ? (
                  <li>
                    <small>for each</small>
                    {shown.rule.keys.join(', ')}
                  </li>
                ) : null}
                <li>
                  <small>gives</small>
                  {shown.rule.outputs.map((o) => o.name).join(', ')}
                </li>
              </ol>
            </div>
          ) : (
            missing
          )
        ) : p.tab === 'outputs' ? (
          shown?.rule ? (
            <table class="rows tight">
              <thead>
                <tr>
                  <th>Output</th>
                  <th>Type</th>
                  <th />
                </tr>
              </thead>
              <tbody>
                {shown.rule.outputs.map((o) => (
                  <tr key={o.name}>
                    <td class="mono">{o.name}</td>
                    <td class="mono dim">{o.type.toLowerCase()}</td>
                    <td class="r">{shown.rule!.keys.includes(o.name) ? <span class="pill accent">key</span> : null}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          ) : (
            missing
          )
        ) : p.tab === 'explain' ? (
          shown?.explain ? (
            <pre class="explain" tabIndex={0} aria-label="Explain">
              {shown.explain}
            </pre>
          ) : (
            missing
          )
        ) : p.tab === 'alerts' && p.rule ? (
          <RuleAlerts rule={p.rule} />
        ) : p.tab === 'state' && p.rule ? (
          <RuleState rule={p.rule} variables={variables} />
        ) : p.tab === 'compare' && p.rule ? (
          <SideBySide rule={p.rule} changed={p.activated} />
        ) : p.tab === 'versions' && p.rule ? (
          <Versions rule={p.rule} sql={p.sql} take={p.take} changed={p.activated} />
        ) : (
          <TemplateCards pick={p.pickTemplate} />
        )}
      </div>
    </section>
  );
}

const ways = { next: 'the very next row', followed: 'rows may lie between', any: 'any later row' } as const;
function Legend({ nfa }: { nfa: Nfa }) {
  const used = (['next', 'followed', 'any'] as const).filter((w) =>
    nfa.edges.some((e) => e.contiguity === w && e.kind !== 'skip'),
  );
  return (
    <p class="ways">
      {used.map((w) => (
        <span key={w}>
          <svg width="26" height="8" aria-hidden="true" class={`way-${w}`}>
            <path class="line" d="M1 4H25" />
          </svg>
          {ways[w]}
        </span>
      ))}
    </p>
  );
}

function RuleAlerts({ rule }: { rule: Rule }) {
  const q = useQuery(
    `alerts/${rule.name}`,
    (s) => api.get<ListPage<Alert>>(paths.alerts({ rule: rule.name, limit: 20 }), s).then((x) => x.data),
    4000,
  );
  return (
    <States of={q} rows={5}>
      {(list) =>
        list.length ? (
          <>
            <Newest alerts={list} />
            <p class="note">
              <Link to={`/alerts?rule=${encodeURIComponent(rule.name)}`}>All its alerts</Link>
            </p>
          </>
        ) : (
          <Empty icon="alerts" title="No alerts of this rule yet" />
        )
      }
    </States>
  );
}
