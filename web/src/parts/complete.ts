// SPDX-License-Identifier: Apache-2.0
// Completion: what may stand at the cursor, nearest first: columns, pattern variables, streams, functions, keywords.
import { snippetCompletion, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import type { Stream } from '../api';
import { FUNCTIONS, KEYWORDS, streamOf, TYPES, tokenize, variablesOf } from '../lib/sql';

const keywords: Completion[] = [...KEYWORDS].map((k) => ({ label: k, type: 'keyword', boost: -20 }));
const types: Completion[] = [...TYPES].map((k) => ({ label: k, type: 'type', boost: -25 }));
const functions: Completion[] = Object.entries(FUNCTIONS).map(([k, doc]) =>
  snippetCompletion(`${k}(\${})`, { label: k, detail: 'function', info: doc, type: 'function', boost: -5 }),
);

const shapes: Completion[] = [
  snippetCompletion(
    "MATCH_RECOGNIZE (\n  PARTITION BY ${key}\n  ORDER BY ${ts}\n  MEASURES ${COUNT(A.*)} AS ${n}\n  PATTERN (${A -> B}) WITHIN INTERVAL '${10}' MINUTE\n  DEFINE A AS ${condition}\n)",
    { label: 'MATCH_RECOGNIZE (…)', detail: 'pattern', type: 'shape', boost: 10 },
  ),
  snippetCompletion("TABLE(HOP(TABLE ${stream}, DESCRIPTOR(${ts}), INTERVAL '${10}' SECOND, INTERVAL '${60}' SECOND))", {
    label: 'HOP window',
    detail: 'window',
    type: 'shape',
  }),
  snippetCompletion("TABLE(TUMBLE(TABLE ${stream}, DESCRIPTOR(${ts}), INTERVAL '${1}' MINUTE))", {
    label: 'TUMBLE window',
    detail: 'window',
    type: 'shape',
  }),
  snippetCompletion("WITHIN INTERVAL '${10}' MINUTE", {
    label: 'WITHIN INTERVAL',
    detail: 'time limit',
    type: 'shape',
    boost: 5,
  }),
  snippetCompletion("CREATE RULE ${name}\n  WITH ('severity' = '${high}', 'title' = '${title}')\nAS\nSELECT ${}", {
    label: 'CREATE RULE',
    detail: 'statement',
    type: 'shape',
  }),
];
const arrows: Completion[] = [
  { label: '->', detail: 'the next row that fits', type: 'arrow' },
  { label: '->>', detail: 'any later row that fits', type: 'arrow' },
  { label: '->+', detail: 'one or more, others may lie between', type: 'arrow' },
  { label: '->{3,}', detail: 'three or more', type: 'arrow' },
  { label: '!', detail: 'no such row', type: 'arrow' },
];
const options: Record<string, Completion[]> = {
  severity: ['low', 'medium', 'high', 'critical'].map((label) => ({ label, type: 'value' })),
  mode: ['active', 'shadow', 'paused'].map((label) => ({ label, type: 'value' })),
};
const optionNames: Completion[] = [
  'severity',
  'mode',
  'title',
  'description',
  'cooldown',
  'allowed-lateness',
  'trigger',
  'purge',
  'evictor',
].map((label) => ({ label, type: 'option' }));

const columns = (s: Stream): Completion[] =>
  s.columns.map((c) => ({
    label: c.name,
    detail: c.type.toLowerCase(),
    info: `${s.name}.${c.name} ${c.type}${c.not_null ? ' NOT NULL' : ''}`,
    type: 'column',
    boost: 30,
  }));

export function complete(ctx: CompletionContext, streams: Stream[]): CompletionResult | null {
  const text = ctx.state.doc.toString();
  const inside = tokenize(text).find(
    (t) =>
      t.from < ctx.pos &&
      ctx.pos <= t.to &&
      (t.kind === 'string' || t.kind === 'comment') &&
      !(t.to === ctx.pos && t.kind === 'string' && t.text.length > 1 && t.text.endsWith("'")),
  );
  if (inside?.kind === 'comment') return null;
  if (inside) {
    // Options of WITH ('severity' = '…')
    const before = text.slice(0, inside.from);
    const option = /'([\w-]+)'\s*=\s*$/.exec(before);
    const list = option
      ? options[option[1]!]
      : /WITH\s*\(\s*$|,\s*$/i.test(before) && /WITH\s*\([^)]*$/i.test(before)
        ? optionNames
        : null;
    return list ? { from: inside.from + 1, options: list, validFor: /^[\w-]*$/ } : null;
  }
  const stream = streams.find((s) => s.name.toLowerCase() === streamOf(text)?.toLowerCase());
  const cols = (stream ? [stream] : streams).flatMap(columns);
  const vars = variablesOf(text);

  const dotted = ctx.matchBefore(/\b[A-Za-z_]\w*\.\w*$/);
  if (dotted) {
    const dot = dotted.text.indexOf('.');
    return { from: dotted.from + dot + 1, options: cols, validFor: /^\w*$/ };
  }
  const arrow = ctx.matchBefore(/->{0,2}[+{]?$|!$/);
  if (arrow && /PATTERN\s*\((?:[^()]|\([^()]*\))*$/i.test(text.slice(0, ctx.pos))) return { from: arrow.from, options: arrows };
  const word = ctx.matchBefore(/[A-Za-z_]\w*$/);
  if (!word && !ctx.explicit) return null;
  const from = word?.from ?? ctx.pos;
  const before = text.slice(0, from);
  if (/\b(FROM|JOIN|TABLE)\s+$/i.test(before))
    return {
      from,
      options: [
        ...streams.map((s): Completion => ({ label: s.name, detail: 'stream', type: 'stream', boost: 40 })),
        ...shapes.slice(1, 3),
        { label: 'TABLE', type: 'keyword' },
      ],
      validFor: /^\w*$/,
    };
  if (/\bINTERVAL\s+'[^']*'\s+$/i.test(before))
    return {
      from,
      options: ['SECOND', 'MINUTE', 'HOUR', 'DAY', 'MILLISECOND'].map((label) => ({ label, type: 'keyword' })),
      validFor: /^\w*$/,
    };
  if (/\bDESCRIPTOR\s*\(\s*$/i.test(before))
    return { from, options: cols.filter((c) => /timestamp/i.test(c.detail ?? '')), validFor: /^\w*$/ };
  return {
    from,
    options: [
      ...vars.map((label): Completion => ({ label, detail: 'variable', type: 'variable', boost: 35 })),
      ...cols,
      ...shapes,
      ...functions,
      ...keywords,
      ...types,
      ...streams.map((s): Completion => ({ label: s.name, detail: 'stream', type: 'stream' })),
    ],
    validFor: /^\w*$/,
  };
}
