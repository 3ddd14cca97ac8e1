// SPDX-License-Identifier: Apache-2.0
// Rules to start from. Column names are fitted to the stream that is there, as far as names and types tell.
import type { Stream } from '../api';

export const demoStream = `CREATE STREAM payments (
  id      STRING NOT NULL,
  ts      TIMESTAMP(3) NOT NULL,
  type    STRING,
  card    STRING NOT NULL,
  amount  DECIMAL(12,2),
  country STRING,
  status  STRING,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
)`;

export interface Names {
  stream: string;
  id: string;
  ts: string;
  key: string;
  amount: string;
  country: string;
  status: string;
  type: string;
}
export function namesOf(s: Stream | null): Names {
  const fallback: Names = {
    stream: 'payments',
    id: 'id',
    ts: 'ts',
    key: 'card',
    amount: 'amount',
    country: 'country',
    status: 'status',
    type: 'type',
  };
  if (!s) return fallback;
  const cols = s.columns.map((c) => c.name);
  const find = (re: RegExp) => cols.find((c) => re.test(c));
  const text = (c: string) => /STRING|CHAR|TEXT/i.test(s.columns.find((x) => x.name === c)?.type ?? '');
  return {
    stream: s.name,
    id: find(/^id$/i) ?? find(/id$/i) ?? cols[0] ?? 'id',
    ts: s.time_column ?? fallback.ts,
    key:
      find(/^card/i) ??
      find(/^(account|customer|user)/i) ??
      find(/card|account|customer|user|device/i) ??
      cols.find((c) => text(c)) ??
      'card',
    amount: find(/^amount$/i) ?? s.columns.find((c) => /DECIMAL|DOUBLE|BIGINT/i.test(c.type))?.name ?? 'amount',
    country: find(/country/i) ?? find(/city|region/i) ?? 'country',
    status: find(/status|result|outcome/i) ?? 'status',
    type: find(/^type$/i) ?? find(/type|kind/i) ?? 'type',
  };
}

export interface Template {
  name: string;
  title: string;
  what: string;
  kind: 'pattern' | 'window' | 'filter';
  sql: (n: Names) => string;
}

export const templates: Template[] = [
  {
    name: 'card_testing',
    title: 'Card testing',
    what: 'Some tiny payments in a row, then a large one: a stolen card is tried out first.',
    kind: 'pattern',
    sql: (n) => `CREATE RULE card_testing
  WITH ('severity' = 'critical', 'title' = 'Card testing on {${n.key}}',
        'cooldown' = '10 min')
AS
SELECT ${n.key}, probes, cash_out
FROM ${n.stream}
MATCH_RECOGNIZE (
  PARTITION BY ${n.key}
  ORDER BY ${n.ts}
  MEASURES COUNT(A.${n.id}) AS probes, LAST(B.${n.amount}) AS cash_out
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A ->{3,} -> B) WITHIN INTERVAL '10' MINUTE
  DEFINE A AS A.${n.amount} < 2,
         B AS B.${n.amount} > 500
);
`,
  },
  {
    name: 'declined_then_approved',
    title: 'Declines, then approved',
    what: 'Three refusals in a row, and the next attempt goes through with a larger amount.',
    kind: 'pattern',
    sql: (n) => `CREATE RULE declined_then_approved
  WITH ('severity' = 'high', 'title' = 'Approved after declines on {${n.key}}')
AS
SELECT ${n.key}, declines, amount_taken
FROM ${n.stream}
MATCH_RECOGNIZE (
  PARTITION BY ${n.key}
  ORDER BY ${n.ts}
  MEASURES COUNT(D.${n.id}) AS declines, LAST(P.${n.amount}) AS amount_taken
  PATTERN (D{3,} P) WITHIN INTERVAL '5' MINUTE
  DEFINE D AS D.${n.status} = 'declined',
         P AS P.${n.status} = 'approved' AND P.${n.amount} > 100
);
`,
  },
  {
    name: 'impossible_travel',
    title: 'Impossible travel',
    what: 'The same key in two countries within minutes.',
    kind: 'pattern',
    sql: (n) => `CREATE RULE impossible_travel
  WITH ('severity' = 'high', 'title' = '{${n.key}} in two countries')
AS
SELECT ${n.key}, from_country, to_country
FROM ${n.stream}
MATCH_RECOGNIZE (
  PARTITION BY ${n.key}
  ORDER BY ${n.ts}
  MEASURES A.${n.country} AS from_country, B.${n.country} AS to_country
  AFTER MATCH SKIP TO NEXT ROW
  PATTERN (A B) WITHIN INTERVAL '15' MINUTE
  DEFINE B AS B.${n.country} <> A.${n.country}
);
`,
  },
  {
    name: 'no_confirmation',
    title: 'Never confirmed',
    what: 'A large payment that no confirmation follows: the absence of an event, decided by event time.',
    kind: 'pattern',
    sql: (n) => `CREATE RULE no_confirmation
  WITH ('severity' = 'medium', 'title' = 'Large payment on {${n.key}} was never confirmed')
AS
SELECT ${n.key}, amount_open
FROM ${n.stream}
MATCH_RECOGNIZE (
  PARTITION BY ${n.key}
  ORDER BY ${n.ts}
  MEASURES A.${n.amount} AS amount_open
  PATTERN (A -> !C) WITHIN INTERVAL '2' MINUTE
  DEFINE A AS A.${n.amount} >= 1000,
         C AS C.${n.type} = 'confirm'
);
`,
  },
  {
    name: 'velocity',
    title: 'Velocity',
    what: 'Too many payments of one key in a minute, counted in sliding windows.',
    kind: 'window',
    sql: (n) => `CREATE RULE velocity
  WITH ('severity' = 'medium', 'title' = 'Many payments on {${n.key}}', 'cooldown' = '5 min')
AS
SELECT ${n.key}, COUNT(*) AS payments, SUM(${n.amount}) AS total
FROM TABLE(HOP(TABLE ${n.stream}, DESCRIPTOR(${n.ts}), INTERVAL '10' SECOND, INTERVAL '60' SECOND))
GROUP BY ${n.key}, window_start, window_end
HAVING COUNT(*) >= 10;
`,
  },
  {
    name: 'hourly_spend',
    title: 'Spend in an hour',
    what: 'The sum of an hour passes a limit.',
    kind: 'window',
    sql: (n) => `CREATE RULE hourly_spend
  WITH ('severity' = 'high', 'title' = '{${n.key}} spent a lot in an hour')
AS
SELECT ${n.key}, SUM(${n.amount}) AS total, COUNT(*) AS payments
FROM TABLE(TUMBLE(TABLE ${n.stream}, DESCRIPTOR(${n.ts}), INTERVAL '1' HOUR))
GROUP BY ${n.key}, window_start, window_end
HAVING SUM(${n.amount}) > 5000;
`,
  },
  {
    name: 'large_amount',
    title: 'Large amount',
    what: 'Each single event over a limit, at once.',
    kind: 'filter',
    sql: (n) => `CREATE RULE large_amount
  WITH ('severity' = 'low', 'title' = 'Large payment on {${n.key}}')
AS
SELECT ${n.id}, ${n.key}, ${n.amount}
FROM ${n.stream}
WHERE ${n.amount} > 3000;
`,
  },
];

export const firstRule = (s: Stream | null) => templates[templates.length - 1]!.sql(namesOf(s)).trim();
