// SPDX-License-Identifier: Apache-2.0
// What a button does with the server: once at a time, and what went wrong in words.
import { useState } from 'preact/hooks';
import { messageOf } from '../api';

/** `words`: what is said of an error. A second call while the first is under way does nothing. */
export function useAct(words: (e: unknown) => string = messageOf) {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const act = async (work: () => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    setWrong(null);
    try {
      await work();
    } catch (e) {
      setWrong(words(e));
    }
    setBusy(false);
  };
  return { busy, wrong, setWrong, act };
}
