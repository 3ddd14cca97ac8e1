// SPDX-License-Identifier: Apache-2.0
// Dead letters by what they have in common: a line for each group, the largest first; a click shows its letters.
import { paths, type DeadLetterGroup, type LetterFilter } from '../api';
import { full, number, plural } from '../lib/format';
import type { Loaded } from '../lib/query';
import { setQuery } from '../lib/router';
import { Ago, Card, CopyCurl, Empty, States } from './basic';
import { KindPill } from './letters';

export const groupings = {
  reason: 'kind,stream,code,reason',
  stream: 'kind,stream',
  rule: 'kind,rule',
} as const;
export type Grouping = keyof typeof groupings;

const nameOf = (g: DeadLetterGroup, by: Grouping) =>
  by === 'reason' ? (g.reason ?? '') : by === 'stream' ? (g.stream ?? 'a stream that is gone') : (g.rule ?? 'of no rule');

/** What a click on the group sets in the address, and what of it is set now. */
const fields = (g: DeadLetterGroup, by: Grouping): Record<string, string | null> =>
  by === 'reason'
    ? { kind: g.kind ?? null, stream: g.stream ?? null, code: g.code ?? null, reason: g.reason ?? null, rule: null }
    : by === 'stream'
      ? { kind: g.kind ?? null, stream: g.stream ?? null, code: null, reason: null, rule: null }
      : { kind: g.kind ?? null, rule: g.rule ?? null, stream: null, code: null, reason: null };

export function LetterGroups({
  of,
  by,
  filter,
}: {
  of: Loaded<{ data: DeadLetterGroup[]; has_more: boolean }>;
  by: Grouping;
  filter: LetterFilter;
}) {
  return (
    <Card
      title="Groups"
      flush
      class="letter-groups"
      side={
        <>
          <div class="segments" role="group" aria-label="Group by">
            {(Object.keys(groupings) as Grouping[]).map((k) => (
              <button key={k} type="button" class={by === k ? 'on' : ''} aria-pressed={by === k} onClick={() => setQuery({ by: k === 'reason' ? null : k })}>
                {k}
              </button>
            ))}
          </div>
          <CopyCurl label="" path={paths.deadGroups({ by: groupings[by], state: filter.state })} />
        </>
      }
    >
      <States of={of} rows={5}>
        {({ data: all, has_more }) => {
          const data = all.filter((g) => !filter.kind || filter.reason || filter.rule || filter.stream || g.kind === filter.kind);
          const most = Math.max(1, ...data.map((g) => g.count));
          return data.length ? (
            <ul>
              {data.map((g) => {
                const set = fields(g, by);
                const on = Object.entries(set).every(([k, v]) => v === null || filter[k as keyof LetterFilter] === v);
                return (
                  <li key={JSON.stringify(set)}>
                    <button
                      type="button"
                      class={on ? 'on' : ''}
                      aria-pressed={on}
                      onClick={() =>
                        setQuery(on ? { kind: null, stream: null, code: null, reason: null, rule: null, id: null } : { ...set, id: null })
                      }
                    >
                      <span class="name">{nameOf(g, by)}</span>
                      <b class="num">{number(g.count)}</b>
                      <small>
                        <KindPill of={{ kind: g.kind, code: g.code, rules: g.rule ? [g.rule] : [] }} />
                        {by === 'reason' ? <span>{g.stream ?? 'gone'}</span> : null}
                        {by === 'reason' && g.code !== g.kind ? <code>{g.code}</code> : null}
                        <span class="num" title={`first ${full(g.first)}, last ${full(g.last)}`}>
                          <Ago time={g.last} />
                        </span>
                      </small>
                      <i class="share" style={{ width: `${(g.count / most) * 100}%` }} aria-hidden="true" />
                    </button>
                  </li>
                );
              })}
              {has_more ? <li class="dim note">The {plural(data.length, 'largest', 'largest')} groups.</li> : null}
            </ul>
          ) : (
            <Empty icon="filter" title="No group" />
          );
        }}
      </States>
    </Card>
  );
}
