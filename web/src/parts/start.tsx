// SPDX-License-Identifier: Apache-2.0
// The first three steps, shown until events flow: each is one command, with this server's own address in it.
import type { ComponentChildren } from 'preact';
import { paths, type Overview, type Rule, type Stream } from '../api';
import { demoStream, firstRule } from '../lib/templates';
import { exampleEvent } from '../lib/example';
import { Code, Link, curl } from './basic';
import { Icon } from './icons';

/** For a shell the statement is shorter on one line. */
const oneLine = (sql: string) => sql.replace(/\s+/g, ' ').trim();

function Step({ n, done, title, children }: { n: number; done: boolean; title: string; children: ComponentChildren }) {
  return (
    <li class={`step ${done ? 'done' : ''}`}>
      <span class="step-n" aria-label={done ? 'done' : `step ${n}`}>
        {done ? <Icon name="check" /> : n}
      </span>
      <div>
        <h3>{title}</h3>
        {children}
      </div>
    </li>
  );
}

export function Start({ streams, rules, overview }: { streams: Stream[]; rules: Rule[]; overview: Overview | null }) {
  const stream = streams[0];
  const sql = stream ? firstRule(stream) : firstRule(null);
  const name = stream?.name ?? 'payments';
  const event = JSON.stringify(exampleEvent(stream ?? null));
  return (
    <div class="start">
      <div class="start-head">
        <h2>Three steps to the first alert</h2>
        <p>
          Tell weir what events look like, say in SQL what is wrong with some of them, and send events. Each step can be done here
          or from a shell.
        </p>
      </div>
      <ol>
        <Step n={1} done={streams.length > 0} title="Create a stream">
          {stream ? (
            <p>
              <Link to={`/streams/${encodeURIComponent(stream.name)}`}>{stream.name}</Link> takes events.
            </p>
          ) : (
            <>
              <Code
                label="curl: create a stream"
                text={curl(paths.streams, { method: 'POST', body: JSON.stringify({ sql: oneLine(demoStream) }) })}
              />
              <Link to="/streams?new=1" class="btn btn-primary">
                <Icon name="streams" /> Create a stream here
              </Link>
            </>
          )}
        </Step>
        <Step n={2} done={rules.length > 0} title="Write a rule">
          {rules.length ? (
            <p>
              <Link to="/rules">{rules.length === 1 ? rules[0]!.name + ' is' : `${rules.length} rules are`} deployed</Link>.
            </p>
          ) : (
            <>
              <Code
                label="curl: create a rule"
                text={curl(paths.rules, { method: 'POST', body: JSON.stringify({ sql: oneLine(sql) }) })}
              />
              <Link to="/rules/new" class={`btn ${stream ? 'btn-primary' : 'btn-plain'}`}>
                <Icon name="rules" /> Open the editor, with templates
              </Link>
            </>
          )}
        </Step>
        <Step n={3} done={(overview?.events_processed ?? 0) > 0} title="Send an event">
          <Code
            label="curl: send an event"
            text={curl(`/streams/${encodeURIComponent(name)}/events`, { method: 'POST', body: event })}
          />
          <p class="dim">
            Or a steady flow with frauds in it:{' '}
            <code>
              weir gen --url {location.origin} --stream {name} --rate 500 --live
            </code>
          </p>
        </Step>
      </ol>
    </div>
  );
}
