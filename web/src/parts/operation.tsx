// SPDX-License-Identifier: Apache-2.0
// How far a version is whose state is derived again from the log, and its end.
import { useEffect, useState } from 'preact/hooks';
import { firstMessageOf, type Rule } from '../api';
import { operations, type Operation } from '../api_versions';
import { useAct } from '../lib/act';
import { plural } from '../lib/format';
import { useQuery } from '../lib/query';
import { Ago, Button } from './basic';
import { Wrong } from './listforms';

const words: Record<Operation['state'], [string, string]> = {
  waiting: ['accent', 'waits'],
  reading: ['accent', 'reads the log'],
  switching: ['warn', 'takes over'],
  done: ['good', 'done'],
  failed: ['bad', 'failed'],
  cancelled: ['', 'ended'],
};
const isOpen = (o: Operation) => o.state === 'waiting' || o.state === 'reading' || o.state === 'switching';
const SHOWN_MS = 600000; // of one that has failed

function Read({ of: o }: { of: Operation }) {
  const p = o.progress;
  if (!p || o.state === 'waiting') return <span class="dim">a savepoint comes first</span>;
  if (o.state === 'switching') return <span class="dim">once the watermark has passed the change</span>;
  const left = p.seconds_left === null ? '' : `, about ${plural(Math.ceil(p.seconds_left), 'second')} left`;
  return (
    <>
      <progress value={p.rows} max={Math.max(p.rows_in_all, 1)} aria-label="Events read again" />
      <span class="dim num">
        {p.rows} of {plural(p.rows_in_all, 'event')}
        {left}
      </span>
    </>
  );
}

/** The rule's last operation while it is under way, or when it has failed just now. */
export function Progress({ rule, done }: { rule: Rule; done: () => void }) {
  const q = useQuery(`operation/${rule.name}`, (s) => operations.last(rule.name, s), 1000);
  const { busy, wrong, act } = useAct(firstMessageOf);
  const [seen, setSeen] = useState<string | null>(null);
  const o = q.data;
  useEffect(() => {
    if (!o) return;
    if (isOpen(o)) setSeen(o.id);
    else if (seen === o.id) {
      setSeen(null);
      done();
    }
  }, [o?.id, o?.state]);
  if (!o || !(isOpen(o) || (o.state === 'failed' && Date.now() - Date.parse(o.ended ?? '') < SHOWN_MS))) return null;
  const [kind, text] = words[o.state];
  const which = o.version ?? o.rollback_to;
  return (
    <div class="note-line operation" role="status" aria-label="State from the log">
      <span class={`pill ${kind}`}>{text}</span>
      <span>
        {which === null ? 'The next version' : `Version ${which}`}, since <Ago time={o.created} of="Asked" />
      </span>
      {isOpen(o) ? <Read of={o} /> : <span class="bad-text">{o.error}</span>}
      {o.state === 'waiting' || o.state === 'reading' ? (
        <Button
          kind="ghost"
          busy={busy}
          onClick={() =>
            void act(async () => {
              await operations.end(o.id);
              q.reload();
            })
          }
        >
          End it
        </Button>
      ) : null}
      <Wrong text={wrong} />
    </div>
  );
}
