// SPDX-License-Identifier: Apache-2.0
// Dead letters in a table; one that is open shows its event, to be put right, sent again or deleted.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, paths, Problem, type DeadLetter } from '../api';
import { bytes, full, plural, when } from '../lib/format';
import { laidOut, wrongWith } from '../lib/jsontext';
import { who } from '../lib/who';
import { Ago, Button, CopyButton, CopyCurl, Link } from './basic';
import { ask, say, sayWrong } from './dialog';
import { Icon } from './icons';

type Kind = { kind?: string; code?: string; rules?: string[] };
export const kindOf = (d: Kind) =>
  d.kind === 'late' ? 'late' : d.code === 'poison' ? 'killed workers' : d.rules?.length || d.code === 'rule-error' ? 'rule error' : 'refused';
export const KindPill = ({ of }: { of: Kind }) => (
  <span class={`pill ${of.kind === 'late' ? 'warn' : 'bad'}`}>{kindOf(of)}</span>
);
const Rules = ({ of }: { of: string[] }) => (
  <>
    {of.map((r, i) => (
      <span key={r}>
        {i ? ', ' : ''}
        <Link to={`/rules/${encodeURIComponent(r)}`}>{r}</Link>
      </span>
    ))}
  </>
);
const By = ({ by }: { by: string | null }) => (by ? <> by {by}</> : null);

/** What has happened to it, in sentences. */
function Story({ of: d }: { of: DeadLetter }) {
  return (
    <p class="story">
      {d.kind === 'late' ? 'Came too late' : d.code === 'poison' ? 'Set aside' : d.rules.length ? 'Told' : 'Refused'} at {when(d.at, true)} UTC
      {d.offset !== null ? <> at offset {d.offset}</> : null}
      {d.rules.length ? (
        <>
          {d.kind === 'late' ? ', for ' : ' by '}
          <Rules of={d.rules} />
        </>
      ) : null}
      .{' '}
      {d.edited ? (
        <>
          Put right <Ago time={d.edited.at} />
          <By by={d.edited.by} />.{' '}
        </>
      ) : null}
      {d.tries ? (
        <>
          Refused again {d.tries > 1 ? `${d.tries} times, last` : ''} <Ago time={d.tried_at} />
          <By by={d.tried_by} />.{' '}
        </>
      ) : null}
      {d.sent ? (
        <>
          Sent again <Ago time={d.sent.at} />
          <By by={d.sent.by} />: it is event{' '}
          <Link to={`/streams/${encodeURIComponent(d.stream ?? '')}`} class="num">
            {d.sent.partition}:{d.sent.offset}
          </Link>{' '}
          of {d.stream}.
        </>
      ) : d.code === 'poison' && d.sendable ? (
        'Sent again as it is it kills the workers again.'
      ) : d.kind === 'late' && d.sendable ? (
        'Sent again it is late again, unless its time is changed.'
      ) : null}
    </p>
  );
}

function Opened({ of: d, done, send }: { of: DeadLetter; done: () => void; send: { current: (() => void) | null } }) {
  const came = d.raw ?? '';
  const first = laidOut(d.edited?.text ?? came);
  const [text, setText] = useState(first);
  const [saved, setSaved] = useState(first);
  const [busy, setBusy] = useState<'send' | 'save' | null>(null);
  const [answer, setAnswer] = useState<string | null>(null);
  const changed = text !== saved;
  const attempt = async (what: 'send' | 'save', run: () => Promise<void>) => {
    if (busy) return;
    setAnswer(null);
    setBusy(what);
    try {
      await run();
    } catch (e) {
      setAnswer(e instanceof Problem ? [e.detail || e.title, e.hint].filter(Boolean).join('. ') : String(e));
    }
    setBusy(null);
    done();
  };
  const save = async () => {
    const wrong = text === laidOut(came) ? null : wrongWith(text);
    if (wrong) throw wrong;
    await api.editLetter(d.id, text === laidOut(came) ? null : text, who.get());
    setSaved(text);
  };
  const again = () =>
    attempt('send', async () => {
      if (changed) await save();
      const sent = await api.sendLetter(d.id, who.get());
      say(`Sent again: event ${sent.sent?.partition}:${sent.sent?.offset} of ${d.stream}`);
    });
  send.current = d.sendable ? () => void again() : null;
  const remove = async () => {
    await attempt('save', async () => {
      await api.deleteLetter(d.id, who.get());
      say('Deleted');
    });
  };
  return (
    <div class="again">
      <Story of={d} />
      {d.raw === null ? (
        <p class="dim">Its text is not kept any more.</p>
      ) : (
        <>
          {d.cut ? (
            <p class="warn-text">
              <Icon name="warn" /> It came with {bytes(d.size)}; only the beginning is kept.
            </p>
          ) : null}
          <textarea
            class="mono"
            rows={Math.min(18, Math.max(3, text.split('\n').length))}
            value={text}
            spellcheck={false}
            readOnly={!d.sendable}
            aria-label={d.sendable ? 'The event, to put right' : 'The event'}
            onInput={(e) => (setText(e.currentTarget.value), setAnswer(null))}
            onKeyDown={(e) => {
              if (e.key === 'Enter' && (e.ctrlKey || e.metaKey) && d.sendable) {
                e.preventDefault();
                void again();
              }
            }}
          />
        </>
      )}
      {answer ? (
        <p class="bad-text" role="alert">
          <Icon name="error" /> {answer}
        </p>
      ) : null}
      <div class="row-actions">
        {d.sendable ? (
          <>
            <Button kind="primary" icon="send" busy={busy === 'send'} hint="mod+Enter" onClick={() => void again()}>
              {changed ? 'Save and send again' : 'Send again'}
            </Button>
            {changed ? (
              <Button busy={busy === 'save'} onClick={() => void attempt('save', save)}>
                Save
              </Button>
            ) : null}
            {text !== laidOut(came) ? (
              <Button kind="ghost" onClick={() => setText(laidOut(came))}>
                As it came
              </Button>
            ) : null}
          </>
        ) : d.state === 'waiting' ? (
          <span class="dim">{d.stream ? `${d.stream} takes no posted events: it cannot be sent again.` : 'Its stream is gone.'}</span>
        ) : null}
        <span class="grow" />
        {d.raw !== null ? <CopyButton text={came} label="Copy as it came" /> : null}
        {d.sendable ? <CopyCurl path={paths.deadLetterReplay(d.id, who.get() || undefined)} method="POST" /> : null}
        <Button kind="ghost" icon="trash" onClick={() => void remove()}>
          Delete
        </Button>
      </div>
    </div>
  );
}

export function Letters({
  list,
  open,
  at,
  toggle,
  changed,
  grouped,
  send,
}: {
  list: DeadLetter[];
  open: string | null;
  at: number;
  toggle: (d: DeadLetter) => void;
  changed: () => void;
  grouped: boolean; // the reason is said above
  send: { current: (() => void) | null };
}) {
  const body = useRef<HTMLTableSectionElement>(null);
  useEffect(() => body.current?.querySelector('tr.at')?.scrollIntoView({ block: 'nearest' }), [at]);
  return (
    <table class="rows dead">
      <thead>
        <tr>
          <th>{grouped ? 'Event' : 'Reason'}</th>
          {grouped ? null : <th class="hide-s">Event</th>}
          <th class="hide-s">Stream</th>
          <th class="r">When</th>
        </tr>
      </thead>
      <tbody ref={body}>
        {list.map((d, i) => {
          const on = String(d.id) === open;
          const event = <code class="cut">{d.edited?.text ?? d.raw ?? '–'}</code>;
          return [
            <tr
              key={d.id}
              class={`pick ${on ? 'on' : ''} ${i === at ? 'at' : ''}`}
              onClick={(e) => !(e.target as Element).closest('a,button') && toggle(d)}
            >
              <td class={grouped ? 'raw wide' : 'reason'}>
                <button type="button" class="plain" aria-expanded={on} onClick={() => toggle(d)}>
                  {grouped ? event : d.reason}
                </button>
                <small class="dim">
                  {grouped ? null : <KindPill of={d} />}
                  {grouped || d.code === d.kind ? null : <span class="mono">{d.code}</span>}
                  {d.rules.length ? (
                    <span>
                      for <Rules of={d.rules} />
                    </span>
                  ) : null}
                  {d.sent ? <span class="pill good">sent again</span> : d.edited ? <span class="pill accent">put right</span> : null}
                  {d.tries ? <span>refused again{d.tries > 1 ? ` ${d.tries}×` : ''}</span> : null}
                </small>
              </td>
              {grouped ? null : <td class="hide-s raw">{event}</td>}
              <td class="hide-s">
                {d.stream ? (
                  <Link to={`/streams/${encodeURIComponent(d.stream)}`} class="quiet">
                    {d.stream}
                  </Link>
                ) : (
                  <span class="dim">gone</span>
                )}{' '}
                <span class="dim num">:{d.partition}</span>
              </td>
              <td class="r dim num" title={full(d.at)}>
                <Ago time={d.at} />
              </td>
            </tr>,
            on ? (
              <tr key={d.id + '+'} class="opened">
                <td colSpan={4}>
                  <Opened of={d} done={changed} send={send} />
                </td>
              </tr>
            ) : null,
          ];
        })}
      </tbody>
    </table>
  );
}

/** Asks first, then deletes or sends all that the filter means and that were there when it was looked at. */
export async function removeAll(filter: Parameters<typeof api.deleteLetters>[0], n: number, what: string, done: () => void) {
  const yes = await ask({
    title: `Delete ${plural(n, 'dead letter')}?`,
    danger: true,
    yes: `Delete ${n > 1 ? 'them' : 'it'}`,
    text: <p>{what}. They are gone for good, also for a replay.</p>,
  });
  if (!yes) return;
  try {
    const { deleted } = await api.deleteLetters(filter, who.get());
    say(`${plural(deleted, 'dead letter')} deleted`);
  } catch (e) {
    sayWrong(e);
  }
  done();
}
export async function sendAll(filter: Parameters<typeof api.sendLetters>[0], n: number, what: string, done: () => void) {
  const yes = await ask({
    title: `Send ${plural(n, 'event')} again?`,
    yes: 'Send again',
    text: (
      <>
        <p>{what}, each as it was put right, or else as it came.</p>
        <p>What the stream refuses again stays here with the new reason. Each is sent once.</p>
      </>
    ),
  });
  if (!yes) return;
  let sent = 0;
  let refused = 0;
  let left = Infinity;
  let why: string | null = null;
  try {
    for (;;) {
      const a = await api.sendLetters(filter, who.get());
      sent += a.sent;
      refused = Math.max(refused, a.refused + a.not_sendable);
      why ??= a.why;
      if (a.waiting === 0 || a.waiting >= left || a.sent === 0) break;
      left = a.waiting;
    }
    say(refused ? `${sent} sent; ${refused} not: ${why}` : `${plural(sent, 'event')} sent again`, refused > 0);
  } catch (e) {
    sayWrong(e);
  }
  done();
}
