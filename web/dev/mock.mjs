// SPDX-License-Identifier: Apache-2.0
// A stand-in for the server while the dashboard is worked on: node dev/mock.mjs [port] [empty]
// In memory, made-up events; it serves dist/ too. For development only; what it answers follows docs/rest.md.
import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { validate } from './mock_rules.mjs';
import { inspectionOf } from './mock_inspect.mjs';
import { versionsOf } from './mock_versions.mjs';

const port = Number(process.argv[2] ?? 8080);
const bare = process.argv[3] === 'empty';
const dist = new URL('../dist/', import.meta.url).pathname;
const started = Date.now();
const rnd = (n) => Math.floor(Math.random() * n);
const pick = (a) => a[rnd(a.length)];
const iso = (t) => new Date(t).toISOString();
let seq = 0;
const ulid = () => (Date.now().toString(32) + (++seq).toString(32).padStart(6, '0') + rnd(1e9).toString(32)).toUpperCase();

const streams = new Map();
const rules = new Map();
const alerts = []; // oldest first
const events = []; // newest last
const dead = [];
const listeners = { alert: new Set(), overview: new Set() };
let processed = 0;
let refused = 0;

const paymentsSql = `CREATE STREAM payments (
  id STRING NOT NULL,
  ts TIMESTAMP(3) NOT NULL,
  type STRING,
  card STRING NOT NULL,
  amount DECIMAL(12,2),
  country STRING,
  city STRING FROM 'billing.city',
  merchant STRING,
  status STRING,
  is_big AS amount > 1000,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
)`;
function addStream(sql) {
  const m = /CREATE\s+STREAM\s+(\w+)\s*\(([\s\S]*)\)/i.exec(sql);
  if (!m) return null;
  const columns = [];
  for (const line of m[2].split(/,(?![^(]*\))/)) {
    const c = /^\s*(\w+)\s+(AS\b.*|\w+(?:\([\d, ]+\))?)(.*)$/is.exec(line);
    if (!c || /^watermark$/i.test(c[1])) continue;
    const computed = /^AS/i.test(c[2]);
    columns.push({ name: c[1], type: computed ? 'BOOLEAN' : c[2].toUpperCase(), not_null: /NOT NULL/i.test(c[3]), computed });
  }
  const w = /WATERMARK\s+FOR\s+(\w+)[\s\S]*?INTERVAL\s+'(\d+)'\s+SECOND/i.exec(sql);
  const s = {
    name: m[1],
    sql,
    connector: 'http',
    created: iso(Date.now()),
    columns,
    time_column: w?.[1] ?? null,
    watermark_delay_ms: w ? w[2] * 1000 : null,
    partitions: [0, 1].map((partition) => ({
      partition,
      worker: partition % 2,
      end: 0,
      taken: 0,
      watermark: null,
      finished: false,
      late: 0,
    })),
    rules: [],
  };
  streams.set(s.name, s);
  return s;
}
function addRule(sql, name) {
  const v = validate(sql, name, streams);
  if (!v.valid) return v;
  const option = (k, d) => new RegExp(`'${k}'\\s*=\\s*'([^']*)'`, 'i').exec(sql)?.[1] ?? d;
  const old = rules.get(v.rule.name);
  const r = {
    id: old?.id ?? 'rul_' + ulid(),
    name: v.rule.name,
    sql,
    kind: v.rule.kind,
    stream: v.rule.stream,
    streams: [v.rule.stream],
    keys: v.rule.keys,
    mode: option('mode', 'active'),
    severity: option('severity', 'medium'),
    title: option('title', null),
    description: null,
    version: (old?.version ?? 0) + 1,
    created: old?.created ?? iso(Date.now()),
    updated: iso(Date.now()),
    alerts: old?.alerts ?? 0,
    last_alert: old?.last_alert ?? null,
    partials: 0,
    windows_open: 0,
    dropped: 0,
    nfa: v.nfa,
    variables: v.rule.variables,
  };
  rules.set(r.name, r);
  return { rule: r };
}

const countries = ['DE', 'FR', 'MX', 'BR', 'US', 'NG', 'PL', 'ES'];
function event(at, over = {}) {
  const e = {
    id: 'tx_' + (100000 + ++processed),
    ts: iso(at),
    card: 'c_' + (1000 + rnd(4000)),
    amount: (Math.exp(Math.random() * 6) + 1).toFixed(2),
    country: pick(countries),
    billing: { city: pick(['Lima', 'Berlin', 'Lyon', 'Recife', 'Austin']) },
    merchant: 'm_' + rnd(400),
    status: Math.random() < 0.06 ? 'declined' : 'approved',
    ...over,
  };
  const s = streams.get('payments');
  const p = s.partitions[rnd(2)];
  const row = { stream: 'payments', partition: p.partition, offset: p.end++, time: e.ts, event: e };
  p.taken = Math.max(0, p.end - rnd(3));
  p.watermark = iso(at - 2000 - (p.partition ? 0 : 900));
  events.push(row);
  if (events.length > 4000) events.shift();
  return row;
}
const lagOf = (w) => (w ? Date.now() - Date.parse(w) : null);
function times() {
  const list = bare ? [] : [...streams.values()];
  return {
    now: iso(Date.now()),
    streams: list.map((s) => {
      const watermark = s.partitions.some((p) => !p.watermark) ? null : s.partitions.map((p) => p.watermark).sort()[0];
      return {
        stream: s.name,
        time: 'event',
        delay_ms: s.watermark_delay_ms ?? 0,
        idle_timeout_ms: 30000,
        alignment_ms: 0,
        max_ahead_ms: 86400000,
        watermark,
        lag_ms: lagOf(watermark),
        finished: false,
        idle: false,
      };
    }),
    workers: [0, 1].map((worker) => ({ worker, watermark: iso(Date.now() - 2900), lag_ms: 2900, rows_waiting: 40 })),
    data: list.flatMap((s) =>
      s.partitions.map((p) => {
        const holds = p.partition === 0 && !!p.watermark;
        return {
          stream: s.name,
          ...p,
          lag_ms: lagOf(p.watermark),
          read: s.rules.length > 0,
          last_event: p.watermark,
          idle: false,
          idle_since: null,
          paused_since: null,
          holds_back: holds,
          holds_why: holds ? 'behind' : null,
          holds_since: holds ? iso(started) : null,
        };
      }),
    ),
    page: { next: null, has_more: false },
  };
}
function alertOf(r, at, quiet, given) {
  const card = given?.card ?? 'c_' + (1000 + rnd(4000));
  let match = [];
  let row = {};
  let window = null;
  const vars = r.nfa ? [...new Set(r.nfa.states.map((x) => x.variable).filter(Boolean))] : [];
  if (given) {
    match = [
      { var: 'A', events: given.tiny },
      { var: 'B', events: [given.big] },
    ];
    row = { card, tries: given.tiny.length, spent: given.big.event.amount };
  } else if (r.kind === 'pattern') {
    const n = 3 + rnd(4);
    let t = at - 90000 - rnd(200000);
    const first = [];
    for (let i = 0; i < (vars.length > 1 ? n : 1); i++)
      first.push(
        event((t += 1500 + rnd(12000)), {
          card,
          amount: (Math.random() * 1.8 + 0.1).toFixed(2),
          status: r.name.startsWith('decl') ? 'declined' : 'approved',
        }),
      );
    const last = event(at, { card, amount: (500 + rnd(2500) + Math.random()).toFixed(2), status: 'approved' });
    match = [{ var: vars[0] ?? 'A', events: first }, ...(vars[1] ? [{ var: vars[1], events: [last] }] : [])];
    row = { card, probes: first.length, cash_out: last.event.amount };
    if (r.name === 'impossible_travel') row = { card, from_country: 'DE', to_country: 'MX' };
  } else if (r.kind === 'window') {
    const start = Math.floor(at / 60000) * 60000 - 60000;
    window = { start: iso(start), end: iso(start + 60000) };
    const list = Array.from({ length: 10 + rnd(7) }, (_, i) => event(start + 1500 + i * 3300 + rnd(1800), { card }));
    match = [{ var: null, events: list }];
    row = { card, payments: list.length, total: list.reduce((s, e) => s + Number(e.event.amount), 0).toFixed(2) };
  } else {
    const e = event(at, { card, amount: (3000 + rnd(6000) + 0.5).toFixed(2) });
    match = [{ var: null, events: [e] }];
    row = { id: e.event.id, card, amount: e.event.amount };
  }
  const a = {
    id: 'alt_' + ulid(),
    seq: alerts.length + 1,
    rule: r.name,
    rule_id: r.id,
    version: r.version,
    severity: r.severity,
    title: (r.title ?? '').replace(/\{card\}/, card) || null,
    kind: 'match',
    mode: r.mode,
    time: iso(at),
    created: iso(at + 300 + rnd(700)),
    key: r.kind === 'filter' ? null : { card },
    row,
    window,
    revision: 0,
    count: Math.random() < 0.1 ? 2 + rnd(4) : 1,
    status: 'open',
  };
  r.alerts++;
  r.last_alert = a.created;
  alerts.push({ ...a, match, rule_sql: r.sql });
  if (!quiet) for (const f of listeners.alert) f(`id: ${a.seq}\nevent: alert\ndata: ${JSON.stringify(a)}\n\n`);
}
const brief = ({ match, rule_sql, ...a }) => a;

function overview() {
  const now = Date.now();
  const minutes = new Map();
  for (const a of alerts) {
    const m = iso(Math.floor(Date.parse(a.created) / 60000) * 60000);
    if (Date.parse(m) < now - 3600e3) continue;
    if (!minutes.has(m)) minutes.set(m, { minute: m, low: 0, medium: 0, high: 0, critical: 0 });
    minutes.get(m)[a.severity]++;
  }
  const modes = { active: 0, shadow: 0, paused: 0 };
  for (const r of rules.values()) modes[r.mode]++;
  const w = streams.get('payments')?.partitions[0].watermark ?? null;
  return {
    events_per_second: bare ? 0 : 480 + Math.sin(now / 30000) * 60 + rnd(30),
    events_processed: processed,
    events_accepted: processed,
    events_refused: refused,
    late: 3,
    alerts: alerts.length,
    alerts_last_hour: [...minutes.values()].reduce((n, m) => n + m.low + m.medium + m.high + m.critical, 0),
    open_alerts: alerts.length,
    dead_letters: dead.filter((d) => d.state === 'waiting').length,
    watermark: w,
    watermark_lag_ms: w ? now - Date.parse(w) : null,
    rules: modes,
    workers: { running: 2, total: 2 },
    minutes: [...minutes.values()],
  };
}

const letterFits = (d, q) =>
  ['kind', 'stream', 'code', 'reason'].every((k) => !q.get(k) || d[k] === q.get(k)) &&
  (!q.get('rule') || d.rules.includes(q.get('rule'))) &&
  (!q.get('contains') || (d.edited?.text ?? d.raw).includes(q.get('contains'))) &&
  (q.get('state') === 'all' || d.state === (q.get('state') ?? 'waiting'));
const send = (d) =>
  Object.assign(d, { state: 'sent', sendable: false, sent: { partition: 0, offset: 6000 + d.id, at: iso(Date.now()), by: null } });
function letters(path, method, q, body, ok) {
  const fit = dead.filter((d) => letterFits(d, q));
  const one = dead.find((d) => d.id === Number(/^\/dead_letters\/(\d+)/.exec(path)?.[1]));
  if (path.endsWith('/timeouts')) return ok({ data: [], page: { next: null, has_more: false } });
  if (path.startsWith('/dead_letters:groups')) {
    const groups = new Map();
    const by = (q.get('by') ?? 'kind,stream,code,reason').split(',');
    for (const d of fit)
      for (const rule of by.includes('rule') ? (d.rules.length ? d.rules : [null]) : [null]) {
        const g = Object.fromEntries(by.map((k) => [k, k === 'rule' ? rule : d[k]]));
        const known = groups.get(JSON.stringify(g)) ?? { ...g, count: 0, newest: 0, first: d.at, last: d.at };
        groups.set(JSON.stringify(g), { ...known, count: known.count + 1, newest: Math.max(known.newest, d.id) });
      }
    return ok({ data: [...groups.values()].sort((a, b) => b.count - a.count), has_more: false });
  }
  if (path === '/dead_letters:replay') {
    fit.forEach(send);
    return ok({ sent: fit.length, refused: 0, not_sendable: 0, waiting: 0, why: null });
  }
  if (one && method === 'PATCH') one.edited = body.event && { text: JSON.stringify(body.event), at: iso(Date.now()), by: q.get('by') };
  if (one && path.endsWith(':replay')) send(one);
  if (one && method === 'DELETE') dead.splice(dead.indexOf(one), 1);
  if (one) return ok(one);
  if (method === 'DELETE') {
    for (const d of fit) dead.splice(dead.indexOf(d), 1);
    return ok({ deleted: fit.length });
  }
  return ok({ data: fit, page: { next: null, has_more: false } });
}

if (!bare) {
  const { templates } = await import('./mock_data.mjs');
  addStream(paymentsSql);
  for (const t of templates) addRule(t);
  rules.get('impossible_travel').mode = 'shadow';
  rules.get('hourly_spend').mode = 'paused';
  const list = [...rules.values()];
  for (let i = 260; i > 0; i--)
    alertOf(
      pick([list[0], list[1], list[4], list[4], list[6], list[6], list[6], list[2]]),
      Date.now() - i * 13500 - rnd(9000),
      true,
    );
  for (let i = 0; i < 30; i++) event(Date.now());
  const letter = (id, kind, code, reason, raw, more = {}) => ({
    id,
    kind,
    state: 'waiting',
    stream: 'payments',
    partition: 0,
    offset: null,
    rules: [],
    code,
    reason,
    raw,
    size: raw.length,
    cut: false,
    sendable: true,
    edited: null,
    tries: 0,
    tried_at: null,
    tried_by: null,
    sent: null,
    at: iso(Date.now() - (10 - id) * 90000),
    ...more,
  });
  dead.push(
    letter(5, 'error', 'missing-field', "field 'card' is missing", '{"id":"tx_9","ts":"2026-11-21T07:01:00Z","amount":"12.00"}'),
    letter(4, 'error', 'missing-field', "field 'card' is missing", '{"id":"tx_8","ts":"2026-11-21T07:00:51Z","amount":"3.00"}', {
      tries: 1,
      tried_at: iso(Date.now() - 60000),
      tried_by: 'ann',
    }),
    letter(3, 'error', 'not-json', 'the event is not valid JSON: it ends too early', '{"id":"tx_7",,}'),
    letter(
      2,
      'late',
      'late',
      'the event came after its time had been closed by the watermark',
      '{"id":"tx_6","ts":"2026-11-21T06:00:00Z","card":"c_17","amount":"9.99"}',
      { rules: ['velocity', 'card_testing'], offset: 4711 },
    ),
    letter(1, 'error', 'missing-field', "field 'card' is missing", '{"id":"tx_5","ts":"2026-11-21T06:50:00Z","amount":"7.50"}', {
      state: 'sent',
      sendable: false,
      edited: { text: '{"id":"tx_5","ts":"2026-11-21T06:50:00Z","card":"c_4","amount":"7.50"}', at: iso(Date.now() - 500000), by: 'ann' },
      sent: { partition: 0, offset: 5120, at: iso(Date.now() - 480000), by: 'ann' },
    }),
  );
  const every = Number(process.env.MOCK_ALERT_MS ?? 4000);
  setInterval(() => alertOf(pick([...rules.values()].filter((r) => r.mode !== 'paused')), Date.now()), every).unref();
  setInterval(() => {
    for (let i = 0; i < 20; i++) event(Date.now() - rnd(900));
    for (const r of rules.values())
      if (r.kind === 'pattern') r.partials = 40 + rnd(300);
      else if (r.kind === 'window') r.windows_open = 900 + rnd(90);
  }, 1000).unref();
}
setInterval(() => {
  const text = `event: overview\ndata: ${JSON.stringify(overview())}\n\n`;
  for (const f of listeners.overview) f(text);
}, 1000).unref();

const problem = (status, title, detail, errors = []) => ({
  status,
  problem: true,
  body: { type: `/problems/${title.toLowerCase().replace(/\W+/g, '-')}`, title, status, detail, errors },
});
const ok = (body, status = 200) => ({ status, body });
const workers = () => ({
  data: [0, 1].map((index) => ({
    index,
    pid: 4100 + index,
    state: 'running',
    attempt: 2,
    started: iso(started),
    busy: bare ? 0 : 0.4,
    busy_permille: bare ? 0 : 400,
    idle_permille: bare ? 1000 : 480,
    backpressured_permille: bare ? 0 : 120,
    busy_ms: 51200,
    idle_ms: 90100,
    backpressured_ms: 3100,
    waits_for: bare ? null : 'channel',
    intake_bytes: 210000,
    ordering_bytes: 4.1e6,
    rss_bytes: 61e6 + index * 4e6,
    rows_in: Math.floor(processed / 2),
    rows_waiting: rnd(20),
    keys: 4012,
    partials: 311,
    windows_open: 1904,
    state_bytes: 6.4e6,
    watermark: iso(Date.now() - 2900),
  })),
  channels: [
    ['coordinator', 0],
    ['coordinator', 1],
    [0, 'coordinator'],
    [0, 1],
    [1, 'coordinator'],
    [1, 0],
  ].map(([from, to], i) => ({
    from,
    to,
    window_bytes: 1 << 20,
    credit_bytes: bare ? 1 << 20 : (1 << 20) - i * 190000,
    queued_bytes: 0,
    sent_bytes: 41e6 + i * 3e6,
    blocked_ms: i > 4 ? 3100 : 0,
  })),
  memory: {
    total_bytes: null,
    resident_bytes: 244e6,
    intake: { limit_bytes: 64 << 20, used_bytes: 2.1e6 },
    exchange: { limit_bytes: 128 << 20, used_bytes: 1.2e6 },
    ordering: { limit_bytes: 512 << 20, used_bytes: 8.2e6 },
    state: { limit_bytes: 2048 * (1 << 20), used_bytes: 12.8e6 },
  },
  poison: bare ? [] : [{ stream: 'payments', partition: 1, offset: 81233, times: 3, set_aside: true }],
  restart: { strategy: 'exponential-delay', given_up: false, failed: 0, next_ms: null, why: null },
  exceptions: bare
    ? []
    : [{ at: iso(started - 60000), attempt: 1, worker: 1, text: 'worker 1 (pid 4033) was ended by signal 9' }],
});

function answer(method, path, q, body, text) {
  let m;
  if (path === '/overview') return ok(overview());
  if (path === '/version') return ok({ version: '0.1.0', commit: 'mock' });
  if (path === '/workers') return ok(workers());
  if (path === '/watermarks')
    return ok(times());
  if (path.startsWith('/dead_letters') || path.endsWith('/timeouts')) return letters(path, method, url.searchParams, body, ok);
  if (path === '/rules:validate') return ok(validate(body.sql, body.name, streams));
  if (path === '/rules' && method === 'GET') return ok({ data: [...rules.values()], page: { next: null, has_more: false } });
  if (path === '/rules') {
    const name = /CREATE\s+RULE\s+(\w+)/i.exec(body.sql)?.[1] ?? (/^\s*CREATE\s+OR/i.test(body.sql) ? null : body.name);
    if (name && rules.has(name))
      return problem(409, 'Rule exists', `there is a rule ${name} already; say CREATE OR REPLACE RULE to replace it`);
    const made = addRule(body.sql, body.name);
    return made.rule && !('valid' in made)
      ? ok(made.rule, 201)
      : problem(422, 'The rule does not compile', '1 error', made.errors);
  }
  if ((m = /^\/rules\/([^/:]+)(\/versions.*|:activate|:rollback)$/.exec(path))) {
    const made = rules.has(m[1]) ? versionsOf(rules.get(m[1]), m[2], method, body) : null;
    return made ? ok(made[1], made[0]) : problem(404, 'No such version', `there is no ${path}`);
  }
  if ((m = /^\/rules\/([^/:]+)(\/state|\/partials|:why_not)$/.exec(path)) && rules.has(m[1])) return ok(inspectionOf(rules.get(m[1]), m[2], q, body));
  if ((m = /^\/rules\/([^:]+)(?::(\w+))?$/.exec(path))) {
    const r = rules.get(m[1]);
    if (!r) return problem(404, 'No such rule', `there is no rule ${m[1]}`);
    if (m[2]) r.mode = m[2] === 'pause' ? 'paused' : 'active';
    if (method === 'DELETE') return (rules.delete(m[1]), ok(null, 204));
    return ok(r);
  }
  if (path === '/alerts') {
    const after = Number(q.get('after') ?? Infinity);
    const limit = Number(q.get('limit') ?? 50);
    const list = alerts
      .filter(
        (a) =>
          a.seq < after &&
          ['rule', 'severity', 'mode'].every((k) => !q.get(k) || a[k] === q.get(k)) &&
          (!q.get('key') || Object.values(a.key ?? {}).includes(q.get('key'))),
      )
      .reverse();
    return ok({
      data: list.slice(0, limit).map(brief),
      page: { next: list.length > limit ? String(list[limit - 1].seq) : null, has_more: list.length > limit },
    });
  }
  if ((m = /^\/alerts\/(alt_\w+)$/.exec(path))) {
    const a = alerts.find((x) => x.id === m[1]);
    return a ? ok(a) : problem(404, 'No such alert', `there is no alert ${m[1]}`);
  }
  if (path === '/streams' && method === 'GET') {
    for (const s of streams.values()) s.rules = [...rules.values()].filter((r) => r.stream === s.name).map((r) => r.name);
    return ok({ data: [...streams.values()] });
  }
  if (path === '/streams') {
    const s = addStream(body.sql);
    return s
      ? ok(s, 201)
      : problem(422, 'The statement does not compile', '1 error', [
          {
            code: 'syntax',
            message: "expected 'STREAM'",
            hint: 'CREATE STREAM name (column type, …)',
            line: 1,
            column: 8,
            end_line: 1,
            end_column: 14,
          },
        ]);
  }
  if ((m = /^\/streams\/(\w+)\/events$/.exec(path))) {
    if (method === 'GET')
      return ok({
        data: events
          .filter((e) => e.stream === m[1])
          .slice(-Number(q.get('limit') ?? 20))
          .reverse(),
      });
    const rows = text
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l))
      .flat();
    if (rows.some((e) => !e.card))
      return ok(
        {
          accepted: 0,
          rejected: 1,
          rows: [{ index: 0, status: 'rejected', code: 'not-null', error: "column 'card' must not be null" }],
        },
        207,
      );
    const taken = rows.map((e) => event(Date.parse(e.ts) || Date.now(), e));
    for (const r of rules.values()) {
      if (r.mode === 'paused') continue;
      const tiny = taken.filter((t) => Number(t.event.amount) < 2);
      const big = taken.find((t) => Number(t.event.amount) > 500);
      if (r.kind === 'pattern' && tiny.length > 2 && big) alertOf(r, Date.now(), false, { card: big.event.card, tiny, big });
      if (r.kind === 'filter' && big && Number(big.event.amount) > 3000) alertOf(r, Date.now());
    }
    return ok({ accepted: rows.length, rejected: 0 }, 202);
  }
  if ((m = /^\/streams\/(\w+)$/.exec(path)))
    return streams.has(m[1]) ? ok(streams.get(m[1])) : problem(404, 'No such stream', `there is no stream ${m[1]}`);
  return problem(404, 'Not found', path);
}

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
createServer((req, res) => {
  const url = new URL(req.url, 'http://x');
  if (!url.pathname.startsWith('/api/v1/')) {
    const file = join(dist, url.pathname);
    const at = extname(file) && existsSync(file) ? file : join(dist, 'index.html');
    res.writeHead(200, { 'content-type': types[extname(at)] ?? 'application/octet-stream' });
    return res.end(readFileSync(at));
  }
  const path = decodeURIComponent(url.pathname.slice(7));
  const kind = path === '/alerts/stream' ? 'alert' : path === '/overview/stream' ? 'overview' : null;
  if (kind) {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    res.write(kind === 'overview' ? `event: overview\ndata: ${JSON.stringify(overview())}\n\n` : ': hello\n\n');
    const send = (t) => res.write(t);
    listeners[kind].add(send);
    return req.on('close', () => listeners[kind].delete(send));
  }
  let text = '';
  req.on('data', (d) => (text += d));
  req.on('end', () => {
    let out;
    try {
      out = answer(req.method, path, url.searchParams, text && !path.endsWith('/events') ? JSON.parse(text) : {}, text);
    } catch (e) {
      out = problem(500, 'Internal', String(e.stack));
    }
    res.writeHead(out.status, { 'content-type': out.problem ? 'application/problem+json' : 'application/json' });
    res.end(out.status === 204 ? '' : JSON.stringify(out.body));
  });
}).listen(port, '127.0.0.1', () => console.log(`mock at http://127.0.0.1:${port}`));
