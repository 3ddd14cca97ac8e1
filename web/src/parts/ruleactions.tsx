// SPDX-License-Identifier: Apache-2.0
// What can be done to a rule, wherever it is shown.
import { api, Problem, type Rule } from '../api';
import { plural } from '../lib/format';
import { ask, say } from './dialog';

export const ruleLink = (r: { name: string }) => `/rules/${encodeURIComponent(r.name)}`;

export async function switchRule(r: Rule, done: () => void) {
  try {
    const now = r.mode === 'paused' ? await api.resume(r.name) : await api.pause(r.name);
    say(now.mode === 'paused' ? `${r.name} is paused: its state is kept, events are not seen` : `${r.name} runs again`);
  } catch (e) {
    say(e instanceof Problem ? e.message : String(e), true);
  }
  done();
}
export async function removeRule(r: Rule, done: () => void) {
  const yes = await ask({
    title: `Delete ${r.name}?`,
    danger: true,
    yes: 'Delete the rule',
    text: (
      <>
        <p>
          It stops at once, and what it had half matched is lost
          {r.partials ? ` (${plural(r.partials, 'partial match', 'partial matches')})` : ''}.
        </p>
        <p>
          {r.alerts ? `Its ${plural(r.alerts, 'alert')} stay.` : 'It has no alerts.'} To stop it for a while, pause it instead.
        </p>
      </>
    ),
  });
  if (!yes) return;
  try {
    await api.remove(r.name);
    say(`${r.name} is deleted`);
    done();
  } catch (e) {
    say(e instanceof Problem ? e.message : String(e), true);
  }
}
