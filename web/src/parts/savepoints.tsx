// SPDX-License-Identifier: Apache-2.0
// Savepoints: made, read through, gone back to, deleted.
import { useState } from 'preact/hooks';
import { checkpointPaths, savepoints, type Restore, type Savepoint } from '../api_checkpoints';
import { useAct } from '../lib/act';
import { bytes, full, number, plural } from '../lib/format';
import { useQuery } from '../lib/query';
import { Ago, Button, Card, CopyCurl, Empty, States } from './basic';
import { ask, Dialog, say, sayWrong } from './dialog';
import { Icon } from './icons';
import { Wrong } from './listforms';

function MakeDialog({ close, done }: { close: () => void; done: () => void }) {
  const [name, setName] = useState('');
  const { busy, wrong, act } = useAct();
  const go = async () => {
    await act(async () => {
      const s = await savepoints.make(name.trim());
      say(`Savepoint ${s.name} is complete`);
      done();
      close();
    });
  };
  return (
    <Dialog title="New savepoint" close={close}>
      <form
        class="form"
        onSubmit={(e) => {
          e.preventDefault();
          void go();
        }}
      >
        <p>What all rules know at this instant, in files that need nothing else. It stays until somebody deletes it.</p>
        <label>
          <span>Name</span>
          <input
            type="text"
            value={name}
            maxLength={64}
            placeholder="by the clock, if none is given"
            autofocus
            onInput={(e) => setName(e.currentTarget.value)}
          />
        </label>
        <Wrong text={wrong} />
        <button type="submit" class="hidden" tabIndex={-1} aria-hidden="true" />
      </form>
      <footer>
        <Button onClick={close}>Cancel</Button>
        <Button kind="primary" busy={busy} onClick={() => void go()}>
          Make it
        </Button>
      </footer>
    </Dialog>
  );
}

const fates = {
  kept: ['good', 'its state of then'],
  upgraded: ['warn', 'the state of an earlier version, which moves along'],
  new: ['', 'deployed later: it begins where it began'],
  unusable: ['bad', 'it reads from before the savepoint, which knows nothing of it'],
} as const;

function RestorePlan({ of: r }: { of: Restore }) {
  return (
    <div class="plan">
      {r.problems.map((p) => (
        <p key={p} class="bad-text">
          <Icon name="error" /> {p}
        </p>
      ))}
      <table class="rows tight">
        <thead>
          <tr>
            <th>Rule</th>
            <th>Goes on with</th>
          </tr>
        </thead>
        <tbody>
          {r.rules.map((x) => (
            <tr key={x.name}>
              <td>
                {x.name} <span class="dim">v{x.version}</span>
              </td>
              <td class="wrap">
                <span class={`pill ${fates[x.state][0]}`}>{x.state}</span> {fates[x.state][1]}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="dim num">{plural(r.events_to_read, 'event')} will be read again.</p>
    </div>
  );
}

function RestoreDialog({ of: s, close, done }: { of: Savepoint; close: () => void; done: () => void }) {
  const plan = useQuery(`restore/${s.name}`, (signal) => savepoints.restore(s.name, { dry_run: true }, signal));
  const [leave, setLeave] = useState(false);
  const [missing, setMissing] = useState(false);
  const { busy, wrong, act } = useAct();
  const p = plan.data;
  const unusable = p?.rules.some((r) => r.state === 'unusable');
  const ready = p && !unusable && (leave || !p.not_restored.length) && (missing || !p.events_missing);
  const go = async () => {
    if (!ready) return;
    await act(async () => {
      await savepoints.restore(s.name, { allow_non_restored_state: leave, allow_missing_events: missing });
      say(`The workers go on from ${s.name}`);
      done();
      close();
    });
  };
  return (
    <Dialog title={`Go back to ${s.name}?`} close={close} wide>
      <div class="form">
        <p>
          The workers begin again from it and read again what has come since. What they find again is there already and is not told twice.
          Streams, rules and lists stay as they are.
        </p>
        <States of={plan} rows={5}>
          {(r) => <RestorePlan of={r} />}
        </States>
        {p?.not_restored.length ? (
          <label class="check">
            <input type="checkbox" checked={leave} onChange={(e) => setLeave(e.currentTarget.checked)} />
            <span>Leave behind what no rule here goes on with: {p.not_restored.map((r) => `${r.name} v${r.version}`).join(', ')}</span>
          </label>
        ) : null}
        {p?.events_missing ? (
          <label class="check">
            <input type="checkbox" checked={missing} onChange={(e) => setMissing(e.currentTarget.checked)} />
            <span>Go on without {plural(p.events_missing, 'event')} that the log has deleted since</span>
          </label>
        ) : null}
        <Wrong text={wrong} />
      </div>
      <footer>
        <Button onClick={close}>Cancel</Button>
        <Button kind="danger" busy={busy} disabled={!ready} onClick={() => void go()}>
          Go back to it
        </Button>
      </footer>
    </Dialog>
  );
}

async function verify(s: Savepoint) {
  try {
    const whole = await savepoints.verify(s.name);
    say(`${s.name} is whole: all ${bytes(whole.bytes ?? 0)} were read and are what was written`);
  } catch (e) {
    sayWrong(e);
  }
}

async function remove(s: Savepoint, done: () => void) {
  const yes = await ask({ title: `Delete ${s.name}?`, danger: true, yes: 'Delete it', text: <p>Nothing can go back to it then.</p> });
  if (!yes) return;
  try {
    await savepoints.remove(s.name);
  } catch (e) {
    sayWrong(e);
  }
  done();
}

const why = (s: Savepoint) =>
  s.trigger === 'activation' ? `before version ${s.version} of ${s.rule}` : s.trigger === 'stop' ? 'at a stop' : 'asked for';

export function Savepoints({ restored }: { restored: () => void }) {
  const q = useQuery('savepoints', (s) => savepoints.list(s), 4000);
  const [making, setMaking] = useState(false);
  const [back, setBack] = useState<Savepoint | null>(null);
  return (
    <Card
      title="Savepoints"
      flush
      side={
        <>
          <Button icon="plus" onClick={() => setMaking(true)}>
            New savepoint
          </Button>
          <CopyCurl path={checkpointPaths.savepoints} />
        </>
      }
    >
      {making ? <MakeDialog close={() => setMaking(false)} done={q.reload} /> : null}
      {back ? <RestoreDialog of={back} close={() => setBack(null)} done={restored} /> : null}
      <States of={q} rows={3}>
        {(page) =>
          page.data.length ? (
            <div class="scroll-x">
              <table class="rows">
                <thead>
                  <tr>
                    <th>Savepoint</th>
                    <th>When</th>
                    <th class="hide-s">Made</th>
                    <th class="r hide-s">Rules</th>
                    <th class="r hide-s">Workers</th>
                    <th class="r hide-s">Keys</th>
                    <th class="r">Size</th>
                    <th aria-label="Actions" />
                  </tr>
                </thead>
                <tbody>
                  {page.data.map((s) => (
                    <tr key={s.name}>
                      <td class="mono cut">{s.name}</td>
                      {s.problem ? (
                        <td colSpan={6} class="wrap bad-text">
                          {s.problem}
                        </td>
                      ) : (
                        <>
                          <td class="num" title={full(s.created)}>
                            <Ago time={s.created!} />
                          </td>
                          <td class="hide-s dim">{why(s)}</td>
                          <td class="num r hide-s" title={s.rules?.map((r) => `${r.name} v${r.version}`).join('\n')}>
                            {number(s.rules?.length ?? 0)}
                          </td>
                          <td class="num r hide-s">{s.workers}</td>
                          <td class="num r hide-s">{number(s.entries ?? 0)}</td>
                          <td class="num r">{bytes(s.bytes ?? 0)}</td>
                        </>
                      )}
                      <td class="r">
                        {s.problem ? null : (
                          <>
                            <Button kind="ghost" icon="check" aria-label={`Verify ${s.name}`} title="Read it through" onClick={() => void verify(s)} />
                            <Button kind="ghost" icon="back" aria-label={`Go back to ${s.name}`} title="Go back to it" onClick={() => setBack(s)} />
                          </>
                        )}
                        <Button
                          kind="ghost"
                          icon="trash"
                          aria-label={`Delete ${s.name}`}
                          title="Delete"
                          onClick={() => void remove(s, q.reload)}
                        />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          ) : (
            <Empty icon="save" title="No savepoints">
              <p>One is made when you ask for it, and before a version of a rule is activated. A server can go back to it, or begin with it.</p>
            </Empty>
          )
        }
      </States>
    </Card>
  );
}
