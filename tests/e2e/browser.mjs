// SPDX-License-Identifier: Apache-2.0
// Debian's chromium at a running server, for the dashboard_*.mjs: node dashboard_x.mjs URL light|dark PICTURES_DIR.
// A line for each thing that was seen; the process ends with 1 at the first that was not, and leaves a picture of it.
import { strict as assert } from "node:assert";
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";

const { chromium } = createRequire(
  new URL("../../web/package.json", import.meta.url),
)("playwright-core");
export const [url, scheme, pictures] = process.argv.slice(2);
mkdirSync(pictures, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"],
});
export const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: scheme });
export const page = await context.newPage();
page.setDefaultTimeout(30000);

const faults = [];
let expected = /^$/;
/** Complaints on the console that are meant to come. */
export const expect = (what) => (expected = what);
page.on("console", (m) => m.type() === "error" && !expected.test(m.text()) && faults.push(`${page.url()}: ${m.text()}`));
page.on("pageerror", (e) => faults.push(`${page.url()}: ${e.stack}`));
/** No complaint on the console up to here; says nothing of what is to come. */
export const quiet = () => assert.deepEqual(faults, [], "errors on the console");

export const seen = (what) => console.log(`seen: ${what}`);
export const visible = async (locator, what) => {
  await locator.first().waitFor({ state: "visible" });
  seen(what);
};
export const go = (path) => page.goto(url + path, { waitUntil: "load" });
export const shot = (name) => page.screenshot({ path: `${pictures}/${name}-${scheme}.png` });

/** At each width: nothing of the page is wider than the window, nor of the part than itself. */
export async function widths(name, part) {
  for (const width of [390, 768, 1440, 1900]) {
    await page.setViewportSize({ width, height: 900 });
    if (part) await page.locator(part).first().scrollIntoViewIfNeeded();
    await page.screenshot({ path: `${pictures}/${name}-${scheme}-${width}.png`, fullPage: !part });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(over <= 0, `${name} at ${width}: wider than the window by ${over}`);
    const cut = part ? await page.locator(part).first().evaluate((e) => e.scrollWidth - e.clientWidth) : 0;
    assert.ok(cut <= 0, `${name} at ${width}: ${part} is ${cut} px too wide`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** One scene after the other. */
export async function play(...scenes) {
  try {
    for (const scene of scenes) await scene();
    quiet();
    console.log("all seen");
  } catch (e) {
    await shot("failed").catch(() => {});
    console.log(`FAILED at ${page.url()}\n${e.stack}\nconsole: ${faults.join("\n") || "clean"}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
