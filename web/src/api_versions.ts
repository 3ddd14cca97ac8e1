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
}
export interface Upgrade {
  state: 'keep' | 'reset';
  savepoint?: boolean;
  author?: string;
  reason?: string;
}

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
  rollback: (r: string, how: Upgrade) => call<Rule>(`${paths.rule(r)}:rollback`, { body: how }),
};

/** The one that :rollback goes back to: active last before the active one. */
export function versionBefore(list: Version[]): Version | null {
  const active = list.find((v) => v.state === 'active');
  const were = list.filter((v) => v.activated !== null && active !== undefined && v.version < active.version);
  return were.reduce<Version | null>((best, v) => (best && best.version > v.version ? best : v), null);
}
