// SPDX-License-Identifier: Apache-2.0
// Keyboard: single keys and two-key chords ("g r"), never while typing or with a modifier, unless it says "mod+".
import { useEffect, useRef } from 'preact/hooks';

export interface Shortcut {
  keys: string; // "g o", "/", "j", "mod+Enter"
  does: string;
  group: string;
  run: (e: KeyboardEvent) => void;
}

const active = new Set<{ current: Shortcut[] }>();
let chord: { key: string; until: number } | null = null;

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
export const keyLabel = (k: string) =>
  k
    .replace('mod+', isMac ? '⌘ ' : 'Ctrl ')
    .replace('Enter', '↵')
    .replace('ArrowLeft', '←')
    .replace('ArrowRight', '→')
    .replace('Escape', 'Esc');

const typing = (t: EventTarget | null) =>
  t instanceof HTMLElement && (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName));

export const shortcuts = (): Shortcut[] => [...active].flatMap((r) => r.current);

addEventListener('keydown', (e) => {
  if (e.defaultPrevented || e.isComposing) return;
  const mod = isMac ? e.metaKey : e.ctrlKey;
  const name = e.key;
  // Later pages and dialogs come before the frame.
  const list = [...active].reverse().flatMap((r) => r.current);
  const fire = (s: Shortcut | undefined) => {
    if (!s) return false;
    e.preventDefault();
    chord = null;
    s.run(e);
    return true;
  };
  if (mod && !e.altKey) {
    fire(list.find((s) => s.keys.toLowerCase() === 'mod+' + name.toLowerCase()));
    return;
  }
  if (e.metaKey || e.ctrlKey || e.altKey) return;
  if (typing(e.target)) {
    if (name === 'Escape') (e.target as HTMLElement).blur();
    return;
  }
  if (chord && chord.until > e.timeStamp && fire(list.find((s) => s.keys === `${chord!.key} ${name}`))) return;
  if (fire(list.find((s) => s.keys === name))) return;
  chord = list.some((s) => s.keys.startsWith(name + ' ')) ? { key: name, until: e.timeStamp + 1200 } : null;
});

export function useShortcuts(list: Shortcut[]) {
  const ref = useRef(list);
  ref.current = list;
  useEffect(() => {
    active.add(ref);
    return () => void active.delete(ref);
  }, []);
}
