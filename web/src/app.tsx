// SPDX-License-Identifier: Apache-2.0
// The frame: navigation, the state of the server, keys that work everywhere, and which page is shown.
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, paths } from './api';
import { duration, short } from './lib/format';
import { useShortcuts } from './lib/keys';
import { retry, useConnection, useOverview } from './lib/live';
import { navigate, useLocation } from './lib/router';
import { onTick, useSyncExternalStore } from './lib/store';
import { toggleTheme, useShown } from './lib/theme';
import { Button, Link } from './parts/basic';
import { Boundary } from './parts/boundary';
import { Help, Questions, Toasts } from './parts/dialog';
import { Icon, Logo, type IconName } from './parts/icons';
import { Palette } from './parts/palette';
import { OverviewPage } from './pages/overview';
import { RulesPage } from './pages/rules';
import { RulePage } from './pages/rule';
import { AlertsPage } from './pages/alerts';
import { AlertPage } from './pages/alert';
import { StreamsPage } from './pages/streams';
import { ListsPage } from './pages/lists';
import { SinksPage } from './pages/sinks';
import { TablesPage } from './pages/tables';
import { TimePage } from './pages/time';
import { WhyPage } from './pages/why';
import { DeadLettersPage } from './pages/dead_letters';
import { BacktestsPage } from './pages/backtests';
import { CheckpointsPage } from './pages/checkpoints';
import { WorkersPage } from './pages/workers';
import { Page } from './parts/page';
import { Empty } from './parts/basic';

interface Place {
  to: string;
  name: string;
  icon: IconName;
  key: string;
}
const places: Place[] = [
  { to: '/', name: 'Overview', icon: 'overview', key: 'g o' },
  { to: '/rules', name: 'Rules', icon: 'rules', key: 'g r' },
  { to: '/alerts', name: 'Alerts', icon: 'alerts', key: 'g a' },
  { to: '/backtests', name: 'Backtests', icon: 'history', key: 'g b' },
  { to: '/streams', name: 'Streams', icon: 'streams', key: 'g s' },
  { to: '/lists', name: 'Lists', icon: 'list', key: 'g l' },
  { to: '/tables', name: 'Tables', icon: 'plug', key: 'g u' },
  { to: '/sinks', name: 'Sinks', icon: 'send', key: 'g i' },
  { to: '/why', name: 'Why not?', icon: 'search', key: 'g y' },
  { to: '/time', name: 'Time', icon: 'clock', key: 'g t' },
  { to: '/dead-letters', name: 'Dead letters', icon: 'dead', key: 'g d' },
  { to: '/checkpoints', name: 'Checkpoints', icon: 'save', key: 'g c' },
  { to: '/workers', name: 'Workers', icon: 'workers', key: 'g w' },
];

type Routed = ComponentType<{ arg: string }>;
const routes: [RegExp, Routed][] = [
  [/^\/$/, OverviewPage],
  [/^\/rules$/, RulesPage],
  [/^\/rules\/([^/]+)$/, RulePage],
  [/^\/alerts$/, AlertsPage],
  [/^\/alerts\/([^/]+)$/, AlertPage],
  [/^\/backtests(?:\/([^/]+))?$/, BacktestsPage],
  [/^\/streams(?:\/([^/]+))?$/, StreamsPage],
  [/^\/lists(?:\/([^/]+))?$/, ListsPage],
  [/^\/tables(?:\/([^/]+))?$/, TablesPage],
  [/^\/sinks(?:\/([^/]+))?$/, SinksPage],
  [/^\/why$/, WhyPage],
  [/^\/time$/, TimePage],
  [/^\/dead-letters$/, DeadLettersPage],
  [/^\/checkpoints$/, CheckpointsPage],
  [/^\/workers$/, WorkersPage],
];

function NotFound() {
  return (
    <Page title="Not found">
      <Empty title="There is no page here">
        <p>
          <Link to="/">Go to the overview</Link>
        </p>
      </Empty>
    </Page>
  );
}

function Banner() {
  const { state, since } = useConnection();
  const text = useSyncExternalStore(onTick, () => duration(Date.now() - since));
  if (state !== 'down') return null;
  return (
    <div class="banner" role="alert">
      <Icon name="plug" />
      <span>
        <b>The server does not answer.</b> What you see is {text} old; the page connects again by itself.
      </span>
      <Button onClick={retry}>Try now</Button>
    </div>
  );
}

function Live() {
  const o = useOverview();
  const { state } = useConnection();
  const label = state === 'up' ? 'Live' : state === 'down' ? 'Disconnected' : 'Connecting';
  return (
    <div class={`live live-${state}`}>
      <i aria-hidden="true" />
      <span>{label}</span>
      {state === 'up' && o ? (
        <span class="num" title="Events per second">
          {short(o.events_per_second)} ev/s
        </span>
      ) : null}
    </div>
  );
}

function Side({ path, help, search }: { path: string; help: () => void; search: () => void }) {
  const o = useOverview();
  const shown = useShown();
  const [version, setVersion] = useState('');
  useEffect(() => {
    api.get<{ version: string }>(paths.version).then(
      (v) => setVersion(v?.version ?? ''),
      () => {},
    );
  }, []);
  const list = useRef<HTMLUListElement>(null);
  // On a phone they are a row that is wider than the screen.
  useEffect(() => list.current?.querySelector('.on')?.scrollIntoView({ block: 'nearest', inline: 'nearest' }), [path]);
  const badge = (to: string) =>
    !o
      ? 0
      : to === '/alerts'
        ? o.open_alerts
        : to === '/dead-letters'
          ? o.dead_letters
          : to === '/rules'
            ? o.rules.active + o.rules.shadow + o.rules.paused
            : 0;
  return (
    <nav class="sidebar" aria-label="Main">
      <Link to="/" class="brand" aria-label="weir, overview">
        <Logo />
        <b>weir</b>
      </Link>
      <button type="button" class="jump" onClick={search}>
        <Icon name="search" size={14} />
        <span>Go to…</span>
        <kbd>{/Mac/.test(navigator.platform) ? '⌘' : 'Ctrl'} K</kbd>
      </button>
      <ul ref={list}>
        {places.map((p) => {
          const on = p.to === '/' ? path === '/' : path === p.to || path.startsWith(p.to + '/');
          const n = badge(p.to);
          return (
            <li key={p.to}>
              <Link to={p.to} class={on ? 'on' : ''} aria-current={on ? 'page' : undefined} title={`${p.name} (${p.key})`}>
                <Icon name={p.icon} />
                <span>{p.name}</span>
                {n ? <em class="num">{short(n)}</em> : null}
              </Link>
            </li>
          );
        })}
      </ul>
      <div class="side-foot">
        <Live />
        <div class="side-tools">
          <span class="dim num" title="Version">
            {version}
          </span>
          <Button kind="ghost" icon="keyboard" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={help} />
          <Button
            kind="ghost"
            icon={shown === 'dark' ? 'sun' : 'moon'}
            aria-label={shown === 'dark' ? 'Light theme' : 'Dark theme'}
            title="Light or dark (t)"
            onClick={toggleTheme}
          />
        </div>
      </div>
    </nav>
  );
}

export function App() {
  const { path } = useLocation();
  const [help, setHelp] = useState(false);
  const [palette, setPalette] = useState(false);
  useShortcuts([
    ...places.map((p) => ({ keys: p.key, does: p.name, group: 'Go to', run: () => navigate(p.to) })),
    { keys: 'mod+k', does: 'Go to a rule, stream or page', group: 'Go to', run: () => setPalette(true) },
    { keys: 'g n', does: 'New rule', group: 'Go to', run: () => navigate('/rules/new') },
    { keys: '?', does: 'This list', group: 'Everywhere', run: () => setHelp((h) => !h) },
    { keys: 't', does: 'Light or dark', group: 'Everywhere', run: toggleTheme },
  ]);
  const found = routes.map(([re, page]) => ({ m: re.exec(path), page })).find((r) => r.m);
  const Shown = found?.page ?? NotFound;
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), document.getElementById('main')?.focus())}>
        Skip to the page
      </a>
      <div class="frame">
        <Side path={path} help={() => setHelp(true)} search={() => setPalette(true)} />
        <div class="content">
          <Banner />
          <Boundary key={path}>
            <Shown arg={decodeURIComponent(found?.m?.[1] ?? '')} />
          </Boundary>
        </div>
      </div>
      {help ? <Help close={() => setHelp(false)} /> : null}
      {palette ? <Palette close={() => setPalette(false)} places={places} /> : null}
      <Questions />
      <Toasts />
    </>
  );
}
