// SPDX-License-Identifier: Apache-2.0
// Another number of workers, while the server runs.
import { useState } from 'preact/hooks';
import { checkpoints } from '../api_checkpoints';
import { useAct } from '../lib/act';
import { plural } from '../lib/format';
import { Button } from './basic';
import { Dialog, say } from './dialog';
import { Wrong } from './listforms';

const MOST = 64; // as many as the server takes

function RescaleDialog({ now, close, done }: { now: number; close: () => void; done: () => void }) {
  const [text, setText] = useState(String(now));
  const { busy, wrong, act } = useAct();
  const n = Number(text);
  const go = async () => {
    await act(async () => {
      await checkpoints.rescale(n);
      say(`${plural(n, 'worker')} now`);
      done();
      close();
    });
  };
  return (
    <Dialog title="Another number of workers" close={close}>
      <form
        class="form"
        onSubmit={(e) => {
          e.preventDefault();
          void go();
        }}
      >
        <p>
          A checkpoint is made, and that many workers begin from it, each with the state of its keys. Events that come meanwhile wait in the
          log. As many workers as there are cores are fastest.
        </p>
        <label>
          <span>Workers</span>
          <input
            type="number"
            min={1}
            max={MOST}
            required
            value={text}
            autofocus
            onInput={(e) => setText(e.currentTarget.value)}
          />
        </label>
        <Wrong text={wrong} />
        <button type="submit" class="hidden" tabIndex={-1} aria-hidden="true" />
      </form>
      <footer>
        <Button onClick={close}>Cancel</Button>
        <Button kind="primary" busy={busy} disabled={!Number.isInteger(n) || n < 1 || n > MOST || n === now} onClick={() => void go()}>
          {Number.isInteger(n) && n >= 1 ? `Go on with ${n}` : 'Go on'}
        </Button>
      </footer>
    </Dialog>
  );
}

export function Rescale({ now, done }: { now: number; done: () => void }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button icon="workers" disabled={!now} onClick={() => setOpen(true)}>
        {plural(now, 'worker')}
      </Button>
      {open ? <RescaleDialog now={now} close={() => setOpen(false)} done={done} /> : null}
    </>
  );
}
