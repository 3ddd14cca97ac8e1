// SPDX-License-Identifier: Apache-2.0
// Two texts of a rule, one under the other where they differ, coloured as everywhere.
import { useMemo } from 'preact/hooks';
import { diffLines } from '../lib/diff';
import { plural } from '../lib/format';
import { tokenize, type Token } from '../lib/sql';
import { tokenClass } from './sqlview';

/** Tokens by line; one that spans lines (a comment) is cut at their ends. */
function linesOf(sql: string): Token[][] {
  const lines: Token[][] = [[]];
  for (const t of tokenize(sql.replace(/\r\n?/g, '\n').replace(/\t/g, '  ').trimEnd()))
    t.text.split('\n').forEach((text, i) => {
      if (i) lines.push([]);
      if (text) lines[lines.length - 1]!.push({ ...t, text });
    });
  return lines;
}
const plainOf = (line: Token[]) =>
  line
    .map((t) => t.text)
    .join('')
    .trimEnd();

const signs = { same: ' ', gone: '−', new: '+' } as const;
const spoken = { same: '', gone: 'gone: ', new: 'new: ' } as const;

export function SqlDiff({ before, after, label }: { before: string; after: string; label: string }) {
  const { rows, gone, added } = useMemo(() => {
    const a = linesOf(before);
    const b = linesOf(after);
    const steps = diffLines(a.map(plainOf), b.map(plainOf));
    return {
      rows: steps.map((s) => ({ ...s, tokens: s.after !== null ? b[s.after]! : a[s.before!]! })),
      gone: steps.filter((s) => s.what === 'gone').length,
      added: steps.filter((s) => s.what === 'new').length,
    };
  }, [before, after]);
  return (
    <div class="diff">
      <p class="diff-sum num">
        {gone || added ? (
          <>
            <span class="good-text">+{added}</span> <span class="bad-text">−{gone}</span>
            <span class="dim"> of {plural(rows.length - added, 'line')}</span>
          </>
        ) : (
          <span class="dim">The same text</span>
        )}
      </p>
      <pre class="sql diff-lines" tabIndex={0} aria-label={label}>
        {rows.map((r, i) => (
          <span key={i} class={`diff-${r.what}`}>
            <i aria-hidden="true">{r.before === null ? '' : r.before + 1}</i>
            <i aria-hidden="true">{r.after === null ? '' : r.after + 1}</i>
            <i aria-hidden="true">{signs[r.what]}</i>
            <code>
              {spoken[r.what] ? <span class="sr">{spoken[r.what]}</span> : null}
              {r.tokens.map((t, n) => (
                <span key={n} class={tokenClass(t)}>
                  {t.text}
                </span>
              ))}
            </code>
          </span>
        ))}
      </pre>
    </div>
  );
}
