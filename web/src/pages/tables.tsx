// SPDX-License-Identifier: Apache-2.0
// /tables and /tables/{t}: databases outside in which rules look rows up: how often, how fast, from where, what failed.
import { outsidePaths, type Table } from '../api_outside';
import { duration, number, percent, short } from '../lib/format';
import { Card, Link } from '../parts/basic';
import { Figures, KeptPage } from '../parts/kept';

const example = `CREATE TABLE customers (
  id STRING PRIMARY KEY,
  segment STRING
) WITH ('connector'='sqlite', 'path'='/var/lib/shop.db');
`;

const bad = (n: number) => (n ? <b class="bad-text">{number(n)}</b> : <span class="dim">0</span>);

const cards = (t: Table) => {
  const f = t.figures;
  const known = f.hits + f.asked;
  return (
    <>
      <Card title="Look-ups" flush side={<span class="dim">since the workers began</span>}>
        <Figures
          rows={[
            ['Rows looked up', number(f.rows)],
            ['From the cache', known ? `${number(f.hits)} (${percent(f.hits / known)})` : '0'],
            ['Keys asked for', number(f.asked)],
            ['Requests', number(f.requests)],
            ['A key takes', f.mean_us ? duration(f.mean_us / 1000) : '–', 'On average, retries and all'],
            ['Not in the table', number(f.missing)],
            ['Tried again', number(f.retries)],
            ['Took too long', bad(f.timeouts), `More than ${duration(t.timeout_ms)}`],
            ['Failed', bad(f.errors), 'Why is in the dead letters, if on-error is dead-letter'],
          ]}
        />
        {f.timeouts + f.errors > 0 ? (
          <p class="card-note">
            <Link to="/dead-letters?kind=error">What failed, and why</Link>
          </p>
        ) : null}
      </Card>
      <Card title="Now" flush>
        <Figures
          rows={[
            ['Keys under way', `${number(f.in_flight)} of ${number(t.capacity)} a worker`],
            ['Rows that wait', number(f.waiting)],
            ['Keys in the cache', `${number(f.cached)} of ${number(t.cache_rows)} a worker`],
          ]}
        />
      </Card>
      <Card title="Columns" flush>
        <table class="rows tight">
          <tbody>
            {t.columns.map((c) => (
              <tr key={c.name}>
                <td class="mono">{c.name}</td>
                <td class="mono dim">{c.type.toLowerCase()}</td>
                <td class="r dim">{c.name === t.key ? <span class="pill accent">key</span> : c.not_null ? 'not null' : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Card>
    </>
  );
};

export const TablesPage = ({ arg }: { arg: string }) => (
  <KeptPage<Table>
    arg={arg}
    word="table"
    many="Tables"
    icon="plug"
    path={outsidePaths.tables}
    example={example}
    about={
      <>
        A table names one of a database outside, SQLite or PostgreSQL. Rules look rows up in it:{' '}
        <code>JOIN customers FOR SYSTEM_TIME AS OF t.ts</code>.
      </>
    }
    before={
      <>
        The database is not asked now: what is wrong there is seen with the first row. Its password is never in the statement:{' '}
        <code>url-env</code> or <code>url-file</code> says where it is.
      </>
    }
    gone="The database is left alone."
    brief={(t) => (t.figures.errors + t.figures.timeouts ? <span class="bad-text">look-ups fail</span> : `${short(t.figures.rows)} rows`)}
    facts={(t) => [
      ['Connector', t.connector],
      ['Key', <span class="mono">{t.key}</span>],
      ['Time-out', duration(t.timeout_ms)],
      ['Retries', t.retries ? `${t.retries}, after ${duration(t.retry_delay_ms)}` : 'none'],
      ['Remembers for', t.cache_rows ? duration(t.cache_ttl_ms) : 'nothing'],
      ['Order', t.ordered ? 'kept' : 'as answers come'],
      ['A row that fails', t.on_error],
    ]}
    cards={cards}
  />
);
