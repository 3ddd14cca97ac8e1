// SPDX-License-Identifier: Apache-2.0
// What a backtest is to do: which rule or text, over which time, with which values, how its alerts are judged.
import { useState } from 'preact/hooks';
import { api, call, paths, Problem, type Json, type Page as ListPage, type Rule, type Stream } from '../api';
import { backtestPaths, backtests, namesIn, type Backtest, type Request } from '../api_backtests';
import { draft } from '../lib/draft';
import { useQuery } from '../lib/query';
import { Button, Card, CopyCurl } from './basic';
import { Editor } from './editor_lazy';
import { Wrong } from './listforms';

const VALUES_MAX = 64;
/** "100..500 by 100" → 100, 200, … 500; without a step ten of them. */
function sweep(text: string): string[] {
  const m = /^(-?\d+(?:\.\d+)?)\s*\.\.\s*(-?\d+(?:\.\d+)?)(?:\s+by\s+(\d+(?:\.\d+)?))?$/.exec(text);
  if (!m) return [text];
  const [first, last] = [Number(m[1]), Number(m[2])];
  const step = m[3] ? Number(m[3]) : (last - first) / 9;
  if (!(step > 0) || last < first) return [text];
  const n = Math.min(Math.floor((last - first) / step + 1e-9), VALUES_MAX) + 1;
  return Array.from({ length: n }, (_, i) => String(Number((first + i * step).toPrecision(12))));
}
/** "100, 200" or "100..500 by 100" → numbers where they are numbers, texts else. */
export function valuesOf(text: string): Json[] {
  return text
    .split(',')
    .map((v) => v.trim())
    .filter((v) => v !== '')
    .flatMap(sweep)
    .map((v) => (/^-?\d+(\.\d+)?$/.test(v) ? Number(v) : /^(true|false)$/i.test(v) ? v.toLowerCase() === 'true' : v.replace(/^'(.*)'$/, '$1')));
}
const timeOf = (text: string) => (text.trim() ? text.trim().replace(' ', 'T') : undefined);

interface Fields {
  sql: string;
  from: string;
  to: string;
  warm_up: string;
  label: string;
  labelValue: string;
  sum: string;
  segments: string;
  values: Record<string, string>;
  baseline: string;
  start: string;
}
function requestOf(rule: Rule | null, f: Fields): Request {
  const names = namesIn(f.sql);
  return {
    rule: rule?.name,
    sql: rule && f.sql === rule.sql ? undefined : f.sql,
    baseline_version: f.baseline ? Number(f.baseline) : undefined,
    from: timeOf(f.from),
    to: timeOf(f.to),
    warm_up: f.warm_up.trim() || undefined,
    start: f.start || undefined,
    label: f.label ? (f.labelValue ? { column: f.label, value: f.labelValue } : f.label) : undefined,
    sum: f.sum || undefined,
    segments: f.segments.trim() ? f.segments.split(',').map((s) => s.trim()).filter(Boolean) : undefined,
    parameters: names.length ? Object.fromEntries(names.map((n) => [n, valuesOf(f.values[n] ?? '')])) : undefined,
  };
}

interface Props {
  rule: Rule | null;
  again: Request | null;
  done: (b: Backtest) => void;
}
export function BacktestForm({ rule, again, done }: Props) {
  const streams = useQuery('streams', (s) => api.get<ListPage<Stream>>(paths.streams, s).then((p) => p.data));
  const savepoints = useQuery(rule ? 'savepoints' : null, (s) => call<{ data: { name: string }[] }>('/savepoints', { signal: s }).then((p) => p.data));
  const label = again?.label ?? '';
  const [f, set] = useState<Fields>(() => ({
    sql: again?.sql ?? (rule ? (draft.read(rule.name) ?? rule.sql) : ''),
    from: again?.from ? String(again.from) : '',
    to: again?.to ? String(again.to) : '',
    warm_up: again?.warm_up ? String(again.warm_up) : '',
    label: typeof label === 'string' ? label : label.column,
    labelValue: typeof label === 'string' ? '' : (label.value ?? ''),
    sum: again?.sum ?? '',
    segments: again?.segments?.join(', ') ?? '',
    values: Object.fromEntries(Object.entries(again?.parameters ?? {}).map(([k, v]) => [k, v.join(', ')])),
    baseline: again?.baseline_version ? String(again.baseline_version) : '',
    start: again?.start && again.start !== 'empty' ? again.start : '',
  }));
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<Problem | null>(null);
  const put = (change: Partial<Fields>) => set((old) => ({ ...old, ...change }));
  const names = namesIn(f.sql);
  const read = (streams.data ?? []).filter((s) => !rule || rule.streams.some((r) => r.toLowerCase() === s.name.toLowerCase()));
  const columns = [...new Set((read.length ? read : (streams.data ?? [])).flatMap((s) => s.columns.map((c) => c.name)))];
  const start = async () => {
    if (busy) return;
    setBusy(true);
    setWrong(null);
    try {
      done(await backtests.start(requestOf(rule, f)));
    } catch (e) {
      setWrong(e instanceof Problem ? e : new Problem(-1, 'Something went wrong in the page', String(e)));
    }
    setBusy(false);
  };
  const text = (name: 'from' | 'to' | 'warm_up' | 'labelValue' | 'sum' | 'segments' | 'baseline', title: string, hint: string) => (
    <label>
      <span>{title}</span>
      <input type="text" value={f[name]} placeholder={hint} spellcheck={false} onInput={(e) => put({ [name]: e.currentTarget.value })} />
    </label>
  );
  return (
    <form
      class="backtest-form"
      aria-label="New backtest"
      onSubmit={(e) => {
        e.preventDefault();
        void start();
      }}
    >
      <Card title={rule ? `The text of ${rule.name}` : 'The text'} flush class="backtest-text">
        <Editor
          value={f.sql}
          onChange={(sql) => put({ sql })}
          issues={wrong?.errors.filter((i) => i.line) ?? []}
          streams={streams.data ?? []}
          submit={() => void start()}
          label="The rule in SQL"
        />
        <p class="note">
          A name with a colon, as in <code>amount &gt; :limit</code>, is left open: each of its values becomes a variant, and all of them are one pass.
        </p>
      </Card>
      <Card title="What is asked">
        <div class="form">
          {names.map((n) => (
            <label key={n}>
              <span>
                Values of <code>:{n}</code>
              </span>
              <input
                type="text"
                class="mono"
                value={f.values[n] ?? ''}
                placeholder="100, 200, 500 or 100..500 by 50"
                aria-label={`Values of ${n}`}
                onInput={(e) => put({ values: { ...f.values, [n]: e.currentTarget.value } })}
              />
            </label>
          ))}
          <div class="form-row">
            {text('from', 'From', 'the log’s beginning')}
            {text('to', 'To', 'its end')}
          </div>
          {rule && savepoints.data?.length ? (
            <label>
              <span>Begins</span>
              <select value={f.start} onChange={(e) => put({ start: e.currentTarget.value })} aria-label="Begins">
                <option value="">with an empty state</option>
                {savepoints.data.map((s) => (
                  <option key={s.name} value={s.name}>
                    with what it knew in {s.name}
                  </option>
                ))}
              </select>
            </label>
          ) : null}
          <div class="form-row">
            {text('warm_up', 'Warm up', '1 h')}
            {rule ? text('baseline', 'Compare with version', 'what live told') : null}
          </div>
          <div class="form-row">
            <label>
              <span>An event is fraud by</span>
              <select value={f.label} onChange={(e) => put({ label: e.currentTarget.value })} aria-label="Label">
                <option value="">no column</option>
                {columns.map((c) => (
                  <option key={c}>{c}</option>
                ))}
              </select>
            </label>
            {f.label ? text('labelValue', 'where it is', 'true, or not empty') : null}
          </div>
          <div class="form-row">
            {text('sum', 'Sum up', 'a column of the SELECT')}
            {text('segments', 'Count by', 'up to three: country, channel')}
          </div>
          <Wrong text={wrong ? (wrong.errors[0]?.message ?? wrong.message) : null} />
          <div class="row-actions">
            <button type="submit" class="hidden" tabIndex={-1} aria-hidden="true" />
            <Button kind="primary" icon="play" busy={busy} onClick={() => void start()}>
              Run the backtest
            </Button>
            <CopyCurl path={backtestPaths.list()} method="POST" body={JSON.stringify(requestOf(rule, f))} />
          </div>
          <p class="dim">
            It runs in a process of its own over the recorded events, beside the live rules and after them. Times are UTC: <code>2026-03-01</code> or{' '}
            <code>2026-03-01 12:00</code>.
          </p>
        </div>
      </Card>
    </form>
  );
}
