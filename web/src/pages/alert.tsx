// SPDX-License-Identifier: Apache-2.0
// /alerts/{id}: one alert, all of it.
import { api, paths, type AlertDetail } from '../api';
import { lives } from '../api_lives';
import { useShortcuts } from '../lib/keys';
import { ruleTitle } from '../lib/format';
import { useQuery } from '../lib/query';
import { navigate } from '../lib/router';
import { who } from '../lib/who';
import { AlertBody, AlertHead } from '../parts/alertview';
import { Button, CopyCurl, Link, States } from '../parts/basic';
import { say, sayWrong } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { Page } from '../parts/page';

type Label = 'fraud' | 'legit';
const labels: [Label, string, string][] = [
  ['fraud', 'Fraud', 'f'],
  ['legit', 'Legitimate', 'l'],
];

export function AlertPage({ arg: id }: { arg: string }) {
  const q = useQuery(id, (s) => api.get<AlertDetail>(paths.alert(id), s));
  /** Said again, it is taken back. */
  const mark = async (label: Label) => {
    if (!q.data) return;
    try {
      const now = q.data.label === label ? null : label;
      await lives.label(id, now, who.get());
      say(now ? `Labelled as ${now}` : 'The label is taken back');
      q.reload();
    } catch (e) {
      sayWrong(e);
    }
  };
  useShortcuts([
    { keys: 'u', does: 'Back to the list', group: 'Alert', run: () => navigate('/alerts') },
    { keys: 'f', does: 'It was fraud', group: 'Alert', run: () => void mark('fraud') },
    { keys: 'l', does: 'It was legitimate', group: 'Alert', run: () => void mark('legit') },
  ]);
  return (
    <Page
      class="alert-page"
      title={q.data ? ruleTitle(q.data.title, q.data.rule) : 'Alert'}
      head={
        <div class="crumbs">
          <Link to="/alerts">Alerts</Link>
          <Icon name="right" size={12} />
          <span class="mono">{id}</span>
        </div>
      }
      actions={
        <>
          {labels.map(([label, text, key]) => (
            <Button
              key={label}
              kind={q.data?.label === label ? 'plain' : 'ghost'}
              icon={q.data?.label === label ? 'check' : undefined}
              aria-pressed={q.data?.label === label}
              title={`${text} (${key}): counts for the precision of its rule's versions`}
              disabled={!q.data}
              onClick={() => void mark(label)}
            >
              {text}
            </Button>
          ))}
          <CopyCurl path={paths.alert(id)} />
        </>
      }
    >
      <States of={q} rows={10}>
        {(a) => (
          <div class="alert-whole">
            <AlertHead alert={a} />
            <AlertBody alert={a} />
          </div>
        )}
      </States>
    </Page>
  );
}
