// SPDX-License-Identifier: Apache-2.0
// The newest alerts, a line each.
import type { Alert } from '../api';
import { keyText, ruleTitle } from '../lib/format';
import { Ago, Link, SeverityPill } from './basic';

export function Newest({ alerts }: { alerts: Alert[] }) {
  return (
    <ul class="newest">
      {alerts.map((a) => (
        <li key={a.id}>
          <Link to={`/alerts/${a.id}`}>
            <SeverityPill severity={a.severity} />
            <span class="cut">{ruleTitle(a.title, a.rule)}</span>
            <span class="mono dim cut">{keyText(a.key)}</span>
            <span class="dim num r">
              <Ago time={a.created} />
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
