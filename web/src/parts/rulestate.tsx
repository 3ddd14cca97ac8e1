// SPDX-License-Identifier: Apache-2.0
// What a rule keeps, key by key: partial matches with their rows and time left, windows, frames, rows that wait for others.
import { useState } from 'preact/hooks';
import type { Rule } from '../api';
import { inspect, inspectPaths, keyInAddress, type KeyState, type Partial, type RuleState as State } from '../api_inspect';
import { duration, full, keyText, number, plural, value, when } from '../lib/format';
import { useQuery } from '../lib/query';
import { setQuery, useLocation } from '../lib/router';
import { variableClass } from '../lib/sql';
import { Bar, Button, CopyCurl, Empty, States } from './basic';
import { TakenRows } from './takenrows';
import { WhyNotView } from './whynot';

function PartialCard({ of: p, variables }: { of: Partial; variables: string[] }) {
  const whole = p.ends ? Date.parse(p.ends) - Date.parse(p.begun) : 0;
  const left = p.left_ms;
  return (
    <li class="st-partial">
      <div class="st-line">
        <span>
          waits for{' '}
          {p.waits_for.length ? (
            p.waits_for.map((v) => (
              <span key={v} class={`var ${variableClass(variables, v)}`}>
                {v}
              </span>
            ))
          ) : (
            <b>its time</b>
          )}
        </span>
        {p.complete ? <span class="pill good">complete, may grow</span> : null}
        <span class="grow" />
        {p.age_ms !== undefined ? <span class="dim num">{duration(p.age_ms)} old</span> : null}
        {left !== undefined ? (
          <span class="st-left num" title={`until ${full(p.ends)}, by the watermark`}>
            <Bar share={whole ? Math.max(0, 1 - left / whole) : 0} label={`${duration(left)} left`} />
            {duration(left)} left
          </span>
        ) : p.ends === null ? (
          <span class="dim">no limit of time</span>
        ) : null}
      </div>
      <TakenRows rows={p.rows} earlier={p.earlier} variables={variables} />
    </li>
  );
}

function Windows({ of: list }: { of: NonNullable<KeyState['windows']> }) {
  return (
    <div class="st-scroll">
      <table class="rows tight st-table">
        <thead>
          <tr>
            <th>Window</th>
            {list[0]?.aggregates.map((a) => <th key={a.aggregate} class="r mono">{a.aggregate}</th>)}
          </tr>
        </thead>
        <tbody>
          {list.map((w, i) => (
            <tr key={i}>
              <td class="num">
                {w.start ? `${when(w.start)} to ${when(w.end)}` : 'all events'}
                {w.having ? null : <span class="pill">HAVING does not hold</span>}
                {w.told ? <span class="dim"> · {plural(w.told, 'result')} told</span> : null}
              </td>
              {w.aggregates.map((a) => (
                <td key={a.aggregate} class="r num">{value(a.value)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Frames({ of: k }: { of: KeyState }) {
  return (
    <div class="st-scroll">
      <table class="rows tight st-table">
        <thead>
          <tr>
            <th>At its last row, {when(k.last)}</th>
            <th class="r">Rows in the frame</th>
            <th class="r">Value</th>
          </tr>
        </thead>
        <tbody>
          {(k.frames ?? []).map((f, i) => (
            <tr key={i}>
              <td class="mono">{f.call}</td>
              <td class="r num">{number(f.rows)}</td>
              <td class="r num">{value(f.value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Sides({ of: sides }: { of: NonNullable<KeyState['sides']> }) {
  return (
    <div class="st-sides">
      {sides.map((s) => (
        <section key={s.stream}>
          <h4>
            {s.stream} <span class="dim num">{plural(s.rows.length + s.more, 'row')}</span>
          </h4>
          <ol class="st-rows">
            {s.rows.map((r) => (
              <li key={`${r.partition}/${r.offset}`}>
                <time class="num">{when(r.time, true)}</time>
                <span class="dim num">
                  {r.partition}/{r.offset}
                </span>
                {r.found ? <span class="pill good">has had a partner</span> : null}
              </li>
            ))}
          </ol>
        </section>
      ))}
    </div>
  );
}

function summary(k: KeyState): string {
  const more = k.more ?? 0;
  if (k.partials) return plural(k.partials.length + more, 'partial match', 'partial matches');
  if (k.windows) return plural(k.windows.length + more, 'window');
  if (k.sides) return plural(k.sides.reduce((n, s) => n + s.rows.length + s.more, 0), 'row');
  return plural(k.rows ?? 0, 'row');
}

function OneKey({ of: k, open, variables }: { of: KeyState; open: boolean; variables: string[] }) {
  const address = keyInAddress(k.key);
  return (
    <article class="st-key" aria-label={`Key ${keyText(k.key) || 'of all'}`}>
      <header>
        <button type="button" class="plain mono cut" aria-pressed={open} onClick={() => setQuery({ key: open ? null : address, why: null, at: null })}>
          <b>{keyText(k.key) || 'all events'}</b>
        </button>
        <span class="dim num">{summary(k)}</span>
        <span class="grow" />
        <Button kind="ghost" icon="search" onClick={() => setQuery({ key: address, why: '1', at: null }, { push: true })}>
          Why not?
        </Button>
      </header>
      {k.partials ? (
        <ul>
          {k.partials.map((p, i) => (
            <PartialCard key={i} of={p} variables={variables} />
          ))}
        </ul>
      ) : k.windows ? (
        <Windows of={k.windows} />
      ) : k.frames ? (
        <Frames of={k} />
      ) : k.sides ? (
        <Sides of={k.sides} />
      ) : null}
      {k.more ? <p class="dim note-line">{number(k.more)} more are not shown</p> : null}
    </article>
  );
}

function Keys({ of: s, chosen, variables }: { of: State; chosen: string | null; variables: string[] }) {
  const { query } = useLocation();
  if (!s.data.length)
    return (
      <Empty icon="rules" title={chosen === null ? 'Nothing is in progress' : 'Nothing is kept of that key'}>
        <p>{chosen === null ? 'Keys appear here as soon as an event begins something.' : 'It has no partial match, window or row now.'}</p>
        {chosen !== null ? (
          <Button icon="search" onClick={() => setQuery({ why: '1', at: null }, { push: true })}>
            Why did it not fire?
          </Button>
        ) : null}
      </Empty>
    );
  return (
    <>
      {s.data.map((k) => (
        <OneKey key={keyText(k.key)} of={k} open={chosen !== null} variables={variables} />
      ))}
      {chosen === null && (s.page.next || query.get('after')) ? (
        <p class="st-pager">
          {query.get('after') ? <Button onClick={() => setQuery({ after: null })}>From the start</Button> : null}
          {s.page.next ? <Button onClick={() => setQuery({ after: s.page.next })}>More keys</Button> : null}
        </p>
      ) : null}
      {s.out_of_memory ? (
        <p class="dim st-note num">About {number(s.out_of_memory)} keys of all rules are out of memory; they are found by name.</p>
      ) : null}
    </>
  );
}

function Search({ chosen, rule }: { chosen: string | null; rule: Rule }) {
  const [text, setText] = useState(chosen ?? '');
  const hint = rule.keys.length > 1 ? `{${rule.keys.map((k) => `"${k}": …`).join(', ')}}` : rule.keys[0];
  const go = (why: boolean) => setQuery({ key: text.trim() || null, why: why && text.trim() ? '1' : null, at: null, after: null }, { push: why });
  return (
    <form
      class="st-search"
      role="search"
      onSubmit={(e) => {
        e.preventDefault();
        go(false);
      }}
    >
      <input
        type="search"
        class="mono"
        aria-label="Key"
        placeholder={hint}
        value={text}
        spellcheck={false}
        onInput={(e) => setText(e.currentTarget.value)}
      />
      <button type="submit" class="btn btn-plain">
        Show
      </button>
      <Button icon="search" disabled={!text.trim()} onClick={() => go(true)}>
        Why not?
      </Button>
      <CopyCurl path={inspectPaths.state(rule.name, chosen, null)} label="" />
    </form>
  );
}

export function RuleState({ rule, variables }: { rule: Rule; variables: string[] }) {
  const { query } = useLocation();
  const key = query.get('key');
  const after = query.get('after');
  const why = query.get('why') !== null && (key !== null || query.get('event') !== null || rule.keys.length === 0);
  const q = useQuery(why || rule.kind === 'filter' ? null : `state/${rule.name}/${key ?? ''}/${after ?? ''}`, (s) => inspect.state(rule.name, key, after, s), 2000);
  if (why) return <WhyNotView rule={rule} keyText={key} variables={variables} />;
  if (rule.kind === 'filter')
    return (
      <Empty icon="rules" title="A filter keeps nothing">
        <p>It looks at each event by itself.</p>
        <Button icon="search" onClick={() => setQuery({ why: '1', at: null }, { push: true })}>
          Why did it not fire?
        </Button>
      </Empty>
    );
  return (
    <div class="st">
      {rule.keys.length ? <Search key={key ?? ''} chosen={key} rule={rule} /> : null}
      <States of={q} rows={6}>
        {(s) => <Keys of={s} chosen={key} variables={variables} />}
      </States>
    </div>
  );
}
