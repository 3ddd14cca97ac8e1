// SPDX-License-Identifier: Apache-2.0
// /lists and /lists/{l}: what is in a list, who put it there and why, which rules ask it; items come and go here.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, paths, type List, type ListChange, type ListItem, type Page as ListPage } from '../api';
import { clock, dateOf, full, number, plural, short, shown } from '../lib/format';
import { useShortcuts } from '../lib/keys';
import { useQuery } from '../lib/query';
import { navigate, setQuery, useLocation } from '../lib/router';
import { Ago, Button, Card, CopyButton, CopyCurl, Empty, Link, States } from '../parts/basic';
import { ask, say, sayWrong } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { BulkDialog, ItemDialog, listLink } from '../parts/listforms';
import { NewObject } from '../parts/newobject';
import { Page } from '../parts/page';
import { SqlView } from '../parts/sqlview';

const AT_ONCE = 100;
const example = `CREATE LIST blocked_cards (
  card STRING PRIMARY KEY,
  reason STRING
);
`;
const day = (t: string) => (dateOf(t) === dateOf(Date.now()) ? clock(t) : dateOf(t));

async function removeItem(list: List, item: ListItem, done: () => void) {
  const yes = await ask({
    title: `Take ${item.key} out of ${list.name}?`,
    danger: true,
    yes: 'Take it out',
    text: <p>{list.rules.length ? `${plural(list.rules.length, 'rule')} will not find it from here on.` : 'No rule asks this list.'}</p>,
  });
  if (!yes) return;
  try {
    await api.removeItem(list.name, item.key);
    say(`${item.key} is out of ${list.name}`);
  } catch (e) {
    sayWrong(e);
  }
  done();
}

function Items({ list, changed, add }: { list: List; changed: () => void; add: () => void }) {
  const { query } = useLocation();
  const contains = query.get('q') ?? '';
  const [limit, setLimit] = useState(AT_ONCE);
  const [editing, setEditing] = useState<ListItem | null>(null);
  const box = useRef<HTMLInputElement>(null);
  const path = paths.items(list.name, { contains, limit });
  const q = useQuery(`items/${list.name}/${contains}`, (s) => api.get<ListPage<ListItem>>(paths.items(list.name, { contains, limit }), s), 3000);
  useEffect(() => setLimit(AT_ONCE), [list.name, contains]);
  useEffect(() => q.reload(), [limit, list.updated]);
  useShortcuts([{ keys: '/', does: 'Search items', group: 'Lists', run: () => box.current?.focus() }]);
  const others = list.columns.filter((c) => c.name !== list.key);
  const again = () => (q.reload(), changed());
  return (
    <Card
      title={plural(list.items, 'item')}
      flush
      side={
        <>
          <span class="input-icon">
            <Icon name="search" size={14} />
            <input
              ref={box}
              type="search"
              value={contains}
              placeholder="Search"
              aria-label="Search items"
              onInput={(e) => setQuery({ q: e.currentTarget.value || null })}
              onKeyDown={(e) => e.key === 'Escape' && (setQuery({ q: null }), e.currentTarget.blur())}
            />
            <kbd>/</kbd>
          </span>
          <CopyCurl path={path} />
        </>
      }
    >
      <States of={q} rows={8}>
        {(page) =>
          page.data.length ? (
            <>
              <div class="scroll-x">
                <table class="rows tight list-items">
                  <thead>
                    <tr>
                      <th>{list.key}</th>
                      {others.map((c) => (
                        <th key={c.name}>{c.name}</th>
                      ))}
                      <th>Stays</th>
                      <th class="hide-s">Last change</th>
                      <th aria-label="Actions" />
                    </tr>
                  </thead>
                  <tbody>
                    {page.data.map((i) => (
                      <tr key={i.key}>
                        <td class="mono key">{i.key === '' ? <span class="dim">empty text</span> : i.key}</td>
                        {others.map((c) => (
                          <td key={c.name} class="cut" title={shown(i.values[c.name])}>
                            {i.values[c.name] === null || i.values[c.name] === undefined ? (
                              <span class="dim">–</span>
                            ) : (
                              shown(i.values[c.name])
                            )}
                          </td>
                        ))}
                        <td class="num nowrap" title={i.expires_at ? full(i.expires_at) : 'for good'}>
                          {i.expires_at ? <>until {day(i.expires_at)}</> : <span class="dim">for good</span>}
                        </td>
                        <td class="hide-s dim change" title={`${full(i.changed)}${i.reason ? ': ' + i.reason : ''}`}>
                          <Ago time={i.changed} />
                          {i.by ? ` by ${i.by}` : ''}
                          {i.reason ? <small>{i.reason}</small> : null}
                        </td>
                        <td class="r actions">
                          <Button
                            kind="ghost"
                            icon="edit"
                            aria-label={`Change ${i.key}`}
                            title="Change it, or its time"
                            onClick={() => setEditing(i)}
                          />
                          <Button
                            kind="ghost"
                            icon="trash"
                            aria-label={`Take ${i.key} out`}
                            title="Take it out"
                            onClick={() => void removeItem(list, i, again)}
                          />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              {page.page?.has_more ? (
                <p class="note">
                  {limit < 1000 ? (
                    <Button onClick={() => setLimit(Math.min(1000, limit * 3))}>Show more</Button>
                  ) : (
                    <span class="dim">The first {number(limit)}; search for others.</span>
                  )}
                </p>
              ) : null}
            </>
          ) : contains ? (
            <Empty icon="search" title={`Nothing holds “${contains}”`}>
              <Button onClick={() => setQuery({ q: null })}>Show all items</Button>
            </Empty>
          ) : (
            <Empty icon="list" title="Nothing in it yet">
              <p>Add an item, paste many, or upload a CSV file.</p>
              <Button kind="primary" icon="plus" onClick={add}>
                Add an item
              </Button>
            </Empty>
          )
        }
      </States>
      {editing ? <ItemDialog list={list} item={editing} close={() => setEditing(null)} done={again} /> : null}
    </Card>
  );
}

const done: Record<string, string> = { edit: 'edited', replace: 'replaced', insert: 'inserted', expiry: 'time over' };

function Changes({ list }: { list: List }) {
  const path = paths.listChanges(list.name, 20);
  const q = useQuery(`changes/${list.name}/${list.updated}`, (s) => api.get<ListPage<ListChange>>(path, s).then((p) => p.data));
  return (
    <Card title="Changes" flush side={<CopyCurl path={path} />}>
      <States of={q} rows={4}>
        {(all) =>
          all.length ? (
            <ul class="changes">
              {all.map((c) => {
                const keys = c.keys.join(', ') + (c.added + c.removed + c.changed > c.keys.length ? ' …' : '');
                return (
                  <li key={c.change}>
                    <span class="counts num">
                      {c.added ? <b class="good-text">+{number(c.added)}</b> : null}
                      {c.removed ? <b class="bad-text">−{number(c.removed)}</b> : null}
                      {c.changed ? <b class="dim">~{number(c.changed)}</b> : null}
                    </span>
                    <span class="mono cut" title={c.keys.join('\n')}>
                      {keys}
                    </span>
                    <span class="dim">
                      <Ago time={c.at} />
                    </span>
                    <small class="dim">
                      {done[c.what] ?? c.what}
                      {c.by ? ` by ${c.by}` : ''}
                      {c.reason ? `: ${c.reason}` : ''}
                    </small>
                  </li>
                );
              })}
            </ul>
          ) : (
            <Empty icon="clock" title="No changes yet" />
          )
        }
      </States>
    </Card>
  );
}

async function removeList(list: List, gone: () => void) {
  const yes = await ask({
    title: `Delete ${list.name}?`,
    danger: true,
    yes: 'Delete the list',
    text: <p>Its {plural(list.items, 'item')} and the record of its changes are gone for good.</p>,
  });
  if (!yes) return;
  try {
    await api.removeList(list.name);
    say(`${list.name} is deleted`);
    gone();
  } catch (e) {
    sayWrong(e);
  }
}

function Detail({ list, changed }: { list: List; changed: () => void }) {
  const { query } = useLocation();
  const dialog = query.get('do');
  const open = (what: string | null) => setQuery({ do: what });
  useShortcuts([
    { keys: 'a', does: 'Add an item', group: 'Lists', run: () => open('add') },
    { keys: 'p', does: 'Paste or upload many', group: 'Lists', run: () => open('many') },
  ]);
  return (
    <div class="stream-detail">
      <div class="stream-head list-head">
        <h2>{list.name}</h2>
        <div class="head-actions">
          <Button icon="up" title="Paste or upload (p)" onClick={() => open('many')}>
            Paste or upload
          </Button>
          <Button kind="primary" icon="plus" title="Add an item (a)" onClick={() => open('add')}>
            Add an item
          </Button>
        </div>
        <dl class="facts">
          <div>
            <dt>Items</dt>
            <dd class="num">{number(list.items)}</dd>
          </div>
          <div>
            <dt>Key</dt>
            <dd class="mono">
              {list.key} <span class="dim">{list.columns.find((c) => c.name === list.key)?.type.toLowerCase()}</span>
            </dd>
          </div>
          <div>
            <dt>Last change</dt>
            <dd>
              <Ago time={list.updated} />
            </dd>
          </div>
          <div>
            <dt title="Edits since the oldest rule that asks the list was deployed: a replay needs them">Edits kept</dt>
            <dd class="num">{number(list.edits_kept)}</dd>
          </div>
        </dl>
      </div>
      <div class="grid-2-1 start-top list-grid">
        <Items list={list} changed={changed} add={() => open('add')} />
        <div class="stack">
          <Card title={list.rules.length ? plural(list.rules.length, 'rule asks', 'rules ask') + ' it' : 'Rules'} flush>
            {list.rules.length ? (
              <ul class="plain-list">
                {list.rules.map((r) => (
                  <li key={r.id}>
                    <Icon name="rules" size={14} /> <Link to={`/rules/${encodeURIComponent(r.name)}`}>{r.name}</Link>
                  </li>
                ))}
              </ul>
            ) : (
              <p class="dim note">
                No rule asks it yet: <code>{list.key} IN LIST {list.name}</code>
              </p>
            )}
          </Card>
          <Changes list={list} />
          <Card
            title="Statement"
            side={
              <>
                <CopyButton text={list.sql} label="" title="Copy the statement" />
                <Button
                  kind="ghost"
                  icon="trash"
                  disabled={list.rules.length > 0}
                  title={list.rules.length ? 'A list that rules ask stays' : 'Delete the list'}
                  aria-label="Delete the list"
                  onClick={() => void removeList(list, () => (navigate('/lists'), changed()))}
                />
              </>
            }
          >
            <SqlView sql={list.sql} label="CREATE LIST statement" />
          </Card>
        </div>
      </div>
      {dialog === 'add' ? <ItemDialog list={list} close={() => open(null)} done={changed} /> : null}
      {dialog === 'many' ? <BulkDialog list={list} close={() => open(null)} done={changed} /> : null}
    </div>
  );
}

export function ListsPage({ arg }: { arg: string }) {
  const { query } = useLocation();
  const making = query.get('new') === '1';
  const q = useQuery('lists', (s) => api.get<ListPage<List>>(paths.lists, s).then((p) => p.data), 3000);
  const all = q.data ?? [];
  const at = arg ? all.findIndex((l) => l.name.toLowerCase() === arg.toLowerCase()) : 0;
  const list = all[at];
  const go = (d: number) => {
    const l = all[Math.min(all.length - 1, Math.max(0, at + d))];
    if (l) navigate(listLink(l.name), { replace: true });
  };
  useShortcuts([
    { keys: 'c', does: 'New list', group: 'Lists', run: () => navigate('/lists?new=1') },
    { keys: 'j', does: 'Next list', group: 'Lists', run: () => go(1) },
    { keys: 'k', does: 'List before', group: 'Lists', run: () => go(-1) },
  ]);
  return (
    <Page
      title={making ? 'New list' : arg || 'Lists'}
      head={
        making || arg ? (
          <div class="crumbs">
            <Link to="/lists">Lists</Link>
            <Icon name="right" size={12} />
            <b>{making ? 'New' : arg}</b>
          </div>
        ) : undefined
      }
      actions={
        making ? null : (
          <>
            <CopyCurl path={list ? paths.list(list.name) : paths.lists} />
            <Link to="/lists?new=1" class="btn btn-primary" title="New list (c)">
              <Icon name="plus" /> New list
            </Link>
          </>
        )
      }
    >
      {making ? (
        <NewObject
          word="list"
          path={paths.lists}
          example={example}
          create={api.createList}
          made={(l) => `List ${l.name} is there`}
          done={(l) => {
            q.reload();
            navigate(listLink(l.name));
          }}
        >
          Rules ask for the <code>PRIMARY KEY</code>: <code>WHERE card IN LIST blocked_cards</code>. The other columns say something
          about an item. Items may follow in <code>INSERT INTO … VALUES</code>, or be pasted afterwards.
        </NewObject>
      ) : (
        <States of={q} rows={9}>
          {() =>
            all.length === 0 ? (
              <Empty icon="list" title="No lists yet">
                <p>
                  A list is a set of keys that rules ask with <code>IN LIST</code>, and people edit while they run: blocked cards,
                  trusted merchants.
                </p>
                <Link to="/lists?new=1" class="btn btn-primary">
                  <Icon name="plus" /> New list
                </Link>
              </Empty>
            ) : (
              <div class="streams">
                {all.length > 1 ? (
                  <nav class="stream-list" aria-label="Lists">
                    {all.map((l) => (
                      <Link
                        key={l.name}
                        to={listLink(l.name)}
                        class={l === list ? 'on' : ''}
                        aria-current={l === list ? 'page' : undefined}
                      >
                        <b>{l.name}</b>
                        <span class="dim num">
                          {short(l.items)} · {plural(l.rules.length, 'rule')}
                        </span>
                      </Link>
                    ))}
                  </nav>
                ) : null}
                {list ? (
                  <Detail key={list.name} list={list} changed={q.reload} />
                ) : (
                  <Empty icon="list" title={`There is no list ${arg}`}>
                    <Link to="/lists">All lists</Link>
                  </Empty>
                )}
              </div>
            )
          }
        </States>
      )}
    </Page>
  );
}
