// SPDX-License-Identifier: Apache-2.0
// /backtests, /backtests/new?rule=… and /backtests/{b}: rules over recorded events.
import { useEffect } from 'preact/hooks';
import { api, paths, type Rule } from '../api';
import { backtestPaths, backtests, isOver, valuesText, type Backtest } from '../api_backtests';
import { duration, number, percent, plural, short, when } from '../lib/format';
import { useQuery } from '../lib/query';
import { navigate, useLocation } from '../lib/router';
import { BacktestForm } from '../parts/backtestform';
import { BacktestResult } from '../parts/backtestresult';
import { Ago, Bar, Button, Card, CopyCurl, Empty, Failed, Link, Loading, States } from '../parts/basic';
import { ask, sayWrong } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { Page } from '../parts/page';
import { SqlView } from '../parts/sqlview';

const pills = { queued: '', running: 'accent', done: 'good', failed: 'bad', cancelled: '' } as const;
const StatePill = ({ of: b }: { of: Backtest }) => <span class={`pill ${pills[b.state]}`}>{b.state}</span>;
const link = (b: Backtest) => `/backtests/${b.id}`;
export const newBacktest = (rule: string) => `/backtests/new?rule=${encodeURIComponent(rule)}`;

const Crumbs = ({ name }: { name: string }) => (
  <div class="crumbs">
    <Link to="/backtests">Backtests</Link>
    <Icon name="right" size={12} />
    <b class="cut">{name}</b>
  </div>
);

function span(b: Backtest): string {
  const { from, to } = b.request;
  const text = (t: string | number) => (typeof t === 'number' ? when(t) : t.replace(/T?00:00:00(\.000)?Z?$/, ''));
  return from || to ? `${from ? text(from) : 'the beginning'} – ${to ? text(to) : 'the end'}` : 'all that is recorded';
}

async function remove(b: Backtest, done: () => void) {
  const over = isOver(b);
  const yes = await ask({
    title: over ? `Delete ${b.id}?` : `Cancel ${b.id}?`,
    danger: true,
    yes: over ? 'Delete it' : 'Cancel it',
    text: <p>{over ? 'Its result and the alerts it found go with it.' : 'What it has found so far is lost.'}</p>,
  });
  if (!yes) return;
  try {
    await backtests.remove(b.id);
  } catch (e) {
    sayWrong(e);
  }
  done();
}

function List() {
  const { query } = useLocation();
  const rule = query.get('rule') ?? '';
  const q = useQuery(`backtests/${rule}`, (s) => backtests.list({ rule: rule || undefined, limit: 100 }, s), 1500);
  return (
    <Page
      title="Backtests"
      actions={
        <>
          <CopyCurl path={backtestPaths.list({ rule: rule || undefined })} />
          <Button kind="primary" icon="plus" onClick={() => navigate(rule ? newBacktest(rule) : '/backtests/new')}>
            New backtest
          </Button>
        </>
      }
    >
      <States of={q} rows={8}>
        {(page) =>
          page.data.length ? (
            <Card title={rule ? `Of ${rule}` : plural(page.data.length, 'backtest')} flush>
              <div class="scroll-x">
                <table class="rows bt-list">
                  <thead>
                    <tr>
                      <th>Backtest</th>
                      <th>Rule</th>
                      <th>State</th>
                      <th class="hide-s">Time</th>
                      <th class="hide-s">Values</th>
                      <th>Made</th>
                      <th aria-label="Actions" />
                    </tr>
                  </thead>
                  <tbody>
                    {page.data.map((b) => (
                      <tr key={b.id}>
                        <td class="mono">
                          <Link to={link(b)}>{b.id}</Link>
                        </td>
                        <td class="cut">{b.rule || <span class="dim">a text</span>}</td>
                        <td>
                          <StatePill of={b} /> {b.state === 'running' && b.progress ? <span class="num">{percent(b.progress.done)}</span> : null}
                        </td>
                        <td class="hide-s cut">{span(b)}</td>
                        <td class="hide-s mono cut">
                          {b.request.parameters ? (
                            Object.entries(b.request.parameters)
                              .map(([k, v]) => `${k} ${v.join(', ')}`)
                              .join('; ')
                          ) : (
                            <span class="dim">–</span>
                          )}
                        </td>
                        <td>
                          <Ago time={b.created} />
                        </td>
                        <td class="r">
                          <Button
                            kind="ghost"
                            icon={isOver(b) ? 'trash' : 'close'}
                            aria-label={isOver(b) ? `Delete ${b.id}` : `Cancel ${b.id}`}
                            title={isOver(b) ? 'Delete' : 'Cancel'}
                            onClick={() => void remove(b, q.reload)}
                          />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </Card>
          ) : (
            <Empty icon="history" title="No backtests yet">
              <p>
                A backtest runs a rule over the events that were recorded, at full speed and beside the live rules, and says what it would have told: how
                many alerts, which of them live did not tell, and how right they are.
              </p>
              <Button kind="primary" icon="plus" onClick={() => navigate('/backtests/new')}>
                New backtest
              </Button>
            </Empty>
          )
        }
      </States>
    </Page>
  );
}

function New() {
  const { query } = useLocation();
  const name = query.get('rule') ?? '';
  const from = query.get('again');
  const rules = useQuery('rules', (s) => api.get<{ data: Rule[] }>(paths.rules, s).then((p) => p.data));
  const again = useQuery(from ? `again/${from}` : null, (s) => backtests.get(from!, s));
  const rule = rules.data?.find((r) => r.name === name) ?? null;
  const ready = rules.data !== null && (!from || again.data !== null || again.problem !== null);
  return (
    <Page title="New backtest" head={<Crumbs name="New" />}>
      {rules.problem ? (
        <Failed problem={rules.problem} retry={rules.reload} />
      ) : !ready ? (
        <Loading rows={8} />
      ) : (
        <>
          <label class="bt-rule">
            <span>Rule</span>
            <select value={rule?.name ?? ''} onChange={(e) => navigate(e.currentTarget.value ? newBacktest(e.currentTarget.value) : '/backtests/new')}>
              <option value="">any text, compared with nothing</option>
              {rules.data!.map((r) => (
                <option key={r.name}>{r.name}</option>
              ))}
            </select>
          </label>
          <BacktestForm key={`${name}/${from}`} rule={rule} again={again.data?.request ?? null} done={(b) => navigate(link(b))} />
        </>
      )}
    </Page>
  );
}

function Progress({ of: b }: { of: Backtest }) {
  const p = b.progress;
  if (b.state === 'queued')
    return (
      <Card title="It waits">
        <p>{p?.ahead ? `${plural(p.ahead, 'backtest')} before it.` : 'It begins in a moment.'}</p>
      </Card>
    );
  return (
    <Card title="It runs" class="bt-progress">
      <Bar share={Math.min(p?.done ?? 0, 0.7)} label={`${percent(p?.done ?? 0)} done`} />
      <p class="num">
        {percent(p?.done ?? 0)} · {number(p?.events ?? 0)} events, {short(p?.events_per_s ?? 0)} a second · {plural(p?.alerts ?? 0, 'alert')}
        {p && p.seconds_left !== null ? ` · about ${duration(p.seconds_left * 1000)} left` : ''}
      </p>
    </Card>
  );
}

function One({ id }: { id: string }) {
  const q = useQuery(`backtest/${id}`, (s) => backtests.get(id, s));
  const b = q.data;
  const active = b !== null && !isOver(b);
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(() => !document.hidden && q.reload(), 500);
    return () => clearInterval(timer);
  }, [active, id]);
  if (!b)
    return (
      <Page title={id} head={<Crumbs name={id} />}>
        {q.problem ? <Failed problem={q.problem} retry={q.reload} /> : <Loading rows={8} />}
      </Page>
    );
  return (
    <Page
      title={b.id}
      class="bt-one"
      head={
        <div class="rule-title">
          <Crumbs name={b.id} />
          <StatePill of={b} />
        </div>
      }
      actions={
        <>
          <CopyCurl path={backtestPaths.one(b.id)} />
          <Button kind="ghost" icon={isOver(b) ? 'trash' : 'close'} onClick={() => void remove(b, () => (isOver(b) ? navigate('/backtests') : q.reload()))}>
            {isOver(b) ? 'Delete' : 'Cancel'}
          </Button>
          <Button icon="play" onClick={() => navigate(`/backtests/new?${b.rule ? `rule=${encodeURIComponent(b.rule)}&` : ''}again=${b.id}`)}>
            Run again
          </Button>
        </>
      }
    >
      <div class="rule-facts num">
        {b.rule ? (
          <span>
            rule <Link to={`/rules/${encodeURIComponent(b.rule)}`}>{b.rule}</Link>
            {b.request.version ? ` version ${b.request.version}` : ''}
          </span>
        ) : null}
        <span>{span(b)}</span>
        {b.request.start && b.request.start !== 'empty' ? <span>from savepoint {b.request.start}</span> : null}
        {b.request.parameters ? <span>{valuesText(Object.fromEntries(Object.entries(b.request.parameters).map(([k, v]) => [k, v.join(', ')])))}</span> : null}
        {b.request.label ? <span>fraud by {typeof b.request.label === 'string' ? b.request.label : `${b.request.label.column} = ${b.request.label.value}`}</span> : null}
        <span>
          made <Ago time={b.created} />
        </span>
      </div>
      {active ? <Progress of={b} /> : null}
      {b.state === 'failed' ? (
        <Card title="It failed">
          <p class="bad-text" role="alert">
            <Icon name="error" /> {b.error}
          </p>
        </Card>
      ) : null}
      {b.state === 'cancelled' ? <Empty icon="close" title="It was cancelled" /> : null}
      {b.result ? <BacktestResult of={b} result={b.result} /> : null}
      {b.request.sql ? (
        <details class="card bt-sql">
          <summary>The text that was run</summary>
          <SqlView sql={b.request.sql} />
        </details>
      ) : null}
    </Page>
  );
}

export const BacktestsPage = ({ arg }: { arg: string }) => (arg === '' ? <List /> : arg === 'new' ? <New /> : <One key={arg} id={arg} />);
