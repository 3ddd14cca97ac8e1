// SPDX-License-Identifier: Apache-2.0
// An event that a stream would take, made from its columns: for curl commands to try.
import type { Fields, Json, Stream } from '../api';

const byName: [RegExp, Json][] = [
  [/^(id|event_id|tx|.*_id)$/i, 'tx_1'],
  [/card|account|user|customer/i, 'c_17'],
  [/country/i, 'MX'],
  [/city/i, 'Lima'],
  [/status/i, 'approved'],
  [/merchant|shop/i, 'm_204'],
  [/currency/i, 'EUR'],
  [/device/i, 'd_9'],
  [/ip/i, '203.0.113.7'],
  [/channel/i, 'ecom'],
  [/^type|kind$/i, 'payment'],
  [/mcc/i, 5411],
];

export function exampleEvent(stream: Stream | null): Fields {
  const now = new Date().toISOString();
  if (!stream)
    return { id: 'tx_1', ts: now, type: 'payment', card: 'c_17', amount: '3200.00', country: 'MX', status: 'approved' };
  const out: Fields = {};
  for (const c of stream.columns) {
    if (c.computed) continue;
    const path = pathOf(stream.sql, c.name);
    const type = c.type.toUpperCase();
    if (c.name === stream.time_column) put(out, path, now);
    else if (type.startsWith('STRING') || type.startsWith('VARCHAR'))
      put(out, path, byName.find(([re]) => re.test(c.name))?.[1] ?? 'x');
    else if (type.startsWith('DECIMAL')) put(out, path, '3200.00');
    else if (type.startsWith('BOOL')) put(out, path, true);
    else if (type.startsWith('TIMESTAMP')) put(out, path, now);
    else
      put(
        out,
        path,
        byName.find(([re, v]) => re.test(c.name) && typeof v === 'number')?.[1] ?? (type.startsWith('DOUBLE') ? 1.5 : 1),
      );
  }
  return out;
}

/** `city STRING FROM 'billing.address.city'` → ['billing', 'address', 'city'] */
function pathOf(sql: string, column: string): string[] {
  const m = new RegExp(`\\b${column}\\b[^,]*?\\bFROM\\s+'([^']+)'`, 'i').exec(sql);
  return m ? m[1]!.split('.') : [column];
}
function put(out: Fields, path: string[], v: Json) {
  let at: Record<string, Json> = out;
  for (const p of path.slice(0, -1)) at = (at[p] ??= {}) as Record<string, Json>;
  at[path[path.length - 1]!] = v;
}
