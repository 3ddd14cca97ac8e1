// SPDX-License-Identifier: Apache-2.0
// Checkpoints, savepoints and the number of workers, as the server tells of them (docs/rest.md).
import { call, type Page } from './api';

export interface CheckpointPart {
  worker: number;
  entries: number;
  bytes: number;
  new_bytes: number;
  flow_bytes: number;
  alignment_ms: number;
  sync_ms: number;
  async_ms: number;
  unaligned: boolean;
}
export interface Checkpoint extends Omit<CheckpointPart, 'worker' | 'unaligned'> {
  id: number;
  state: 'in_progress' | 'completed' | 'failed';
  trigger: string;
  started: string;
  duration_ms: number;
  kept: boolean;
  restored: boolean;
  reason: string | null;
  workers: CheckpointPart[];
}
export interface Checkpoints {
  data: Checkpoint[];
  completed: number;
  failed: number;
  restored: number | null;
}
/** Of one that cannot be read `name` and `problem` alone. */
export interface Savepoint {
  name: string;
  problem: string | null;
  created?: string;
  trigger?: 'manual' | 'stop' | 'activation';
  rule?: string | null;
  version?: number | null;
  release?: string;
  checkpoint?: number;
  workers?: number;
  key_groups?: number;
  entries?: number;
  bytes?: number;
  rules?: { name: string; version: number }[];
}
/** What becomes, or would become, of each rule when the workers go back to a savepoint. */
export interface Restore {
  savepoint: string;
  dry_run: boolean;
  rules: { name: string; version: number; from: number | null; state: 'kept' | 'upgraded' | 'new' | 'unusable' }[];
  not_restored: { name: string; version: number }[];
  events_to_read: number;
  events_missing: number;
  possible: boolean;
  problems: string[];
}
export interface RestoreOptions {
  dry_run?: boolean;
  allow_non_restored_state?: boolean;
  allow_missing_events?: boolean;
}

const one = (s: string) => `/savepoints/${encodeURIComponent(s)}`;
export const checkpointPaths = { list: '/checkpoints', savepoints: '/savepoints', savepoint: one };
export const checkpoints = {
  list: (signal?: AbortSignal) => call<Checkpoints>(checkpointPaths.list, { signal }),
  make: () => call<Checkpoint>(checkpointPaths.list, { method: 'POST' }),
  rescale: (workers: number) => call<unknown>('/workers:rescale', { body: { workers } }),
};
export const savepoints = {
  list: (signal?: AbortSignal) => call<Page<Savepoint>>(checkpointPaths.savepoints, { signal }),
  make: (name: string) => call<Savepoint>(checkpointPaths.savepoints, { body: name ? { name } : {} }),
  verify: (s: string) => call<Savepoint>(one(s) + ':verify', { method: 'POST' }),
  remove: (s: string) => call<null>(one(s), { method: 'DELETE' }),
  restore: (s: string, o: RestoreOptions, signal?: AbortSignal) => call<Restore>(one(s) + ':restore', { body: o, signal }),
};
