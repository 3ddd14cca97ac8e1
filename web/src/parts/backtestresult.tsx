// SPDX-License-Identifier: Apache-2.0
// What a backtest came to: its variants, the chosen one beside the old side, its alerts.
import { useEffect, useState } from 'preact/hooks';
import { backtestPaths, backtests, filled, valuesText, type Backtest, type Result, type Side, type Variant } from '../api_backtests';
import { draft } from '../lib/draft';
import { bytes, duration, keyText, number, percent, plural, short, value, when } from '../lib/format';
import { useQuery } from '../lib/query';
import { navigate, setQuery, useLocation } from '../lib/router';
import { Button, Card, CopyCurl, Figure, Link, States } from './basic';
import { Bars, ByValue, Curve, Venn } from './backtestcharts';
import { Drifts, Segments } from './backtestsegments';

const sides: [Side, string, string][] = [
  ['only_old', 'Only old', 'the old side told these, this variant does not'],
  ['both', 'Both', 'told by both'],
  ['only_new', 'Only new', 'this variant tells these, the old side did not'],
];
const share = (x: number | null | undefined) => (x === null || x === undefined ? <span class="dim">–</span> : percent(x));
export const amount = (x: number | null | undefined) =>
  x === null || x === undefined ? <span class="dim">–</span> : x.toLocaleString('en-US', { maximumFractionDigits: 2 });

/** The best by F1, of those that are judged. */
function best(variants: Variant[]): number {
  let at = -1;
  variants.forEach((v) => {
    if ((v.quality?.f1 ?? 0) > (variants[at]?.quality?.f1 ?? 0)) at = v.variant;
  });
  return at;
}

function Variants({ of: r, chosen, request, rule }: { of: Result; chosen: number; request: Backtest['request']; rule: string }) {
  const pick = (variant: number) => setQuery({ variant: String(variant), side: null });
  const labelled = r.variants.some((v) => v.quality);
  const winner = best(r.variants);
  const use = (which: number) => {
    const v = r.variants[which];
    if (!v || !request.sql) return;
    draft.write(rule, filled(request.sql, v.parameters));
    navigate(`/rules/${encodeURIComponent(rule)}`);
  };
  return (
    <Card
      title={plural(r.variants.length, 'variant')}
      flush
      class="bt-variants"
      side={
        rule && request.sql ? (
          <span class="bt-use">
            {winner >= 0 ? (
              <Button kind="ghost" icon="edit" title={`Put the text with ${valuesText(r.variants[winner]!.parameters)} into the rule’s editor`} onClick={() => use(winner)}>
                Best to the editor
              </Button>
            ) : null}
            <Button kind="ghost" icon="edit" title="Put the text with the chosen values into the rule’s editor" onClick={() => use(chosen)}>
              To the editor
            </Button>
          </span>
        ) : null
      }
    >
      <div class="bt-curves">
        <Curve of={r.variants} chosen={chosen} pick={pick} />
        <ByValue of={r.variants} chosen={chosen} pick={pick} />
      </div>
      <div class="scroll-x">
        <table class="rows tight">
          <thead>
            <tr>
              <th>Values</th>
              <th class="r">Alerts</th>
              {r.old ? (
                <>
                  <th class="r">Only old</th>
                  <th class="r">Both</th>
                  <th class="r">Only new</th>
                </>
              ) : null}
              {labelled ? (
                <>
                  <th class="r">Precision</th>
                  <th class="r">Recall</th>
                  <th class="r">F1</th>
                </>
              ) : null}
              {request.sum ? <th class="r">{request.sum}</th> : null}
            </tr>
          </thead>
          <tbody>
            {r.variants.map((v) => (
              <tr key={v.variant} class={v.variant === chosen ? 'at' : ''}>
                <td class="mono">
                  <button type="button" class="plain link" aria-pressed={v.variant === chosen} onClick={() => pick(v.variant)}>
                    {valuesText(v.parameters)}
                  </button>
                  {v.variant === winner ? <span class="pill good">best F1</span> : null}
                </td>
                <td class="r num">{number(v.alerts)}</td>
                {r.old ? sides.map(([s]) => <td key={s} class="r num">{number(v[s]?.alerts ?? 0)}</td>) : null}
                {labelled ? (
                  <>
                    <td class="r num">{share(v.quality?.precision)}</td>
                    <td class="r num">{share(v.quality?.recall)}</td>
                    <td class="r num">{v.quality?.f1?.toFixed(2) ?? '–'}</td>
                  </>
                ) : null}
                {request.sum ? <td class="r num">{amount(v.sum)}</td> : null}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function Judged({ of: v, result: r, sum }: { of: Variant; result: Result; sum: string | null | undefined }) {
  const q = v.quality;
  if (!q) return null;
  return (
    <Card title="How right" class="bt-quality">
      <table class="bt-confusion" aria-label="Alerts and labelled events">
        <tbody>
          <tr>
            <th>Alerts</th>
            <td class="good">
              <b class="num">{number(q.true_alerts)}</b> true
            </td>
            <td class="bad">
              <b class="num">{number(q.false_alerts)}</b> false
            </td>
            <td>
              precision <b class="num">{share(q.precision)}</b>
            </td>
          </tr>
          <tr>
            <th>{r.judged !== null ? 'Alerts called fraud' : 'Labelled events'}</th>
            <td class="good">
              <b class="num">{number(q.caught)}</b> caught
            </td>
            <td class="bad">
              <b class="num">{number(q.missed)}</b> missed
            </td>
            <td>
              recall <b class="num">{share(q.recall)}</b>
            </td>
          </tr>
          {sum ? (
            <tr>
              <th>{sum}</th>
              <td class="good">
                <b class="num">{amount(q.true_sum)}</b> saved
              </td>
              <td class="bad">
                <b class="num">{amount(q.false_sum)}</b> blocked for nothing
              </td>
              <td />
            </tr>
          ) : null}
        </tbody>
      </table>
      <p class="dim">
        F1 <b class="num">{q.f1?.toFixed(3) ?? '–'}</b>
        {r.judged !== null ? `, by ${plural(r.judged, 'alert')} of live that somebody has judged` : ''}
        {r.old?.quality ? (
          <>
            {' '}
            · old: precision {share(r.old.quality.precision)}, recall {share(r.old.quality.recall)}
          </>
        ) : null}
      </p>
    </Card>
  );
}

function Found({ of: b, variant, compared }: { of: Backtest; variant: Variant; compared: boolean }) {
  const { query } = useLocation();
  const fallback = (variant.only_new?.alerts ?? variant.alerts) || !compared ? 'only_new' : variant.only_old?.alerts ? 'only_old' : 'both';
  const side = compared ? ((query.get('side') as Side | null) ?? fallback) : 'only_new';
  const [limit, setLimit] = useState(25);
  const q = { variant: variant.variant, side, limit };
  const found = useQuery(`found/${b.id}/${variant.variant}/${side}`, (s) => backtests.diff(b.id, q, s));
  useEffect(() => setLimit(25), [side, variant.variant]);
  useEffect(() => found.reload(), [limit]);
  return (
    <Card
      title={
        compared ? (
          <span class="segments" role="group" aria-label="Side">
            {sides.map(([s, name, title]) => (
              <button type="button" key={s} class={side === s ? 'on' : ''} aria-pressed={side === s} title={title} onClick={() => setQuery({ side: s })}>
                {name} <em class="num">{short(variant[s]?.alerts ?? 0)}</em>
              </button>
            ))}
          </span>
        ) : (
          plural(variant.alerts, 'alert')
        )
      }
      flush
      class="bt-found"
      side={<CopyCurl path={backtestPaths.diff(b.id, q)} />}
    >
      <States of={found} rows={6}>
        {(page) =>
          page.data.length ? (
            <>
              <div class="scroll-x">
                <table class="rows tight">
                  <thead>
                    <tr>
                      <th>Time</th>
                      <th>Key</th>
                      <th>Found</th>
                      {page.data.some((a) => a.label !== null) ? <th>Label</th> : null}
                    </tr>
                  </thead>
                  <tbody>
                    {page.data.map((a) => (
                      <tr key={a.id}>
                        <td class="num nowrap">
                          {a.side === 'only_new' ? when(a.time) : <Link to={`/alerts/${a.id}`}>{when(a.time)}</Link>}
                        </td>
                        <td class="mono">{keyText(a.key) || <span class="dim">–</span>}</td>
                        <td class="mono cut bt-row" title={JSON.stringify(a.row)}>
                          {Object.entries(a.row)
                            .map(([k, v]) => `${k} ${value(v)}`)
                            .join('  ')}
                        </td>
                        {page.data.some((x) => x.label !== null) ? (
                          <td>{a.label === null ? <span class="dim">–</span> : a.label ? <span class="pill bad">fraud</span> : <span class="dim">no</span>}</td>
                        ) : null}
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              {page.page?.has_more ? (
                <p class="note">
                  <Button kind="ghost" onClick={() => setLimit((n) => Math.min(1000, n * 4))}>
                    Show more
                  </Button>
                </p>
              ) : null}
            </>
          ) : (
            <p class="note dim">None.</p>
          )
        }
      </States>
    </Card>
  );
}

export function BacktestResult({ of: b, result: r }: { of: Backtest; result: Result }) {
  const { query } = useLocation();
  const asked = Number(query.get('variant'));
  const chosen = r.variants[asked] ? asked : 0;
  const v = r.variants[chosen]!;
  const compared = r.old !== null;
  const list = (side: Side) => {
    setQuery({ side });
    document.querySelector('.bt-found')?.scrollIntoView({ block: 'nearest' });
  };
  return (
    <div class="bt-result">
      <Drifts of={v} />
      {r.variants.length > 1 ? <Variants of={r} chosen={chosen} request={b.request} rule={b.rule} /> : null}
      <div class="figures">
        <Figure name={r.variants.length > 1 ? `Alerts, ${valuesText(v.parameters)}` : 'Alerts'}>{number(v.alerts)}</Figure>
        {compared ? (
          <Figure name={r.compared_with === 'live' ? 'Live told' : 'The version compared with'}>{number(r.old!.alerts)}</Figure>
        ) : null}
        {b.request.sum ? <Figure name={`Sum of ${b.request.sum}`}>{amount(v.sum)}</Figure> : null}
        {v.held_back ? <Figure name="Held back by the cooldown">{number(v.held_back)}</Figure> : null}
        <Figure name="Events" title={`${number(r.bad_events)} could not be read`}>
          {short(r.events)}
        </Figure>
        <Figure name="Events a second" title={`${r.cpu_seconds.toFixed(2)} s of processor time, ${bytes(r.memory_bytes)} of memory`}>
          {short(r.events_per_s)}
        </Figure>
        <Figure name="It took">{duration(r.seconds * 1000)}</Figure>
      </div>
      <div class="bt-two">
        <div class="stack">
          <Card title="When">
            <Bars key={chosen} of={v} compared={compared} />
          </Card>
          {v.segments ? <Segments key={chosen} of={v} names={b.request.segments ?? []} compared={compared} sum={b.request.sum ?? null} /> : null}
        </div>
        <div class="stack">
          {compared ? (
            <Card title={r.compared_with === 'live' ? 'Beside what live told' : 'Beside the other version'}>
              <Venn of={v} side={query.get('side') as Side | null} pick={list} />
              <dl class="bt-sides">
                {sides.map(([s, name, title]) => (
                  <div key={s} title={title}>
                    <dt class={s}>{name}</dt>
                    <dd>
                      <button type="button" class="plain link num" onClick={() => list(s)}>
                        {number(v[s]?.alerts ?? 0)}
                      </button>
                      {b.request.sum ? <small class="dim num">{amount(v[s]?.sum)}</small> : null}
                    </dd>
                  </div>
                ))}
              </dl>
            </Card>
          ) : null}
          <Judged of={v} result={r} sum={b.request.sum} />
        </div>
      </div>
      <div class="bt-two">
        <Found of={b} variant={v} compared={compared} />
        <Card title="Keys with most alerts" flush>
          {v.top_keys.length ? (
            <table class="rows tight">
              <thead>
                <tr>
                  <th>Key</th>
                  <th class="r">New</th>
                  {compared ? <th class="r">Old</th> : null}
                </tr>
              </thead>
              <tbody>
                {v.top_keys.slice(0, 12).map((k) => (
                  <tr key={JSON.stringify(k.key)}>
                    <td class="mono cut">{keyText(k.key) || <span class="dim">all</span>}</td>
                    <td class="r num">{number(k.new)}</td>
                    {compared ? <td class="r num">{number(k.old)}</td> : null}
                  </tr>
                ))}
              </tbody>
            </table>
          ) : (
            <p class="note dim">No alerts.</p>
          )}
        </Card>
      </div>
    </div>
  );
}
