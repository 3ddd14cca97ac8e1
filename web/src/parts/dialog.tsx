// SPDX-License-Identifier: Apache-2.0
// Questions, the list of keys, and short messages at the bottom.
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { messageOf } from '../api';
import { shortcuts } from '../lib/keys';
import { store, useStore } from '../lib/store';
import { Button, Kbd } from './basic';
import { Icon } from './icons';

export function Dialog({
  title,
  close,
  children,
  wide,
}: {
  title: string;
  close: () => void;
  children: ComponentChildren;
  wide?: boolean;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      class={wide ? 'wide' : ''}
      aria-label={title}
      onClose={close}
      onClick={(e) => e.target === ref.current && close()}
    >
      <div class="dialog">
        <header>
          <h2>{title}</h2>
          <Button kind="ghost" icon="close" aria-label="Close" onClick={close} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

interface Question {
  title: string;
  text: ComponentChildren;
  yes: string;
  danger?: boolean;
  answer: (yes: boolean) => void;
}
const question = store<Question | null>(null);
/** Ask before something that cannot be taken back. */
export const ask = (q: Omit<Question, 'answer'>) => new Promise<boolean>((answer) => question.set({ ...q, answer }));

export function Questions() {
  const q = useStore(question);
  if (!q) return null;
  const done = (yes: boolean) => {
    if (question.get() !== q) return;
    question.set(null);
    q.answer(yes);
  };
  return (
    <Dialog title={q.title} close={() => done(false)}>
      <div class="dialog-text">{q.text}</div>
      <footer>
        <Button onClick={() => done(false)}>Cancel</Button>
        <Button kind={q.danger ? 'danger' : 'primary'} onClick={() => done(true)} autofocus>
          {q.yes}
        </Button>
      </footer>
    </Dialog>
  );
}

interface Toast {
  id: number;
  text: string;
  bad?: boolean;
}
const toasts = store<Toast[]>([]);
let next = 1;
export function say(text: string, bad = false) {
  const id = next++;
  toasts.update((t) => [...t.slice(-2), { id, text, bad }]);
  setTimeout(() => toasts.update((t) => t.filter((x) => x.id !== id)), bad ? 8000 : 3500);
}
export const sayWrong = (e: unknown) => say(messageOf(e), true);
export function Toasts() {
  const list = useStore(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {list.map((t) => (
        <div key={t.id} class={`toast ${t.bad ? 'bad' : ''}`}>
          <Icon name={t.bad ? 'error' : 'check'} />
          {t.text}
        </div>
      ))}
    </div>
  );
}

export function Help({ close }: { close: () => void }) {
  const groups = new Map<string, { keys: string; does: string }[]>();
  for (const s of shortcuts()) {
    const list = groups.get(s.group) ?? [];
    if (!list.some((x) => x.keys === s.keys)) list.push(s);
    groups.set(s.group, list);
  }
  return (
    <Dialog title="Keyboard" close={close} wide>
      <div class="help">
        {[...groups].map(([name, list]) => (
          <section key={name}>
            <h3>{name}</h3>
            <dl>
              {list.map((s) => (
                <div key={s.keys}>
                  <dt>{s.does}</dt>
                  <dd>
                    <Kbd k={s.keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
