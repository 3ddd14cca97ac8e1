// SPDX-License-Identifier: Apache-2.0
// Alerts of a backtest by what stands in columns of theirs; and whether they still come as they came.
import { useState } from 'preact/hooks';
import { type Segment, type Variant } from '../api_backtests';
import { number, percent, plural, value, when } from '../lib/format';
import { Button, Card } from './basic';
import { Icon } from './icons';

const FEW = 12;
const some = (x: number | null, text: (x: number) => string) => (x === null ? <span class="dim">–</span> : text(x));
const amount = (x: number) => x.toLocaleString('en-US', { maximumFractionDigits: 2 });
const right = (s: Segment) => (s.true_alerts === null || s.false_alerts === null || s.true_alerts + s.false_alerts === 0 ? null : s.true_alerts / (s.true_alerts + s.false_alerts));

export function Segments({ of: v, names, compared, sum }: { of: Variant; names: string[]; compared: boolean; sum: string | null }) {
  const [all, setAll] = useState(false);
  const list = v.segments ?? [];
  const judged = list.some((s) => s.true_alerts !== null);
  const most = Math.max(1, ...list.map((s) => Math.max(s.new, s.old)));
  return (
    <Card title={`By ${names.join(', ')}`} flush class="bt-segments">
      {list.length ? (
        <div class="scroll-x">
          <table class="rows tight">
            <thead>
              <tr>
                {names.map((n) => (
                  <th key={n}>{n}</th>
                ))}
                <th class="bt-share" aria-label="Share" />
                <th class="r">New</th>
                {compared ? <th class="r">Old</th> : null}
                {sum ? <th class="r">{sum}</th> : null}
                {sum && compared ? <th class="r">Old {sum}</th> : null}
                {judged ? <th class="r">Precision</th> : null}
              </tr>
            </thead>
            <tbody>
              {(all ? list : list.slice(0, FEW)).map((s) => (
                <tr key={JSON.stringify(s.values)}>
                  {names.map((n) => (
                    <td key={n} class="mono cut">
                      {s.values[n] === null || s.values[n] === undefined ? <span class="dim">null</span> : value(s.values[n])}
                    </td>
                  ))}
                  <td class="bt-share">
                    <i class="new" style={{ width: `${(100 * s.new) / most}%` }} />
                    {compared ? <i class="old" style={{ width: `${(100 * s.old) / most}%` }} /> : null}
                  </td>
                  <td class="r num">{number(s.new)}</td>
                  {compared ? <td class="r num">{number(s.old)}</td> : null}
                  {sum ? <td class="r num">{some(s.new_sum, amount)}</td> : null}
                  {sum && compared ? <td class="r num">{some(s.old_sum, amount)}</td> : null}
                  {judged ? <td class="r num">{some(right(s), percent)}</td> : null}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <p class="note dim">No alerts.</p>
      )}
      {!all && list.length > FEW ? (
        <p class="note">
          <Button kind="ghost" onClick={() => setAll(true)}>
            All {number(list.length)}
          </Button>
        </p>
      ) : null}
      {v.segments_left_out ? <p class="note dim">{plural(v.segments_left_out, 'other combination')} with fewer alerts {v.segments_left_out === 1 ? 'is' : 'are'} left out.</p> : null}
    </Card>
  );
}

const rate = (x: number) => x.toLocaleString('en-US', { maximumSignificantDigits: 2 });
/** It does not tell as many alerts of the newest events as of those before. */
export function Drifts({ of: { drift } }: { of: Variant }) {
  if (!drift) return null;
  return (
    <p class="bt-drift" role="status">
      <Icon name="error" />
      <span>
        <b>It drifts.</b> Since {when(drift.since)} it tells {rate(drift.after)} alerts of a thousand events, before that {rate(drift.before)}: figures over the whole time say little of
        tomorrow.
      </span>
    </p>
  );
}
