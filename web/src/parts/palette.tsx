// SPDX-License-Identifier: Apache-2.0
// "Go to…": pages, rules and streams by a few letters.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, all, paths, type Page, type Rule, type Stream } from '../api';
import { navigate } from '../lib/router';
import { ModePill } from './basic';
import { Icon, type IconName } from './icons';

interface Item {
  to: string;
  name: string;
  icon: IconName;
  note?: string;
  mode?: Rule['mode'];
}

export function Palette({ close, places }: { close: () => void; places: { to: string; name: string; icon: IconName }[] }) {
  const ref = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const [more, setMore] = useState<Item[]>([]);
  useLayoutEffect(() => {
    ref.current?.showModal();
    const c = new AbortController();
    Promise.all([all<Rule>(paths.rules, c.signal), api.get<Page<Stream>>(paths.streams, c.signal)]).then(
      ([rules, streams]) =>
        setMore([
          ...rules.map((r): Item => ({
            to: `/rules/${encodeURIComponent(r.name)}`,
            name: r.name,
            icon: 'rules',
            note: r.stream,
            mode: r.mode,
          })),
          ...streams.data.map((s): Item => ({
            to: `/streams/${encodeURIComponent(s.name)}`,
            name: s.name,
            icon: 'streams',
            note: 'stream',
          })),
        ]),
      () => {},
    );
    return () => c.abort();
  }, []);
  const items: Item[] = [
    ...places,
    { to: '/rules/new', name: 'New rule', icon: 'plus' as const },
    { to: '/streams?new=1', name: 'New stream', icon: 'plus' as const },
    ...more,
  ];
  const q = text.toLowerCase().replace(/\s+/g, '');
  const fits = (name: string) => {
    let i = 0;
    for (const ch of name.toLowerCase()) if (ch === q[i]) i++;
    return i >= q.length;
  };
  const found = items
    .filter((i) => fits(i.name))
    .sort((a, b) => Number(b.name.toLowerCase().includes(q)) - Number(a.name.toLowerCase().includes(q)))
    .slice(0, 12);
  const pick = (i: Item | undefined) => {
    if (!i) return;
    close();
    navigate(i.to);
  };
  return (
    <dialog ref={ref} class="palette" aria-label="Go to" onClose={close} onClick={(e) => e.target === ref.current && close()}>
      <div class="palette-in">
        <Icon name="search" />
        <input
          type="text"
          value={text}
          placeholder="A rule, a stream, a page"
          aria-label="Go to"
          autofocus
          autocomplete="off"
          spellcheck={false}
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={`palette-${at}`}
          onInput={(e) => (setText(e.currentTarget.value), setAt(0))}
          onKeyDown={(e) => {
            const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
            if (step) {
              e.preventDefault();
              setAt((found.length + at + step) % Math.max(1, found.length));
            } else if (e.key === 'Enter') {
              e.preventDefault();
              pick(found[at]);
            }
          }}
        />
      </div>
      <ul id="palette-list" role="listbox" aria-label="Places">
        {found.map((i, n) => (
          <li
            key={i.to + i.name}
            id={`palette-${n}`}
            role="option"
            aria-selected={n === at}
            onMouseMove={() => setAt(n)}
            onClick={() => pick(i)}
          >
            <Icon name={i.icon} />
            <span>{i.name}</span>
            {i.mode && i.mode !== 'active' ? <ModePill mode={i.mode} /> : null}
            <small>{i.note}</small>
          </li>
        ))}
        {found.length ? null : <li class="none">Nothing with that name</li>}
      </ul>
    </dialog>
  );
}
