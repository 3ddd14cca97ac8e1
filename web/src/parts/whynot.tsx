// SPDX-License-Identifier: Apache-2.0
// Why a rule has not fired for a key: the verdict, then of a pattern its recorded events one by one, with the states of the
// automaton, what is bound, and each condition's truth; arrow keys step. Of other kinds: whykinds.tsx.
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Rule } from '../api';
import { inspect, inspectPaths, whyBody, type Asked, type Place, type Step, type WhyAlert, type WhyNot } from '../api_inspect';
import { duration, full, keyText, number, plural, shown, value, when } from '../lib/format';
import { useShortcuts } from '../lib/keys';
import { useQuery } from '../lib/query';
import { setQuery, useLocation } from '../lib/router';
import { variableClass } from '../lib/sql';
import { Button, CopyCurl, Empty, Kbd, Link, States } from './basic';
import { Icon } from './icons';
import { Picture } from './picture';
import { TakenRows } from './takenrows';
import { Evidence } from './whykinds';

const placeOf = (p: Place) => `${p.partition}/${p.offset}`;

export const titles: Record<string, string> = {
  matched: 'It has fired',
  condition: 'A condition did not hold',
  time: 'The time was over',
  not: 'An event came that was not to come',
  next: 'The very next event did not fit',
  until: 'UNTIL ended it',
  skipped: 'Another match came first',
  waiting: 'It still waits',
  'nothing-began': 'Nothing began',
  'no-partner': 'There was no partner',
  'not-asked': 'It could not be asked',
  upstream: 'The rule that it reads did not find it',
  'not-deployed': 'The rule was not deployed',
  limit: 'A limit dropped it',
  'no-events': 'No events of this key',
  'unknown-event': 'Not an event of this key',
  'before-rule': 'Before the rule',
  late: 'The event came late',
  paused: 'The rule was paused',
  pending: 'It waits for the watermark',
  where: 'WHERE leaves it out',
};
export const notTaken: Record<string, string> = {
  where: 'WHERE leaves it out',
  late: 'it came late',
  waits: 'it waits for the watermark',
  paused: 'the rule was paused',
  'before-rule': 'it came before the rule',
};
const ends: Record<string, string> = {
  taken: 'went on',
  matched: 'is a match',
  time: 'its time is over',
  not: 'ended: not to come was',
  next: 'ended: the very next event did not fit',
  until: 'ended by',
  skipped: 'ended: another match came first',
  limit: 'dropped: a limit of the key',
};

export function Conditions({ of: list }: { of: Asked[] }) {
  return (
    <ul class="wn-conditions">
      {list.map((c, i) => (
        <li key={i} class={c.true === true ? 'is-true' : c.true === false ? 'is-false' : 'is-null'}>
          <span class="wn-mark" role="img" aria-label={c.true === true ? 'true' : c.true === false ? 'false' : 'unknown'}>
            {c.true === true ? '✓' : c.true === false ? '✗' : '?'}
          </span>
          <code>{c.text}</code>
          {c.values.map((v) => (
            <span key={v.of} class="wn-value mono">
              {v.of} = <b>{shown(v.value)}</b>
            </span>
          ))}
          {c.missed_by !== undefined ? <span class="pill warn num">off by {value(c.missed_by)}</span> : null}
        </li>
      ))}
    </ul>
  );
}

/** Where a match is to be seen. */
export function Told({ alert: a }: { alert: WhyAlert | null | undefined }) {
  if (a === undefined) return null;
  if (a === null) return <p class="dim">No alert of it is kept among the newest of this key.</p>;
  return (
    <p>
      <Link to={`/alerts/${a.id}`}>{a.by === 'match' ? 'The alert of it' : 'An earlier alert counts it'}</Link>
      {a.by === 'cooldown' && a.until ? <span class="num"> · the cooldown lasts until {when(a.until)}</span> : null}
      {a.count > 1 ? <span class="dim num"> · stands for {number(a.count)} matches</span> : null}
      {a.mode === 'active' ? null : <span class="pill">{a.mode}: kept apart</span>}
    </p>
  );
}

/** What else became of the event: the version of then, a version beside it, the dead letters. Sentences. */
export function Notes({ of: notes }: { of: string[] }) {
  return (
    <>
      {notes.map((n) => (
        <p key={n} class="dim">
          {n}
        </p>
      ))}
    </>
  );
}

function Verdict({ of: w, variables }: { of: WhyNot; variables: string[] }) {
  const v = w.verdict;
  const good = v.kind === 'matched';
  return (
    <section class={`wn-verdict ${good ? 'good' : v.kind === 'waiting' || v.kind === 'pending' ? '' : 'bad'}`} aria-label="Why not">
      <h3>
        {titles[v.kind] ?? v.kind}
        {v.variable ? <span class={`var ${variableClass(variables, v.variable)}`}>{v.variable}</span> : null}
        {v.late_by_ms !== undefined ? <span class="pill warn num">{duration(v.late_by_ms)} {w.kind === 'join' ? 'out of bounds' : 'too late'}</span> : null}
        {v.matches && !good ? <span class="pill">it has fired before</span> : null}
      </h3>
      <p>{v.text}.</p>
      {v.kind === 'not-deployed' ? null : <Notes of={w.notes} />}
      {v.conditions.length ? <Conditions of={v.conditions} /> : null}
      <Told alert={w.alert} />
      <p class="dim num wn-scope">
        {plural(w.events, 'event')} {Object.keys(w.key).length ? 'of the key, ' : ''}of {number(w.scanned)} looked at
        {w.complete ? '' : '; older ones were not looked at'}
        {v.cut_off ? '; there were more partial matches than are followed' : ''}
        {v.event ? (
          <button type="button" class="plain link" onClick={() => setQuery({ at: placeOf(v.event!) })}>
            Go to event {placeOf(v.event)}
          </button>
        ) : null}
      </p>
    </section>
  );
}

/** The variable that a step's event was taken for. */
function takenFor(s: Step): string | null {
  for (const a of s.active) {
    const last = a.rows[a.rows.length - 1];
    if (last && last.partition === s.partition && last.offset === s.offset) return last.variable;
  }
  return s.tries.find((t) => t.kind === 'take' && t.holds)?.variable ?? null;
}

function Strip({ steps, at, why, variables }: { steps: Step[]; at: number; why: WhyNot; variables: string[] }) {
  const box = useRef<HTMLOListElement>(null);
  useEffect(() => box.current?.querySelector('.on')?.scrollIntoView({ block: 'nearest', inline: 'center' }), [at]);
  const told = why.verdict.event ? placeOf(why.verdict.event) : null;
  return (
    <ol class="wn-strip" ref={box} aria-label="Events of the key">
      {why.earlier ? <li class="dim num">{number(why.earlier)} before</li> : null}
      {steps.map((s, i) => {
        const v = takenFor(s);
        const matched = s.results.some((r) => r.kind === 'match');
        return (
          <li key={placeOf(s)}>
            <button
              type="button"
              class={`wn-dot ${v ? variableClass(variables, v) : 'none'} ${s.taken === 'yes' ? '' : 'out'} ${i === at ? 'on' : ''} ${matched ? 'match' : ''} ${placeOf(s) === told ? 'told' : ''}`}
              aria-current={i === at ? 'step' : undefined}
              aria-label={`Event ${i + 1}: ${v ?? (s.taken === 'yes' ? 'taken for nothing' : notTaken[s.taken])}${matched ? ', a match' : ''}`}
              title={`${when(s.time, true)} · ${v ?? notTaken[s.taken] ?? 'taken for nothing'}`}
              onClick={() => setQuery({ at: placeOf(s) })}
            >
              {v ? (v.length > 3 ? v.slice(0, 2) + '…' : v) : ''}
            </button>
          </li>
        );
      })}
    </ol>
  );
}

function Tries({ of: s, before, variables }: { of: Step; before: Step | undefined; variables: string[] }) {
  if (s.taken !== 'yes')
    return (
      <div class="wn-block">
        <p>
          <b>Not shown to the pattern:</b> {notTaken[s.taken]}.
        </p>
        {s.taken === 'where' ? <Conditions of={s.where} /> : null}
      </div>
    );
  const bound = (id: number | null) => before?.active.find((a) => a.partial === id)?.rows ?? [];
  return (
    <ul class="wn-tries" aria-label="What was asked of the event">
      {s.tries.map((t, i) => (
        <li key={i} class={t.holds ? 'holds' : ''}>
          <div class="wn-try">
            <span class="dim">
              {t.partial === null ? 'to begin' : bound(t.partial).map((r) => r.variable).join(' ') || `partial match ${t.partial}`}
            </span>
            <Icon name="right" size={11} />
            <span class={`var ${variableClass(variables, t.variable)}`}>{t.variable}</span>
            {t.kind === 'take' ? null : <span class="pill warn">{t.kind === 'not' ? 'must not come' : 'until'}</span>}
            <span class="grow" />
            <span class={t.holds ? 'good-text' : 'dim'}>{t.holds ? 'holds' : 'does not hold'}</span>
          </div>
          <Conditions of={t.conditions} />
        </li>
      ))}
    </ul>
  );
}

function After({ of: s, variables }: { of: Step; variables: string[] }) {
  return (
    <div class="wn-block">
      {s.results.map((r, i) => (
        <p key={i}>
          <span class={`pill ${r.kind === 'match' ? 'good' : 'warn'}`}>{r.kind}</span>{' '}
          <span class="num dim">of events {r.rows.map((x) => `${x.partition}/${x.offset}`).join(', ')}</span>
        </p>
      ))}
      {s.ended
        .filter((e) => e.why !== 'taken' && e.why !== 'matched')
        .map((e) => (
          <p key={e.partial} class="dim">
            A partial match {ends[e.why] ?? e.why} {e.variable ? <span class={`var ${variableClass(variables, e.variable)}`}>{e.variable}</span> : null}
          </p>
        ))}
      <h4>{s.active.length ? `${plural(s.active.length, 'partial match', 'partial matches')} after it` : 'Nothing in progress after it'}</h4>
      {s.active.map((a) => (
        <div key={a.partial} class="wn-active">
          <TakenRows rows={a.rows} earlier={a.earlier} variables={variables} />
          <p class="dim">
            waits for{' '}
            {a.waits_for.map((v) => (
              <span key={v} class={`var ${variableClass(variables, v)}`}>
                {v}
              </span>
            ))}
            {a.ends ? <span class="num"> until {when(a.ends, true)}</span> : null}
          </p>
        </div>
      ))}
    </div>
  );
}

function Stepper({ of: w, rule, variables }: { of: WhyNot; rule: Rule; variables: string[] }) {
  const { query } = useLocation();
  const steps = w.steps;
  const wanted = query.get('at') ?? (w.verdict.event ? placeOf(w.verdict.event) : null);
  const found = steps.findIndex((s) => placeOf(s) === wanted);
  const at = found < 0 ? steps.length - 1 : found;
  const go = (n: number) => {
    const to = steps[Math.max(0, Math.min(steps.length - 1, n))];
    if (to) setQuery({ at: placeOf(to) });
  };
  useShortcuts([
    { keys: 'ArrowLeft', does: 'The event before', group: 'Why not', run: () => go(at - 1) },
    { keys: 'ArrowRight', does: 'The next event', group: 'Why not', run: () => go(at + 1) },
    { keys: 'Home', does: 'The first event', group: 'Why not', run: () => go(0) },
    { keys: 'End', does: 'The last event', group: 'Why not', run: () => go(steps.length - 1) },
  ]);
  const step = steps[at];
  const active = useMemo(() => {
    const n = new Map<string, number>();
    for (const a of step?.active ?? []) n.set(String(a.state), (n.get(String(a.state)) ?? 0) + 1);
    const end = rule.nfa?.states.find((s) => s.kind === 'final')?.id;
    const made = step?.results.some((r) => r.kind === 'match') ? takenFor(step) : null;
    for (const s of rule.nfa?.states ?? [])
      if (made && s.variable === made && rule.nfa?.edges.some((e) => e.from === s.id && e.to === end)) n.set(String(s.id), 1);
    if (step && n.size === 0 && rule.nfa?.states[0]) n.set(String(rule.nfa.states[0].id), 0);
    return n;
  }, [step, rule.nfa]);
  if (!step) return null;
  return (
    <>
      {rule.nfa ? <Picture nfa={rule.nfa} defines={rule.variables ?? []} variables={variables} active={active} /> : null}
      <div class="wn-bar">
        <Button icon="right" class="wn-back" aria-label="The event before" disabled={at === 0} onClick={() => go(at - 1)} />
        <span class="num" aria-live="polite">
          Event {at + 1} of {steps.length}
        </span>
        <Button icon="right" aria-label="The next event" disabled={at === steps.length - 1} onClick={() => go(at + 1)} />
        <span class="wn-keys">
          <Kbd k="ArrowLeft" /> <Kbd k="ArrowRight" />
        </span>
      </div>
      <Strip steps={steps} at={at} why={w} variables={variables} />
      <section class="wn-step" aria-label={`Event ${at + 1}`}>
        <header>
          <time class="num" dateTime={step.time} title={full(step.time)}>
            <b>{when(step.time, true)}</b>
          </time>
          <span class="dim num">{placeOf(step)}</span>
          <span class="mono wn-event">
            {Object.entries(step.values).map(([k, v]) => (
              <span key={k}>
                <span class="dim">{k}</span> {shown(v)}
              </span>
            ))}
          </span>
        </header>
        <Tries of={step} before={steps[at - 1]} variables={variables} />
        <After of={step} variables={variables} />
      </section>
    </>
  );
}

export function WhyNotView({ rule, keyText: key, variables }: { rule: Rule; keyText: string | null; variables: string[] }) {
  const { query } = useLocation();
  const event = query.get('event');
  const stream = query.get('of');
  const body = whyBody(key, event, stream);
  const q = useQuery(`why/${rule.name}/${rule.version}/${JSON.stringify(body)}`, (s) => inspect.why(rule.name, body, s));
  return (
    <div class="st wn">
      <div class="wn-head">
        <Button kind="ghost" icon="back" onClick={() => setQuery({ why: null, at: null, event: null, of: null })}>
          State
        </Button>
        <h2 class="cut">
          Why not <span class="mono">{(q.data && keyText(q.data.key)) || (key && key !== '{}' ? key : event ? `event ${event}` : rule.keys.length ? '' : 'all events')}</span>
        </h2>
        <span class="grow" />
        <Button kind="ghost" icon="history" onClick={q.reload}>
          Look again
        </Button>
        <CopyCurl path={inspectPaths.why(rule.name)} method="POST" body={JSON.stringify(body)} label="" />
      </div>
      <States of={q} rows={8}>
        {(w) => (
          <>
            <Verdict of={w} variables={variables} />
            {w.steps.length && w.kind !== 'pattern' ? (
              <Evidence of={w} />
            ) : w.steps.length ? (
              <Stepper of={w} rule={rule} variables={variables} />
            ) : (
              <Empty icon="rules" title="No recorded event of this key was found">
                <p>Of files nothing is recorded; what retention has deleted is gone.</p>
              </Empty>
            )}
          </>
        )}
      </States>
    </div>
  );
}
