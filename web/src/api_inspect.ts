// SPDX-License-Identifier: Apache-2.0
// What a rule knows of its keys, and why it has not fired, over the REST interface (docs/inspection.md).
import { call, paths, type Fields, type Json, type Time } from './api';

export interface TakenRow {
  variable: string;
  partition: number;
  offset: number;
  time: Time;
  values?: Fields;
}
export interface Partial {
  begun: Time;
  ends: Time | null;
  age_ms?: number;
  left_ms?: number;
  at: string;
  earlier: number;
  rows: TakenRow[];
  waits_for: string[];
  complete: boolean;
}
export interface KeyState {
  key: Fields;
  partials?: Partial[];
  windows?: { start: Time | null; end: Time | null; aggregates: { aggregate: string; value: Json }[]; having: boolean; told: number }[];
  rows?: number;
  first?: Time | null;
  last?: Time | null;
  frames?: { call: string; rows: number; value: Json }[];
  sides?: { stream: string; rows: { time: Time; partition: number; offset: number; values: Fields; found: boolean }[]; more: number }[];
  more?: number;
}
export interface RuleState {
  kind: string;
  data: KeyState[];
  out_of_memory: number;
  page: { next: string | null; has_more: boolean };
}
export interface Asked {
  text: string;
  true: boolean | null;
  values: { of: string; value: Json }[];
  missed_by?: number;
}
/** A window that was asked for a result, or is open still. */
export interface AskedWindow {
  start: Time | null;
  end: Time | null;
  rows?: number;
  left_out?: { late: number; where: number; paused: number; before_rule: number };
  aggregates: { aggregate: string; value: Json }[];
  conditions: Asked[];
  having: boolean;
  open: boolean;
}
export interface AskedFrame {
  call: string;
  rows: number | null;
  value: Json;
}
/** Of a join: the two rows that came nearest to each other. */
export interface AskedPair {
  in_time: boolean;
  apart_ms: number;
  missed_by_ms: number;
  least_ms?: number;
  most_ms?: number;
  rows: (Place & { stream: string; values: Fields })[];
}
export interface WhyAlert {
  id: string;
  time: Time;
  count: number;
  mode: string;
  by: 'match' | 'cooldown';
  until?: Time;
}
export interface Active {
  partial: number;
  state: number;
  begun: Time;
  ends: Time | null;
  earlier: number;
  rows: TakenRow[];
  waits_for: string[];
}
export interface Place {
  partition: number;
  offset: number;
  time: Time;
}
export interface Step extends Place {
  values: Fields;
  taken: 'yes' | 'where' | 'late' | 'waits' | 'paused' | 'before-rule';
  where: Asked[];
  tries: { partial: number | null; variable: string; kind: 'take' | 'not' | 'until'; holds: boolean; conditions: Asked[] }[];
  ended: { partial: number; why: string; variable: string | null }[];
  results: { kind: string; time: Time; rows: { partition: number; offset: number }[] }[];
  active: Active[];
  stream?: string;
  frames?: AskedFrame[];
  conditions?: Asked[];
  found?: boolean;
}
/** What each rule says of one event. */
export interface WhyEvent {
  stream: string;
  event_id: string;
  left_out: number;
  data: { rule: string; version: number; kind: string; verdict: string; text: string; key?: Fields; alert?: WhyAlert | null; notes: string[] }[];
}
export interface WhyNot {
  kind: 'filter' | 'window' | 'over' | 'pattern' | 'join';
  alert?: WhyAlert | null;
  notes: string[];
  windows?: AskedWindow[];
  earlier_windows?: number;
  key: Fields;
  events: number;
  scanned: number;
  complete: boolean;
  earlier: number;
  verdict: {
    kind: string;
    text: string;
    matches: boolean;
    partial: (Active & { left: number; end: string }) | null;
    event: Place | null;
    variable: string | null;
    conditions: Asked[];
    late_by_ms?: number;
    window?: AskedWindow;
    frames?: AskedFrame[];
    pair?: AskedPair;
    cut_off: boolean;
  };
  steps: Step[];
  after: Pick<Step, 'ended' | 'results' | 'active'>;
}

/** A key as it stands in an address: its one value, or JSON. */
export const keyInAddress = (key: Fields) => {
  const values = Object.values(key);
  const one = values.length === 1 ? values[0] : undefined;
  return typeof one === 'string' && !one.startsWith('{') && one !== '' ? one : JSON.stringify(key);
};
function keyInBody(text: string): Json {
  if (!text.startsWith('{')) return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

export const inspectPaths = {
  state: (r: string, key: string | null, after: string | null) => {
    const q = new URLSearchParams();
    if (key !== null) q.set('key', key);
    if (after) q.set('after', after);
    const s = q.toString();
    return `${paths.rule(r)}/state${s ? '?' + s : ''}`;
  },
  why: (r: string) => `${paths.rule(r)}:why_not`,
  whyEvent: (s: string) => `${paths.stream(s)}:why_not`,
};
export const whyBody = (key: string | null, event: string | null, stream: string | null): Fields => ({
  ...(key === null || key === '' || key === '{}' ? {} : { key: keyInBody(key) }),
  ...(event ? { event_id: event } : {}),
  ...(event && stream ? { stream } : {}),
});
/** An event by its place, or by what stands in a column. */
export const eventBody = (column: string, text: string): Fields => (column ? { where: { [column]: text } } : { event_id: text });
export const inspect = {
  state: (r: string, key: string | null, after: string | null, signal?: AbortSignal) =>
    call<RuleState>(inspectPaths.state(r, key, after), { signal }),
  why: (r: string, body: Fields, signal?: AbortSignal) => call<WhyNot>(inspectPaths.why(r), { body, signal }),
  whyEvent: (s: string, body: Fields, signal?: AbortSignal) => call<WhyEvent>(inspectPaths.whyEvent(s), { body, signal }),
};
