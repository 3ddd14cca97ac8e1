// SPDX-License-Identifier: Apache-2.0
// The life of a rule over the REST interface (docs/upgrades.md): versions side by side, approval, drafts, the archive.
import { call, paths, Problem, type Json, type Rule, type Time } from './api';

export interface Said {
  author?: string;
  reason?: string;
}
export interface Share {
  from: Time | null;
  percent: number;
  at: Time;
  author: string | null;
  reason: string | null;
}
export interface Sums {
  only_old: number;
  both: number;
  only_new: number;
}
export type ResultClass = keyof Sums;
export interface Arm {
  version: number;
  found: number;
  told: number;
  fraud: number;
  legit: number;
  precision: number | null;
}
export interface Compared {
  id: string;
  time: Time | null;
  key: Record<string, Json>;
  old: Record<string, Json> | null;
  new: Record<string, Json> | null;
  told_by: 'old' | 'new' | null;
  label: 'fraud' | 'legit' | null;
}
export interface Comparison {
  rule: string;
  old: number;
  new: number;
  state: 'running' | 'ending' | 'ended';
  rollout_percent: number;
  created: Time;
  from: Time | null;
  to: Time | null;
  author: string | null;
  reason: string | null;
  shares: Share[];
  hours: (Sums & { hour: Time })[];
  counts: Sums;
  arms: Arm[];
  examples: Partial<Record<ResultClass, Compared[]>>;
}
export type Verdict = 'request' | 'approve' | 'reject';
export interface Approval {
  version: number;
  verdict: Verdict;
  by: string;
  comment: string | null;
  at: Time;
}
export interface Approvals {
  required: boolean;
  data: Approval[];
}

export interface Audited {
  id: number;
  at: Time;
  what: string;
  name: string;
  who: string | null;
  more: string | null;
}

export const lifePaths = {
  audit: (r: string) => `/audit?limit=50&name=${encodeURIComponent(r)}`,
  /** of: examples of that class alone; null: of each. */
  comparison: (r: string, of: ResultClass | null, limit: number) =>
    `${paths.rule(r)}/comparison?${of ? `class=${of}&` : ''}limit=${limit}`,
  approvals: (r: string) => `${paths.rule(r)}/approvals`,
  resting: `${paths.rules}?state=all`,
};
export const lives = {
  audit: (r: string, signal?: AbortSignal) => call<{ data: Audited[] }>(lifePaths.audit(r), { signal }).then((p) => p.data),
  /** null: no version of the rule has ever run beside another. */
  comparison: (r: string, of: ResultClass | null, limit: number, signal?: AbortSignal) =>
    call<Comparison>(lifePaths.comparison(r, of, limit), { signal }).catch((e: unknown) => {
      if (e instanceof Problem && e.status === 404) return null;
      throw e;
    }),
  shadow: (r: string, version: number, said: Said) => call<Rule>(`${paths.rule(r)}:shadow`, { body: { version, ...said } }),
  share: (r: string, version: number, percent: number, said: Said) =>
    call<Rule>(`${paths.rule(r)}:activate`, { body: { version, rollout_percent: percent, ...said } }),
  discard: (r: string, said: Said) => call<Rule>(`${paths.rule(r)}:discard`, { body: said }),
  approvals: (r: string, signal?: AbortSignal) => call<Approvals>(lifePaths.approvals(r), { signal }),
  say: (r: string, version: number, verdict: Verdict, by: string, comment: string) =>
    call<Approvals>(lifePaths.approvals(r), { body: { version, verdict, by: by || undefined, comment: comment || undefined } }),
  draft: (sql: string, name: string | undefined, said: Said) =>
    call<Rule>(paths.rules, { body: { sql, name, draft: true, ...said } }),
  archive: (r: string, said: Said) => call<null>(`${paths.rule(r)}:archive`, { body: said }),
  restore: (r: string, said: Said) => call<Rule>(`${paths.rule(r)}:restore`, { body: said }),
  label: (alert: string, label: 'fraud' | 'legit' | null, by: string) =>
    call<unknown>(paths.alert(alert), { method: 'PATCH', body: { label, by: by || undefined } }),
};
