// SPDX-License-Identifier: Apache-2.0
// Is the server there, and the overview's figures, which the frame shows on every page.
import { useEffect } from 'preact/hooks';
import { api, listen, onDoubt, onReached, paths, type Overview } from '../api';
import { setServerTime } from './format';
import { store, useStore } from './store';

export interface Connection {
  state: 'connecting' | 'up' | 'down';
  since: number;
  /** Goes up each time the server comes back: pages load again when it changes. */
  generation: number;
}
export const connection = store<Connection>({ state: 'connecting', since: Date.now(), generation: 0 });
export const overview = store<Overview | null>(null);

/** Events per second as seen since the page was opened; the server keeps no history of it. */
export interface Sample {
  at: number; // seconds
  rate: number;
}
const KEEP = 15 * 60;
export const rates = store<Sample[]>([]);

let misses = 0;
onReached((ok) => {
  const was = connection.get();
  if (ok) {
    misses = 0;
    if (was.state !== 'up') {
      const generation = was.state === 'down' ? was.generation + 1 : was.generation;
      connection.set({ state: 'up', since: Date.now(), generation });
    }
  } else if (++misses >= 2 || was.state === 'connecting') {
    if (was.state !== 'down') connection.set({ ...was, state: 'down', since: Date.now() });
  }
});

function take(o: Overview) {
  if (o.now) setServerTime(o.now);
  overview.set(o);
  const at = Date.now() / 1000;
  rates.update((r) => {
    const last = r[r.length - 1];
    const next = last && at - last.at < 0.5 ? r.slice(0, -1) : r.slice();
    next.push({ at, rate: o.events_per_second });
    while (next.length && next[0]!.at < at - KEEP) next.shift();
    return next;
  });
}

let streaming = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
async function poll(asked = false) {
  clearTimeout(timer);
  if (!document.hidden && (asked || !streaming || connection.get().state === 'down')) {
    try {
      take(await api.get<Overview>(paths.overview));
    } catch {
      /* the banner says it */
    }
  }
  const down = connection.get().state === 'down';
  timer = setTimeout(() => void poll(), down ? 2000 : streaming ? 10000 : 4000);
}

/** Ask now instead of at the next turn. */
export const retry = () => void poll(true);
onDoubt(retry);

export function startLive() {
  void poll(true);
  document.addEventListener('visibilitychange', () => !document.hidden && void poll(true));
}

/** The overview page takes the stream, each second; other pages live from the slow poll. */
export function useOverviewStream() {
  useEffect(() => {
    streaming++;
    const stop = listen<Overview>(paths.overviewStream, 'overview', take);
    return () => {
      streaming--;
      stop();
      void poll(true);
    };
  }, []);
}

export const useConnection = () => useStore(connection);
export const useOverview = () => useStore(overview);
