// SPDX-License-Identifier: Apache-2.0
// A version beside the active one: what only the one, both, only the other have found; its share of the keys; its end.
import { useState } from 'preact/hooks';
import { type Json, type Rule } from '../api';
import { lifePaths, lives, type Arm, type Compared, type Comparison, type ResultClass } from '../api_lives';
import type { Version } from '../api_versions';
import { full, number, plural } from '../lib/format';
import { useQuery } from '../lib/query';
import { setQuery, useLocation } from '../lib/router';
import { Ago, Button, CopyCurl, Empty, Link, States } from './basic';
import { DoDialog, shareWords, ShareSlider, type Doing } from './share';
import { inProgress, UpgradeDialog } from './upgrade';

const STEP = 10;
const HOURS = 72; // that are drawn
const classes: ResultClass[] = ['only_old', 'both', 'only_new'];
const differ: ResultClass[] = ['only_old', 'only_new'];
const nameOf = (c: Comparison): Record<ResultClass, string> => ({
  only_old: `Only version ${c.old}`,
  both: 'Both',
  only_new: `Only version ${c.new}`,
});

function Hours({ of: c }: { of: Comparison }) {
  const hours = c.hours.slice(-HOURS);
  const most = Math.max(1, ...hours.map((h) => h.only_old + h.both + h.only_new));
  if (!hours.length) return null;
  return (
    <figure class="hours" aria-label="By hour of event time">
      <div class="hours-bars">
        {hours.map((h) => (
          <div
            key={h.hour}
            class="hour"
            title={`${full(h.hour)}: ${number(h.only_old)} only ${c.old}, ${number(h.both)} both, ${number(h.only_new)} only ${c.new}`}
          >
            {classes.map((k) => (
              <i key={k} class={k} style={{ height: `${(100 * h[k]) / most}%` }} />
            ))}
          </div>
        ))}
      </div>
      <figcaption class="dim num">
        <span>{full(hours[0]!.hour)}</span>
        <span>at most {plural(most, 'result')} an hour</span>
      </figcaption>
    </figure>
  );
}

const percent = (x: number) => `${Math.round(x * 1000) / 10} %`;
function Arms({ of: c }: { of: Comparison }) {
  const row = (a: Arm, what: string) => (
    <tr key={a.version}>
      <td>
        Version {a.version} <span class="dim">{what}</span>
      </td>
      <td class="num r">{number(a.found)}</td>
      <td class="num r">{number(a.told)}</td>
      <td class="num r">{a.fraud + a.legit ? `${number(a.fraud)} / ${number(a.fraud + a.legit)}` : <span class="dim">–</span>}</td>
      <td class="num r">
        {a.precision === null ? <span class="dim" title="No alert has a label yet">–</span> : percent(a.precision)}
      </td>
    </tr>
  );
  return (
    <table class="rows tight arms" aria-label="Both versions">
      <thead>
        <tr>
          <th>Version</th>
          <th class="r">Found</th>
          <th class="r">Alerts</th>
          <th class="r">Fraud / labelled</th>
          <th class="r">Precision</th>
        </tr>
      </thead>
      <tbody>
        {row(c.arms[0]!, 'active')}
        {row(c.arms[1]!, 'beside it')}
      </tbody>
    </table>
  );
}

const text = (v: Json | undefined) => (typeof v === 'string' ? v : v === undefined ? '' : JSON.stringify(v));
function Values({ of: row, other }: { of: Record<string, Json> | null; other: Record<string, Json> | null }) {
  if (!row) return <span class="dim">–</span>;
  return (
    <>
      {Object.entries(row).map(([k, v]) => (
        <span key={k} class={`kv ${other && text(other[k]) !== text(v) ? 'differs' : ''}`}>
          <i>{k}</i> {text(v)}
        </span>
      ))}
    </>
  );
}

function AlertOf({ e, of: c }: { e: Compared; of: Comparison }) {
  return (
    <>
      {e.told_by ? (
        <Link to={`/alerts/${encodeURIComponent(e.id)}`}>of {e.told_by === 'old' ? c.old : c.new}</Link>
      ) : (
        <span class="dim" title="It was compared and told to nobody">
          no
        </span>
      )}
      {e.label ? <span class={`pill ${e.label === 'fraud' ? 'bad' : 'good'}`}>{e.label}</span> : null}
    </>
  );
}

/** In half the width: one cell for each, the key's values and the row's. */
function Brief({ list, of: c, which }: { list: Compared[]; of: Comparison; which: ResultClass }) {
  return (
    <table class="rows tight compared brief" aria-label={nameOf(c)[which]}>
      <thead>
        <tr>
          <th>{nameOf(c)[which]}, the newest first</th>
        </tr>
      </thead>
      <tbody>
        {list.map((e) => (
          <tr key={e.id}>
            <td class="wrap">
              <p>
                <span class="dim num">
                  <Ago time={e.time} of="At" />
                </span>
                <span>
                  alert: <AlertOf e={e} of={c} />
                </span>
              </p>
              <Values of={{ ...e.key, ...(e.old ?? e.new) }} other={null} />
            </td>
          </tr>
        ))}
        {list.length ? null : (
          <tr>
            <td class="dim">{c.state === 'running' ? 'None yet.' : 'None.'}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

function Examples({ list, of: c, which }: { list: Compared[]; of: Comparison; which: ResultClass }) {
  if (!list.length)
    return <p class="note dim">{c.state === 'running' ? 'None yet.' : 'None.'}</p>;
  return (
    <div class="scroll-x">
      <table class="rows tight compared" aria-label={nameOf(c)[which]}>
        <thead>
          <tr>
            <th>Time</th>
            <th>Key</th>
            {which === 'only_new' ? null : <th>Version {c.old} gives</th>}
            {which === 'only_old' ? null : <th>Version {c.new} gives</th>}
            <th>Alert</th>
          </tr>
        </thead>
        <tbody>
          {list.map((e) => (
            <tr key={e.id}>
              <td class="dim num">
                <Ago time={e.time} of="At" />
              </td>
              <td class="wrap">
                <Values of={e.key} other={null} />
              </td>
              {which === 'only_new' ? null : (
                <td class="wrap">
                  <Values of={e.old} other={e.new} />
                </td>
              )}
              {which === 'only_old' ? null : (
                <td class="wrap">
                  <Values of={e.new} other={e.old} />
                </td>
              )}
              <td>
                <AlertOf e={e} of={c} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What was decided when: the share at each event time. */
function Shares({ of: c }: { of: Comparison }) {
  return (
    <ol class="shares" aria-label="Shares">
      {c.shares.map((s) => (
        <li key={s.at}>
          <span class={`pill ${s.percent ? 'accent' : 'mode-shadow'}`}>{s.percent ? `${s.percent} %` : 'shadow'}</span>
          <Ago time={s.at} of="Said" />
          {s.author ? <span>by {s.author}</span> : null}
          {s.reason ? <q>{s.reason}</q> : null}
        </li>
      ))}
    </ol>
  );
}

function Controls({ rule, of: c, done }: { rule: Rule; of: Comparison; done: (now: Rule) => void }) {
  const [share, setShare] = useState(c.rollout_percent);
  const [doing, setDoing] = useState<Doing | null>(null);
  const [promote, setPromote] = useState(false);
  const as: Version = {
    version: c.new,
    state: 'draft',
    sql: '',
    author: c.author,
    reason: c.reason,
    created: c.created,
    activated: null,
    approval: null,
  };
  return (
    <div class="side-controls">
      <ShareSlider percent={share} set={setShare} label="Its share of the keys" />
      <p class="dim">{shareWords(share)}.</p>
      <div class="row">
        <Button
          disabled={share === c.rollout_percent}
          onClick={() =>
            setDoing({
              title: share ? `Give version ${c.new} ${share} % of the keys?` : `Make version ${c.new} a shadow again?`,
              yes: share ? `Give it ${share} %` : 'Make it a shadow',
              text: `From one event time on: ${shareWords(share)}. ${share > c.rollout_percent ? 'Keys that it has already stay with it.' : ''}`,
              run: (said) => (share ? lives.share(rule.name, c.new, share, said) : lives.shadow(rule.name, c.new, said)),
              said: () => `Version ${c.new}: ${shareWords(share)}`,
            })
          }
        >
          Change the share
        </Button>
        <Button kind="primary" icon="bolt" onClick={() => setPromote(true)}>
          Make it the active one
        </Button>
        <Button
          kind="ghost"
          icon="trash"
          onClick={() =>
            setDoing({
              title: `Discard version ${c.new}?`,
              yes: 'Discard it',
              danger: true,
              text: `It runs no longer beside version ${c.old}, which alerts for all keys again. What both have found stays here.`,
              run: (said) => lives.discard(rule.name, said),
              said: () => `Version ${c.new} runs no longer`,
            })
          }
        >
          Discard
        </Button>
      </div>
      {doing ? <DoDialog of={doing} close={() => setDoing(null)} done={done} /> : null}
      {promote ? <UpgradeDialog rule={rule} to={as} back={false} whole close={() => setPromote(false)} done={done} /> : null}
    </div>
  );
}

/** With what it began. */
function Began({ rule, of: c }: { rule: Rule; of: Comparison }) {
  const t = rule.trial;
  if (!t || t.version !== c.new) return null;
  const h = t.handover;
  return (
    <p class="dim began">
      {!h
        ? 'It began without state: what both find can be compared once a time limit or a window has passed.'
        : h.done
          ? `It began with a copy of the active one's state: ${inProgress({ partials: h.partials, windows_open: h.windows })} of ${plural(h.keys, 'key')}.`
          : "It begins with a copy of the active one's state, once the watermark has passed what was accepted before."}
    </p>
  );
}

const pills = { running: 'good', ending: 'warn', ended: '' } as const;

export function SideBySide({ rule, changed }: { rule: Rule; changed: (now: Rule) => void }) {
  const { query } = useLocation();
  const asked = query.get('class') as ResultClass | null;
  const which = asked && classes.includes(asked) ? asked : null; // null: what differs, in two columns
  const [limit, setLimit] = useState(STEP);
  const q = useQuery(
    `comparison/${rule.name}/${which}/${limit}`,
    (s) => lives.comparison(rule.name, which, limit, s).then((c) => ({ c })),
    4000,
  );
  return (
    <States of={q} rows={6}>
      {({ c }) =>
        !c ? (
          <Empty icon="history" title="No version runs beside the active one">
            <p>
              A version can run as a shadow: it sees the same events, alerts nobody, and here stands what only it, only the active one,
              and both have found. Then it can get a share of the keys.
            </p>
            <Button onClick={() => setQuery({ tab: 'versions' })}>Choose a version</Button>
          </Empty>
        ) : (
          <div class="side-by-side">
            <header>
              <h2>
                Version {c.new} beside {c.old}
              </h2>
              <span class={`pill ${pills[c.state]}`}>
                {c.state === 'running' ? (c.rollout_percent ? `${c.rollout_percent} % of the keys` : 'shadow') : c.state}
              </span>
              <span class="dim grow">
                since <Ago time={c.created} of="Since" />
                {c.state === 'ending' ? ', its last results are waited for' : ''}
              </span>
              <CopyCurl path={lifePaths.comparison(rule.name, which, limit)} label="" />
            </header>
            {c.state === 'running' ? <Began rule={rule} of={c} /> : null}
            {c.state === 'running' ? <Controls key={`${c.new}/${c.rollout_percent}`} rule={rule} of={c} done={(now) => (q.reload(), changed(now))} /> : null}
            <div class="classes" role="group" aria-label="Which results">
              {classes.map((k) => (
                <button
                  key={k}
                  type="button"
                  class={`${k} ${k === which ? 'on' : ''}`}
                  aria-pressed={k === which}
                  onClick={() => {
                    setLimit(STEP);
                    setQuery({ class: k === which ? null : k });
                  }}
                >
                  <b class="num">{number(c.counts[k])}</b>
                  <span>{nameOf(c)[k]}</span>
                </button>
              ))}
            </div>
            <Hours of={c} />
            <Arms of={c} />
            {which ? (
              <>
                <h3>{nameOf(c)[which]}, the newest first</h3>
                <Examples list={c.examples[which] ?? []} of={c} which={which} />
              </>
            ) : (
              <div class="differences">
                {differ.map((k) => (
                  <Brief key={k} list={c.examples[k] ?? []} of={c} which={k} />
                ))}
              </div>
            )}
            {Math.max(...(which ? [which] : differ).map((k) => c.examples[k]?.length ?? 0)) >= limit && limit < 500 ? (
              <Button kind="ghost" class="more" onClick={() => setLimit(Math.min(500, limit * 4))}>
                More
              </Button>
            ) : null}
            <h3>What was decided</h3>
            <Shares of={c} />
          </div>
        )
      }
    </States>
  );
}
