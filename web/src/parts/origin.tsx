// SPDX-License-Identifier: Apache-2.0
// Says of an event of an alert what it is and who found it, and leads there.
import type { AlertDetail } from '../api';
import { full } from '../lib/format';
import { isRuleName, nounOf, roleOfSide, sidesOf, useStreamNames, type Origin, type Source } from '../lib/origin';
import { Link } from './basic';
import { Icon } from './icons';
import type { Mark } from './timeline';

function SourceLink({ of: s, isRule }: { of: Source; isRule: boolean | null }) {
  if (isRule === null) return <>{s.name}</>;
  return <Link to={`/${isRule ? 'rules' : 'streams'}/${encodeURIComponent(s.name)}`}>{s.name}</Link>;
}
const word = (isRule: boolean | null) => (isRule === null ? '' : isRule ? 'rule ' : 'stream ');

const SIDE_TITLES = {
  late: 'The rule reads events that came too late for others',
  timeout: 'The rule reads partial matches whose time was over',
  error: 'The rule reads what another rule could not do, or what a stream refused',
};

/** What an alert over LATE, TIMEOUTS or ERRORS is, in a word. */
export function SidePills({ sql }: { sql: string }) {
  const roles = [...new Set(sidesOf(sql).map((s) => roleOfSide(s.side)))];
  return (
    <>
      {roles.map((r) => (
        <span key={r} class="pill warn side-pill" title={SIDE_TITLES[r as keyof typeof SIDE_TITLES]}>
          {nounOf(r)}
        </span>
      ))}
    </>
  );
}

/** The same in a sentence, for the facts. */
export function SideFacts({ sql }: { sql: string }) {
  const sides = sidesOf(sql);
  const streams = useStreamNames(sides.some((s) => s.side === 'LATE'));
  return (
    <>
      {sides.map((s) => {
        const isRule = isRuleName(s, streams);
        const link = <SourceLink of={s} isRule={isRule} />;
        return (
          <div key={s.name + s.side} class="side-fact">
            <dt>Made of</dt>
            <dd>
              {s.side === 'LATE' ? (
                <>
                  events that came too late for {word(isRule)}
                  {link}
                </>
              ) : s.side === 'TIMEOUTS' ? (
                <>partial matches of rule {link} whose time was over</>
              ) : (
                <>what rule {link} could not do</>
              )}
            </dd>
          </div>
        );
      })}
    </>
  );
}

/** All of one source, which the title says once. */
function isAlike(marks: Mark[]): boolean {
  const first = marks[0]?.origin;
  return marks.every((m) => m.origin?.role === first?.role && m.origin?.name === first?.name);
}

/** What the table says in its last column of where events come from, if there is something to say. */
export type OriginColumn = 'from' | 'alert' | null;
export function originColumn(marks: Mark[]): OriginColumn {
  if (!isAlike(marks)) return 'from';
  return marks.some((m) => m.alert) ? 'alert' : null;
}

/** "3 events", or "3 results of declines" where all are of one rule. */
export function MarksTitle({ marks }: { marks: Mark[] }) {
  const first = marks[0]?.origin;
  const same = isAlike(marks);
  const noun = same ? nounOf(first?.role) : 'event';
  return (
    <>
      {marks.length.toLocaleString('en-US')} {noun}
      {marks.length === 1 ? '' : 's'}
      {same && first && first.role !== 'event' ? (
        <>
          {' '}
          {first.role === 'late' ? 'for' : first.role === 'passed' ? 'passed on by' : 'of'}{' '}
          <SourceLink of={first} isRule={first.isRule} />
        </>
      ) : null}
    </>
  );
}

export const AlertLink = ({ of: m }: { of: Mark }) =>
  m.alert ? (
    <Link to={`/alerts/${m.alert}`} class="upstream" title={`The alert of ${m.origin?.name ?? 'that rule'}`}>
      its alert
      <Icon name="right" size={12} />
    </Link>
  ) : null;

/** The cell that says who found the event. */
export function OriginCell({ of: m, column }: { of: Mark; column: OriginColumn }) {
  const o = m.origin;
  if (column === 'alert')
    return (
      <td class="origin">
        <AlertLink of={m} />
      </td>
    );
  return (
    <td class="origin">
      {o?.side ? <span class="dim">{nounOf(o.role)} · </span> : null}
      {o ? <SourceLink of={o} isRule={o.isRule} /> : <span class="dim">gone</span>} <AlertLink of={m} />
    </td>
  );
}

/** In a row of the table, instead of the values. */
export function missingShort(o: Origin | null): string {
  if (o?.role === 'result') return 'made no alert; not kept';
  return o?.role === 'timeout' ? 'no alert; not kept' : 'not kept';
}

/** Beside the table: why the event cannot be shown. */
export function Missing({ of: m }: { of: Mark }) {
  const o = m.origin;
  const link = o ? <SourceLink of={o} isRule={o.isRule} /> : null;
  if (o?.role === 'result')
    return (
      <p class="dim missing">
        This result of rule {link} made no alert, so its values are not kept. A cooldown does that: it raises the count of the
        alert before.
      </p>
    );
  if (o?.role === 'timeout')
    return (
      <p class="dim missing">
        A partial match of rule {link} whose time was over. That makes no alert of {o.name}, so its values are not kept.
      </p>
    );
  if (o?.role === 'error')
    return (
      <p class="dim missing">
        Rule {link} could not do something here. Its values are not kept; the <Link to="/dead-letters">dead letters</Link> say
        what it was.
      </p>
    );
  return <p class="dim missing">The event itself is no longer kept.</p>;
}

/** When and where: a place in a partition, or the rule whose result it is. */
export function Place({ of: m }: { of: Mark }) {
  const o = m.origin;
  const link = o ? <SourceLink of={o} isRule={o.isRule} /> : <>a stream that is gone</>;
  const place = `partition ${m.partition}, offset ${m.offset}`;
  return (
    <p class="dim place num">
      {o?.role === 'late' ? 'behind the watermark ' : ''}
      {full(m.time)} ·{' '}
      {o?.role === 'error' && o.isRule === false ? (
        <>refused by stream {link}</>
      ) : o?.role === 'result' || o?.role === 'timeout' || o?.role === 'error' ? (
        <>
          {nounOf(o.role)} of rule {link}
        </>
      ) : o?.role === 'late' ? (
        <>
          too late for {word(o.isRule)}
          {link}
          {m.alert ? '' : `, ${place}`}
        </>
      ) : o?.role === 'passed' ? (
        <>
          passed on by rule {link}, {place}
        </>
      ) : (
        <>
          {link} {place}
        </>
      )}
      {m.alert ? (
        <>
          {' '}
          <span class="together">
            · <AlertLink of={m} />
          </span>
        </>
      ) : null}
    </p>
  );
}

/** For the axis of time, where there is only room for words. */
export function markWords(m: Mark): string {
  const o = m.origin;
  if (!o || o.role === 'event') return m.variable ?? 'event';
  const what = `${nounOf(o.role)} of ${o.name}${o.role === 'result' && !m.event ? ' that made no alert' : ''}`;
  return m.variable ? `${m.variable}, ${what}` : what;
}

/** A window keeps sums; says of what. */
export function windowWords(a: AlertDetail): string {
  const side = sidesOf(a.rule_sql ?? '')[0];
  return side ? `A window rule keeps sums, not ${nounOf(roleOfSide(side.side))}s.` : 'A window rule keeps sums, not events.';
}
