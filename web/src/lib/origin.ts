// SPDX-License-Identifier: Apache-2.0
// Where an event of an alert comes from: a stream, what a rule below found, or one of the side outputs.
import { api, paths, type MatchEvent, type Page, type Stream } from '../api';
import { useQuery } from './query';
import { plain, solidTokens } from './sql';

export type Side = 'LATE' | 'TIMEOUTS' | 'ERRORS';
/** `passed`: a filter or OVER below let the event itself through. */
export type Role = 'event' | 'passed' | 'result' | 'late' | 'timeout' | 'error';
export interface Source {
  name: string;
  side: Side | null;
}
export interface Origin extends Source {
  role: Role;
  isRule: boolean | null; // null: not known, or not yet
}

const ROLES: Record<Side, Role> = { LATE: 'late', TIMEOUTS: 'timeout', ERRORS: 'error' };
export const roleOfSide = (side: Side): Role => ROLES[side];
const NOUNS: Record<Role, string> = {
  event: 'event',
  passed: 'event',
  result: 'result',
  late: 'late event',
  timeout: 'timeout',
  error: 'error',
};
export const nounOf = (role: Role | undefined) => NOUNS[role ?? 'event'];

/** Streams and rules share their names, so what is no stream is a rule. */
export const isRuleName = (s: Source, streams: Set<string> | null): boolean | null =>
  s.side === 'TIMEOUTS' ? true : streams ? !streams.has(s.name) : null;

/** Where to look at what a rule reads: a stream's page, or the dead letters for a side output. */
export function pageOf(stream: string): string {
  const s = sourceOf(stream);
  if (s.side === null) return `/streams/${encodeURIComponent(stream)}`;
  if (s.side === 'TIMEOUTS') return `/dead-letters?show=timeouts&rule=${encodeURIComponent(s.name)}`;
  return `/dead-letters?kind=${s.side === 'LATE' ? 'late' : 'error'}`;
}

function sourceOf(stream: string): Source {
  const m = /^(.*)\.(LATE|TIMEOUTS|ERRORS)$/.exec(stream);
  return m ? { name: m[1]!, side: m[2] as Side } : { name: stream, side: null };
}

/** A result is numbered by a hash of 64 bits; no partition gets that long. */
const isHash = (offset: number) => offset > Number.MAX_SAFE_INTEGER;

/** null: the stream or the rule is gone, and its name with it. */
export function originOf(m: MatchEvent, streams: Set<string> | null): Origin | null {
  if (m.stream === null) return null;
  const s = sourceOf(m.stream);
  if (s.side) return { ...s, role: ROLES[s.side], isRule: isRuleName(s, streams) };
  if (m.alert || isHash(m.offset)) return { ...s, role: 'result', isRule: true };
  const isRule = isRuleName(s, streams);
  return { ...s, role: isRule ? 'passed' : 'event', isRule };
}

/** The side outputs that a rule reads: FROM x.LATE, TABLE y.TIMEOUTS. */
export function sidesOf(sql: string): (Source & { side: Side })[] {
  const t = solidTokens(sql);
  const found = new Map<string, Source & { side: Side }>();
  t.forEach((x, i) => {
    if (!/^(FROM|JOIN|TABLE)$/i.test(x.text) || x.kind !== 'keyword' || t[i + 2]?.text !== '.') return;
    const side = t[i + 3]?.text.toUpperCase() ?? '';
    if (side in ROLES) found.set(`${t[i + 1]!.text}.${side}`, { name: plain(t[i + 1]!.text), side: side as Side });
  });
  return [...found.values()];
}

/** Names of the streams; null until they are known, or if nobody wants them. */
export function useStreamNames(wanted: boolean): Set<string> | null {
  const q = useQuery(wanted ? 'stream names' : null, (s) =>
    api.get<Page<Stream>>(paths.streams, s).then((p) => new Set(p.data.map((x) => x.name))),
  );
  return q.data;
}
