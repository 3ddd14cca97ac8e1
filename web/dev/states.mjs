// SPDX-License-Identifier: Apache-2.0
// Pictures of what is not the plain page: errors in the editor, hover, dialogs, keys, empty and disconnected.
// node dev/states.mjs URL OUTDIR [light|dark] [width]
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
const [url, out = join(tmpdir(), 'weir-shots'), scheme = 'light', width = '1440'] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
});
const context = await browser.newContext({ viewport: { width: Number(width), height: 900 }, colorScheme: scheme });
const page = await context.newPage();
page.on('console', (m) => m.type() === 'error' && console.log('console:', m.text()));
page.on('pageerror', (e) => console.log('pageerror:', e.stack));
const shot = (name) => page.screenshot({ path: `${out}/s-${name}-${scheme}-${width}.png` });
const go = (path) => page.goto(url + path, { waitUntil: 'load' });

await go('/rules/new?template=card_testing');
await page.locator('.cm-content').waitFor();
await page.waitForTimeout(600);
await page.locator('.edge').nth(1).hover();
await page.waitForTimeout(150);
await shot('hover');
await page.locator('.cm-line', { hasText: 'AS B.amount' }).click();
await page.keyboard.press('End');
await page.keyboard.type(' AND B.amout < 9');
await page.waitForTimeout(900);
await page.locator('.cm-lintRange-error').first().hover();
await page.waitForTimeout(500);
await shot('lint');
await page.locator('.cm-content').click();
await page.keyboard.press('Control+End');
await page.keyboard.type('\nSELECT c');
await page.waitForTimeout(600);
await shot('complete');
await page.keyboard.press('Escape');
await page.keyboard.press('Escape');
await go('/rules');
await page.waitForTimeout(500);
await page.keyboard.press('?');
await page.waitForTimeout(200);
await shot('help');
await page.keyboard.press('Escape');
await page.keyboard.press('Control+k');
await page.keyboard.type('ca');
await page.waitForTimeout(400);
await shot('palette');
await page.keyboard.press('Escape');
await page
  .getByRole('button', { name: /^Delete / })
  .first()
  .click();
await page.waitForTimeout(200);
await shot('ask');
await page.keyboard.press('Escape');
await go('/dead-letters');
await page.waitForTimeout(600);
await page
  .locator('.dead tbody tr')
  .first()
  .click()
  .catch(() => {});
await page.waitForTimeout(300);
await shot('dead');
await go('/alerts');
await page.waitForTimeout(800);
await page.keyboard.press('j');
await page.keyboard.press('j');
await page.waitForTimeout(800);
await shot('keys');
await go('/alerts?key=nobody');
await page.waitForTimeout(800);
await shot('nofit');
await go('/rules/nothing_here');
await page.waitForTimeout(800);
await shot('missing');
await go('/');
await page.waitForTimeout(1500);
await context.setOffline(true);
await page.waitForTimeout(6000);
await shot('offline');
await page.locator('a[href="/workers"]').first().click();
await page.waitForTimeout(1500);
await shot('offline-page');
await context.setOffline(false);
await page.waitForTimeout(5000);
await shot('online-again');
await browser.close();
