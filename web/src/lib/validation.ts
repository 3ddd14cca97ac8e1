// SPDX-License-Identifier: Apache-2.0
// What the server's parser says of a rule's text.
import { useEffect, useState } from 'preact/hooks';
import { api, Problem, type Issue, type Validation } from '../api';
import { useConnection } from './live';
import { statementOf } from './sql';

const CHECK_AFTER = 250; // ms of rest

export interface Checked {
  state: 'idle' | 'checking' | 'valid' | 'invalid' | 'offline';
  result: Validation | null;
  issues: Issue[];
}

/** On the text as it stands, once the typing rests. */
export function useValidation(sql: string, name: string): Checked {
  const [checked, set] = useState<Checked>({ state: sql.trim() ? 'checking' : 'idle', result: null, issues: [] });
  const { generation } = useConnection();
  useEffect(() => {
    if (!sql.trim()) return set({ state: 'idle', result: null, issues: [] });
    const control = new AbortController();
    const timer = setTimeout(() => {
      set((c) => ({ ...c, state: 'checking' }));
      api.validate(sql, statementOf(sql) ? undefined : name || undefined, control.signal).then(
        (v) =>
          set({
            state: v.valid ? 'valid' : 'invalid',
            result: v,
            issues: [
              ...v.errors.map((e) => ({ ...e, severity: 'error' as const })),
              ...v.warnings.map((w) => ({ ...w, severity: 'warning' as const })),
            ],
          }),
        (e: unknown) => {
          if (control.signal.aborted) return;
          const p = e instanceof Problem ? e : null;
          if (p && !p.offline && p.errors.length) set({ state: 'invalid', result: null, issues: p.errors });
          else if (p && !p.offline) set({ state: 'invalid', result: null, issues: [{ code: 'refused', message: p.message }] });
          else set((c) => ({ ...c, state: 'offline' }));
        },
      );
    }, CHECK_AFTER);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [sql, name, generation]);
  return checked;
}
