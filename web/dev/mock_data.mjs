// SPDX-License-Identifier: Apache-2.0
// The mock's rules: the editor's own templates, read from their source.
import { readFileSync } from 'node:fs';
const source = readFileSync(new URL('../src/lib/templates.ts', import.meta.url), 'utf8');
const n = {
  stream: 'payments',
  id: 'id',
  ts: 'ts',
  key: 'card',
  amount: 'amount',
  country: 'country',
  status: 'status',
  type: 'type',
};
export const templates = [...source.matchAll(/sql: \(n\) => `([\s\S]*?)`,/g)].map((m) =>
  m[1].replace(/\$\{n\.(\w+)\}/g, (_, k) => n[k]),
);
