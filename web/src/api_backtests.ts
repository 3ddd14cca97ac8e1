// SPDX-License-Identifier: Apache-2.0
// Backtests over the REST interface (docs/backtests.md).
import { call, query, type Fields, type Json, type Page, type Severity, type Time } from './api';

export type Side = 'only_new' | 'both' | 'only_old';
export interface SideCount {
  alerts: number;
  sum: number | null;
}
export interface Quality {
  true_alerts: number;
  false_alerts: number;
  caught: number;
  missed: number;
  precision: number | null;
  recall: number | null;
  f1: number | null;
  true_sum: number | null; // what the true alerts would have saved
  false_sum: number | null;
}
export interface Segment {
  values: Record<string, Json>;
  new: number;
  old: number;
  new_sum: number | null;
  old_sum: number | null;
  true_alerts: number | null;
  false_alerts: number | null;
}
/** Alerts of a thousand events, before the last quarter of the time and in it. */
export interface Drift {
  since: Time;
  before: number;
  after: number;
}
export interface TimeCount {
  time: Time;
  new: number;
  old: number;
}
export interface Variant {
  variant: number;
  parameters: Record<string, Json>;
  alerts: number;
  sum: number | null;
  held_back: number;
  timeouts: number;
  late: number;
  errors: number;
  only_new?: SideCount;
  both?: SideCount;
  only_old?: SideCount;
  quality: Quality | null;
  by_hour?: TimeCount[];
  by_day: TimeCount[];
  top_keys: { key: Fields; new: number; old: number }[];
  segments: Segment[] | null;
  segments_left_out?: number;
  drift: Drift | null;
}
export interface Result {
  events: number;
  bad_events: number;
  bytes: number;
  first_event: Time | null;
  last_event: Time | null;
  seconds: number;
  cpu_seconds: number;
  events_per_s: number;
  memory_bytes: number;
  compared_with: 'live' | 'baseline' | null;
  old: { alerts: number; sum: number | null; quality: Quality | null } | null;
  labels: number | null;
  judged: number | null;
  variants: Variant[];
}
export interface Request {
  rule?: string | null;
  version?: number | null;
  sql?: string | null;
  baseline_version?: number | null;
  from?: string | number | null;
  to?: string | number | null;
  warm_up?: string | number | null;
  parameters?: Record<string, Json[]> | null;
  streams?: string[] | null;
  files?: { stream: string; path: string }[] | null;
  label?: string | { column: string; value?: string } | null;
  sum?: string | null;
  segments?: string[] | null;
  start?: string | null;
}
export interface Backtest {
  id: string;
  rule: string;
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  created: Time;
  started: Time | null;
  ended: Time | null;
  error: string | null;
  request: Request;
  progress: {
    ahead: number;
    events: number;
    alerts: number;
    done: number;
    seconds: number;
    events_per_s: number;
    seconds_left: number | null;
  } | null;
  result?: Result | null;
}
export interface FoundAlert {
  id: string;
  time: Time;
  severity: Severity;
  title: string | null;
  key: Fields;
  row: Fields;
  label: boolean | null;
  side: Side;
}

const root = '/backtests';
export const backtestPaths = {
  list: (q: { rule?: string; limit?: number; after?: string } = {}) => root + query(q),
  one: (id: string) => `${root}/${encodeURIComponent(id)}`,
  diff: (id: string, q: { variant: number; side: Side; limit?: number }) => `${root}/${encodeURIComponent(id)}/diff${query(q)}`,
};
export const backtests = {
  list: (q: { rule?: string; limit?: number }, signal?: AbortSignal) => call<Page<Backtest>>(backtestPaths.list(q), { signal }),
  get: (id: string, signal?: AbortSignal) => call<Backtest>(backtestPaths.one(id), { signal }),
  diff: (id: string, q: { variant: number; side: Side; limit?: number }, signal?: AbortSignal) =>
    call<Page<FoundAlert>>(backtestPaths.diff(id, q), { signal }),
  start: (request: Request) => call<Backtest>(root, { body: request }),
  remove: (id: string) => call<Backtest | null>(backtestPaths.one(id), { method: 'DELETE' }),
};

const pieces = /'(?:[^']|'')*'|"[^"]*"|--[^\n]*|\/\*[\s\S]*?\*\/|::|:([A-Za-z_]\w*)/g;
/** The names that a text leaves open, in the order in which they come. */
export function namesIn(sql: string): string[] {
  return [...new Set([...sql.matchAll(pieces)].flatMap((m) => (m[1] ? [m[1]] : [])))];
}
/** The text with values in place of its names. */
export const filled = (sql: string, values: Record<string, Json>) =>
  sql.replace(pieces, (all: string, name?: string) => {
    if (!name || !(name in values)) return all;
    const v = values[name];
    return typeof v === 'string' ? `'${v.replace(/'/g, "''")}'` : typeof v === 'boolean' ? String(v).toUpperCase() : String(v);
  });
export const isOver = (b: Backtest) => b.state !== 'queued' && b.state !== 'running';
export const valuesText = (p: Record<string, Json>) =>
  Object.entries(p)
    .map(([k, v]) => `${k} ${v}`)
    .join(', ');
