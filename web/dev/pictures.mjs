// SPDX-License-Identifier: Apache-2.0
// The pictures of the documentation, from a server with the demo's rules and `weir gen --live` running for a while:
// node dev/pictures.mjs URL ../docs/images [seconds that the live chart is watched]
import { statSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [url = 'http://127.0.0.1:8080', out = '../docs/images', watch = '240'] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
});
const open = async (colorScheme, width, height, deviceScaleFactor) =>
  (await browser.newContext({ viewport: { width, height }, colorScheme, deviceScaleFactor })).newPage();
const get = (path) => fetch(url + '/api/v1' + path).then((r) => r.json());
const save = async (page, name) => {
  await page.screenshot({ path: `${out}/${name}.png` });
  console.log(name, Math.round(statSync(`${out}/${name}.png`).size / 1024), 'KB');
};

const overview = await open('light', 1360, 800, 1.5);
await overview.goto(url + '/');
const since = Date.now();

const tested = (await get('/alerts?rule=card_testing&limit=50')).data;
const best = tested.reduce((a, b) => (b.row.tries > a.row.tries && b.row.tries < 7 ? b : a), tested[0]);

const alert = await open('light', 1360, 800, 1.5);
await alert.goto(`${url}/alerts/${best.id}`);
await alert.locator('.timeline .mark').first().waitFor();
await alert.waitForTimeout(500);
await save(alert, 'alert');

const editor = await open('dark', 1360, 720, 1.5);
await editor.goto(`${url}/rules/card_testing`);
await editor.locator('.automaton .state-final').waitFor();
await editor.locator('.cm-line', { hasText: "status = 'approved' AND amount" }).click();
await editor.keyboard.press('End');
await editor.keyboard.type(" AND chanel = 'ecom'");
await editor.keyboard.press('Escape');
await editor.locator('.cm-lintRange-error').first().waitFor();
await editor.locator('.cm-lintRange-error').first().hover();
await editor.locator('.cm-tooltip-lint').waitFor();
await save(editor, 'editor');

const alerts = await open('dark', 1360, 800, 1.25);
await alerts.goto(`${url}/alerts?id=${best.id}`);
await alerts.locator('.timeline .mark').first().waitFor();
await alerts.locator('.new-bar').waitFor();
await alerts.waitForTimeout(400); // it has slid in
await save(alerts, 'alerts');

await overview.waitForTimeout(Math.max(0, Number(watch) * 1000 - (Date.now() - since)));
await save(overview, 'dashboard');
await browser.close();
