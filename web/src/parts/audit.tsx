// SPDX-License-Identifier: Apache-2.0
// Who did what to a rule, the newest first.
import type { Rule } from '../api';
import { lifePaths, lives } from '../api_lives';
import { useQuery } from '../lib/query';
import { Ago, CopyCurl, States } from './basic';

export function Audit({ rule }: { rule: Rule }) {
  const q = useQuery(`audit/${rule.name}/${rule.version}`, (s) => lives.audit(rule.name, s), 8000);
  return (
    <section class="audit" aria-label="Who did what">
      <h3>
        Who did what
        <CopyCurl path={lifePaths.audit(rule.name)} label="" />
      </h3>
      <States of={q} rows={3}>
        {(list) =>
          list.length ? (
            <ol class="approvals-said">
              {list.map((a) => (
                <li key={a.id}>
                  <Ago time={a.at} of="At" />
                  <b>{a.what}</b>
                  {a.who ? <span>by {a.who}</span> : <span class="dim">nobody said who</span>}
                  {a.more ? <q>{a.more}</q> : null}
                </li>
              ))}
            </ol>
          ) : (
            <p class="note dim">Nothing yet.</p>
          )
        }
      </States>
    </section>
  );
}
