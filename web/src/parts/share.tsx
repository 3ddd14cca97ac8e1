// SPDX-License-Identifier: Apache-2.0
// The share of the keys that a version has, and questions that ask who and why.
import { firstMessageOf, type Rule } from '../api';
import { type Said } from '../api_lives';
import { useAct } from '../lib/act';
import { Button } from './basic';
import { Dialog, say } from './dialog';
import { optionsOf, useWhy, WhyFields, Wrong } from './listforms';

/** "12 % of the keys" in words that say what it means. */
export const shareWords = (percent: number) =>
  percent === 0 ? 'a shadow: nobody is alerted by it' : `${percent} % of the keys are alerted by it, the others by the active one`;

export function ShareSlider({ percent, set, label }: { percent: number; set: (p: number) => void; label: string }) {
  return (
    <label class="share">
      <span>{label}</span>
      <input
        type="range"
        aria-label={label}
        min={0}
        max={99}
        value={percent}
        list="share-marks"
        aria-valuetext={shareWords(percent)}
        onInput={(e) => set(Number(e.currentTarget.value))}
      />
      <output class="num">{percent} %</output>
      <datalist id="share-marks">
        {[0, 1, 5, 10, 25, 50, 75, 99].map((p) => (
          <option key={p} value={p} />
        ))}
      </datalist>
    </label>
  );
}

export interface Doing {
  title: string;
  yes: string;
  text: string;
  run: (said: Said) => Promise<Rule>;
  said: (now: Rule) => string;
  danger?: boolean;
}
/** Asks who and why, then does it. */
export function DoDialog({ of: d, close, done }: { of: Doing; close: () => void; done: (now: Rule) => void }) {
  const [why, setWhy] = useWhy();
  const { busy, wrong, act } = useAct(firstMessageOf);
  const go = async () => {
    await act(async () => {
      const { by, reason } = optionsOf(why);
      const now = await d.run({ author: by || undefined, reason: reason || undefined });
      say(d.said(now));
      done(now);
      close();
    });
  };
  return (
    <Dialog title={d.title} close={close}>
      <form
        class="form"
        onSubmit={(e) => {
          e.preventDefault();
          void go();
        }}
      >
        <p>{d.text}</p>
        <WhyFields of={why} set={setWhy} once />
        <Wrong text={wrong} />
        <button type="submit" class="hidden" tabIndex={-1} aria-hidden="true" />
      </form>
      <footer>
        <Button onClick={close}>Cancel</Button>
        <Button kind={d.danger ? 'danger' : 'primary'} busy={busy} onClick={() => void go()}>
          {d.yes}
        </Button>
      </footer>
    </Dialog>
  );
}
