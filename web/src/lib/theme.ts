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

function setTheme(t: Theme) {
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
/** To the other one; where that is what the system has, the choice is the system's again. */
export function toggleTheme() {
  const other = effective() === 'dark' ? 'light' : 'dark';
  setTheme((other === 'dark') === dark.matches ? 'system' : other);
}
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
