// SPDX-License-Identifier: Apache-2.0
// What the parser found, a line each; a click goes to the place.
import type { Issue } from '../api';
import { plural } from '../lib/format';
import { suggestion } from '../lib/sql';
import { Icon } from './icons';

interface Props {
  issues: Issue[];
  pick: (i: Issue) => void;
  fix?: (i: Issue, to: string) => void;
  state?: 'checking' | 'valid' | 'offline' | 'idle';
  quiet?: boolean; // nothing at all when there is nothing to say
}
export function Problems({ issues, pick, fix, state, quiet }: Props) {
  if (quiet && !issues.length) return null;
  const errors = issues.filter((i) => i.severity !== 'warning').length;
  const warnings = issues.length - errors;
  return (
    <section class="problems" aria-label="Problems">
      <header aria-live="polite">
        {state === 'offline' ? (
          <span class="bad-text">
            <Icon name="plug" /> Not checked: the server does not answer
          </span>
        ) : errors || warnings ? (
          <>
            {errors ? (
              <span class="bad-text">
                <Icon name="error" /> {plural(errors, 'error')}
              </span>
            ) : null}
            {warnings ? (
              <span class="warn-text">
                <Icon name="warn" /> {plural(warnings, 'warning')}
              </span>
            ) : null}
          </>
        ) : state === 'valid' ? (
          <span class="good-text">
            <Icon name="check" /> Valid
          </span>
        ) : (
          <span class="dim">{state === 'checking' ? 'Checking…' : 'Nothing to check yet'}</span>
        )}
      </header>
      {issues.length ? (
        <ul>
          {issues.map((i, n) => {
            const to = suggestion(i.hint);
            return (
              <li key={n}>
                <button type="button" onClick={() => pick(i)}>
                  <Icon name={i.severity === 'warning' ? 'warn' : 'error'} />
                  <span>
                    {i.message}
                    {i.hint ? <em> {i.hint}</em> : null}
                  </span>
                  {i.line ? (
                    <span class="num dim">
                      {i.line}:{i.column}
                    </span>
                  ) : null}
                </button>
                {to && fix ? (
                  <button type="button" class="fix" onClick={() => fix(i, to)}>
                    Use <code>{to}</code>
                  </button>
                ) : null}
              </li>
            );
          })}
        </ul>
      ) : null}
    </section>
  );
}
