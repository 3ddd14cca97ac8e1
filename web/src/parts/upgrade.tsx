// SPDX-License-Identifier: Apache-2.0
// What an upgrade would keep, and the upgrade.
import { useState } from 'preact/hooks';
import { firstMessageOf, type Rule } from '../api';
import { versions, type LogCover, type Touches, type UpgradePlan, type Upgrade, type Verdict, type Version } from '../api_versions';
import { lives } from '../api_lives';
import { useAct } from '../lib/act';
import { plural, when } from '../lib/format';
import { useQuery } from '../lib/query';
import { Button, States } from './basic';
import { shareWords, ShareSlider } from './share';
import { Dialog, say } from './dialog';
import { optionsOf, useWhy, WhyFields, Wrong } from './listforms';

const verdicts: Record<Verdict, string> = { keep: 'good', migrate: 'warn', reset: 'bad', new: 'accent' };
const states = {
  kept: ['good', 'State is kept'],
  mapped: ['warn', 'State moves along'],
  reset: ['bad', 'State is dropped'],
} as const;

/** version null: the rule is not deployed, so there is nothing to be kept. */
export const usePlan = (rule: Rule, version: number | null) =>
  useQuery(
    version === null ? null : `plan/${rule.name}/${rule.version}/${version}`,
    (s) => versions.plan(rule.name, version ?? 0, s),
    15000, // the workers count for it
  );

/** "2 matches in progress, 1 open window" */
export const inProgress = (p: { partials: number; windows_open: number }) =>
  `${plural(p.partials, 'match in progress', 'matches in progress')}, ${plural(p.windows_open, 'open window')}`;

function Touched({ of: t }: { of: Touches | null }) {
  if (!t) return <span class="dim">–</span>;
  const parts = [
    t.partials === undefined ? null : plural(t.partials, 'match in progress', 'matches in progress'),
    t.windows === undefined ? null : plural(t.windows, 'open window'),
    t.rows === undefined ? null : plural(t.rows, 'row'),
  ].filter((x) => x !== null);
  const none = !t.partials && !t.windows && !t.rows;
  return (
    <>
      <span class={none ? 'dim' : ''}>{parts.join(', ')}</span>
      {t.keys && !none ? <span class="dim"> of {plural(t.keys, 'key')}</span> : null}
      {t.dropped ? <span class="bad-text">{plural(t.dropped, 'dropped', 'dropped')}</span> : null}
    </>
  );
}

/** What the log has of what the version would look back at. */
function covered(log: LogCover): string {
  const rows = plural(log.rows ?? 0, 'event');
  const since = log.from ? `${rows} since ${when(log.from)}` : `all ${rows} that there were`;
  return log.covers ? `${since}, beside everything else` : `${since}: less than the rule may look back`;
}

/** What is not counted is said: the numbers are less than there is. */
function Uncounted({ of: p }: { of: UpgradePlan }) {
  const text = !p.counted
    ? 'Not all keys could be counted just now: there may be more than these.'
    : p.out_of_memory
      ? `${plural(p.out_of_memory, 'key')} of all rules ${p.out_of_memory === 1 ? 'is' : 'are'} out of memory and not counted.`
      : null;
  return text ? <p class="plan-sum dim">{text}</p> : null;
}

export function PlanView({ of }: { of: UpgradePlan }) {
  const { plan, partials, windows_open } = of;
  const [kind, words] = states[plan.state];
  const touches = plan.items.some((i) => i.touches);
  return (
    <div class="plan">
      <p class="plan-sum">
        <span class={`pill ${kind}`}>{words}</span>
        {plan.reason ? <span>{plan.reason}</span> : null}
        <span class="dim num">{inProgress({ partials, windows_open })} now</span>
      </p>
      <Uncounted of={of} />
      {plan.items.length ? (
        <table class="rows tight plan-items">
          <thead>
            <tr>
              <th>What</th>
              <th>Becomes of it</th>
              {touches ? <th>Touches now</th> : null}
            </tr>
          </thead>
          <tbody>
            {plan.items.map((i) => (
              <tr key={`${i.kind} ${i.name}`}>
                <td class="wrap">
                  <span class="dim">{i.kind}</span> <code>{i.name}</code>
                  {i.reason ? <p class="dim">{i.reason}</p> : null}
                </td>
                <td>
                  <span class={`pill ${verdicts[i.verdict] ?? ''}`}>{i.verdict}</span>
                </td>
                {touches ? (
                  <td class="num plan-touches">
                    <Touched of={i.touches} />
                  </td>
                ) : null}
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </div>
  );
}

interface Props {
  rule: Rule;
  to: Version;
  back: boolean; // the server picks the version, the one before
  whole?: boolean; // for all keys: it has a share of them already
  close: () => void;
  done: (now: Rule) => void;
}
export function UpgradeDialog({ rule, to, back, whole, close, done }: Props) {
  const resting = rule.state === 'draft' || rule.state === 'archived';
  const [part, setPart] = useState(false);
  const [share, setShare] = useState(10);
  const plan = usePlan(rule, resting ? null : to.version);
  const [chosen, setState] = useState<Upgrade['state'] | null>(null);
  const [saves, setSaves] = useState(true);
  const [why, setWhy] = useWhy();
  const { busy, wrong, act } = useAct(firstMessageOf);
  const nothing = plan.data?.plan.state === 'reset';
  const own = back || rule.kind === 'filter' ? null : (plan.data?.own ?? null);
  const saved = back ? (plan.data?.way_back ?? null) : null;
  const state = chosen ?? (own ? 'own' : saved?.possible ? saved.by_default : 'keep');
  const drops = state === 'reset' || (state === 'keep' && nothing);
  const go = async () => {
    if (!plan.data && !resting) return;
    await act(async () => {
      const { by, reason } = optionsOf(why);
      const how: Upgrade = { state, savepoint: saves, author: by || undefined, reason: reason || undefined };
      if (part) {
        const now = await lives.share(rule.name, to.version, share, { author: how.author, reason: how.reason });
        say(`${now.name}: version ${to.version} has ${share} % of the keys`);
        done(now);
        return close();
      }
      if (state === 'warm_from_log' || state === 'savepoint') {
        await versions.warm(rule.name, back ? null : to.version, how);
        say(`${rule.name}: ${state === 'savepoint' ? 'what has come since' : 'the log'} is read again; then the version becomes active`);
        done(rule);
        return close();
      }
      const now = back ? await versions.rollback(rule.name, how) : await versions.activate(rule.name, to.version, how);
      say(`${now.name}: version ${now.version} is active`);
      done(now);
      close();
    });
  };
  const choice = (value: Upgrade['state'], text: string, more: string) => (
    <label class={state === value ? 'on' : ''}>
      <input type="radio" name="upgrade-state" checked={state === value} onChange={() => setState(value)} />
      <span>
        {text}: <em class="dim">{more}</em>
      </span>
    </label>
  );
  return (
    <Dialog title={back ? `Roll ${rule.name} back to version ${to.version}?` : `Activate version ${to.version} of ${rule.name}?`} close={close} wide>
      <form
        class="form upgrade"
        onSubmit={(e) => {
          e.preventDefault();
          void go();
        }}
      >
        {back || whole || resting ? null : (
          <fieldset class="choices">
            <legend>For whom</legend>
            <label class={part ? '' : 'on'}>
              <input type="radio" name="upgrade-part" checked={!part} onChange={() => setPart(false)} />
              <span>All keys</span>
            </label>
            <label class={part ? 'on' : ''}>
              <input type="radio" name="upgrade-part" checked={part} onChange={() => setPart(true)} />
              <span>
                A share of the keys: <em class="dim">beside version {rule.version}, compared with it</em>
              </span>
            </label>
            {part ? <ShareSlider percent={share} set={setShare} label="Share" /> : null}
          </fieldset>
        )}
        {part ? (
          <>
            <p>
              {shareWords(share)[0]!.toUpperCase() + shareWords(share).slice(1)}. It begins with a copy of the active one's state; both see all
              events, so another share loses nothing.
            </p>
            <WhyFields of={why} set={setWhy} once />
            <Wrong text={wrong} />
          </>
        ) : resting ? (
          <>
            <p>The rule is deployed with it, and sees the events from now on.</p>
            <Wrong text={wrong} />
          </>
        ) : (
          <>
        <p>
          It takes over from version {rule.version} at one event time for all keys: once the watermark has passed what was accepted so
          far.{to.state === 'retired' ? ' Its text becomes a version with a new number.' : ''}
        </p>
        <div class="upgrade-plan">
          <States of={plan} rows={4}>
            {(p) =>
              own && state === 'own' ? (
                <p class="plan-sum">
                  <span class="pill good">Its own state</span>
                  <span>What it has half seen beside version {rule.version} is completed; what that one has half seen is dropped.</span>
                  <span class="dim num">{inProgress(own)} now</span>
                </p>
              ) : saved?.possible && state === 'savepoint' ? (
                <p class="plan-sum">
                  <span class="pill good">State of then</span>
                  <span>
                    Version {to.version} goes on as if it had never been left: with what it knew at {when(saved.created)}, and what has come since.
                  </span>
                  <span class="dim num">{plural(saved.rows, 'event')} to read</span>
                </p>
              ) : (
                <PlanView of={p} />
              )
            }
          </States>
        </div>
        <fieldset class="choices">
          <legend>State</legend>
          {own ? choice('own', 'Go on with its own', `what it has gathered beside version ${rule.version}`) : null}
          {saved?.possible
            ? choice('savepoint', 'That of then', `savepoint ${saved.savepoint}, and ${plural(saved.rows, 'event')} that came since`)
            : null}
          {choice('keep', own ? `Take that of version ${rule.version}` : 'Keep what can be kept', nothing ? 'here that is nothing' : 'as the plan says')}
          {choice('reset', 'Drop all of it', 'the new version begins as a new rule does')}
          {plan.data?.log.warm ? choice('warm_from_log', 'Derive it again from the event log', covered(plan.data.log)) : null}
          {saved && !saved.possible && plan.data?.log.warm ? <p class="dim">{saved.reason}</p> : null}
          {plan.data && !plan.data.log.warm ? <p class="dim">{plan.data.log.reason}</p> : null}
        </fieldset>
        <label class="check">
          <input type="checkbox" checked={saves} onChange={(e) => setSaves(e.currentTarget.checked)} />
          <span>
            Take a savepoint first: <em class="dim">what is known now can be gone back to; without one there is no upgrade</em>
          </span>
        </label>
        {to.state === 'draft' && (to.author || to.reason) ? (
          <p>
            The draft was written{to.author ? ` by ${to.author}` : ''}
            {to.reason ? `: “${to.reason}”` : ''}.
          </p>
        ) : null}
        <WhyFields of={why} set={setWhy} once />
        <Wrong text={wrong} />
          </>
        )}
        <button type="submit" class="hidden" tabIndex={-1} aria-hidden="true" />
      </form>
      <footer>
        <Button onClick={close}>Cancel</Button>
        <Button
          kind={!part && drops && plan.data && plan.data.partials + plan.data.windows_open > 0 ? 'danger' : 'primary'}
          busy={busy}
          disabled={!plan.data && !resting}
          onClick={() => void go()}
        >
          {back ? 'Roll back' : part ? `Give it ${share} %` : 'Activate'}
          {drops && !part && !resting ? ' without state' : ''}
        </Button>
      </footer>
    </Dialog>
  );
}
