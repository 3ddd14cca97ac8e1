// SPDX-License-Identifier: Apache-2.0
// The smallest store that serves: a value, a way to set it, a hook.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

export function useSyncExternalStore<T>(subscribe: (f: () => void) => () => void, get: () => T): T {
  const [, again] = useState(0);
  const now = get();
  const last = useRef({ now, get });
  last.current = { now, get };
  useLayoutEffect(() => {
    const check = () => !Object.is(last.current.now, last.current.get()) && again((n) => n + 1);
    check();
    return subscribe(check);
  }, [subscribe]);
  return now;
}

export interface Store<T> {
  get(): T;
  set(v: T): void;
  update(f: (v: T) => T): void;
  subscribe(f: () => void): () => void;
}

export function store<T>(value: T): Store<T> {
  const listeners = new Set<() => void>();
  const s: Store<T> = {
    get: () => value,
    set(v) {
      if (Object.is(v, value)) return;
      value = v;
      listeners.forEach((f) => f());
    },
    update: (f) => s.set(f(value)),
    subscribe(f) {
      listeners.add(f);
      return () => void listeners.delete(f);
    },
  };
  return s;
}

export const useStore = <T>(s: Store<T>): T => useSyncExternalStore(s.subscribe, s.get);

/** One clock for all ages on the page; a part renders again only when its own text changes. */
const ticks = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;
export function onTick(f: () => void) {
  ticks.add(f);
  ticking ??= setInterval(() => ticks.forEach((g) => g()), 1000);
  return () => {
    ticks.delete(f);
    if (ticks.size) return;
    clearInterval(ticking);
    ticking = undefined;
  };
}
