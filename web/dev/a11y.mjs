// SPDX-License-Identifier: Apache-2.0
// Contrast (AA) and names of controls on all pages: node dev/a11y.mjs URL
import { chromium } from 'playwright-core';
const [url = 'http://127.0.0.1:8080'] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
});
const get = (path) => fetch(url + '/api/v1' + path).then((r) => r.json());
const alert = (await get('/alerts?limit=1')).data[0];
const rule = (await get('/rules')).data[0];
let bad = 0;
for (const colorScheme of ['light', 'dark']) {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme })).newPage();
  for (const path of [
    '/',
    '/rules',
    rule && `/rules/${rule.name}`,
    '/rules/new',
    alert && `/alerts?id=${alert.id}`,
    alert && `/alerts/${alert.id}`,
    '/streams',
    '/lists',
    '/tables',
    '/sinks',
    '/streams?new=1',
    '/dead-letters',
    '/time',
    '/workers',
  ].filter(Boolean)) {
    await page.goto(url + path, { waitUntil: 'load' });
    await page.waitForTimeout(1200);
    const found = await page.evaluate(() => {
      const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
      const over = (colours) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const c of colours) {
          canvas.fillStyle = c;
          canvas.fillRect(0, 0, 1, 1);
        }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
      };
      const lum = (c) =>
        c
          .map((v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
          .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
      const out = new Map();
      const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let n; (n = walk.nextNode());) {
        const e = n.parentElement;
        if (
          !n.data.trim() ||
          !e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) ||
          e.closest('.sr,script,style,:disabled,.cm-gutters')
        )
          continue;
        const style = getComputedStyle(e);
        const stack = [];
        for (let a = e; a; a = a.parentElement) stack.unshift(getComputedStyle(a).backgroundColor);
        const back = over(['#fff', ...stack]);
        const text = over([`rgb(${back})`, e instanceof SVGElement ? style.fill : style.color]);
        const [a, b] = [lum(text), lum(back)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        const large = parseFloat(style.fontSize) >= 18.66;
        if (ratio < (large ? 3 : 4.5) - 0.02)
          out.set(
            `${e.tagName.toLowerCase()}.${e.getAttribute('class') ?? ''} < ${e.parentElement?.getAttribute('class') ?? ''}`,
            `${ratio.toFixed(2)} "${n.data.trim().slice(0, 30)}"`,
          );
      }
      for (const e of document.querySelectorAll('button,a,input,select,textarea,[role=button]')) {
        const name = e.getAttribute('aria-label') || e.textContent.trim() || e.title || e.labels?.[0]?.textContent.trim();
        if (!name) out.set(e.outerHTML.slice(0, 90), 'no name');
      }
      return [...out];
    });
    for (const [where, what] of found) console.log(colorScheme, path, '|', where, '|', what);
    bad += found.length;
  }
}
console.log(`${bad} found`);
await browser.close();
