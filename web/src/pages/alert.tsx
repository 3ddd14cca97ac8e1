// SPDX-License-Identifier: Apache-2.0
// /alerts/{id}: one alert, all of it.
import { api, paths, type AlertDetail } from '../api';
import { useShortcuts } from '../lib/keys';
import { ruleTitle } from '../lib/format';
import { useQuery } from '../lib/query';
import { navigate } from '../lib/router';
import { AlertBody, AlertHead } from '../parts/alertview';
import { CopyCurl, Link, States } from '../parts/basic';
import { Icon } from '../parts/icons';
import { Page } from '../parts/page';

export function AlertPage({ arg: id }: { arg: string }) {
  const q = useQuery(id, (s) => api.get<AlertDetail>(paths.alert(id), s));
  useShortcuts([{ keys: 'u', does: 'Back to the list', group: 'Alert', run: () => navigate('/alerts') }]);
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
      actions={<CopyCurl path={paths.alert(id)} />}
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
