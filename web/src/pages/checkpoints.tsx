// SPDX-License-Identifier: Apache-2.0
// /checkpoints: what a crash would go back to: each checkpoint's size and duration and what failed; savepoints; and the
// number of workers, which changes over a checkpoint.
import { useMemo } from 'preact/hooks';
import { api, paths, type Worker } from '../api';
import { checkpointPaths, checkpoints, type Checkpoint, type Checkpoints } from '../api_checkpoints';
import { bytes, duration, full, number, plural } from '../lib/format';
import { useShortcuts } from '../lib/keys';
import { useQuery } from '../lib/query';
import { setQuery, useLocation } from '../lib/router';
import { Ago, Button, Card, CopyCurl, Empty, Figure, States } from '../parts/basic';
import { Chart } from '../parts/chart_lazy';
import { say, sayWrong } from '../parts/dialog';
import { Page } from '../parts/page';
import { Rescale } from '../parts/rescale';
import { Savepoints } from '../parts/savepoints';

const pills = { in_progress: 'accent', completed: 'good', failed: 'bad' } as const;
const words = { in_progress: 'under way', completed: 'complete', failed: 'failed' } as const;
const triggers: Record<string, string> = {
  periodic: 'by the clock',
  manual: 'asked for',
  savepoint: 'for a savepoint',
  restored: 'from a savepoint',
  rescale: 'for another number of workers',
  shutdown: 'at the end of a run',
};
const ms = (x: number) => (x > 0 && x < 10 ? `${x.toFixed(x < 1 ? 2 : 1)} ms` : duration(x));

async function make(reload: () => void) {
  try {
    const c = await checkpoints.make();
    say(`Checkpoint ${c.id} is complete, after ${duration(c.duration_ms)}`);
  } catch (e) {
    sayWrong(e);
  }
  reload();
}

function Figures({ of: c, workers }: { of: Checkpoints; workers: Worker[] }) {
  const last = c.data.find((x) => x.state === 'completed' && x.trigger !== 'restored');
  const all = workers.reduce((sum, w) => sum + w.state_bytes, 0);
  return (
    <div class="figures">
      <Figure name="Last complete">{last ? <Ago time={last.started} /> : '–'}</Figure>
      <Figure name="It took">{last ? duration(last.duration_ms) : '–'}</Figure>
      <Figure name="Everything stood still for" title="The longest of all workers: nothing was done but the checkpoint">
        {last ? ms(last.sync_ms) : '–'}
      </Figure>
      <Figure name="Size" title={`${bytes(all)} of state in memory now`}>
        {last ? bytes(last.bytes) : '–'}
      </Figure>
      <Figure name="Since the start">
        {number(c.completed)} complete{c.failed ? <em class="bad-text">, {number(c.failed)} failed</em> : null}
      </Figure>
    </div>
  );
}

/** Duration of the last ones, the oldest first. */
function History({ of: list }: { of: Checkpoint[] }) {
  const done = useMemo(() => list.filter((c) => c.state === 'completed').reverse(), [list]);
  const times = useMemo(() => done.map((c) => Date.parse(c.started) / 1000), [done]);
  const took = useMemo(() => [done.map((c) => c.duration_ms)], [done]);
  const wrote = useMemo(() => [done.map((c) => c.new_bytes / 1024)], [done]);
  if (done.length < 3) return null;
  return (
    <div class="cp-charts">
      <Card title="Duration" side={<span class="dim">ms, of the last {done.length}</span>}>
        <Chart
          kind="line"
          height={130}
          label="Duration of the last checkpoints in milliseconds"
          times={times}
          values={took}
          series={[{ label: 'ms', colour: '--accent' }]}
        />
      </Card>
      <Card title="Written anew" side={<span class="dim">KB; the rest is shared with earlier ones</span>}>
        <Chart
          kind="line"
          height={130}
          label="What the last checkpoints wrote anew, in KB"
          times={times}
          values={wrote}
          series={[{ label: 'KB', colour: '--accent' }]}
        />
      </Card>
    </div>
  );
}

function Parts({ of: c }: { of: Checkpoint }) {
  return (
    <tr class="cp-parts">
      <td colSpan={10}>
        {c.reason ? <p class="bad-text">{c.reason}</p> : null}
        {c.workers.length ? (
          <table class="rows tight">
            <thead>
              <tr>
                <th>Worker</th>
                <th>Barriers</th>
                <th class="r">Alignment</th>
                <th class="r">Stood still</th>
                <th class="r">In the background</th>
                <th class="r">Keys written</th>
                <th class="r">Size</th>
                <th class="r">Written anew</th>
                <th class="r">Rows that waited</th>
              </tr>
            </thead>
            <tbody>
              {c.workers.map((w) => (
                <tr key={w.worker}>
                  <td class="num">{w.worker}</td>
                  <td>{w.unaligned ? <span class="pill warn">unaligned</span> : 'aligned'}</td>
                  <td class="num r">{ms(w.alignment_ms)}</td>
                  <td class="num r">{ms(w.sync_ms)}</td>
                  <td class="num r">{ms(w.async_ms)}</td>
                  <td class="num r">{number(w.entries)}</td>
                  <td class="num r">{bytes(w.bytes)}</td>
                  <td class="num r">{bytes(w.new_bytes)}</td>
                  <td class="num r">{bytes(w.flow_bytes)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        ) : (
          <p class="dim">It was found on the disk at the start; what each worker had to do is not recorded.</p>
        )}
      </td>
    </tr>
  );
}

function Rows({ of: list }: { of: Checkpoint[] }) {
  const open = useLocation().query.get('id');
  const toggle = (c: Checkpoint) => setQuery({ id: open === String(c.id) ? null : String(c.id) });
  return (
    <div class="scroll-x">
      <table class="rows cp-rows">
        <thead>
          <tr>
            <th>Checkpoint</th>
            <th>State</th>
            <th class="hide-s">Made</th>
            <th>When</th>
            <th class="r">Duration</th>
            <th class="r hide-s">Alignment</th>
            <th class="r hide-s">Stood still</th>
            <th class="r hide-s">Keys written</th>
            <th class="r">Size</th>
            <th class="r hide-s">Written anew</th>
          </tr>
        </thead>
        <tbody>
          {list.flatMap((c) => [
            <tr key={c.id} class={open === String(c.id) ? 'at' : ''}>
              <td class="num">
                <button type="button" class="plain link" aria-expanded={open === String(c.id)} onClick={() => toggle(c)}>
                  {c.id}
                </button>{' '}
                {c.restored ? <span class="pill accent">the workers began from it</span> : null}
                {c.state === 'completed' && !c.kept ? <span class="dim">deleted since</span> : null}
              </td>
              <td>
                <span class={`pill ${pills[c.state]}`} title={c.reason ?? undefined}>
                  {words[c.state]}
                </span>{' '}
                {c.workers.some((w) => w.unaligned) ? <span class="pill warn">unaligned</span> : null}
              </td>
              <td class="hide-s dim">{triggers[c.trigger] ?? c.trigger}</td>
              <td class="num" title={full(c.started)}>
                <Ago time={c.started} />
              </td>
              <td class="num r">{duration(c.duration_ms)}</td>
              <td class="num r hide-s">{ms(c.alignment_ms)}</td>
              <td class="num r hide-s">{ms(c.sync_ms)}</td>
              <td class="num r hide-s">{number(c.entries)}</td>
              <td class="num r">{bytes(c.bytes)}</td>
              <td class="num r hide-s">{bytes(c.new_bytes)}</td>
            </tr>,
            ...(open === String(c.id) ? [<Parts key={`${c.id} parts`} of={c} />] : []),
          ])}
        </tbody>
      </table>
    </div>
  );
}

export function CheckpointsPage() {
  const q = useQuery('checkpoints', (s) => checkpoints.list(s), 2000);
  const workers = useQuery('checkpoints/workers', (s) => api.get<{ data: Worker[] }>(paths.workers, s), 2000);
  const now = workers.data?.data ?? [];
  useShortcuts([{ keys: 'c', does: 'Make a checkpoint now', group: 'Checkpoints', run: () => void make(q.reload) }]);
  return (
    <Page
      title="Checkpoints"
      class="cp"
      actions={
        <>
          <CopyCurl path={checkpointPaths.list} />
          <Rescale now={now.length} done={workers.reload} />
          <Button kind="primary" icon="check" onClick={() => void make(q.reload)}>
            Make one now
          </Button>
        </>
      }
    >
      <States of={q} rows={8}>
        {(c) => (
          <>
            <p class="lead">
              After a crash the workers begin from the newest complete checkpoint and read again what came after it.
              <span class="dim"> Alerts have fixed ids, so nothing is lost and nothing is told twice.</span>
            </p>
            <Figures of={c} workers={now} />
            <History of={c.data} />
            <Card title="Checkpoints" flush side={<span class="dim num">{plural(c.data.length, 'checkpoint')}, the newest first</span>}>
              {c.data.length ? (
                <Rows of={c.data} />
              ) : (
                <Empty icon="save" title="No checkpoint yet">
                  <p>They are made by the clock, every checkpoint-interval, once there are rules and the workers run.</p>
                </Empty>
              )}
            </Card>
          </>
        )}
      </States>
      <Savepoints restored={q.reload} />
    </Page>
  );
}
