// SPDX-License-Identifier: Apache-2.0
// What the mock makes of a rule: enough of the grammar to draw an automaton and to find unknown columns.
const functions = /^(COUNT|SUM|AVG|MIN|MAX|LAST|FIRST|PREV|DESCRIPTOR|HOP|TUMBLE|SESSION|TABLE|COALESCE|ABS)$/i;
const keywords = new Set(
  'SELECT FROM WHERE AND OR NOT AS IN IS NULL MATCH_RECOGNIZE PARTITION BY ORDER MEASURES ONE ROW PER MATCH AFTER SKIP PAST LAST TO NEXT PATTERN WITHIN INTERVAL SECOND MINUTE HOUR DAY DEFINE GROUP HAVING BETWEEN LIKE TRUE FALSE DISTINCT WINDOW_START WINDOW_END CREATE RULE WITH REPLACE TABLE NO DESC ASC ALL ROWS SHOW SUBSET'.split(
    ' ',
  ),
);

function place(sql, at, length) {
  const before = sql.slice(0, at);
  const line = before.split('\n').length;
  const column = at - before.lastIndexOf('\n');
  return { line, column, end_line: line, end_column: column + length };
}
function nearest(word, names) {
  const far = (a, b) => {
    const d = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array(b.length).fill(0)]);
    for (let j = 0; j <= b.length; j++) d[0][j] = j;
    for (let i = 1; i <= a.length; i++)
      for (let j = 1; j <= b.length; j++)
        d[i][j] = Math.min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    return d[a.length][b.length];
  };
  return names.map((n) => [far(word.toLowerCase(), n.toLowerCase()), n]).sort((a, b) => a[0] - b[0])[0];
}

function automaton(pattern, defines) {
  const states = [{ id: 0, label: 'start', kind: 'start', variable: null }];
  const edges = [];
  const re = /(->>?)?\s*(!?)([A-Z]\w*)\s*((?:->>?)?(?:\{\d*,?\d*\}|[+*?]))?/gi;
  const condition = (v) => defines.find((d) => d.name === v)?.define ?? null;
  let m;
  let from = [0]; // states from which the next one may follow
  let absent = null;
  while ((m = re.exec(pattern))) {
    const v = m[3].toUpperCase();
    if (m[2]) {
      absent = `no row between is ${v}`;
      continue;
    }
    const id = states.length;
    states.push({ id, label: v, kind: 'state', variable: v });
    const least = /\{(\d+)/.exec(m[4] ?? '')?.[1];
    for (const f of from) {
      const before = edges.find((e) => e.from === f && e.to === f)?.least;
      const contiguity = m[1] === '->>' ? 'any' : m[1] === '->' || absent || f === 0 ? 'followed' : 'next';
      const note = [absent, before && `after ${before} or more`].filter(Boolean).join('; ') || null;
      edges.push({ from: f, to: id, rank: 1, label: v, contiguity, kind: 'take', condition: condition(v), note });
    }
    absent = null;
    const inner = m[4]?.startsWith('->>') ? 'any' : m[4]?.startsWith('->') ? 'followed' : 'next';
    if (m[4] && /[+*,]/.test(m[4]))
      edges.push({
        from: id,
        to: id,
        rank: 1,
        label: v,
        contiguity: inner,
        kind: 'loop',
        condition: condition(v),
        note: null,
        least,
      });
    from = m[4] && /[*?]/.test(m[4]) ? [...from, id] : [id];
  }
  const end = states.length;
  for (const f of from)
    edges.push({ from: f, to: end, rank: 2, label: '', contiguity: 'followed', kind: 'skip', condition: null, note: absent });
  states.push({ id: end, label: 'match', kind: 'final', variable: null });
  return { states, edges };
}

export function validate(sql, name, streams) {
  const errors = [];
  const bad = (code, message, hint, at, length) => errors.push({ code, message, hint, ...place(sql, at, length) });
  const from = /\bFROM\s+(?:TABLE\s*\(\s*\w+\s*\(\s*TABLE\s+)?(\w+)/i.exec(sql);
  const create = /CREATE\s+(?:OR\s+REPLACE\s+)?RULE\s+(\w+)/i.exec(sql);
  if (!/\bSELECT\b/i.test(sql)) bad('syntax', "expected 'SELECT'", null, Math.max(0, sql.trimEnd().length - 1), 1);
  const stream = from && streams.get(from[1]);
  if (from && !stream) {
    const near = nearest(from[1], [...streams.keys(), '']);
    bad(
      'unknown-stream',
      `no stream '${from[1]}'`,
      near && near[0] < 4 ? `did you mean '${near[1]}'?` : null,
      from.index + from[0].lastIndexOf(from[1]),
      from[1].length,
    );
  }
  const isPattern = /MATCH_RECOGNIZE/i.test(sql);
  const pattern = /PATTERN\s*\(((?:[^()]|\([^()]*\))*)\)/i.exec(sql)?.[1] ?? '';
  const vars = [...new Set([...pattern.matchAll(/[A-Z]\w*/gi)].map((m) => m[0].toUpperCase()))];
  const defineAt = sql.search(/\bDEFINE\b/i);
  const defineText = defineAt < 0 ? '' : sql.slice(defineAt + 6).replace(/\)\s*;?\s*$/, '');
  const defines = defineText
    .split(/,(?![^(]*\))/)
    .map((d) => /^\s*(\w+)\s+AS\s+([\s\S]*)$/i.exec(d))
    .filter(Boolean)
    .map((m) => ({ name: m[1].toUpperCase(), define: m[2].trim().replace(/\s+/g, ' ') }));
  if (stream) {
    const columns = stream.columns.map((c) => c.name);
    const aliases = new Set([...sql.matchAll(/\bAS\s+([a-z_]\w*)/gi)].map((m) => m[1].toLowerCase()));
    const blank = sql.replace(/'[^']*'|--[^\n]*/g, (s) => ' '.repeat(s.length));
    const body = blank.search(/\bSELECT\b/i);
    for (const m of blank.matchAll(/[A-Za-z_]\w*/g)) {
      const w = m[0];
      if (
        m.index < body ||
        keywords.has(w.toUpperCase()) ||
        functions.test(w) ||
        vars.includes(w.toUpperCase()) ||
        w === stream.name ||
        aliases.has(w.toLowerCase())
      )
        continue;
      if (columns.some((c) => c.toLowerCase() === w.toLowerCase())) continue;
      const [d, n] = nearest(w, columns);
      bad(
        'unknown-column',
        `no column '${w}' in stream ${stream.name}`,
        d <= 3 ? `did you mean '${n}'?` : `the columns are ${columns.join(', ')}`,
        m.index,
        w.length,
      );
    }
  }
  const warnings = [];
  if (isPattern && !/WITHIN/i.test(sql))
    warnings.push({
      code: 'no-within',
      message: 'the pattern has no WITHIN: what is half matched is kept for ever',
      hint: "add WITHIN INTERVAL '10' MINUTE",
      ...place(sql, sql.search(/PATTERN/i), 7),
    });
  if (errors.length) return { valid: false, errors, warnings, rule: null, nfa: null, explain: null };
  const kind = isPattern ? 'pattern' : /TABLE\s*\(/i.test(sql) ? 'window' : 'filter';
  const select = /SELECT\s+([\s\S]*?)\s+FROM/i.exec(sql)?.[1] ?? '';
  const keys = (/(?:PARTITION|GROUP)\s+BY\s+([\w, ]+?)(?:\s+ORDER|\s+HAVING|\n|$|,\s*window)/i.exec(sql)?.[1] ?? '')
    .split(',')
    .map((s) => s.trim())
    .filter(Boolean);
  return {
    valid: true,
    errors,
    warnings,
    rule: {
      name: create?.[1] ?? name ?? null,
      kind,
      stream: stream?.name ?? '',
      keys: kind === 'filter' ? [] : keys.slice(0, 1),
      variables:
        kind === 'pattern' ? vars.map((v) => ({ name: v, define: defines.find((d) => d.name === v)?.define ?? null })) : [],
      outputs: select
        .split(/,(?![^(]*\))/)
        .map((o) => ({
          name: /(\w+)\s*$/.exec(o)?.[1] ?? o,
          type: /COUNT/i.test(o) ? 'BIGINT' : /amount|SUM|total|cash/i.test(o) ? 'DECIMAL(12,2)' : 'STRING',
        })),
    },
    nfa: kind === 'pattern' ? automaton(pattern, defines) : null,
    explain: `rule ${create?.[1] ?? name}\n  reads    ${stream?.name}, event time ts\n  kind     ${kind}\n  key      ${keys[0] ?? 'none'}\n  emits    ${select.replace(/\s+/g, ' ')}\n`,
  };
}
