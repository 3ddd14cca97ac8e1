// SPDX-License-Identifier: Apache-2.0
// Light, dark or as the system has it. The choice is this browser's own, so it is not in the address.
import { store, useStore } from './store';

export type Theme = 'system' | 'light' | 'dark';
const dark = matchMedia('(prefers-color-scheme: dark)');

function read(): Theme {
  const t = document.documentElement.dataset.theme;
  return t === 'light' || t === 'dark' ? t : 'system';
}
const theme = store<Theme>(read());
const effective = () => (theme.get() === 'system' ? (dark.matches ? 'dark' : 'light') : (theme.get() as 'light' | 'dark'));
/** What is on screen; charts draw on a canvas and need to know. */
export const shown = store<'light' | 'dark'>(effective());
dark.addEventListener('change', () => shown.set(effective()));

export function setTheme(t: Theme) {
  theme.set(t);
  const html = document.documentElement;
  if (t === 'system') delete html.dataset.theme;
  else html.dataset.theme = t;
  try {
    if (t === 'system') localStorage.removeItem('weir.theme');
    else localStorage.setItem('weir.theme', t);
  } catch {
    /* a private window: the choice lasts as long as the page */
  }
  shown.set(effective());
}
export const toggleTheme = () => setTheme(effective() === 'dark' ? 'light' : 'dark');
export const useTheme = () => useStore(theme);
export const useShown = () => useStore(shown);

/** A colour of the style sheet as the canvas wants it: light-dark() and color-mix() are settled by the browser. */
export function cssColor(name: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const c = getComputedStyle(probe).color;
  probe.remove();
  return c;
}
