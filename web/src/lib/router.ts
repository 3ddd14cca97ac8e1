// SPDX-License-Identifier: Apache-2.0
// Addresses: history API, one store for the location, query parameters as state.
import { useSyncExternalStore } from './store';

export const root = new URL('.', document.baseURI).pathname; // "/" or the prefix that weir is served under

const listeners = new Set<() => void>();
const changed = () => listeners.forEach((f) => f());
addEventListener('popstate', changed);

const snapshot = () => location.pathname + location.search;
const subscribe = (f: () => void) => {
  listeners.add(f);
  return () => void listeners.delete(f);
};

/** "/rules" → the address under the root that weir is served from. */
export const href = (to: string) => root + to.replace(/^\//, '');

export function navigate(to: string, { replace = false } = {}) {
  const at = href(to);
  if (at === snapshot()) return;
  if (replace) history.replaceState(null, '', at);
  else {
    history.pushState(null, '', at);
    scrollTo(0, 0);
  }
  changed();
}

export function useLocation() {
  const at = useSyncExternalStore(subscribe, snapshot);
  const [path = '/', search = ''] = at.split('?');
  return { path: '/' + path.slice(root.length), query: new URLSearchParams(search) };
}

/** Change some query parameters and keep the others; null removes. */
export function setQuery(changes: Record<string, string | null>, { push = false } = {}) {
  const q = new URLSearchParams(location.search);
  for (const [k, v] of Object.entries(changes)) {
    if (v === null || v === '') q.delete(k);
    else q.set(k, v);
  }
  const s = q.toString();
  const to = '/' + location.pathname.slice(root.length) + (s ? '?' + s : '');
  navigate(to, { replace: !push });
}

/** Plain <a href> everywhere; clicks inside the app do not load the page anew. */
export function interceptLinks() {
  addEventListener('click', (e) => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    const a = (e.target as Element).closest?.('a');
    if (!a || a.target || a.hasAttribute('download') || a.origin !== location.origin) return;
    if (!a.pathname.startsWith(root)) return;
    const to = '/' + a.pathname.slice(root.length) + a.search;
    if (/^\/(api|problems|metrics|healthz|readyz)(\/|$)/.test(to)) return;
    e.preventDefault();
    navigate(to);
  });
}
