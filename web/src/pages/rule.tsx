// SPDX-License-Identifier: Apache-2.0
// /rules/new and /rules/{r}: write it, see what it means, deploy it.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, paths, Problem, type Issue, type Page as ListPage, type Rule, type Stream, type Validation } from '../api';
import { draft } from '../lib/draft';
import { number, plural } from '../lib/format';
import { useShortcuts } from '../lib/keys';
import { useQuery } from '../lib/query';
import { navigate, setQuery, useLocation } from '../lib/router';
import { definitionOf, statementOf, withReplace } from '../lib/sql';
import { namesOf, templates, type Template } from '../lib/templates';
import { useValidation } from '../lib/validation';
import { Ago, Button, CopyCurl, Failed, Link, Loading, ModePill, SeverityPill } from '../parts/basic';
import { ask, say } from '../parts/dialog';
import { Editor, type EditorHandle } from '../parts/editor_lazy';
import { Icon } from '../parts/icons';
import { Page } from '../parts/page';
import { Problems } from '../parts/problems';
import { Meaning, type Tab } from '../parts/meaning';
import { archiving, removeRule, restoring, rests, ruleLink, shownState, switchRule } from '../parts/ruleactions';
import { DoDialog, type Doing } from '../parts/share';
import { lives } from '../api_lives';
import { who } from '../lib/who';
import { inProgress } from '../parts/upgrade';
import { pageOf } from '../lib/origin';
import { newBacktest } from './backtests';

const validName = (n: string) => /^[A-Za-z_][\w-]*$/.test(n);

export function RulePage({ arg }: { arg: string }) {
  const isNew = arg === 'new';
  const q = useQuery(isNew ? null : arg, (s) => api.get<Rule>(paths.rule(arg), s), 4000);
  const streams = useQuery('streams', (s) => api.get<ListPage<Stream>>(paths.streams, s).then((p) => p.data));
  if (!isNew && !q.data)
    return (
      <Page title={arg} head={<Crumbs name={arg} />}>
        {q.problem ? <Failed problem={q.problem} retry={q.reload} /> : <Loading rows={10} />}
      </Page>
    );
  if (isNew && !streams.data && !streams.problem)
    return (
      <Page title="New rule" head={<Crumbs name="New" />}>
        <Loading rows={10} />
      </Page>
    );
  return <Desk key={arg} arg={arg} rule={isNew ? null : q.data} streams={streams.data ?? []} reload={q.reload} />;
}

const Crumbs = ({ name }: { name: string }) => (
  <div class="crumbs">
    <Link to="/rules">Rules</Link>
    <Icon name="right" size={12} />
    <b class="cut">{name}</b>
  </div>
);

function Desk({ arg, rule, streams, reload }: { arg: string; rule: Rule | null; streams: Stream[]; reload: () => void }) {
  const { query } = useLocation();
  const names = namesOf(streams.find((s) => /payment|transaction/i.test(s.name)) ?? streams[0] ?? null);
  const fromTemplate = templates.find((t) => t.name === query.get('template'));
  const saved = rule?.sql ?? '';
  const [sql, setSql] = useState(() => draft.read(arg) ?? (rule ? rule.sql : (fromTemplate ?? templates[0]!).sql(names)));
  const [name, setName] = useState(rule?.name ?? '');
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Issue[]>([]);
  const editor = useRef<EditorHandle>(null);
  const checked = useValidation(sql, name);
  const lastGood = useRef<Validation | null>(null);
  if (checked.result?.valid) lastGood.current = checked.result;

  const statement = useMemo(() => statementOf(sql), [sql]);
  const ruleName = statement ? statement.name : name;
  const changed = sql !== saved;
  const untouched = useMemo(() => !sql.trim() || templates.some((t) => t.sql(names) === sql), [sql]);
  const tab = (query.get('tab') as Tab | null) ?? (rule || fromTemplate || !untouched ? 'pattern' : 'templates');
  const issues = useMemo(() => (checked.issues.length ? checked.issues : refused), [checked.issues, refused]);

  const edit = (text: string) => {
    setSql(text);
    setRefused([]);
    draft.write(arg, text === saved ? null : text);
  };
  const put = (text: string) => {
    editor.current?.set(text);
    edit(text);
  };
  // Deployed anew by somebody else: who has changed nothing here goes along.
  const before = useRef(saved);
  useEffect(() => {
    if (rule && before.current !== saved && sql === before.current) put(saved);
    before.current = saved;
  }, [saved]);
  const pickTemplate = async (t: Template) => {
    const text = t.sql(names);
    if (
      !untouched &&
      !(await ask({
        title: 'Replace your text?',
        text: <p>The template “{t.title}” takes the place of what is in the editor.</p>,
        yes: 'Use the template',
      }))
    )
      return;
    put(text);
    setQuery({ template: t.name, tab: 'pattern' });
    editor.current?.focus();
  };

  const take = async (text: string) => {
    if (
      changed &&
      sql !== text &&
      !(await ask({
        title: 'Replace your text?',
        text: <p>What is in the editor is not deployed. The text of the version takes its place.</p>,
        yes: 'Replace it',
      }))
    )
      return;
    put(text);
    editor.current?.focus();
  };

  const resting = rule !== null && rests(rule);
  const [doing, setDoing] = useState<Doing | null>(null);
  /** Without running it. */
  const keep = async () => {
    if (busy || !validName(ruleName)) return say('The rule needs a name: letters, digits and _', true);
    setBusy(true);
    try {
      const made = await lives.draft(sql, statement ? undefined : ruleName, { author: who.get() || undefined });
      draft.write(arg, null);
      say(`${made.name} is kept as a draft; it does not run`);
      navigate(`${ruleLink(made)}?tab=versions`);
    } catch (e) {
      say(e instanceof Problem ? (e.errors[0]?.message ?? e.message) : String(e), true);
    }
    setBusy(false);
  };
  const deploy = async () => {
    if (busy || resting) return;
    if (!validName(ruleName)) {
      say('The rule needs a name: letters, digits and _', true);
      document.getElementById('rule-name')?.focus();
      return;
    }
    if (checked.state === 'invalid' && issues.some((i) => i.severity !== 'warning')) {
      say('The rule does not compile yet', true);
      editor.current?.jump(issues[0]!);
      return;
    }
    setBusy(true);
    setRefused([]);
    try {
      let replace = statement?.replace ?? false;
      if (!replace && rule && rule.name === ruleName) {
        if (!(await askReplace(rule))) return setBusy(false);
        replace = true;
      }
      let made: Rule;
      const whole = () => (statement ? withReplace(sql) : `CREATE OR REPLACE RULE ${ruleName} AS\n${sql}`);
      try {
        made = replace ? await api.deploy(whole()) : statement ? await api.deploy(sql) : await api.deploy(sql, ruleName);
      } catch (e) {
        if (!(e instanceof Problem) || e.code !== 'already-exists') throw e;
        const old = await api.get<Rule>(paths.rule(ruleName));
        if (!(await askReplace(old))) return setBusy(false);
        made = await api.deploy(whole());
      }
      draft.write(arg, null);
      say(`${made.name} is deployed, version ${made.version}`);
      setBusy(false);
      if (arg === made.name) {
        editor.current?.set(made.sql);
        setSql(made.sql);
        reload();
      } else navigate(ruleLink(made));
    } catch (e) {
      const p = e instanceof Problem ? e : null;
      setRefused(p?.errors.length ? p.errors : [{ code: 'refused', message: p?.message ?? String(e) }]);
      say(p ? (p.errors.length ? p.title : p.message) : String(e), true);
      setBusy(false);
    }
  };

  useShortcuts([
    { keys: 'mod+Enter', does: 'Deploy the rule', group: 'Rule', run: () => void deploy() },
    { keys: 'e', does: 'Go to the editor', group: 'Rule', run: () => editor.current?.focus() },
    ...(rule && !resting ? [{ keys: 'p', does: 'Pause or resume', group: 'Rule', run: () => void switchRule(rule, reload) }] : []),
  ]);

  const problemState =
    checked.state === 'valid'
      ? 'valid'
      : checked.state === 'offline'
        ? 'offline'
        : checked.state === 'checking'
          ? 'checking'
          : 'idle';
  return (
    <Page
      title={rule?.name ?? 'New rule'}
      fixed
      class="rule-page"
      head={
        <div class="rule-title">
          <Crumbs name={rule?.name ?? (statement?.name || 'New')} />
          {rule ? (
            <>
              <ModePill mode={shownState(rule)} />
              {rule.trial ? (
                <Link to={`${ruleLink(rule)}?tab=compare`} class="pill mode-shadow beside">
                  v{rule.trial.version} beside it{rule.trial.rollout_percent ? `, ${rule.trial.rollout_percent} %` : ''}
                </Link>
              ) : null}
              <SeverityPill severity={rule.severity} />
              <span class="dim num">v{rule.version}</span>
            </>
          ) : null}
          {changed && rule ? <span class="pill warn">not deployed</span> : null}
        </div>
      }
      actions={
        <>
          {rule ? (
            <>
              {resting ? null : (
                <Button
                  kind="ghost"
                  icon={rule.mode === 'paused' ? 'play' : 'pause'}
                  title="p"
                  onClick={() => void switchRule(rule, reload)}
                >
                  {rule.mode === 'paused' ? 'Resume' : 'Pause'}
                </Button>
              )}
              <Button kind="ghost" icon="history" title="Run this text over recorded events" onClick={() => navigate(newBacktest(rule.name))}>
                Backtest
              </Button>
              {rule.state === 'archived' ? (
                <Button kind="ghost" icon="back" title="Take it out of the archive" onClick={() => setDoing(restoring(rule))}>
                  Restore
                </Button>
              ) : (
                <Button
                  kind="ghost"
                  icon="dead"
                  aria-label="Archive"
                  title="End it, and keep it with its versions"
                  onClick={() => setDoing(archiving(rule))}
                />
              )}
              <Button
                kind="ghost"
                icon="trash"
                aria-label="Delete"
                title="Delete the rule"
                onClick={() => void removeRule(rule, () => (draft.write(arg, null), navigate('/rules')))}
              />
              <CopyCurl path={paths.rule(rule.name)} />
            </>
          ) : (
            <CopyCurl path={paths.rules} method="POST" body={JSON.stringify(statement ? { sql } : { sql, name: ruleName })} />
          )}
          {changed && rule ? (
            <Button kind="ghost" onClick={() => put(saved)}>
              Undo
            </Button>
          ) : null}
          {rule ? null : (
            <Button kind="ghost" title="Keep it without running it" onClick={() => void keep()}>
              Keep as a draft
            </Button>
          )}
          {resting ? (
            <Button kind="primary" icon="bolt" onClick={() => setQuery({ tab: 'versions' })}>
              {rule?.state === 'archived' ? 'Versions' : 'Activate a version'}
            </Button>
          ) : (
          <Button
            kind={rule && !changed ? 'plain' : 'primary'}
            icon="bolt"
            busy={busy}
            hint="mod+Enter"
            disabled={!!rule && !changed}
            onClick={() => void deploy()}
          >
            {rule ? 'Deploy change' : 'Deploy'}
          </Button>
          )}
        </>
      }
    >
      {rule ? (
        <div class="rule-facts num">
          <Link to={`/alerts?rule=${encodeURIComponent(rule.name)}`}>{plural(rule.alerts, 'alert')}</Link>
          {rule.shadow_alerts ? (
            <Link to={`/alerts?rule=${encodeURIComponent(rule.name)}&mode=shadow`}>{number(rule.shadow_alerts)} in shadow</Link>
          ) : null}
          <span>
            last <Ago time={rule.last_alert} of="Last alert" />
          </span>
          <span title="Matches begun and not yet decided">{number(rule.partials)} in progress</span>
          {rule.windows_open ? <span>{plural(rule.windows_open, 'open window')}</span> : null}
          {rule.dropped ? (
            <span class="warn" title="A key had more partial matches or rows than the rule may keep; matches may be missing. See WITH ('max-partials-per-key'='…') and the dead letters">
              {number(rule.dropped)} dropped for a limit
            </span>
          ) : null}
          <span>
            reads{' '}
            {(rule.streams ?? []).map((s) => (
              <Link key={s} to={pageOf(s)}>
                {s}{' '}
              </Link>
            ))}
            {rule.keys?.length ? ` by ${rule.keys.join(', ')}` : ''}
          </span>
          <span>
            <Link to={`/dead-letters?by=rule&rule=${encodeURIComponent(rule.name)}`}>late and errors</Link>
            {rule.kind === 'pattern' ? (
              <>
                {' · '}
                <Link to={`/dead-letters?show=timeouts&rule=${encodeURIComponent(rule.name)}`}>timeouts</Link>
              </>
            ) : null}
          </span>
          <span>
            changed <Ago time={rule.updated} of="Changed" />
          </span>
        </div>
      ) : null}
      <div class="desk">
        <section class="desk-left" aria-label="Rule text">
          {!statement ? (
            <label class="rule-name">
              Name
              <input
                id="rule-name"
                type="text"
                class="mono"
                value={name}
                placeholder="card_testing"
                spellcheck={false}
                readOnly={!!rule}
                onInput={(e) => setName(e.currentTarget.value)}
              />
            </label>
          ) : null}
          <Editor
            ref={editor}
            value={sql}
            onChange={edit}
            issues={issues}
            streams={streams}
            submit={() => void deploy()}
            label="The rule in SQL"
          />
          <Problems
            issues={issues}
            pick={(i) => editor.current?.jump(i)}
            fix={(i, to) => editor.current?.fix(i, to)}
            state={problemState}
          />
        </section>
        <Meaning
          tab={tab}
          setTab={(t) => setQuery({ tab: t })}
          checked={checked.result}
          good={lastGood.current}
          rule={rule}
          sql={sql}
          pickTemplate={(t) => void pickTemplate(t)}
          take={(text) => void take(text)}
          activated={(now) => {
            if (sql === now.sql) draft.write(arg, null);
            reload();
          }}
          pickVariable={(v) => {
            const at = definitionOf(sql, v);
            if (at) editor.current?.select(at.from, at.to);
          }}
        />
      </div>
      {doing && rule ? (
        <DoDialog
          of={doing}
          close={() => setDoing(null)}
          done={(now) => (rule.state === 'archived' ? (reload(), navigate(ruleLink(now))) : navigate('/rules'))}
        />
      ) : null}
    </Page>
  );
}

const askReplace = (r: Rule) =>
  ask({
    title: `Replace ${r.name}, version ${r.version}?`,
    yes: 'Deploy a new version',
    text: (
      <>
        <p>
          The new version sees the events from now on
          {r.partials || r.windows_open ? ', and goes on with what it can keep of:' : '.'}
        </p>
        {r.partials || r.windows_open ? <p class="num">{inProgress(r)}.</p> : null}
        <p>To see first what it would keep, make it a draft under Versions.</p>
        <p>{r.alerts ? `Its ${plural(r.alerts, 'alert')} stay.` : 'It has no alerts yet.'}</p>
      </>
    ),
  });
