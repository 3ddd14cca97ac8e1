// SPDX-License-Identifier: Apache-2.0
// Small parts that every page uses: pills, buttons that copy, states of a page, cards.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem, base, type Mode, type Severity } from '../api';
import { keyLabel } from '../lib/keys';
import { href } from '../lib/router';
import { onTick, useSyncExternalStore } from '../lib/store';
import { ago, full } from '../lib/format';
import { Icon, type IconName } from './icons';

export const Link = ({ to, ...rest }: { to: string } & Omit<JSX.HTMLAttributes<HTMLAnchorElement>, 'href'>) => (
  <a href={href(to)} {...rest} />
);

export const severities: Severity[] = ['critical', 'high', 'medium', 'low'];

export const SeverityPill = ({ severity }: { severity: Severity | string | null }) =>
  severity ? (
    <span class={`sev sev-${severity}`}>
      <i aria-hidden="true" />
      {severity}
    </span>
  ) : (
    <span class="dim">–</span>
  );
export const ModePill = ({ mode }: { mode: Mode | 'draft' | 'archived' }) => <span class={`pill mode-${mode}`}>{mode}</span>;

export const Kbd = ({ k }: { k: string }) => (
  <span class="keys" aria-hidden="true">
    {k.split(' ').map((x, i) => (
      <kbd key={i}>{keyLabel(x)}</kbd>
    ))}
  </span>
);

export function Ago({ time, of }: { time: string | null | undefined; of?: string }) {
  const text = useSyncExternalStore(onTick, () => ago(time));
  if (!time) return <span class="dim">–</span>;
  return (
    <time dateTime={time} title={(of ? of + ' ' : '') + full(time)}>
      {text}
    </time>
  );
}

interface ButtonProps extends Omit<JSX.HTMLAttributes<HTMLButtonElement>, 'icon'> {
  icon?: IconName;
  kind?: 'primary' | 'plain' | 'danger' | 'ghost';
  busy?: boolean;
  hint?: string; // a shortcut
  disabled?: boolean;
}
export function Button({ icon, kind = 'plain', busy, hint, children, class: cls, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      class={`btn btn-${kind} ${children ? '' : 'btn-icon'} ${cls ?? ''}`}
      disabled={disabled || busy}
      aria-busy={busy}
      {...rest}
    >
      {busy ? <span class="spin" /> : icon ? <Icon name={icon} /> : null}
      {children}
      {hint ? <Kbd k={hint} /> : null}
    </button>
  );
}

export async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Plain http on another machine has no clipboard API.
    const t = document.createElement('textarea');
    t.value = text;
    t.style.position = 'fixed';
    t.style.opacity = '0';
    document.body.append(t);
    t.select();
    const ok = document.execCommand('copy');
    t.remove();
    return ok;
  }
}

export function CopyButton({
  text,
  label = 'Copy',
  kind = 'ghost',
  icon = 'copy',
  title,
}: {
  text: string | (() => string);
  label?: string;
  kind?: ButtonProps['kind'];
  icon?: IconName;
  title?: string;
}) {
  const [done, setDone] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <Button
      kind={kind}
      icon={done ? 'check' : icon}
      title={title ?? label}
      aria-label={title ?? label}
      onClick={async () => {
        setDone(await toClipboard(typeof text === 'function' ? text() : text));
        clearTimeout(timer.current);
        timer.current = setTimeout(() => setDone(false), 1400);
      }}
    >
      {done ? 'Copied' : label || null}
    </Button>
  );
}

/** One argument of a POSIX shell. */
export const quote = (s: string) => `'${s.replace(/'/g, `'\\''`)}'`;
export function curl(
  path: string,
  { method, body, type = 'application/json' }: { method?: string; body?: string; type?: string } = {},
): string {
  const m = method && !(body !== undefined && method === 'POST') && method !== 'GET' ? ` -X ${method}` : '';
  const data = body === undefined ? '' : ` \\\n  -H 'content-type: ${type}' \\\n  --data-binary ${quote(body)}`;
  return `curl -s${m} ${quote(location.origin + base + path)}${data}`;
}
export const CopyCurl = (p: { path: string; method?: string; body?: string; type?: string; label?: string }) => (
  <CopyButton icon="terminal" label={p.label ?? 'curl'} title="Copy as curl" text={() => curl(p.path, p)} />
);

export function Code({ text, label }: { text: string; label?: string }) {
  return (
    <div class="code">
      <pre tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <CopyButton text={text} label="" title="Copy" />
    </div>
  );
}

interface CardProps {
  title?: ComponentChildren;
  side?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
  flush?: boolean;
}
export const Card = ({ title, side, children, class: cls, flush }: CardProps) => (
  <section class={`card ${flush ? 'flush' : ''} ${cls ?? ''}`}>
    {title ? (
      <header>
        <h2>{title}</h2>
        <div class="side">{side}</div>
      </header>
    ) : null}
    <div class="card-body">{children}</div>
  </section>
);

export const Empty = ({ icon = 'fish', title, children }: { icon?: IconName; title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <div class="empty-icon">
      <Icon name={icon} size={22} />
    </div>
    <h3>{title}</h3>
    {children ? <div class="empty-text">{children}</div> : null}
  </div>
);

/** Grey bars while the first answer is on its way. */
export const Loading = ({ rows = 6 }: { rows?: number }) => (
  <div class="loading" role="status" aria-label="Loading">
    {Array.from({ length: rows }, (_, i) => (
      <div key={i} style={{ width: `${92 - ((i * 37) % 41)}%` }} />
    ))}
  </div>
);

export function Failed({ problem, retry }: { problem: Problem; retry?: () => void }) {
  return (
    <div class="empty failed" role="alert">
      <div class="empty-icon">
        <Icon name={problem.offline ? 'plug' : 'warn'} size={22} />
      </div>
      <h3>{problem.title}</h3>
      <div class="empty-text">
        {problem.detail ? <p>{problem.detail}</p> : null}
        {problem.hint ? <p>{problem.hint}</p> : null}
        {problem.type?.startsWith('/problems/') ? (
          <p>
            <a href={href(problem.type)}>What this means</a>
          </p>
        ) : null}
        {retry ? <Button onClick={retry}>Try again</Button> : null}
      </div>
    </div>
  );
}

/** Loading, error or the data: one way for all lists. */
export function States<T>({
  of,
  rows,
  children,
}: {
  of: { data: T | null; problem: Problem | null; reload: () => void };
  rows?: number;
  children: (data: T) => ComponentChildren;
}) {
  if (of.data !== null) return <>{children(of.data)}</>;
  if (of.problem) return <Failed problem={of.problem} retry={of.reload} />;
  return <Loading rows={rows} />;
}

export const Bar = ({ share, label }: { share: number; label: string }) => (
  <span class="bar" role="img" aria-label={label} title={label}>
    <i style={{ width: `${Math.max(0, Math.min(1, share)) * 100}%` }} class={share > 0.9 ? 'hot' : share > 0.7 ? 'warm' : ''} />
  </span>
);

/** One of the figures at the head of a page. */
export const Figure = ({ name, title, children }: { name: string; title?: string; children: ComponentChildren }) => (
  <div class="figure" title={title}>
    <span>{name}</span>
    <b class="num">{children}</b>
  </div>
);
