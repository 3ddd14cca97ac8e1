// SPDX-License-Identifier: Apache-2.0
// SQL and JSON to read: coloured, variables in the same colours as in the automaton and on the time axis.
import { useMemo } from 'preact/hooks';
import type { Fields, Json } from '../api';
import { tokenize, VARIABLE_COLOURS, type Token } from '../lib/sql';

export const tokenClass = (t: Token) =>
  t.variable !== undefined
    ? `tok-variable v-${t.variable % VARIABLE_COLOURS}`
    : t.kind === 'space' || t.kind === 'name' || t.kind === 'punct'
      ? ''
      : `tok-${t.kind}`;

/** Common indentation is taken off; used columns are underlined. */
export function SqlView({ sql, marks, label = 'SQL' }: { sql: string; marks?: Set<string>; label?: string }) {
  const tokens = useMemo(() => tokenize(sql.replace(/\t/g, '  ').trimEnd()), [sql]);
  return (
    <pre class="sql" tabIndex={0} aria-label={label}>
      {tokens.map((t, i) => {
        const c = tokenClass(t) + (t.kind === 'name' && marks?.has(t.text.toLowerCase()) ? ' tok-mark' : '');
        return c ? (
          <span key={i} class={c}>
            {t.text}
          </span>
        ) : (
          t.text
        );
      })}
    </pre>
  );
}

function Value({ v }: { v: Json }) {
  if (v === null) return <span class="tok-keyword">null</span>;
  if (typeof v === 'string') return <span class="tok-string">{JSON.stringify(v)}</span>;
  if (typeof v === 'object') return <>{JSON.stringify(v)}</>;
  return <span class="tok-number">{String(v)}</span>;
}

/** An object, a field a line; `marks` are the fields that the rule reads. */
export function JsonView({ of, marks, label = 'JSON' }: { of: Fields; marks?: Set<string>; label?: string }) {
  const entries = Object.entries(of);
  return (
    <pre class="json" tabIndex={0} aria-label={label}>
      {'{\n'}
      {entries.map(([k, v], i) => (
        <span key={k} class={`json-line ${marks?.has(k.toLowerCase()) ? 'marked' : ''}`}>
          {'  '}
          <span class="json-key">{JSON.stringify(k)}</span>
          {': '}
          <Value v={v} />
          {i + 1 < entries.length ? ',' : ''}
        </span>
      ))}
      {'}'}
    </pre>
  );
}

/** One line of an object, for tables; `without` is told elsewhere. */
export function JsonLine({ of, without }: { of: Fields; without?: string | null }) {
  return (
    <code class="json-one">
      {Object.entries(of)
        .filter(([k]) => k !== without)
        .map(([k, v], i) => (
          <span key={k}>
            {i ? ' ' : ''}
            <span class="json-key">{k}</span>
            <span class="dim">=</span>
            {v !== null && typeof v === 'object' ? JSON.stringify(v) : String(v)}
          </span>
        ))}
    </code>
  );
}
