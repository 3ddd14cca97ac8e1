// SPDX-License-Identifier: Apache-2.0
// Versions of a rule over the REST interface (docs/upgrades.md): drafts, the plan of an upgrade, activation.
import { call, paths, type Rule, type Time } from './api';

/** What the active version took over from the one before it. */
export interface Handover {
  done: boolean;
  keys: number;
  partials: number;
  partials_lost: number;
  windows: number;
}
export interface Version {
  version: number;
  state: 'active' | 'draft' | 'retired' | 'shadow' | 'rollout' | 'ending';
  sql: string;
  author: string | null;
  reason: string | null;
  created: Time | null;
  activated: Time | null;
  approval?: 'requested' | 'approved' | 'rejected' | null;
  handover?: Handover;
}
export type Verdict = 'keep' | 'migrate' | 'reset' | 'new';
/** How much of the running state an item of the plan is about, as far as it has any. */
export interface Touches {
  keys?: number;
  partials?: number;
  dropped?: number;
  windows?: number;
  rows?: number;
}
export interface PlanItem {
  kind: string;
  name: string;
  verdict: Verdict;
  reason: string | null;
  touches: Touches | null;
}
/** What the event log has for a version: its state can be derived from it again (warm), or not, and why. */
export interface LogCover {
  warm: boolean;
  reason: string | null;
  from?: Time | null;
  rows?: number;
  looks_back_ms?: number | null;
  covers?: boolean;
}
export interface UpgradePlan {
  from: number;
  to: number;
  plan: { state: 'kept' | 'mapped' | 'reset'; reason: string | null; items: PlanItem[] };
  keys: number;
  partials: number;
  windows_open: number;
  rows: number;
  counted: boolean;
  out_of_memory: number;
  log: LogCover;
  way_back?: WayBack; // with which savepoint a rollback to that text would begin
  own?: { keys: number; partials: number; windows_open: number } | null; // gathered beside the active one
}
export type WayBack =
  | { possible: true; reason: null; savepoint: string; created: Time; rows: number; by_default: 'savepoint' | 'keep' }
  | { possible: false; reason: string };
export interface Upgrade {
  state: 'savepoint' | 'own' | 'keep' | 'reset' | 'warm_from_log';
  savepoint?: boolean;
  author?: string;
  reason?: string;
}

/** Long work on a rule, done beside everything else (docs/upgrades.md). */
export interface Operation {
  id: string;
  kind: 'activate' | 'rollback';
  state: 'waiting' | 'reading' | 'switching' | 'done' | 'failed' | 'cancelled';
  rule: string;
  version: number | null;
  rollback_to: number | null;
  created: Time;
  ended: Time | null;
  error: string | null;
  rows: number;
  progress: {
    rows: number;
    rows_in_all: number;
    rows_behind: number;
    rows_per_s: number;
    done: number;
    watermark: Time | null;
    seconds_left: number | null;
  } | null;
}
export const operations = {
  path: (r: string) => `/operations?rule=${encodeURIComponent(r)}&limit=1`,
  last: (r: string, signal?: AbortSignal) =>
    call<{ data: Operation[] }>(operations.path(r), { signal }).then((page) => page.data[0] ?? null),
  end: (id: string) => call<Operation>(`/operations/${encodeURIComponent(id)}`, { method: 'DELETE' }),
};

export const versionPaths = {
  list: (r: string) => `${paths.rule(r)}/versions`,
  plan: (r: string, v: number) => `${paths.rule(r)}/versions/${v}:plan`,
};
export const versions = {
  list: (r: string, signal?: AbortSignal) =>
    call<{ data: Version[] }>(versionPaths.list(r), { signal }).then((page) => page.data),
  add: (r: string, draft: { sql: string; author?: string; reason?: string }) =>
    call<Version>(versionPaths.list(r), { body: draft }),
  plan: (r: string, v: number, signal?: AbortSignal) => call<UpgradePlan>(versionPaths.plan(r, v), { method: 'POST', signal }),
  activate: (r: string, version: number, how: Upgrade) =>
    call<Rule>(`${paths.rule(r)}:activate`, { body: { version, ...how } }),
  /** With state from the log or of a savepoint: the operation that ends with the version being active. */
  warm: (r: string, version: number | null, how: Upgrade) =>
    call<Operation>(`${paths.rule(r)}:${version === null ? 'rollback' : 'activate'}`, { body: version === null ? how : { version, ...how } }),
  rollback: (r: string, how: Upgrade) => call<Rule>(`${paths.rule(r)}:rollback`, { body: how }),
};

/** The one that :rollback goes back to: active last before the active one. */
export function versionBefore(list: Version[]): Version | null {
  const active = list.find((v) => v.state === 'active');
  const were = list.filter((v) => v.activated !== null && active !== undefined && v.version < active.version);
  return were.reduce<Version | null>((best, v) => (best && best.version > v.version ? best : v), null);
}
