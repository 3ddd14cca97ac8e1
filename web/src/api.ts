// SPDX-License-Identifier: Apache-2.0
// The server's REST interface (docs/rest.md): types, one fetch for all of it, and server-sent events.

export type Time = string; // RFC 3339, UTC
export type Severity = 'low' | 'medium' | 'high' | 'critical';
export type Mode = 'active' | 'shadow' | 'paused';
export type Kind = 'filter' | 'window' | 'pattern' | (string & {});
export type Json = null | boolean | number | string | Json[] | { [k: string]: Json };
export type Fields = Record<string, Json>;

export interface Issue {
  code: string;
  severity?: 'error' | 'warning';
  message: string;
  hint?: string | null;
  line?: number;
  column?: number;
  end_line?: number;
  end_column?: number;
}
/** A position automaton: a state is the place of a variable in the pattern, an edge takes a row for one. */
export interface Nfa {
  states: { id: number; label: string; kind: 'start' | 'state' | 'final'; variable: string | null }[];
  edges: NfaEdge[];
}
export interface NfaEdge {
  from: number;
  to: number;
  rank: number; // in order of preference
  label: string; // the variable; "" where the match is made
  contiguity: 'next' | 'followed' | 'any';
  kind: 'take' | 'loop' | 'skip';
  condition: string | null;
  note: string | null; // counts, absences and limits, in words
}
export interface VariableOf {
  name: string;
  define: string | null;
}
export interface Output {
  name: string;
  type: string;
}
export interface Validation {
  valid: boolean;
  errors: Issue[];
  warnings: Issue[];
  rule?: {
    name: string | null;
    kind: Kind;
    stream: string;
    streams: string[];
    keys: string[];
    variables: VariableOf[];
    outputs: Output[];
  } | null;
  nfa?: Nfa | null;
  explain?: string | null;
}
export interface Trial {
  version: number;
  beside: number;
  state: 'shadow' | 'rollout' | 'ending';
  rollout_percent: number;
  partials: number;
  windows_open: number;
  handover?: { done: boolean; keys: number; partials: number; partials_lost: number; windows: number };
}
export interface Rule {
  id: string;
  name: string;
  sql: string;
  kind: Kind;
  stream: string;
  streams: string[];
  keys: string[];
  mode: Mode;
  severity: Severity | null;
  title: string | null;
  description: string | null;
  version: number;
  created: Time;
  updated: Time;
  alerts: number;
  shadow_alerts?: number;
  last_alert: Time | null;
  partials: number;
  windows_open: number;
  dropped: number;
  state?: Mode | 'draft' | 'archived';
  trial?: Trial | null; // the version that runs beside the active one
  variables?: VariableOf[];
  outputs?: Output[];
  nfa?: Nfa | null;
}
export interface Alert {
  id: string;
  seq: number;
  rule: string;
  rule_id: string;
  version: number;
  severity: Severity;
  title: string | null;
  kind: string;
  mode: Mode;
  time: Time;
  created: Time;
  key: Fields | null;
  row: Fields;
  window: { start: Time; end: Time } | null;
  revision: number;
  retracted?: boolean;
  count: number;
  status: string;
  replaces?: string[];
  replaced_by?: string;
}
export interface AlertRevision {
  revision: number;
  time: Time;
  created: Time;
  title: string | null;
  row: Fields;
  window: { start: Time; end: Time } | null;
  retracted: boolean;
}
export interface MatchEvent {
  stream: string | null; // also the name of a rule, or of a side output
  partition: number;
  offset: number;
  time: Time;
  alert?: string; // of the rule below, whose result this is
  event: Fields | null;
}
export interface AlertDetail extends Alert {
  label?: 'fraud' | 'legit' | null;
  match: { var: string | null; events: MatchEvent[] }[];
  rule_sql: string | null;
  revisions: AlertRevision[];
}
export interface Column {
  name: string;
  type: string;
  not_null: boolean;
  computed: boolean | string | null;
}
export interface StreamPartition {
  partition: number;
  worker: number;
  end: number;
  taken: number;
  watermark: Time | null;
  finished: boolean;
  late: number;
}
export interface Stream {
  name: string;
  sql: string;
  connector: string;
  created: Time;
  columns: Column[];
  time_column: string | null;
  watermark_delay_ms: number | null;
  partitions: StreamPartition[];
  rules: string[];
}
export interface StreamEvent {
  partition: number;
  offset: number;
  event: Fields;
  dead_letter?: number; // that it was, if it was sent again
}
export interface Watermark extends StreamPartition {
  stream: string;
  lag_ms: number | null;
  read: boolean;
  last_event: Time | null;
  idle: boolean;
  idle_since: Time | null;
  paused_since: Time | null;
  holds_back: boolean;
  holds_why: 'no-event' | 'silent' | 'backlog' | 'behind' | null;
  holds_since: Time | null;
}
export interface StreamTime {
  stream: string;
  time: 'event' | 'ingestion' | 'processing';
  delay_ms: number;
  idle_timeout_ms: number;
  alignment_ms: number;
  max_ahead_ms: number;
  watermark: Time | null;
  lag_ms: number | null;
  finished: boolean;
  idle: boolean;
}
export interface WorkerTime {
  worker: number;
  watermark: Time | null;
  lag_ms: number | null;
  rows_waiting: number;
}
export interface Times {
  now: Time;
  streams: StreamTime[];
  workers: WorkerTime[];
  data: Watermark[];
}
export interface DeadLetter {
  id: number;
  kind: 'error' | 'late';
  state: 'waiting' | 'sent';
  stream: string | null;
  partition: number;
  offset: number | null;
  rules: string[]; // late for these, or what one of them could not do
  code: string;
  reason: string;
  raw: string | null;
  size: number; // as it came; raw may be cut
  cut: boolean;
  sendable: boolean;
  edited: { text: string; at: Time; by: string | null } | null;
  tries: number;
  tried_at: Time | null;
  tried_by: string | null;
  sent: { partition: number; offset: number; at: Time; by: string | null } | null;
  at: Time;
}
export interface DeadLetterGroup {
  kind?: DeadLetter['kind'];
  stream?: string | null;
  rule?: string | null;
  code?: string;
  reason?: string;
  count: number;
  newest: number;
  first: Time;
  last: Time;
}
export interface DeadLettersSent {
  sent: number;
  refused: number;
  not_sendable: number;
  waiting: number;
  why: string | null;
}
export interface Timeout {
  id: string;
  seq: number;
  rule: string;
  version: number;
  time: Time;
  created: Time;
  key: Fields | null;
  row: Fields;
  vars: Record<string, { stream: string | null; partition: number; offset: number }[]> | null;
}
export type LetterFilter = {
  kind?: string | null;
  stream?: string | null;
  rule?: string | null;
  code?: string | null;
  reason?: string | null;
  contains?: string | null;
  state?: string | null;
};
export interface Minute {
  minute: Time;
  low: number;
  medium: number;
  high: number;
  critical: number;
}
export interface Overview {
  now?: Time;
  events_per_second: number;
  events_processed: number;
  events_accepted: number;
  events_refused: number;
  late: number;
  alerts: number;
  alerts_last_hour: number;
  open_alerts: number;
  shadow_alerts?: number;
  dead_letters: number;
  watermark: Time | null;
  watermark_lag_ms: number | null;
  rules: { active: number; shadow: number; paused: number };
  workers: { running: number; total: number };
  minutes: Minute[];
}
export interface Worker {
  index: number;
  pid: number;
  state: string;
  attempt: number;
  started: Time;
  busy: number;
  busy_permille: number;
  idle_permille: number;
  backpressured_permille: number;
  busy_ms: number;
  idle_ms: number;
  backpressured_ms: number;
  waits_for: 'channel' | 'ordering' | 'state' | null;
  intake_bytes: number;
  ordering_bytes: number;
  rss_bytes: number;
  rows_in: number;
  rows_waiting: number;
  keys: number;
  partials: number;
  windows_open: number;
  state_bytes: number;
  watermark: Time | null;
}
export interface Channel {
  from: number | 'coordinator';
  to: number | 'coordinator';
  window_bytes: number;
  credit_bytes: number;
  queued_bytes: number;
  sent_bytes: number;
  blocked_ms: number;
}
export interface MemoryPart {
  limit_bytes: number;
  used_bytes: number;
}
export interface Memory {
  total_bytes: number | null;
  resident_bytes: number;
  level: 'ok' | 'near' | 'full' | 'over';
  intake: MemoryPart;
  exchange: MemoryPart;
  ordering: MemoryPart;
  state: MemoryPart;
}
export interface Poison {
  stream: string | null;
  partition: number;
  offset: number;
  times: number;
  set_aside: boolean;
}
export interface WorkerException {
  at: Time;
  attempt: number;
  worker: number;
  text: string;
}
export interface Restart {
  strategy: string;
  given_up: boolean;
  failed: number;
  next_ms: number | null;
  why: string | null;
}
export interface Page<T> {
  data: T[];
  page?: { next: string | null; has_more: boolean };
}

/** A problem document (RFC 9457), or `status` 0 when there was no answer at all. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly type: string | null = null,
    readonly errors: Issue[] = [],
    readonly hint: string | null = null,
  ) {
    super((detail || title) + (hint ? ` (${hint})` : ''));
  }
  get code() {
    return this.type?.split('/').pop() ?? null;
  }
  get offline() {
    return this.status === 0 || this.status === 502 || this.status === 504;
  }
}

/** An error in words for people. */
export const messageOf = (e: unknown) => (e instanceof Problem ? e.message : String(e));
/** The same where a text was refused: the first thing that is wrong with it. */
export const firstMessageOf = (e: unknown) => (e instanceof Problem ? (e.errors[0]?.message ?? e.message) : String(e));

export const base = new URL('api/v1', document.baseURI).pathname;

type Reached = (ok: boolean) => void;
let reached: Reached = () => {};
/** Called after each request: did the server answer? */
export const onReached = (f: Reached) => void (reached = f);
let doubt = () => {};
/** Called when a live stream broke off: worth a question whether the server is there. */
export const onDoubt = (f: () => void) => void (doubt = f);

export interface List {
  name: string;
  sql: string;
  key: string;
  columns: { name: string; type: string; not_null: boolean }[];
  items: number;
  edits_kept: number;
  created: Time;
  updated: Time;
  rules: { id: string; name: string }[];
}
export interface ListItem {
  key: string;
  values: Fields;
  expires_at: Time | null;
  added: Time;
  changed: Time;
  by: string | null;
  reason: string | null;
}
export interface ListChange {
  change: number;
  at: Time;
  what: 'edit' | 'replace' | 'insert' | 'expiry';
  by: string | null;
  reason: string | null;
  added: number;
  removed: number;
  changed: number;
  keys: string[];
}
export interface ListEdited {
  added: number;
  removed: number;
  changed: number;
}
/** Who changes an item, why, and for how long. */
export interface EditOptions {
  by?: string;
  reason?: string;
  expires_in?: string;
}

export interface Call {
  method?: string;
  body?: unknown;
  raw?: { type: string; text: string };
  signal?: AbortSignal;
}

export async function call<T>(path: string, { method, body, raw, signal }: Call = {}): Promise<T> {
  const sends = raw?.text ?? (body === undefined ? undefined : JSON.stringify(body));
  let answer: Response;
  try {
    answer = await fetch(base + path, {
      method: method ?? (sends === undefined ? 'GET' : 'POST'),
      headers: sends === undefined ? undefined : { 'content-type': raw?.type ?? 'application/json' },
      body: sends,
      signal,
    });
  } catch (e) {
    if (signal?.aborted) throw e;
    reached(false);
    throw new Problem(0, 'No answer from the server', 'The server cannot be reached.');
  }
  const text = await answer.text();
  let json: unknown = null;
  try {
    json = text ? JSON.parse(text) : null;
  } catch {
    json = null;
  }
  if (answer.ok) {
    reached(true);
    return json as T;
  }
  const p = (json ?? {}) as Partial<Pick<Problem, 'title' | 'detail' | 'type' | 'errors' | 'hint'>>;
  const problem = new Problem(
    answer.status,
    p.title ?? `The server answered ${answer.status}`,
    p.detail ?? '',
    p.type ?? null,
    p.errors ?? [],
    p.hint ?? null,
  );
  reached(!problem.offline);
  throw problem;
}

const name = encodeURIComponent;
export function query(params: Record<string, string | number | null | undefined>): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) if (v !== null && v !== undefined && v !== '') q.set(k, String(v));
  const s = q.toString();
  return s ? '?' + s : '';
}

export interface AlertFilter {
  rule?: string | null;
  severity?: string | null;
  key?: string | null;
  mode?: string | null;
}

/** Paths, so that "copy as curl" and the pages cannot disagree. */
export const paths = {
  overview: '/overview',
  overviewStream: '/overview/stream',
  rules: '/rules',
  rule: (r: string) => `/rules/${name(r)}`,
  validate: '/rules:validate',
  alerts: (f: AlertFilter & { limit?: number; after?: string | null }) => '/alerts' + query({ ...f }),
  alert: (id: string) => `/alerts/${name(id)}`,
  alertsStream: '/alerts/stream',
  streams: '/streams',
  stream: (s: string) => `/streams/${name(s)}`,
  events: (s: string, limit?: number) => `/streams/${name(s)}/events` + query({ limit }),
  lists: '/lists',
  list: (l: string) => `/lists/${name(l)}`,
  items: (l: string, q: { contains?: string; limit?: number } = {}) => `/lists/${name(l)}/items` + query(q),
  item: (l: string, key: string, o: EditOptions = {}) => `/lists/${name(l)}/items/${name(key)}` + query({ ...o }),
  bulk: (l: string, o: EditOptions & { mode: string }) => `/lists/${name(l)}/items:bulk` + query({ ...o }),
  listChanges: (l: string, limit: number) => `/lists/${name(l)}/changes` + query({ limit }),
  deadLetters: (f: LetterFilter & { limit?: number; after?: number; up_to?: number; by?: string } = {}) => '/dead_letters' + query({ ...f }),
  deadGroups: (f: LetterFilter & { by: string; limit?: number }) => '/dead_letters:groups' + query({ ...f }),
  deadReplay: (f: LetterFilter & { up_to?: number; by?: string }) => '/dead_letters:replay' + query({ ...f }),
  deadLetter: (id: number, by?: string) => `/dead_letters/${id}` + query({ by }),
  deadLetterReplay: (id: number, by?: string) => `/dead_letters/${id}:replay` + query({ by }),
  timeouts: (r: string, limit?: number) => `/rules/${name(r)}/timeouts` + query({ limit }),
  workers: '/workers',
  watermarks: '/watermarks',
  version: '/version',
};

export const api = {
  get: <T>(path: string, signal?: AbortSignal) => call<T>(path, { signal }),
  validate: (sql: string, ruleName: string | undefined, signal?: AbortSignal) =>
    call<Validation>(paths.validate, { body: { sql, name: ruleName }, signal }),
  deploy: (sql: string, ruleName?: string) => call<Rule>(paths.rules, { body: { sql, name: ruleName } }),
  pause: (r: string) => call<Rule>(paths.rule(r) + ':pause', { method: 'POST' }),
  resume: (r: string) => call<Rule>(paths.rule(r) + ':resume', { method: 'POST' }),
  remove: (r: string) => call<null>(paths.rule(r), { method: 'DELETE' }),
  restartWorkers: (skip = false) => call<null>(`${paths.workers}:restart${skip ? '?poison=skip' : ''}`, { method: 'POST' }),
  createStream: (sql: string) => call<Stream>(paths.streams, { body: { sql } }),
  createList: (sql: string) => call<List>(paths.lists, { body: { sql } }),
  removeList: (l: string) => call<null>(paths.list(l), { method: 'DELETE' }),
  putItem: (l: string, key: string, columns: Fields, o: EditOptions) =>
    call<ListItem>(paths.item(l, key, o), { method: 'PUT', body: columns }),
  patchItem: (l: string, key: string, columns: Fields, o: EditOptions) =>
    call<ListItem>(paths.item(l, key, o), { method: 'PATCH', body: columns }),
  removeItem: (l: string, key: string, o: EditOptions = {}) => call<null>(paths.item(l, key, o), { method: 'DELETE' }),
  bulk: (path: string, type: string, text: string) => call<ListEdited>(path, { method: 'POST', raw: { type, text } }),
  /** event: its text, which goes out as it is written; null: as it came. */
  editLetter: (id: number, event: string | null, by: string) =>
    call<DeadLetter>(paths.deadLetter(id, by), {
      method: 'PATCH',
      raw: { type: 'application/json', text: `{"event":${event ?? 'null'}}` },
    }),
  sendLetter: (id: number, by: string) => call<DeadLetter>(paths.deadLetterReplay(id, by), { method: 'POST' }),
  sendLetters: (f: LetterFilter & { up_to?: number }, by: string) =>
    call<DeadLettersSent>(paths.deadReplay({ ...f, by }), { method: 'POST' }),
  deleteLetter: (id: number, by: string) => call<null>(paths.deadLetter(id, by), { method: 'DELETE' }),
  deleteLetters: (f: LetterFilter & { up_to?: number }, by: string) =>
    call<{ deleted: number }>(paths.deadLetters({ ...f, by }), { method: 'DELETE' }),
};

/** All rows of a list, whether the server pages it or not. */
export async function all<T>(path: string, signal?: AbortSignal): Promise<T[]> {
  const out: T[] = [];
  let after: string | null = null;
  for (let i = 0; i < 20; i++) {
    const sep = path.includes('?') ? '&' : '?';
    const got: Page<T> = await api.get(`${path}${sep}limit=500${after ? '&after=' + name(after) : ''}`, signal);
    out.push(...got.data);
    after = got.page?.has_more ? got.page.next : null;
    if (!after) break;
  }
  return out;
}

/** Server-sent events; the browser reconnects by itself (with Last-Event-ID), and after a hard refusal we do. */
export function listen<T>(path: string, event: string, each: (data: T) => void, opened?: () => void): () => void {
  let source: EventSource | null = null;
  let again: ReturnType<typeof setTimeout> | undefined;
  const open = () => {
    source = new EventSource(base + path);
    source.onopen = () => opened?.();
    source.addEventListener(event, (e) => each(JSON.parse((e as MessageEvent<string>).data) as T));
    source.onerror = () => {
      doubt();
      if (source?.readyState === EventSource.CLOSED) again = setTimeout(open, 3000);
    };
  };
  open();
  return () => {
    clearTimeout(again);
    source?.close();
  };
}
