// SPDX-License-Identifier: Apache-2.0
// One alert in full: what it says, its events on the axis of event time, the row, the rule that found it.
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { AlertDetail, AlertRevision, Fields } from '../api';
import { keyInAddress } from '../api_inspect';
import { clock, duration, full, keyParam, plural, ruleTitle, shown, value, when } from '../lib/format';
import { useShortcuts } from '../lib/keys';
import { nounOf, originOf, useStreamNames } from '../lib/origin';
import { absentOf, mentioned, variableClass, variablesOf, withinOf } from '../lib/sql';
import { Ago, Card, CopyButton, Link, ModePill, SeverityPill } from './basic';
import { ListAction } from './listforms';
import {
  MarksTitle,
  Missing,
  missingShort,
  OriginCell,
  originColumn,
  type OriginColumn,
  Place,
  SideFacts,
  SidePills,
  windowWords,
} from './origin';
import { JsonLine, JsonView, SqlView } from './sqlview';
import { Timeline, type Mark } from './timeline';

const none: string[] = [];
const SHOWN = 200; // rows of the table of events

/** Where the events of an alert can be gone through: at the last one of its match. */
function stepsOf(a: AlertDetail): string | null {
  const events = a.match.flatMap((m) => m.events);
  const last = events.sort((x, y) => Date.parse(x.time) - Date.parse(y.time)).pop();
  if (last?.alert || !a.key || (!last && !Object.keys(a.key).length)) return null;
  const q = new URLSearchParams({ tab: 'state', why: '1' });
  if (Object.keys(a.key).length) q.set('key', keyInAddress(a.key));
  if (last) q.set('event', `${last.partition}/${last.offset}`);
  if (last?.stream) q.set('of', last.stream);
  return `/rules/${encodeURIComponent(a.rule)}?${q.toString()}`;
}

export function AlertHead({ alert: a, link }: { alert: AlertDetail; link?: boolean }) {
  const title = ruleTitle(a.title, a.rule);
  const steps = stepsOf(a);
  return (
    <div class="alert-head">
      <div class="alert-line">
        <SeverityPill severity={a.severity} />
        {a.mode !== 'active' ? <ModePill mode={a.mode} /> : null}
        {a.retracted ? (
          <span class="pill warn" title="A late event changed the window: the rule's condition no longer holds">
            retracted
          </span>
        ) : null}
        <SidePills sql={a.rule_sql ?? ''} />
        <span class="dim">
          <Ago time={a.created} of="Alert made" />
        </span>
        <ListAction alert={a} />
      </div>
      <h1>{link ? <Link to={`/alerts/${a.id}`}>{title}</Link> : title}</h1>
      <dl class="facts">
        <div>
          <dt>Rule</dt>
          <dd>
            <Link to={`/rules/${encodeURIComponent(a.rule)}`}>{a.rule}</Link> <span class="dim">v{a.version}</span>
            {steps ? (
              <>
                {' · '}
                <Link to={steps} title="The recorded events of this key, and what was asked of each">
                  step by step
                </Link>
              </>
            ) : null}
          </dd>
        </div>
        {Object.entries(a.key ?? {}).map(([k, v]) => (
          <div key={k}>
            <dt>{k}</dt>
            <dd class="mono">
              <Link to={`/alerts?key=${encodeURIComponent(keyParam(a.key))}`} title="All alerts of this key">
                {value(v)}
              </Link>
            </dd>
          </div>
        ))}
        <SideFacts sql={a.rule_sql ?? ''} />
        <div>
          <dt>Event time</dt>
          <dd title={full(a.time)}>{when(a.time, true)}</dd>
        </div>
        <div>
          <dt>Made</dt>
          <dd title="When the alert was stored, by the server's clock, and how long after the event's own time">
            {when(a.created, true)} <span class="dim">{latency(a)}</span>
          </dd>
        </div>
        {a.count > 1 ? (
          <div>
            <dt>Count</dt>
            <dd title="Results held back by the rule's cooldown raise the count">× {a.count}</dd>
          </div>
        ) : null}
        {a.revision > 0 ? (
          <div>
            <dt>Revision</dt>
            <dd>{a.revision}</dd>
          </div>
        ) : null}
        {a.replaced_by ? (
          <div>
            <dt>Replaced by</dt>
            <dd title="Sessions that a late event joined are one alert">
              <Link to={`/alerts/${a.replaced_by}`}>{a.replaced_by}</Link>
            </dd>
          </div>
        ) : null}
      </dl>
      {a.revisions?.length ? <Revisions of={a.revisions} /> : null}
    </div>
  );
}

/** What the alert was before late events changed it, the newest first. */
function Revisions({ of }: { of: AlertRevision[] }) {
  return (
    <details class="revisions">
      <summary>{plural(of.length, 'earlier revision')}</summary>
      <ol>
        {[...of].reverse().map((r) => (
          <li key={r.revision}>
            <span class="dim" title={full(r.created)}>
              {r.revision} · {when(r.created, true)}
            </span>{' '}
            {r.retracted ? <span class="pill warn">retracted</span> : null} <JsonLine of={r.row} />
          </li>
        ))}
      </ol>
    </details>
  );
}

/** Events of now: how long until the alert; old events that were loaded say nothing about that. */
function latency(a: AlertDetail): string {
  const ms = Date.parse(a.created) - Date.parse(a.time);
  return ms >= 0 && ms < 3600e3 ? `${duration(ms)} later` : '';
}

function spanOf(a: AlertDetail, marks: Mark[]) {
  if (a.window) {
    const start = Date.parse(a.window.start);
    const end = Date.parse(a.window.end);
    return { start, end, text: `window ${duration(end - start)}` };
  }
  const within = a.rule_sql ? withinOf(a.rule_sql) : null;
  if (within && marks.length) {
    const start = Date.parse(marks[0]!.time);
    return { start, end: start + within.ms, text: `WITHIN ${within.text}` };
  }
  return null;
}

export function AlertBody({ alert: a }: { alert: AlertDetail }) {
  const variables = useMemo(() => variablesOf(a.rule_sql ?? ''), [a.rule_sql]);
  const absent = useMemo(() => absentOf(a.rule_sql ?? ''), [a.rule_sql]);
  const streams = useStreamNames(true);
  const marks = useMemo(() => {
    const all = a.match.flatMap((m) =>
      m.events.map((e): Mark => ({ ...e, variable: m.var, index: 0, origin: originOf(e, streams) })),
    );
    all.sort((x, y) => Date.parse(x.time) - Date.parse(y.time) || x.partition - y.partition || x.offset - y.offset);
    return all.map((m, index) => ({ ...m, index }));
  }, [a, streams]);
  const [selected, select] = useState(0);
  useEffect(() => select(Math.max(0, marks.length - 1)), [a.id]);
  const move = (d: number) => select((i) => Math.min(marks.length - 1, Math.max(0, i + d)));
  useShortcuts([
    { keys: 'ArrowRight', does: 'Next event', group: 'Alert', run: () => move(1) },
    { keys: 'ArrowLeft', does: 'Event before', group: 'Alert', run: () => move(-1) },
  ]);

  const columns = useMemo(() => [...new Set(marks.flatMap((m) => Object.keys(m.event ?? {})))], [marks]);
  const used = useMemo(() => mentioned(a.rule_sql ?? '', columns), [a.rule_sql, columns]);
  const marked = useMemo(() => new Set(used.map((u) => u.toLowerCase())), [used]);
  const keyColumns = new Set(Object.keys(a.key ?? {}).map((k) => k.toLowerCase()));
  const fields = used.filter((c) => !keyColumns.has(c.toLowerCase()) && !isTime(marks, c));
  const numeric = useMemo(() => new Set(fields.filter((c) => isNumeric(marks, c))), [marks, used]);
  const at = marks[Math.min(selected, marks.length - 1)];
  const column = originColumn(marks);
  const late = marks.every((m) => m.origin?.role === 'late');
  const named = marks.some((m) => m.variable);
  const span = spanOf(a, marks);
  const first = marks[0];
  const last = marks[marks.length - 1];

  return (
    <div class="alert-body">
      <div class="alert-col">
        <Card
          class="alert-events"
          title={marks.length ? <MarksTitle marks={marks} /> : a.window ? 'Window' : 'Events'}
          side={
            first && last && marks.length > 1 ? (
              <span class="dim num">first to last {duration(Date.parse(last.time) - Date.parse(first.time))}</span>
            ) : null
          }
        >
          {marks.length ? (
            <>
              <Timeline
                marks={marks}
                variables={variables}
                absent={absent}
                span={span}
                alertAt={Date.parse(a.time)}
                selected={selected}
                select={select}
              />
              <div class="event-table scroll-x">
                <table class="rows tight">
                  <thead>
                    <tr>
                      {named ? <th>Var</th> : null}
                      <th title={late ? 'The watermark that the event came behind' : undefined}>
                        {late ? 'Watermark' : 'Event time'}
                      </th>
                      <th class="r">After</th>
                      {fields.map((c) => (
                        <th key={c} class={numeric.has(c) ? 'r' : ''}>
                          {c}
                        </th>
                      ))}
                      {fields.length ? null : <th>Event</th>}
                      {column ? <th>{column === 'from' ? 'From' : 'Alert'}</th> : null}
                    </tr>
                  </thead>
                  <tbody>
                    {marks.slice(0, SHOWN).map((m, i) => (
                      <tr key={i} class={`pick ${i === selected ? 'on' : ''}`} onClick={() => select(i)}>
                        {named ? (
                          <td>
                            <b class={`var ${variableClass(variables, m.variable)}`}>{m.variable ?? '–'}</b>
                          </td>
                        ) : null}
                        <td class="num" title={full(m.time)}>
                          {clock(m.time, true)}
                        </td>
                        <td class="num r dim">{i ? '+' + duration(Date.parse(m.time) - Date.parse(marks[i - 1]!.time)) : ''}</td>
                        <Values of={m} fields={fields} numeric={numeric} column={column} />
                        {column === 'from' || (column && m.event) ? <OriginCell of={m} column={column} /> : null}
                      </tr>
                    ))}
                  </tbody>
                </table>
                {marks.length > SHOWN ? (
                  <p class="dim note">
                    The first {SHOWN} of {plural(marks.length, 'event')}.
                  </p>
                ) : null}
              </div>
            </>
          ) : (
            <>
              {span ? (
                <Timeline
                  marks={marks}
                  variables={variables}
                  absent={none}
                  span={span}
                  alertAt={Date.parse(a.time)}
                  selected={-1}
                  select={select}
                />
              ) : null}
              <p class="dim note">
                {a.window
                  ? `${windowWords(a)} The window is ${when(a.window.start)} to ${clock(a.window.end)} UTC.`
                  : 'No events are kept with this alert.'}
              </p>
            </>
          )}
        </Card>
        {a.rule_sql ? (
          <Card
            class="alert-sql"
            title={
              <>
                Rule <Link to={`/rules/${encodeURIComponent(a.rule)}`}>{a.rule}</Link> at version {a.version}
              </>
            }
            side={<CopyButton text={a.rule_sql} label="SQL" title="Copy the rule" />}
          >
            <SqlView sql={a.rule_sql} marks={marked} label="The rule" />
          </Card>
        ) : null}
      </div>
      <div class="alert-col">
        <Card
          class="alert-row"
          title="Row"
          side={<CopyButton text={() => JSON.stringify(a.row, null, 2)} label="JSON" title="Copy the row" />}
        >
          {Object.keys(a.row ?? {}).length ? (
            <dl class="measures">
              {Object.entries(a.row).map(([k, v]) => (
                <div key={k}>
                  <dt>{k}</dt>
                  <dd class="num" title={value(v)}>
                    {shown(v)}
                  </dd>
                </div>
              ))}
            </dl>
          ) : (
            <p class="dim">The rule has no outputs.</p>
          )}
        </Card>
        {at ? (
          <Card
            class="alert-json"
            title={
              at.variable ? (
                <>
                  <b class={`var ${variableClass(variables, at.variable)}`}>{at.variable}</b> {nounOf(at.origin?.role)}{' '}
                  {selected + 1} of {marks.length}
                </>
              ) : (
                <>
                  {nounOf(at.origin?.role).replace(/^./, (c) => c.toUpperCase())} {selected + 1} of {marks.length}
                </>
              )
            }
            side={
              at.event ? <CopyButton text={() => JSON.stringify(at.event, null, 2)} label="JSON" title="Copy the event" /> : null
            }
          >
            <Place of={at} />
            {at.event ? (
              <JsonView of={at.event} marks={marked} label="The event; marked fields are read by the rule" />
            ) : (
              <Missing of={at} />
            )}
          </Card>
        ) : null}
      </div>
    </div>
  );
}

/** What the rule reads of an event, or one cell that says why it is not there. */
function Values({ of: m, fields, numeric, column }: { of: Mark; fields: string[]; numeric: Set<string>; column: OriginColumn }) {
  const e = m.event;
  if (!e)
    return (
      <td colSpan={(fields.length || 1) + (column === 'alert' ? 1 : 0)} class="dim unkept">
        {missingShort(m.origin)}
      </td>
    );
  if (!fields.length)
    return (
      <td>
        <JsonLine of={e} />
      </td>
    );
  return (
    <>
      {fields.map((c) => (
        <td key={c} class={numeric.has(c) ? 'num r' : ''}>
          {column === 'from' && !(c in e) ? '' : value(field(e, c))}
        </td>
      ))}
    </>
  );
}

const field = (e: Fields, c: string) => e[c];
/** The column of event time says what "Event time" already says. */
const isTime = (marks: Mark[], c: string) => {
  const m = marks.find((x) => x.event?.[c]);
  const v = m?.event?.[c];
  return m !== undefined && (typeof v === 'string' || typeof v === 'number') && new Date(v).getTime() === Date.parse(m.time);
};
const isNumeric = (marks: Mark[], c: string) => {
  const v = marks.find((m) => m.event && m.event[c] !== null && m.event[c] !== undefined)?.event?.[c];
  return typeof v === 'number' || (typeof v === 'string' && /^-?\d+(\.\d+)?$/.test(v));
};
