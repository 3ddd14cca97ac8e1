// SPDX-License-Identifier: Apache-2.0
// Loading data for a page: first load, refresh, errors, again when the server comes back.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../api';
import { useConnection } from './live';

export interface Loaded<T> {
  data: T | null;
  problem: Problem | null;
  loading: boolean;
  reload: () => void;
  set: (f: (old: T | null) => T | null) => void;
}

/**
 * `key` null: nothing to load. A change of key throws the old data away; a reload keeps it on screen.
 * `every`: milliseconds between refreshes while the page is visible.
 */
export function useQuery<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>, every?: number): Loaded<T> {
  const [state, setState] = useState<{ key: string | null; data: T | null; problem: Problem | null; loading: boolean }>({
    key,
    data: null,
    problem: null,
    loading: key !== null,
  });
  const fresh = state.key === key ? state : { key, data: null, problem: null, loading: key !== null };
  const loader = useRef(load);
  loader.current = load;
  const running = useRef<AbortController | null>(null);
  const { generation } = useConnection();

  const run = useCallback(() => {
    running.current?.abort();
    if (key === null) return;
    const control = new AbortController();
    running.current = control;
    loader.current(control.signal).then(
      (data) => !control.signal.aborted && setState({ key, data, problem: null, loading: false }),
      (e: unknown) => {
        if (control.signal.aborted) return;
        const problem = e instanceof Problem ? e : new Problem(-1, 'Something went wrong in the page', String(e));
        setState((s) => ({ key, data: s.key === key ? s.data : null, problem, loading: false }));
      },
    );
  }, [key]);

  useEffect(() => {
    setState((s) => (s.key === key ? s : { key, data: null, problem: null, loading: key !== null }));
    run();
    const timer = every ? setInterval(() => !document.hidden && run(), every) : undefined;
    return () => {
      clearInterval(timer);
      running.current?.abort();
    };
  }, [run, every, generation]);

  const set = useCallback(
    (f: (old: T | null) => T | null) => setState((s) => (s.key === key ? { ...s, data: f(s.data) } : s)),
    [key],
  );
  return { data: fresh.data, problem: fresh.problem, loading: fresh.loading, reload: run, set };
}
