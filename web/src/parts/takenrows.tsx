// SPDX-License-Identifier: Apache-2.0
import type { TakenRow } from '../api_inspect';
import { full, plural, shown, when } from '../lib/format';
import { variableClass } from '../lib/sql';

/** Rows of a pattern in order, each in the colour of its variable. */
export function TakenRows({ rows, earlier, variables }: { rows: TakenRow[]; earlier: number; variables: string[] }) {
  return (
    <ol class="st-rows">
      {earlier ? <li class="dim">{plural(earlier, 'row')} before</li> : null}
      {rows.map((r, i) => (
        <li key={i}>
          <span class={`var ${variableClass(variables, r.variable)}`}>{r.variable}</span>
          <time class="num" dateTime={r.time} title={full(r.time)}>
            {when(r.time, true)}
          </time>
          <span class="dim num" title="Partition and offset">
            {r.partition}/{r.offset}
          </span>
          {r.values && Object.keys(r.values).length ? (
            <span class="st-values mono">
              {Object.entries(r.values)
                .map(([k, v]) => `${k} ${shown(v)}`)
                .join(' · ')}
            </span>
          ) : null}
        </li>
      ))}
    </ol>
  );
}
