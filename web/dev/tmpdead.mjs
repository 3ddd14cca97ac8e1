import { chromium } from 'playwright-core';
const [url, out, scheme, width, ...acts] = process.argv.slice(2);
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
const c = await b.newContext({ viewport: { width: +width, height: +width < 600 ? 844 : 900 }, colorScheme: scheme });
const p = await c.newPage();
p.on('console', (m) => m.type() === 'error' && console.log('E', m.text()));
p.on('pageerror', (e) => console.log('E', e.stack));
for (const [name, path, open] of [['list', '/dead-letters'], ['group', '/dead-letters?kind=error&stream=payments&code=wrong-type&reason=X', 1], ['late', '/dead-letters?kind=late', 1], ['sent', '/dead-letters?state=sent', 1], ['timeouts', '/dead-letters?show=timeouts'], ['rulegroup', '/dead-letters?by=rule']]) {
  if (acts.length && !acts.includes(name)) continue;
  await p.goto(url + path.replace('X', encodeURIComponent("field 'amount' must be a number or a numeric string, is a string")));
  await p.waitForTimeout(900);
  if (open) { await p.locator('.dead tbody tr').first().click(); await p.waitForTimeout(300); }
  await p.screenshot({ path: `${out}/${name}-${scheme}-${width}.png` });
  const over = await p.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  console.log(name, over > 0 ? `wider by ${over}` : 'ok');
}
await b.close();
