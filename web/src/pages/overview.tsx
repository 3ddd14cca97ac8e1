// SPDX-License-Identifier: Apache-2.0
// /: is it running, what does it find. Every number leads to its list.
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { api, paths, Problem, type Alert, type Page as ListPage, type Severity, type Stream } from '../api';
import { clock, duration, number, plural, short } from '../lib/format';
import { rates, useConnection, useOverview, useOverviewStream } from '../lib/live';
import { useQuery } from '../lib/query';
import { navigate } from '../lib/router';
import { useRules } from '../lib/rules';
import { useStore } from '../lib/store';
import { Card, CopyCurl, Empty, Failed, Link, Loading, States } from '../parts/basic';
import { Chart } from '../parts/chart_lazy';
import { Icon } from '../parts/icons';
import { Newest } from '../parts/newest';
import { Page } from '../parts/page';
import { Start } from '../parts/start';

function Tile({
  to,
  label,
  value,
  unit,
  note,
  tone,
}: {
  to: string;
  label: string;
  value: string;
  unit?: string;
  note: ComponentChildren;
  tone?: 'bad' | 'warn';
}) {
  return (
    <Link to={to} class={`tile ${tone ?? ''}`}>
      <span class="tile-label">{label}</span>
      <span class="tile-value num">
        {value}
        {unit ? <small>{unit}</small> : null}
      </span>
      <span class="tile-note num">{note}</span>
    </Link>
  );
}

const WINDOW = 300; // seconds of the live chart
const order: Severity[] = ['low', 'medium', 'high', 'critical'];

function RateChart() {
  const samples = useStore(rates);
  const now = Math.floor(Date.now() / 1000);
  const recent = useMemo(() => samples.filter((s) => s.at >= now - WINDOW - 5), [samples]);
  // What was seen fills the picture from the start; after five minutes it moves along.
  const from = Math.max(now - WINDOW, Math.min(recent[0]?.at ?? now, now - 30));
  return (
    <Chart
      kind="line"
      height={190}
      label="Events per second, live"
      range={[from, now]}
      times={recent.map((s) => s.at)}
      values={[recent.map((s) => s.rate)]}
      series={[{ label: 'events/s', colour: '--accent' }]}
    />
  );
}

export function OverviewPage() {
  useOverviewStream();
  const o = useOverview();
  const { state } = useConnection();
  const rules = useRules(5000);
  const streams = useQuery('streams', (s) => api.get<ListPage<Stream>>(paths.streams, s).then((p) => p.data), 15000);
  const newest = useQuery('newest', (s) => api.get<ListPage<Alert>>(paths.alerts({ limit: 9 }), s).then((p) => p.data), 15000);

  // A new alert was counted: fetch the newest, at most every two seconds.
  const last = useRef({ alerts: -1, at: 0 });
  useEffect(() => {
    if (!o || o.alerts === last.current.alerts || Date.now() - last.current.at < 2000) return;
    if (last.current.alerts >= 0) newest.reload();
    last.current = { alerts: o.alerts, at: Date.now() };
  }, [o]);

  const minutes = useMemo(() => lastHour(o?.minutes ?? []), [o?.minutes.length, o?.alerts, Math.floor(Date.now() / 60000)]);
  const sums = order.map((s) => minutes.reduce((n, m) => n + m[s], 0));
  const fresh =
    o !== null &&
    streams.data !== null &&
    rules.data !== null &&
    (streams.data.length === 0 || rules.data.length === 0 || (o.events_processed === 0 && o.alerts === 0));

  const top = useMemo(() => [...(rules.data ?? [])].sort((a, b) => b.alerts - a.alerts).slice(0, 8), [rules.data]);
  const most = Math.max(1, ...top.map((r) => r.alerts));

  return (
    <Page title="Overview" actions={<CopyCurl path={paths.overview} />}>
      {!o ? (
        state === 'down' ? (
          <Failed problem={new Problem(0, 'The server does not answer', 'This page fills itself as soon as it does.')} />
        ) : (
          <Loading rows={8} />
        )
      ) : (
        <>
          <div class="tiles">
            <Tile
              to="/streams"
              label="Events"
              value={short(o.events_per_second)}
              unit="/s"
              note={`${number(o.events_processed)} processed`}
            />
            <Tile
              to="/alerts"
              label="Alerts"
              value={number(o.alerts_last_hour)}
              unit="last hour"
              note={`${number(o.alerts)} in all, ${number(o.open_alerts)} open`}
            />
            <Tile
              to="/time"
              label="Watermark lag"
              value={o.watermark_lag_ms === null ? '–' : duration(o.watermark_lag_ms)}
              note={o.watermark ? `at ${clock(o.watermark)} UTC` : 'no events yet'}
              tone={o.watermark_lag_ms !== null && o.watermark_lag_ms > 60000 ? 'warn' : undefined}
            />
            <Tile
              to="/rules"
              label="Rules"
              value={number(o.rules.active)}
              unit="active"
              note={
                o.rules.shadow + o.rules.paused
                  ? [o.rules.shadow && `${o.rules.shadow} shadow`, o.rules.paused && `${o.rules.paused} paused`]
                      .filter(Boolean)
                      .join(', ')
                  : 'none paused'
              }
            />
            <Tile
              to="/workers"
              label="Workers"
              value={`${o.workers.running}/${o.workers.total}`}
              note={o.workers.running === o.workers.total ? 'all running' : `${o.workers.total - o.workers.running} not running`}
              tone={o.workers.running < o.workers.total ? 'bad' : undefined}
            />
            <Tile
              to="/dead-letters"
              label="Dead letters"
              value={short(o.dead_letters)}
              note={`${short(o.events_refused)} refused, ${short(o.late)} late`}
              tone={o.dead_letters > 0 ? 'warn' : undefined}
            />
          </div>
          {fresh ? <Start streams={streams.data ?? []} rules={rules.data ?? []} overview={o} /> : null}
          {fresh && o.events_processed === 0 ? null : (
            <>
              <div class="grid-2-1">
                <Card title="Events per second" side={<span class="dim">live, at most 5 minutes</span>}>
                  <RateChart />
                </Card>
                <Card
                  title="Alerts, last hour"
                  side={
                    <span class="legend">
                      {[...order].reverse().map((s) => (
                        <Link key={s} to={`/alerts?severity=${s}`} title={`Alerts of severity ${s}`}>
                          <i class={`bg-${s}`} aria-hidden="true" />
                          {s} <b class="num">{short(sums[order.indexOf(s)]!)}</b>
                        </Link>
                      ))}
                    </span>
                  }
                >
                  <Chart
                    kind="stack"
                    height={190}
                    label={`Alerts of the last hour: ${order.map((s, i) => `${sums[i]} ${s}`).join(', ')}`}
                    times={minutes.map((m) => m.at)}
                    values={order.map((s) => minutes.map((m) => m[s]))}
                    range={minutes.length ? [minutes[0]!.at - 30, minutes[minutes.length - 1]!.at + 30] : undefined}
                    series={order.map((s) => ({ label: s, colour: `--bar-${s}` }))}
                    onPick={() => navigate('/alerts')}
                  />
                </Card>
              </div>
              <div class="grid-2-1">
                <Card title="Newest alerts" flush side={<Link to="/alerts">All alerts</Link>}>
                  <States of={newest}>
                    {(list) =>
                      list.length ? (
                        <Newest alerts={list} />
                      ) : (
                        <Empty title="Nothing caught yet">
                          <p>{rules.data?.length ? 'The rules are watching.' : 'There are no rules yet.'}</p>
                        </Empty>
                      )
                    }
                  </States>
                </Card>
                <Card title="Rules with most alerts" flush side={<Link to="/rules">All rules</Link>}>
                  <States of={rules}>
                    {() =>
                      top.length ? (
                        <ul class="top-rules">
                          {top.map((r) => (
                            <li key={r.id}>
                              <Link to={`/rules/${encodeURIComponent(r.name)}`} class="cut">
                                {r.name}
                              </Link>
                              <Link
                                to={`/alerts?rule=${encodeURIComponent(r.name)}`}
                                class="num r"
                                title={plural(r.alerts, 'alert')}
                              >
                                {short(r.alerts)}
                              </Link>
                              <span class="top-bar" aria-hidden="true">
                                <i class={`bg-${r.severity}`} style={{ width: `${(r.alerts / most) * 100}%` }} />
                              </span>
                            </li>
                          ))}
                        </ul>
                      ) : (
                        <Empty icon="rules" title="No rules yet">
                          <Link to="/rules/new" class="btn btn-primary">
                            <Icon name="plus" /> New rule
                          </Link>
                        </Empty>
                      )
                    }
                  </States>
                </Card>
              </div>
            </>
          )}
        </>
      )}
    </Page>
  );
}

interface MinuteRow {
  at: number;
  low: number;
  medium: number;
  high: number;
  critical: number;
}
/** The server lists minutes that have alerts; the axis has all sixty. */
function lastHour(minutes: { minute: string; low: number; medium: number; high: number; critical: number }[]): MinuteRow[] {
  const known = new Map(minutes.map((m) => [Math.floor(Date.parse(m.minute) / 60000), m]));
  const end = Math.floor(Date.now() / 60000);
  return Array.from({ length: 60 }, (_, i) => {
    const at = end - 59 + i;
    const m = known.get(at);
    return { at: at * 60, low: m?.low ?? 0, medium: m?.medium ?? 0, high: m?.high ?? 0, critical: m?.critical ?? 0 };
  });
}
