// SPDX-License-Identifier: Apache-2.0
// What is outside of weir: sinks that results go to, tables of databases that rules look into (docs/sinks.md, docs/lookups.md).
import { call, type Column, type Time } from './api';

export interface Named {
  name: string;
  sql: string;
  connector: string;
  created: Time;
  rules: { id: string; name: string }[];
}
export interface Sink extends Named {
  path: string;
  roll_bytes: number;
  roll_interval_ms: number;
  promise: 'exactly-once' | 'at-least-once';
  wrong: string | null;
  figures: {
    lines: number;
    committed_lines: number;
    committed_bytes: number;
    parts: number;
    pending_parts: number;
    pending_bytes: number;
    open_bytes: number;
    waiting_bytes: number;
    committed_at: Time | null;
  };
}
export interface Table extends Named {
  key: string;
  columns: Column[];
  timeout_ms: number;
  retries: number;
  retry_delay_ms: number;
  capacity: number;
  batch: number;
  connections: number;
  cache_rows: number;
  cache_ttl_ms: number;
  cache_missing: boolean;
  ordered: boolean;
  on_error: string;
  figures: {
    rows: number;
    hits: number;
    missing: number;
    asked: number;
    requests: number;
    retries: number;
    timeouts: number;
    errors: number;
    in_flight: number;
    waiting: number;
    cached: number;
    mean_us: number;
  };
}

export const outsidePaths = {
  sinks: '/sinks',
  sink: (s: string) => `/sinks/${encodeURIComponent(s)}`,
  tables: '/tables',
  table: (t: string) => `/tables/${encodeURIComponent(t)}`,
};

export const outside = {
  create: <T>(path: string, sql: string) => call<T>(path, { body: { sql } }),
  remove: (path: string) => call<null>(path, { method: 'DELETE' }),
};
