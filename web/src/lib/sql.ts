// SPDX-License-Identifier: Apache-2.0
// The rule language as the page sees it: tokens to colour, the variables of a pattern, the statement's name, places.
// The server's parser is the judge of what is right; this only has to be good enough to colour and to complete.

export type TokenKind =
  | 'keyword'
  | 'type'
  | 'function'
  | 'name'
  | 'string'
  | 'number'
  | 'comment'
  | 'operator'
  | 'arrow'
  | 'quantifier'
  | 'variable'
  | 'punct'
  | 'space';

export interface Token {
  from: number;
  to: number;
  kind: TokenKind;
  text: string;
  variable?: number; // place of the pattern variable among those of its pattern, for its colour
}

const words = (s: string) => new Set(s.trim().split(/\s+/));

export const KEYWORDS = words(`
  ADD AFTER ALL AND ANY AS ASC BETWEEN BY CASE CREATE CROSS CURRENT DAY DAYS DEFINE DELETE DESC DISTINCT EACH ELSE EMIT EMPTY END
  ERRORS EXISTS EXPLAIN FALSE FINAL FIRST FOLLOWING FOR FROM FULL GROUP HAVING HOUR HOURS IF IN INNER INSERT INTERVAL INTO IS JOIN
  KEY
  LAST LATE LEFT LIKE LIMIT LIST MATCH MATCH_RECOGNIZE MEASURES MILLISECOND MILLISECONDS MINUTE MINUTES NEXT NO NOT NULL OF OMIT
  ON ONE OR ORDER OVER PAST PATTERN PER PERMUTE PRECEDING PRIMARY PUNCTUATED QUALIFY RANGE RECOGNIZE REPLACE RIGHT ROW ROWS RULE
  RUNNING SECOND SECONDS SELECT SHOW SINK SKIP STEP STREAM SUBSET SYSTEM_TIME TABLE THEN TIMEOUTS TO TRUE UNBOUNDED UNION
  UNMATCHED UNTIL USING VALUES WATERMARK WHEN WHERE WINDOW WITH WITHIN DESCRIPTOR`);
export const TYPES = words(
  'BOOLEAN BIGINT INT INTEGER SMALLINT DOUBLE FLOAT REAL DECIMAL NUMERIC STRING VARCHAR CHAR TEXT TIMESTAMP',
);
/** name → what stands in the completion list */
export const FUNCTIONS: Record<string, string> = {
  COUNT: 'COUNT(*) · COUNT(x) · COUNT(DISTINCT x)',
  SUM: 'SUM(x), exact for DECIMAL',
  AVG: 'AVG(x)',
  MIN: 'MIN(x)',
  MAX: 'MAX(x)',
  STDDEV: 'STDDEV(x)',
  APPROX_COUNT_DISTINCT: 'APPROX_COUNT_DISTINCT(x)',
  APPROX_PERCENTILE: 'APPROX_PERCENTILE(x, 0.99)',
  FIRST: 'FIRST(A.x [, n])',
  LAST: 'LAST(A.x [, n])',
  PREV: 'PREV(x [, n]): rows before',
  LAG: 'LAG(x, n, default)',
  ROW_NUMBER: 'ROW_NUMBER() OVER (…)',
  TOP: 'TOP(n) of the values',
  LIST_AGG: "LIST_AGG(x, ',')",
  CLASSIFIER: 'CLASSIFIER([subset])',
  MATCH_NUMBER: 'MATCH_NUMBER()',
  MATCH_ROWTIME: "MATCH_ROWTIME(): the result's time",
  COALESCE: 'COALESCE(a, b, …)',
  NULLIF: 'NULLIF(a, b)',
  ABS: 'ABS(x)',
  ROUND: 'ROUND(x [, digits])',
  FLOOR: 'FLOOR(x)',
  CEIL: 'CEIL(x)',
  LOWER: 'LOWER(s)',
  UPPER: 'UPPER(s)',
  TRIM: 'TRIM(s)',
  SUBSTRING: 'SUBSTRING(s FROM a FOR n)',
  CHAR_LENGTH: 'CHAR_LENGTH(s)',
  CONCAT: 'CONCAT(a, b, …)',
  CAST: 'CAST(x AS type)',
  TUMBLE: 'TUMBLE(TABLE t, DESCRIPTOR(ts), size)',
  HOP: 'HOP(TABLE t, DESCRIPTOR(ts), slide, size)',
  CUMULATE: 'CUMULATE(TABLE t, DESCRIPTOR(ts), step, size)',
  SESSION: 'SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), gap)',
  COUNT_TUMBLE: 'COUNT_TUMBLE(TABLE t PARTITION BY k, n)',
  COUNT_HOP: 'COUNT_HOP(TABLE t PARTITION BY k, slide, n)',
  GLOBAL: 'GLOBAL(TABLE t)',
};
KEYWORDS.add('PARTITION');

const SHAPES: [TokenKind, RegExp][] = [
  ['space', /\s+/y],
  ['comment', /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y],
  ['string', /'(?:[^']|'')*(?:'|$)/y],
  ['name', /"(?:[^"]|"")*(?:"|$)|`[^`]*(?:`|$)/y],
  ['number', /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+/y],
  ['keyword', /[A-Za-z_À-￿][\w$À-￿]*/y],
  ['arrow', /->>?/y],
  ['operator', /<>|!=|<=|>=|\|\||[-+*/%<>=!|]/y],
  ['punct', /./sy],
];

export function tokenize(text: string): Token[] {
  const out: Token[] = [];
  let at = 0;
  while (at < text.length) {
    for (const [kind, re] of SHAPES) {
      re.lastIndex = at;
      const m = re.exec(text);
      if (!m) continue;
      out.push({ from: at, to: at + m[0].length, kind, text: m[0] });
      at += m[0].length;
      break;
    }
  }
  classify(out);
  return out;
}

export const solidTokens = (sql: string): Token[] => tokenize(sql).filter((t) => t.kind !== 'space' && t.kind !== 'comment');
/** A name without its quotes. */
export const plain = (name: string) => name.replace(/^["`]|["`]$/g, '');

/** The next token that is neither white space nor comment. */
function solid(tokens: Token[], i: number, step: 1 | -1 = 1): number {
  for (i += step; i >= 0 && i < tokens.length; i += step) {
    const k = tokens[i]!.kind;
    if (k !== 'space' && k !== 'comment') return i;
  }
  return -1;
}
function closing(tokens: Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (tokens[i]!.text === '(') depth++;
    else if (tokens[i]!.text === ')' && --depth === 0) return i;
  }
  return tokens.length;
}

const NOT_VARIABLES = words(
  'PERMUTE UNTIL WITHIN INTERVAL EACH STEP SECOND SECONDS MINUTE MINUTES HOUR HOURS DAY DAYS MILLISECOND MILLISECONDS',
);

function classify(tokens: Token[]) {
  const upper = tokens.map((t) => (t.kind === 'keyword' ? t.text.toUpperCase() : t.text));
  tokens.forEach((t, i) => {
    if (t.kind !== 'keyword') return;
    const w = upper[i]!;
    const before = solid(tokens, i, -1);
    if (before >= 0 && tokens[before]!.text === '.') t.kind = 'name';
    else if (FUNCTIONS[w] && tokens[solid(tokens, i)]?.text === '(') t.kind = 'function';
    else if (TYPES.has(w)) t.kind = 'type';
    else if (!KEYWORDS.has(w)) t.kind = tokens[solid(tokens, i)]?.text === '(' ? 'function' : 'name';
  });
  // Each MATCH_RECOGNIZE (…): its PATTERN (…) names the variables, in this order.
  for (let i = 0; i < tokens.length; i++) {
    if (upper[i] !== 'MATCH_RECOGNIZE') continue;
    const open = solid(tokens, i);
    if (open < 0 || tokens[open]!.text !== '(') continue;
    const end = closing(tokens, open);
    const order = new Map<string, number>();
    for (let j = open; j < end; j++) {
      if (upper[j] !== 'PATTERN') continue;
      const from = solid(tokens, j);
      if (from < 0 || tokens[from]!.text !== '(') continue;
      const to = Math.min(closing(tokens, from), end);
      for (let k = from + 1; k < to; k++) {
        const t = tokens[k]!;
        const isWord = t.kind === 'name' || t.kind === 'function' || t.kind === 'keyword';
        if (isWord && /^[A-Za-z_"`]/.test(t.text) && !NOT_VARIABLES.has(upper[k]!)) {
          const v = upper[k]!;
          if (!order.has(v)) order.set(v, order.size);
          t.kind = 'variable';
          t.variable = order.get(v);
        } else if (/^[{}?*+]$/.test(t.text) || (t.kind === 'number' && /[{,]/.test(tokens[k - 1]!.text))) t.kind = 'quantifier';
      }
      for (let k = open; k < end; k++) {
        const t = tokens[k]!;
        const n = order.get(upper[k]!);
        if (n === undefined || t.kind === 'string' || t.kind === 'comment' || t.kind === 'variable') continue;
        if (k >= from && k <= to) continue;
        const next = tokens[solid(tokens, k)]?.text;
        const isVar =
          next === '.' ||
          next?.toUpperCase() === 'AS' ||
          inSubset(tokens, k) ||
          upper[solid(tokens, k, -1)] === 'LAST' ||
          upper[solid(tokens, k, -1)] === 'TO';
        if (isVar && tokens[solid(tokens, k, -1)]?.text !== '.') {
          t.kind = 'variable';
          t.variable = n;
        }
      }
      break;
    }
    i = end;
  }
}
function inSubset(tokens: Token[], k: number): boolean {
  for (let i = solid(tokens, k, -1), n = 0; i >= 0 && n < 24; i = solid(tokens, i, -1), n++) {
    const w = tokens[i]!.text.toUpperCase();
    if (w === 'SUBSET') return true;
    if (w === 'DEFINE' || w === ')' || w === 'PATTERN') return false;
  }
  return false;
}

/** Variables of the first pattern, in the order of the pattern. */
export function variablesOf(sql: string): string[] {
  const seen: string[] = [];
  for (const t of tokenize(sql)) if (t.variable !== undefined && !seen[t.variable]) seen[t.variable] = t.text.toUpperCase();
  return seen;
}

/** Variables that the pattern forbids: `!C`. */
export function absentOf(sql: string): string[] {
  const t = solidTokens(sql);
  const found = t.filter((x, i) => x.variable !== undefined && t[i - 1]?.text === '!').map((x) => x.text.toUpperCase());
  return [...new Set(found)];
}

/** Colour class of a variable by its name; unknown ones get the neutral colour. */
export const VARIABLE_COLOURS = 8;
export function variableClass(vars: string[], name: string | null | undefined): string {
  if (!name) return 'v-none';
  const n = vars.indexOf(name.replace(/^!/, '').toUpperCase());
  return n < 0 ? 'v-none' : `v-${n % VARIABLE_COLOURS}`;
}

/** What `CREATE [OR REPLACE] RULE name` says, or null for a bare SELECT. */
export function statementOf(sql: string): { what: string; name: string; replace: boolean; afterCreate: number } | null {
  const t = solidTokens(sql);
  if (t[0]?.text.toUpperCase() !== 'CREATE') return null;
  let i = 1;
  const replace = t[1]?.text.toUpperCase() === 'OR' && t[2]?.text.toUpperCase() === 'REPLACE';
  if (replace) i = 3;
  const what = t[i]?.text.toUpperCase() ?? '';
  const name = plain(t[i + 1]?.text ?? '');
  return { what, name, replace, afterCreate: t[0]!.to };
}
export function withReplace(sql: string): string {
  const s = statementOf(sql);
  return s && !s.replace ? sql.slice(0, s.afterCreate) + ' OR REPLACE' + sql.slice(s.afterCreate) : sql;
}

/** The stream that a rule reads: FROM x, FROM (SELECT … FROM x …), TABLE x. */
export function streamOf(sql: string): string | null {
  const t = solidTokens(sql);
  for (let i = 0; i + 1 < t.length; i++) {
    const w = t[i]!.text.toUpperCase();
    const next = t[i + 1]!;
    if ((w === 'FROM' || w === 'TABLE') && next.kind === 'name') return plain(next.text);
  }
  return null;
}

/** WITHIN of the whole pattern in ms, or null. */
export function withinOf(sql: string): { ms: number; text: string } | null {
  const m = /\)\s*WITHIN\s+INTERVAL\s+'(\d+(?:\.\d+)?)'\s+(MILLISECOND|SECOND|MINUTE|HOUR|DAY)S?/i.exec(sql);
  if (!m) return null;
  const unit = { millisecond: 1, second: 1e3, minute: 60e3, hour: 3600e3, day: 86400e3 }[m[2]!.toLowerCase()]!;
  const n = Number(m[1]);
  return { ms: n * unit, text: `${m[1]} ${m[2]!.toLowerCase()}${n === 1 ? '' : 's'}` };
}

/** Names of columns that the text mentions, among those given. */
export function mentioned(sql: string, columns: string[]): string[] {
  const lower = new Map(columns.map((c) => [c.toLowerCase(), c]));
  const found = new Set<string>();
  for (const t of tokenize(sql)) {
    if (t.kind !== 'name' && t.kind !== 'keyword') continue;
    const c = lower.get(plain(t.text).toLowerCase());
    if (c) found.add(c);
  }
  return [...found];
}

/** Line and column (1-based, column in code points) → offset in the text (UTF-16). */
export function offsetOf(text: string, line: number, column: number): number {
  let at = 0;
  for (let l = 1; l < line; l++) {
    const n = text.indexOf('\n', at);
    if (n < 0) return text.length;
    at = n + 1;
  }
  for (let c = 1; c < column && at < text.length && text[at] !== '\n'; c++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}
export function spanOf(text: string, i: { line?: number; column?: number; end_line?: number; end_column?: number }) {
  const from = offsetOf(text, i.line ?? 1, i.column ?? 1);
  let to = i.end_line && i.end_column ? offsetOf(text, i.end_line, i.end_column) : from;
  if (to <= from) to = /^[\w$]+|^./.exec(text.slice(from))?.[0] ? from + /^[\w$]+|^./.exec(text.slice(from))![0].length : from;
  return { from, to };
}

/** "did you mean 'amount'?" → amount */
export const suggestion = (hint: string | null | undefined) =>
  hint ? (/did you mean\s+['"`‘“]?([\w$.]+(?:\s[\w$.]+)?)['"`’”]?\s*\?/i.exec(hint)?.[1] ?? null) : null;

/** Where a variable's condition stands in DEFINE (or its first place in the pattern, if it has none). */
export function definitionOf(sql: string, variable: string): { from: number; to: number } | null {
  const tokens = tokenize(sql);
  const v = variable.replace(/^!/, '').toUpperCase();
  const define = tokens.findIndex((t) => t.kind === 'keyword' && t.text.toUpperCase() === 'DEFINE');
  for (let i = Math.max(0, define); define >= 0 && i < tokens.length; i++) {
    if (tokens[i]!.variable === undefined || tokens[i]!.text.toUpperCase() !== v) continue;
    if (tokens[solid(tokens, i)]?.text.toUpperCase() !== 'AS') continue;
    let depth = 0;
    let end = tokens[i]!.to;
    for (let j = i; j < tokens.length; j++) {
      const t = tokens[j]!;
      if (t.text === '(') depth++;
      if (t.text === ')' && --depth < 0) break;
      if (t.text === ',' && depth === 0) break;
      if (t.kind !== 'space' && t.kind !== 'comment') end = t.to;
    }
    return { from: tokens[i]!.from, to: end };
  }
  const at = tokens.find((t) => t.variable !== undefined && t.text.toUpperCase() === v);
  return at ? { from: at.from, to: at.to } : null;
}
