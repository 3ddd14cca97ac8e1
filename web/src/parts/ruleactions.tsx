// SPDX-License-Identifier: Apache-2.0
// What can be done to a rule, wherever it is shown.
import { api, type Rule } from '../api';
import { plural } from '../lib/format';
import { lives } from '../api_lives';
import { ask, say, sayWrong } from './dialog';
import type { Doing } from './share';

export const ruleLink = (r: { name: string; id?: string; state?: string }) =>
  `/rules/${encodeURIComponent(r.state === 'archived' && r.id ? r.id : r.name)}`;

export async function switchRule(r: Rule, done: () => void) {
  try {
    const now = r.mode === 'paused' ? await api.resume(r.name) : await api.pause(r.name);
    say(now.mode === 'paused' ? `${r.name} is paused: its state is kept, events are not seen` : `${r.name} runs again`);
  } catch (e) {
    sayWrong(e);
  }
  done();
}
/** Not deployed: a draft, or in the archive. */
export const rests = (r: Rule) => r.state === 'draft' || r.state === 'archived';
export const shownState = (r: Rule) => r.state ?? r.mode;
/** What names the rule in an address: one that rests may share its name with another. */
export const nameFor = (r: Rule) => (r.state === 'archived' ? r.id : r.name);

export const archiving = (r: Rule): Doing => ({
  title: `Archive ${r.name}?`,
  yes: 'Archive the rule',
  danger: true,
  text: `It stops at once${r.partials ? `, and what it had half matched is lost (${plural(r.partials, 'partial match', 'partial matches')})` : ''}. Its versions and alerts are kept, and it can come back as a draft.`,
  run: async (said) => {
    await lives.archive(nameFor(r), said);
    return r;
  },
  said: () => `${r.name} is in the archive`,
});
export const restoring = (r: Rule): Doing => ({
  title: `Take ${r.name} out of the archive?`,
  yes: 'Make it a draft',
  text: 'It is a draft then, with all its versions. It runs when one of them is activated, and begins without state.',
  run: (said) => lives.restore(r.id, said),
  said: () => `${r.name} is a draft again`,
});

export async function removeRule(r: Rule, done: () => void) {
  const yes = await ask({
    title: `Delete ${r.name}?`,
    danger: true,
    yes: 'Delete the rule',
    text: (
      <>
        {rests(r) ? (
          <p>Its versions cannot be had back.</p>
        ) : (
          <p>
            It stops at once, and what it had half matched is lost
            {r.partials ? ` (${plural(r.partials, 'partial match', 'partial matches')})` : ''}.
          </p>
        )}
        <p>
          {r.alerts ? `Its ${plural(r.alerts, 'alert')} stay.` : 'It has no alerts.'}
          {rests(r) ? '' : ' To stop it for a while, pause it instead; to keep its versions, archive it.'}
        </p>
      </>
    ),
  });
  if (!yes) return;
  try {
    await api.remove(nameFor(r));
    say(`${r.name} is deleted`);
    done();
  } catch (e) {
    sayWrong(e);
  }
}
