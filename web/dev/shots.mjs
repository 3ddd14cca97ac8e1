// SPDX-License-Identifier: Apache-2.0
// Pictures of all pages: node dev/shots.mjs URL OUTDIR [light|dark] [width] [page …]
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [url = 'http://127.0.0.1:8080', out = join(tmpdir(), 'weir-shots'), scheme = 'light', width = '1440', ...only] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
});
const context = await browser.newContext({
  viewport: { width: Number(width), height: Number(width) < 600 ? 844 : 900 },
  colorScheme: scheme,
  deviceScaleFactor: 1,
});
const page = await context.newPage();
const errors = [];
page.on('console', (m) => m.type() === 'error' && errors.push(`${page.url()}: ${m.text()}`));
page.on('pageerror', (e) => errors.push(`${page.url()}: ${e.stack}`));
const get = (path) => fetch(url + '/api/v1' + path).then((r) => r.json());
const alerts = (await get('/alerts?limit=50')).data;
const rules = (await get('/rules')).data;
const best = alerts.find((a) => a.kind === 'match' && a.rule === 'card_testing') ?? alerts[0];
const pattern = rules.find((r) => r.name === 'card_testing') ?? rules[0];
const pages = {
  overview: ['/', 6000],
  rules: ['/rules', 900],
  rule: [`/rules/${pattern?.name ?? 'new'}`, 1500],
  versions: [`/rules/${pattern?.name ?? 'new'}?tab=versions`, 1500],
  state: [`/rules/${pattern?.name ?? 'new'}?tab=state`, 1500],
  new: ['/rules/new', 1500],
  alerts: [`/alerts${best ? '?id=' + best.id : ''}`, 5000],
  alert: [`/alerts/${best?.id}`, 1200],
  streams: ['/streams', 1500],
  lists: ['/lists', 1500],
  newlist: ['/lists?new=1', 1200],
  additem: ['/lists?do=add', 1200],
  manyitems: ['/lists?do=many', 1200],
  newstream: ['/streams?new=1', 1200],
  tables: ['/tables', 1200],
  newtable: ['/tables?new=1', 1200],
  sinks: ['/sinks', 1200],
  newsink: ['/sinks?new=1', 1200],
  time: ['/time', 1500],
  dead: ['/dead-letters', 900],
  timeouts: ['/dead-letters?show=timeouts', 900],
  workers: ['/workers', 3000],
};
for (const [name, [path, wait]] of Object.entries(pages)) {
  if (only.length && !only.includes(name)) continue;
  await page.goto(url + path, { waitUntil: 'load' });
  await page.waitForTimeout(wait);
  await page.screenshot({ path: `${out}/${name}-${scheme}-${width}.png` });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  console.log(name, over > 0 ? `wider than the window by ${over}` : 'ok');
}
if (errors.length) console.log('ERRORS\n' + errors.join('\n'));
await browser.close();
