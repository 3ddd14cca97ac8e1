// SPDX-License-Identifier: Apache-2.0
// Versions of a rule: their list, the text of one beside the active one's, drafts, and the way to an upgrade.
import { useState } from 'preact/hooks';
import { Problem, type Rule } from '../api';
import { versionBefore, versionPaths, versions, type Handover, type Version } from '../api_versions';
import { lives, type Approvals as Said } from '../api_lives';
import { plural } from '../lib/format';
import { useQuery } from '../lib/query';
import { setQuery, useLocation } from '../lib/router';
import { onTick, useSyncExternalStore } from '../lib/store';
import { Approvals, useApprovals } from './approvals';
import { Audit } from './audit';
import { Ago, Button, CopyCurl, States } from './basic';
import { DoDialog } from './share';
import { say } from './dialog';
import { optionsOf, useWhy, WhyFields, Wrong } from './listforms';
import { SqlDiff } from './sqldiff';
import { SqlView } from './sqlview';
import { Progress } from './operation';
import { PlanView, UpgradeDialog, usePlan } from './upgrade';

const pills = { active: 'good', draft: 'accent', retired: '', shadow: 'mode-shadow', rollout: 'warn', ending: 'warn' } as const;
const StatePill = ({ state }: { state: Version['state'] }) => <span class={`pill ${pills[state]}`}>{state}</span>;

const agreed = { requested: 'accent', approved: 'good', rejected: 'bad' } as const;

function TakenOver({ of: h }: { of: Handover }) {
  if (!h.done)
    return (
      <p class="note-line">
        <span class="pill warn">taking over</span> Both versions run until the watermark has passed the change.
      </p>
    );
  return (
    <p class="note-line num">
      <span class="pill good">has taken over</span>
      {plural(h.keys, 'key')}, {plural(h.partials, 'match in progress', 'matches in progress')},{' '}
      {plural(h.windows, 'open window')}
      {h.partials_lost ? <span class="warn-text">{plural(h.partials_lost, 'match', 'matches')} in progress dropped</span> : null}
    </p>
  );
}

/** The text in the editor becomes a draft. */
function NewDraft({ rule, sql, changed, done }: { rule: Rule; sql: string; changed: boolean; done: (v: Version) => void }) {
  const [why, setWhy] = useWhy();
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const save = async () => {
    if (busy) return;
    setBusy(true);
    setWrong(null);
    const { by, reason } = optionsOf(why);
    try {
      const made = await versions.add(rule.name, { sql, author: by || undefined, reason: reason || undefined });
      say(`Version ${made.version} is kept as a draft; nothing runs differently`);
      setWhy({ ...why, reason: '' });
      done(made);
    } catch (e) {
      setWrong(e instanceof Problem ? (e.errors[0]?.message ?? e.message) : String(e));
    }
    setBusy(false);
  };
  return (
    <form
      class="form new-draft"
      aria-label="New draft"
      onSubmit={(e) => {
        e.preventDefault();
        void save();
      }}
    >
      <h3>New draft</h3>
      {changed ? (
        <>
          <p class="dim">The text in the editor, kept as a version; nothing changes until it is activated.</p>
          <WhyFields of={why} set={setWhy} once />
          <Wrong text={wrong} />
          <div>
            <button type="submit" class="hidden" tabIndex={-1} aria-hidden="true" />
            <Button icon="plus" busy={busy} onClick={() => void save()}>
              Keep as a draft
            </Button>
          </div>
        </>
      ) : (
        <p class="dim">Change the text in the editor: here it can be kept as a draft, and its upgrade be planned.</p>
      )}
    </form>
  );
}

const Plan = ({ rule, version }: { rule: Rule; version: number }) => {
  const plan = usePlan(rule, version);
  return (
    <section aria-label="Plan of the upgrade">
      <h3>
        What an upgrade to it would keep
        <CopyCurl path={versionPaths.plan(rule.name, version)} method="POST" body="{}" label="" />
      </h3>
      <States of={plan} rows={3}>
        {(p) => <PlanView of={p} />}
      </States>
    </section>
  );
};

interface OneProps {
  rule: Rule;
  of: Version;
  active: Version | undefined;
  first: boolean;
  said: Said | null;
  take: (sql: string) => void;
  upgrade: () => void;
  shadow: () => void;
  done: () => void;
}
function One({ rule, of: v, active, first, said, take, upgrade, shadow, done }: OneProps) {
  const isActive = v.state === 'active';
  const beside = v.state === 'shadow' || v.state === 'rollout' || v.state === 'ending';
  return (
    <article class="version" aria-label={`Version ${v.version}`}>
      <header>
        <h2>Version {v.version}</h2>
        <StatePill state={v.state} />
        {v.approval && !isActive ? <span class={`pill ${agreed[v.approval]}`}>{v.approval}</span> : null}
        <span class="grow" />
        <Button kind="ghost" icon="edit" title="Put this text into the editor" onClick={() => take(v.sql)}>
          Edit
        </Button>
        {beside ? <Button onClick={() => setQuery({ tab: 'compare' })}>Compare</Button> : null}
        {active && !isActive && !rule.trial ? (
          <Button title="Beside the active one, without alerts" onClick={shadow}>
            Run as a shadow
          </Button>
        ) : null}
        {isActive ? null : (
          <Button kind="primary" icon="bolt" onClick={upgrade}>
            Activate
          </Button>
        )}
      </header>
      <dl class="facts">
        <div>
          <dt>Written</dt>
          <dd>
            <Ago time={v.created} of="Written" />
            {v.author ? ` by ${v.author}` : ''}
          </dd>
        </div>
        {v.activated ? (
          <div>
            <dt>Activated</dt>
            <dd>
              <Ago time={v.activated} of="Activated" />
            </dd>
          </div>
        ) : null}
        {v.reason ? (
          <div>
            <dt>Why</dt>
            <dd class="said">{v.reason}</dd>
          </div>
        ) : null}
      </dl>
      {v.handover && !first ? <TakenOver of={v.handover} /> : null}
      <Approvals rule={rule} of={v} said={said} done={done} />
      {isActive || !active ? null : <Plan rule={rule} version={v.version} />}
      <section>
        <h3>{isActive || !active ? 'Text' : `Text, compared with the active version ${active?.version ?? ''}`}</h3>
        {isActive || !active ? (
          <SqlView sql={v.sql} label={`Text of version ${v.version}`} />
        ) : (
          <SqlDiff before={active.sql} after={v.sql} label={`Changes from version ${active.version} to ${v.version}`} />
        )}
      </section>
    </article>
  );
}

function Rows({ list, chosen }: { list: Version[]; chosen: Version | undefined }) {
  return (
    <table class="rows tight versions-list">
      <thead>
        <tr>
          <th>Version</th>
          <th>State</th>
          <th>Why</th>
          <th class="r">Written</th>
        </tr>
      </thead>
      <tbody>
        {list.map((v) => {
          const pick = () => setQuery({ v: String(v.version) });
          return (
            <tr key={v.version} class={`pick ${v === chosen ? 'on' : ''}`} onClick={pick}>
              <td class="num">
                <button type="button" class="plain" aria-pressed={v === chosen} aria-label={`Version ${v.version}`}>
                  <b>{v.version}</b>
                </button>
              </td>
              <td>
                <StatePill state={v.state} />
              </td>
              <td class="why" title={v.reason ?? undefined}>
                {v.reason || <span class="dim">–</span>}
              </td>
              <td class="r dim num">
                <Ago time={v.created} of="Written" />
                {v.author ? <span class="by"> · {v.author}</span> : null}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const UNDO_MS = 600000;
/** For ten minutes what was just done can be undone from here. */
function Undo({ of: v, to, undo }: { of: Version; to: Version; undo: () => void }) {
  const fresh = useSyncExternalStore(onTick, () => Date.now() - Date.parse(v.activated ?? '') < UNDO_MS);
  if (!fresh) return null;
  return (
    <p class="note-line undo">
      <span>
        Version {v.version} became active <Ago time={v.activated} of="Activated" />.
      </span>
      <Button kind="ghost" icon="back" onClick={undo}>
        Undo: back to {to.version}
      </Button>
    </p>
  );
}

interface Props {
  rule: Rule;
  sql: string; // in the editor
  take: (sql: string) => void; // into the editor
  changed: (now: Rule) => void; // another version is active
}
export function Versions({ rule, sql, take, changed }: Props) {
  const { query } = useLocation();
  const q = useQuery(`versions/${rule.name}`, (s) => versions.list(rule.name, s), 4000);
  const approvals = useApprovals(rule);
  const [upgrade, setUpgrade] = useState<{ to: Version; back: boolean } | null>(null);
  const [shadow, setShadow] = useState<Version | null>(null);
  return (
    <States of={q} rows={6}>
      {(list) => {
        const active = list.find((v) => v.state === 'active');
        const before = versionBefore(list);
        const chosen = list.find((v) => String(v.version) === query.get('v')) ?? active ?? list[0];
        return (
          <div class="versions">
            <div class="versions-bar">
              <span class="dim num">{plural(list.length, 'version')}, the newest first</span>
              <CopyCurl path={versionPaths.list(rule.name)} />
              {before ? (
                <Button icon="back" onClick={() => setUpgrade({ to: before, back: true })}>
                  Roll back to {before.version}
                </Button>
              ) : null}
            </div>
            {before && active?.activated ? <Undo of={active} to={before} undo={() => setUpgrade({ to: before, back: true })} /> : null}
            <Progress
              rule={rule}
              done={() => {
                q.reload();
                changed(rule);
              }}
            />
            <div class="versions-scroll">
              <Rows list={list} chosen={chosen} />
            </div>
            <NewDraft
              rule={rule}
              sql={sql}
              changed={!list.some((v) => v.sql === sql)}
              done={(made) => {
                setQuery({ v: String(made.version) });
                q.reload();
              }}
            />
            {chosen ? (
              <One
                key={chosen.version}
                rule={rule}
                of={chosen}
                active={active}
                first={!before}
                said={approvals.data}
                take={take}
                upgrade={() => setUpgrade({ to: chosen, back: false })}
                shadow={() => setShadow(chosen)}
                done={() => {
                  approvals.reload();
                  q.reload();
                }}
              />
            ) : null}
            <Audit rule={rule} />
            {shadow ? (
              <DoDialog
                of={{
                  title: `Run version ${shadow.version} beside ${rule.version}?`,
                  yes: 'Run it as a shadow',
                  text: 'It sees the same events from now on, and alerts nobody. What both find is shown under Compare.',
                  run: (why) => lives.shadow(rule.name, shadow.version, why),
                  said: () => `Version ${shadow.version} runs as a shadow`,
                }}
                close={() => setShadow(null)}
                done={(now) => {
                  q.reload();
                  changed(now);
                  setQuery({ tab: 'compare' });
                }}
              />
            ) : null}
            {upgrade ? (
              <UpgradeDialog
                rule={rule}
                {...upgrade}
                close={() => setUpgrade(null)}
                done={(now) => {
                  setQuery({ v: String(now.version) });
                  q.reload();
                  changed(now);
                }}
              />
            ) : null}
          </div>
        );
      }}
    </States>
  );
}
