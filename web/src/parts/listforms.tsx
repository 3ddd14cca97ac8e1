// SPDX-License-Identifier: Apache-2.0
// What is done to a list's items, as dialogs: one is added or changed, many are pasted or uploaded, an alert's key is put in.
import { useRef, useState } from 'preact/hooks';
import { api, paths, type AlertDetail, type Fields, type Json, type List, type ListItem, type Page as ListPage } from '../api';
import { useAct } from '../lib/act';
import { plural, value } from '../lib/format';
import { useQuery } from '../lib/query';
import { who } from '../lib/who';
import { Button, CopyCurl, Link } from './basic';
import { Dialog, say } from './dialog';
import { Icon } from './icons';

export const listLink = (name: string) => `/lists/${encodeURIComponent(name)}`;

const spans: [string, string][] = [
  ['', 'for good'],
  ['1h', 'for 1 hour'],
  ['1d', 'for 1 day'],
  ['7d', 'for 7 days'],
  ['30d', 'for 30 days'],
  ['90d', 'for 90 days'],
];

export interface Why {
  by: string;
  reason: string;
  expires: string;
}
export function useWhy(first: Partial<Why> = {}) {
  return useState<Why>({ by: who.get(), reason: '', expires: '', ...first });
}
export const optionsOf = (w: Why) => {
  who.set(w.by.trim());
  return { by: w.by.trim(), reason: w.reason.trim(), expires_in: w.expires };
};

export function WhyFields({ of: w, set, keep, once }: { of: Why; set: (w: Why) => void; keep?: boolean; once?: boolean }) {
  return (
    <div class="form-row">
      {once ? null : (
        <label>
          <span>Stays</span>
          <select value={w.expires} onChange={(e) => set({ ...w, expires: e.currentTarget.value })}>
            {keep ? <option value="">as long as before</option> : null}
            {spans.map(([v, text]) => (
              <option key={text} value={keep && !v ? 'never' : v}>
                {text}
              </option>
            ))}
          </select>
        </label>
      )}
      <label class="grow">
        <span>Why</span>
        <input
          type="text"
          value={w.reason}
          maxLength={1000}
          placeholder="for the record"
          onInput={(e) => set({ ...w, reason: e.currentTarget.value })}
        />
      </label>
      <label>
        <span>Who</span>
        <input type="text" value={w.by} maxLength={100} placeholder="your name" onInput={(e) => set({ ...w, by: e.currentTarget.value })} />
      </label>
    </div>
  );
}

export const Wrong = ({ text }: { text: string | null }) =>
  text ? (
    <p class="bad-text" role="alert">
      <Icon name="error" /> {text}
    </p>
  ) : null;

/** What is typed, as the column's type wants it; what it does not want is sent as it is, and the server says why not. */
export function typed(type: string, text: string): Json {
  if (text === '' && type !== 'STRING') return null;
  if (type === 'BIGINT' && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (type === 'DOUBLE' && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (type === 'BOOLEAN' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  return text;
}

/** One item: new, or `item` with other columns. */
export function ItemDialog({ list, item, close, done }: { list: List; item?: ListItem; close: () => void; done: () => void }) {
  const [texts, setTexts] = useState<Record<string, string>>(() =>
    Object.fromEntries(list.columns.map((c) => [c.name, item && item.values[c.name] !== null ? value(item.values[c.name]) : ''])),
  );
  const [why, setWhy] = useWhy();
  const { busy, wrong, act } = useAct();
  const others = list.columns.filter((c) => c.name !== list.key);
  const key = texts[list.key] ?? '';
  const save = async () => {
    if (key === '') return;
    await act(async () => {
      const columns: Fields = {};
      for (const c of others) {
        const text = texts[c.name] ?? '';
        columns[c.name] = text === '' ? null : typed(c.type, text);
      }
      if (item) await api.patchItem(list.name, item.key, columns, optionsOf(why));
      else await api.putItem(list.name, key, columns, optionsOf(why));
      say(item ? `${key} is changed` : `${key} is in ${list.name}`);
      done();
      close();
    });
  };
  return (
    <Dialog title={item ? `Change ${item.key}` : `Add to ${list.name}`} close={close}>
      <form
        class="form"
        onSubmit={(e) => {
          e.preventDefault();
          void save();
        }}
      >
        {[list.columns.find((c) => c.name === list.key)!, ...others].map((c) => (
          <label key={c.name}>
            <span>
              {c.name} <em class="dim mono">{c.type.toLowerCase()}</em>
            </span>
            <input
              type="text"
              class="mono"
              value={texts[c.name]}
              disabled={item !== undefined && c.name === list.key}
              required={c.name === list.key}
              autofocus={c.name === (item ? others[0]?.name : list.key)}
              onInput={(e) => setTexts({ ...texts, [c.name]: e.currentTarget.value })}
            />
          </label>
        ))}
        <WhyFields of={why} set={setWhy} keep={item !== undefined} />
        <Wrong text={wrong} />
        <button type="submit" class="hidden" tabIndex={-1} aria-hidden="true" />
      </form>
      <footer>
        <Button onClick={close}>Cancel</Button>
        <Button kind="primary" busy={busy} disabled={key === ''} onClick={() => void save()}>
          {item ? 'Change' : 'Add'}
        </Button>
      </footer>
    </Dialog>
  );
}

const modes = {
  add: 'Put them in; those that are there already get these columns',
  keep: 'Put them in; those that are there already stay as they are',
  remove: 'Take them out',
  replace: 'Make the list this: what is not here is taken out',
} as const;
type How = keyof typeof modes;

/** Many: pasted, or from a file. */
export function BulkDialog({ list, close, done }: { list: List; close: () => void; done: () => void }) {
  const [text, setText] = useState('');
  const [file, setFile] = useState('');
  const [mode, setMode] = useState<How>('add');
  const [why, setWhy] = useWhy();
  const { busy, wrong, setWrong, act } = useAct();
  const pick = useRef<HTMLInputElement>(null);
  const json = /^\s*\[/.test(text);
  const rows = json ? null : text.split('\n').filter((l) => l.trim()).length;
  const type = json ? 'application/json' : 'text/csv';
  const path = (o = optionsOf(why)) => paths.bulk(list.name, { mode, ...o });
  const take = async (f: File | null | undefined) => {
    if (!f) return;
    setText(await f.text());
    setFile(f.name);
    setWrong(null);
  };
  const send = async () => {
    if (text.trim() === '') return;
    await act(async () => {
      const n = await api.bulk(path(), type, text);
      say(`${list.name}: ${plural(n.added, 'item')} added, ${n.removed} removed, ${n.changed} changed`);
      done();
      close();
    });
  };
  return (
    <Dialog title={`Many items of ${list.name}`} close={close} wide>
      <div class="form">
        <p class="dim">
          One a line: {list.columns.map((c) => c.name).join(', ')} in this order, or with a first line that names columns; the key{' '}
          <code>{list.key}</code> alone will do. A JSON array works too.
        </p>
        <textarea
          class="mono"
          rows={12}
          value={text}
          spellcheck={false}
          autofocus
          aria-label="Items, one a line"
          placeholder={list.columns.map((c) => c.name).join(',')}
          onInput={(e) => (setText(e.currentTarget.value), setFile(''), setWrong(null))}
          onDragOver={(e) => e.preventDefault()}
          onDrop={(e) => (e.preventDefault(), void take(e.dataTransfer?.files[0]))}
        />
        <div class="form-row">
          <Button icon="up" onClick={() => pick.current?.click()}>
            Upload a file
          </Button>
          <input
            ref={pick}
            type="file"
            class="hidden"
            accept=".csv,.txt,.json,text/csv,text/plain,application/json"
            aria-label="A CSV file"
            onChange={(e) => void take(e.currentTarget.files?.[0])}
          />
          <span class="dim num">
            {file ? `${file}: ` : ''}
            {text.trim() === '' ? 'nothing yet' : rows === null ? 'a JSON array' : plural(rows, 'line')}
          </span>
        </div>
        <fieldset class="choices">
          <legend>What to do with them</legend>
          {(Object.keys(modes) as How[]).map((m) => (
            <label key={m} class={m === mode ? 'on' : ''}>
              <input type="radio" name="mode" checked={m === mode} onChange={() => setMode(m)} /> {modes[m]}
            </label>
          ))}
        </fieldset>
        <WhyFields of={why} set={setWhy} once={mode === 'remove'} />
        <Wrong text={wrong} />
      </div>
      <footer>
        <CopyCurl path={path({ by: why.by, reason: why.reason, expires_in: why.expires })} method="POST" type={type} body={text.slice(0, 4000)} />
        <Button onClick={close}>Cancel</Button>
        <Button
          kind={mode === 'remove' || mode === 'replace' ? 'danger' : 'primary'}
          busy={busy}
          disabled={text.trim() === ''}
          onClick={() => void send()}
        >
          {mode === 'remove' ? 'Take them out' : mode === 'replace' ? 'Replace the list' : 'Put them in'}
        </Button>
      </footer>
    </Dialog>
  );
}

/** Values of an alert that may be a list's key: its own key first, then the row's. */
function candidates(a: AlertDetail): [string, string][] {
  const seen = new Set<string>();
  return [...Object.entries(a.key ?? {}), ...Object.entries(a.row ?? {})].flatMap(([k, v]): [string, string][] => {
    const text = v === null || typeof v === 'object' ? '' : value(v);
    if (text === '' || seen.has(k)) return [];
    seen.add(k);
    return [[k, text]];
  });
}

function AlertDialog({ alert: a, close }: { alert: AlertDetail; close: () => void }) {
  const q = useQuery('lists', (s) => api.get<ListPage<List>>(paths.lists, s).then((p) => p.data));
  const values = candidates(a);
  const lists = q.data ?? [];
  const [name, setName] = useState('');
  const [column, setColumn] = useState(values[0]?.[0] ?? '');
  // A list whose key has the name of the alert's is what is meant, mostly.
  const list =
    lists.find((l) => l.name === name) ?? lists.find((l) => values.some(([k]) => k.toLowerCase() === l.key.toLowerCase())) ?? lists[0];
  const [why, setWhy] = useWhy({ expires: '30d', reason: `${a.rule}, ${a.id}` });
  const { busy, wrong, act } = useAct();
  const key = values.find(([k]) => k === column)?.[1] ?? '';
  const save = async () => {
    if (!list) return;
    await act(async () => {
      const columns: Fields = {};
      const told = list.columns.find((c) => c.name.toLowerCase() === 'reason' && c.type === 'STRING' && c.name !== list.key);
      if (told) columns[told.name] = why.reason;
      await api.putItem(list.name, key, columns, optionsOf(why));
      say(`${key} is in ${list.name}`);
      close();
    });
  };
  return (
    <Dialog title="Add to a list" close={close}>
      {q.data && lists.length === 0 ? (
        <div class="dialog-text">
          <p>There are no lists yet: rules ask them with IN LIST.</p>
          <p>
            <Link to="/lists?new=1">Make the first one</Link>
          </p>
        </div>
      ) : (
        <div class="form">
          <label>
            <span>What</span>
            <select value={column} onChange={(e) => setColumn(e.currentTarget.value)}>
              {values.map(([k, v]) => (
                <option key={k} value={k}>
                  {k}: {v}
                </option>
              ))}
            </select>
          </label>
          <label>
            <span>To the list</span>
            <select value={list?.name ?? ''} onChange={(e) => setName(e.currentTarget.value)}>
              {lists.map((l) => (
                <option key={l.name} value={l.name}>
                  {l.name} ({l.key}, {plural(l.items, 'item')})
                </option>
              ))}
            </select>
          </label>
          <WhyFields of={why} set={setWhy} />
          <Wrong text={wrong ?? q.problem?.message ?? null} />
        </div>
      )}
      <footer>
        <Button onClick={close}>Cancel</Button>
        <Button kind="primary" busy={busy} disabled={!list || key === ''} onClick={() => void save()}>
          Add
        </Button>
      </footer>
    </Dialog>
  );
}

export function ListAction({ alert: a }: { alert: AlertDetail }) {
  const [open, setOpen] = useState(false);
  const first = candidates(a)[0];
  if (!first) return null;
  return (
    <>
      <Button icon="list" class="list-action" title="Put the key of this alert into a list that rules ask" onClick={() => setOpen(true)}>
        Add {first[0]} to a list
      </Button>
      {open ? <AlertDialog alert={a} close={() => setOpen(false)} /> : null}
    </>
  );
}
