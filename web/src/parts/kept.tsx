// SPDX-License-Identifier: Apache-2.0
// A page of things that are kept by their statement and used by rules: their names beside one of them, made and deleted here.
import type { ComponentChildren } from 'preact';
import { api, type Page as ListPage } from '../api';
import { outside, type Named } from '../api_outside';
import { plural } from '../lib/format';
import { useShortcuts } from '../lib/keys';
import { useQuery } from '../lib/query';
import { navigate, useLocation } from '../lib/router';
import { Ago, Button, Card, CopyButton, CopyCurl, Empty, Link, States } from './basic';
import { ask, say, sayWrong } from './dialog';
import { Icon, type IconName } from './icons';
import { NewObject } from './newobject';
import { Page } from './page';
import { SqlView } from './sqlview';

interface Props<T extends Named> {
  arg: string; // the name in the address
  word: string; // "sink": as people call it, and in CREATE SINK
  many: string; // "Sinks"
  icon: IconName;
  path: string; // of all, here and in the interface
  example: string;
  about: ComponentChildren; // what it is, for an empty page
  before: ComponentChildren; // what to know before writing one
  gone: string; // what deleting leaves
  brief: (one: T) => ComponentChildren; // beside its name
  facts: (one: T) => [string, ComponentChildren][];
  cards: (one: T) => ComponentChildren;
}

async function remove<T extends Named>(one: T, p: Props<T>, done: () => void) {
  const yes = await ask({ title: `Delete ${one.name}?`, danger: true, yes: `Delete the ${p.word}`, text: <p>{p.gone}</p> });
  if (!yes) return;
  try {
    await outside.remove(`${p.path}/${encodeURIComponent(one.name)}`);
    say(`${one.name} is deleted`);
    done();
  } catch (e) {
    sayWrong(e);
  }
}

function Detail<T extends Named>({ one, p, done }: { one: T; p: Props<T>; done: () => void }) {
  return (
    <div class="stream-detail">
      <div class="stream-head">
        <h2>{one.name}</h2>
        <dl class="facts">
          {[...p.facts(one), ['Created', <Ago time={one.created} />] as const].map(([name, is]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{is}</dd>
            </div>
          ))}
          <div>
            <dt>Rules</dt>
            <dd>
              {one.rules.length
                ? one.rules.map((r, i) => (
                    <>
                      {i ? ', ' : ''}
                      <Link to={`/rules/${encodeURIComponent(r.name)}`}>{r.name}</Link>
                    </>
                  ))
                : 'none'}
            </dd>
          </div>
        </dl>
      </div>
      <div class="grid-2-1 start-top">
        <div class="stack">{p.cards(one)}</div>
        <div class="stack">
          <Card
            title="Statement"
            side={
              <>
                <CopyButton text={one.sql} label="" title="Copy the statement" />
                <Button
                  kind="ghost"
                  icon="trash"
                  disabled={one.rules.length > 0}
                  title={one.rules.length ? `A ${p.word} that rules use stays` : `Delete the ${p.word}`}
                  aria-label={`Delete the ${p.word}`}
                  onClick={() => void remove(one, p, done)}
                />
              </>
            }
          >
            <SqlView sql={one.sql} label={`CREATE ${p.word.toUpperCase()} statement`} />
          </Card>
        </div>
      </div>
    </div>
  );
}

/** Names and figures, as a table of two columns. */
export const Figures = ({ rows }: { rows: [string, ComponentChildren, string?][] }) => (
  <table class="rows tight">
    <tbody>
      {rows.map(([name, is, title]) => (
        <tr key={name} title={title}>
          <td class="dim">{name}</td>
          <td class="num r">{is}</td>
        </tr>
      ))}
    </tbody>
  </table>
);

export function KeptPage<T extends Named>(p: Props<T>) {
  const { query } = useLocation();
  const making = query.get('new') === '1';
  const q = useQuery(p.path, (s) => api.get<ListPage<T>>(p.path, s).then((got) => got.data), 2000);
  const list = q.data ?? [];
  const link = (name: string) => `${p.path}/${encodeURIComponent(name)}`;
  const shown = list.find((s) => s.name.toLowerCase() === p.arg.toLowerCase()) ?? (p.arg ? undefined : list[0]);
  const at = shown ? list.indexOf(shown) : -1;
  const go = (d: number) => {
    const s = list[Math.min(list.length - 1, Math.max(0, at + d))];
    if (s) navigate(link(s.name), { replace: true });
  };
  const fresh = `${p.path}?new=1`;
  useShortcuts([
    { keys: 'c', does: `New ${p.word}`, group: p.many, run: () => navigate(fresh) },
    { keys: 'j', does: `Next ${p.word}`, group: p.many, run: () => go(1) },
    { keys: 'k', does: `${p.word} before`, group: p.many, run: () => go(-1) },
  ]);
  const add = (
    <Link to={fresh} class="btn btn-primary" title={`New ${p.word} (c)`}>
      <Icon name="plus" /> New {p.word}
    </Link>
  );
  return (
    <Page
      title={making ? `New ${p.word}` : p.arg || p.many}
      head={
        making || p.arg ? (
          <div class="crumbs">
            <Link to={p.path}>{p.many}</Link>
            <Icon name="right" size={12} />
            <b>{making ? 'New' : p.arg}</b>
          </div>
        ) : undefined
      }
      actions={
        making ? null : (
          <>
            <CopyCurl path={shown ? link(shown.name) : p.path} />
            {add}
          </>
        )
      }
    >
      {making ? (
        <NewObject
          word={p.word}
          path={p.path}
          example={p.example}
          create={(sql) => outside.create<T>(p.path, sql)}
          made={(s) => `The ${p.word} ${s.name} is there`}
          done={(s) => {
            q.reload();
            navigate(link(s.name));
          }}
        >
          {p.before}
        </NewObject>
      ) : (
        <States of={q} rows={9}>
          {() =>
            list.length === 0 ? (
              <Empty icon={p.icon} title={`No ${p.word}s yet`}>
                <p>{p.about}</p>
                {add}
              </Empty>
            ) : (
              <div class="streams">
                {list.length > 1 ? (
                  <nav class="stream-list" aria-label={p.many}>
                    {list.map((s) => (
                      <Link
                        key={s.name}
                        to={link(s.name)}
                        class={s === shown ? 'on' : ''}
                        aria-current={s === shown ? 'page' : undefined}
                      >
                        <b>{s.name}</b>
                        <span class="dim num">{p.brief(s)}</span>
                      </Link>
                    ))}
                  </nav>
                ) : null}
                {shown ? (
                  <Detail key={shown.name} one={shown} p={p} done={() => (navigate(p.path), q.reload())} />
                ) : (
                  <Empty icon={p.icon} title={`There is no ${p.word} ${p.arg}`}>
                    <Link to={p.path}>All {plural(list.length, p.word)}</Link>
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
