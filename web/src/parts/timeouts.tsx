// SPDX-License-Identifier: Apache-2.0
// Timeouts of a rule: partial matches whose time was over, with what they had so far.
import { useEffect, useState } from 'preact/hooks';
import { api, paths, type Page as ListPage, type Rule, type Timeout } from '../api';
import { full, keyText, number, shown, when } from '../lib/format';
import { useQuery } from '../lib/query';
import { setQuery } from '../lib/router';
import { Ago, Button, Card, CopyCurl, Empty, Link, States } from './basic';

const AT_ONCE = 50;

/** "A B B": as far as it came. */
const wayOf = (t: Timeout) =>
  Object.entries(t.vars ?? {}).map(([v, at]) => ({ v, n: at.length }));

function List({ rule }: { rule: string }) {
  const [limit, setLimit] = useState(AT_ONCE);
  const path = paths.timeouts(rule, limit);
  const q = useQuery('timeouts/' + rule, (s) => api.get<ListPage<Timeout>>(paths.timeouts(rule, limit), s), 4000);
  useEffect(() => q.reload(), [limit]);
  return (
    <Card
      title={
        <>
          Timeouts of <Link to={`/rules/${encodeURIComponent(rule)}`}>{rule}</Link>
        </>
      }
      flush
      side={<CopyCurl path={path} />}
    >
      <States of={q} rows={6}>
        {(page) =>
          page.data.length ? (
            <div class="scroll-x">
              <table class="rows timeouts">
                <thead>
                  <tr>
                    <th>Over at (UTC)</th>
                    <th>Key</th>
                    <th>Had so far</th>
                    <th class="hide-s">Row</th>
                    <th class="r">Told</th>
                  </tr>
                </thead>
                <tbody>
                  {page.data.map((t) => (
                    <tr key={t.id}>
                      <td class="num" title={full(t.time)}>
                        {when(t.time, true)}
                      </td>
                      <td class="mono">{keyText(t.key) || <span class="dim">–</span>}</td>
                      <td>
                        {wayOf(t).map(({ v, n }) => (
                          <span key={v} class="pill">
                            {v}
                            {n > 1 ? <span class="num"> ×{n}</span> : null}
                          </span>
                        ))}
                      </td>
                      <td class="hide-s raw">
                        <code class="json-one">
                          {Object.entries(t.row)
                            .filter(([, v]) => v !== null)
                            .map(([k, v], i) => (
                              <span key={k}>
                                {i ? ' ' : ''}
                                <span class="json-key">{k}</span>
                                <span class="dim">=</span>
                                {shown(v)}
                              </span>
                            ))}
                        </code>
                      </td>
                      <td class="r dim num">
                        <Ago time={t.created} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {page.page?.has_more && limit < 500 ? (
                <p class="note">
                  <Button onClick={() => setLimit(Math.min(500, limit * 3))}>Show more</Button>
                </p>
              ) : null}
            </div>
          ) : (
            <Empty icon="clock" title="No partial match of it has run out of time">
              <p>
                A match that has begun and is not complete when <code>WITHIN</code> is over is kept here, with what it had so far.
              </p>
            </Empty>
          )
        }
      </States>
    </Card>
  );
}

export function Timeouts({ rule }: { rule: string | null }) {
  const q = useQuery('rules', (s) => api.get<ListPage<Rule>>(paths.rules, s).then((p) => p.data), 10000);
  return (
    <States of={q} rows={6}>
      {(rules) => {
        const patterns = rules.filter((r) => r.kind === 'pattern');
        const shownRule = rules.find((r) => r.name.toLowerCase() === rule?.toLowerCase()) ?? (rule ? undefined : patterns[0]);
        if (!patterns.length && !shownRule)
          return (
            <Empty icon="clock" title="No rule has a pattern">
              <p>
                Timeouts are of patterns with <code>WITHIN</code>.
              </p>
            </Empty>
          );
        return (
          <>
            <div class="chips" role="group" aria-label="Rule">
              {patterns.map((r) => (
                <button
                  key={r.name}
                  type="button"
                  class={`chip ${r === shownRule ? 'on' : ''}`}
                  aria-pressed={r === shownRule}
                  onClick={() => setQuery({ rule: r.name })}
                >
                  {r.name}
                </button>
              ))}
            </div>
            {shownRule ? (
              <List key={shownRule.name} rule={shownRule.name} />
            ) : (
              <Empty icon="clock" title={`There is no rule ${rule}`} />
            )}
            <p class="dim num">
              Of {number(patterns.length)} {patterns.length === 1 ? 'rule with a pattern' : 'rules with patterns'}; of each the latest are kept (<code>--timeouts</code>).
            </p>
          </>
        );
      }}
    </States>
  );
}
