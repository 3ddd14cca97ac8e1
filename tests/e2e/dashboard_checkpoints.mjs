// SPDX-License-Identifier: Apache-2.0
// Drives the page Checkpoints in Debian's chromium: node dashboard_checkpoints.mjs URL light|dark PICTURES_DIR
// Prints a line for each thing that was seen; ends with 1 at the first that was not. Its caller: test_dashboard_checkpoints.py.
import { strict as assert } from "node:assert";
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";

const { chromium } = createRequire(
  new URL("../../web/package.json", import.meta.url),
)("playwright-core");
const [url, scheme, pictures] = process.argv.slice(2);
mkdirSync(pictures, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"],
});
const page = await (
  await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: scheme })
).newPage();
page.setDefaultTimeout(30000);
const faults = [];
page.on("console", (m) => m.type() === "error" && faults.push(`${page.url()}: ${m.text()}`));
page.on("pageerror", (e) => faults.push(`${page.url()}: ${e.stack}`));

const visible = async (locator, what) => {
  await locator.first().waitFor({ state: "visible" });
  console.log(`seen: ${what}`);
};
const button = (name) => page.getByRole("button", { name });
const dialog = page.getByRole("dialog");
const saved = (name) => page.locator("tr", { has: page.getByRole("button", { name: `Verify ${name}` }) });

await page.goto(`${url}/checkpoints`, { waitUntil: "load" });
await visible(page.getByText("No savepoints"), "there is no savepoint");
await button("Make one now").click();
await visible(page.getByText(/Checkpoint \d+ is complete/), "a checkpoint is made when one is asked for");
const row = page.locator(".cp-rows tr", { hasText: "asked for" }).first();
await visible(row.getByText("complete", { exact: true }), "it is in the list, and complete");
await row.getByRole("button").click();
await visible(page.locator(".cp-parts .rows tbody tr").nth(1), "what each of two workers did for it");

await button("New savepoint").click();
await dialog.getByLabel("Name").fill("no/name");
await dialog.getByRole("button", { name: "Make it" }).click();
await visible(dialog.getByText(/cannot be the name/), "a name that cannot be is refused in the server's words");
await dialog.getByLabel("Name").fill("first");
await dialog.getByRole("button", { name: "Make it" }).click();
await visible(saved("first"), "a savepoint");
await button("Verify first").click();
await visible(page.getByText(/first is whole/), "it is read through");

await button("2 workers").click();
await dialog.getByLabel("Workers").fill("3");
await dialog.getByRole("button", { name: "Go on with 3" }).click();
await visible(button("3 workers"), "three workers");
await visible(page.getByText("for another number of workers"), "the checkpoint that they began from");

await button("Go back to first").click();
await visible(dialog.locator("tr", { hasText: "its state of then" }), "what would become of the rule");
await dialog.getByRole("button", { name: "Go back to it" }).click();
await visible(page.getByText("The workers go on from first"), "the workers went back to it");
await visible(page.locator(".cp-rows").getByText("the workers began from it"), "which the list says");

for (const width of [390, 768, 1440, 1900]) {
  await page.setViewportSize({ width, height: 1000 });
  await page.screenshot({ path: `${pictures}/checkpoints-${scheme}-${width}.png`, fullPage: true });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `at ${width}: wider than the window by ${over}`);
}
await page.setViewportSize({ width: 1440, height: 900 });
await button("Delete first").click();
await dialog.getByRole("button", { name: "Delete it" }).click();
await visible(page.getByText("No savepoints"), "it is gone");

const unwanted = faults.filter((f) => !/status of 4\d\d/.test(f)); // the name that was refused
assert.deepEqual(unwanted, [], "the console is quiet");
console.log("all seen");
await browser.close();
