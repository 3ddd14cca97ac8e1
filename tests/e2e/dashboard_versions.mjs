// SPDX-License-Identifier: Apache-2.0
// Drives the tab Versions in Debian's chromium: node dashboard_versions.mjs URL light|dark PICTURES_DIR
// Prints a line for each thing that was seen; ends with 1 at the first that was not. Its caller: test_dashboard_versions.py.
import { strict as assert } from "node:assert";
import { go, page, play, shot, url, visible, widths } from "./browser.mjs";

const row = (version, state) =>
  page.locator(".versions-list tr", { has: page.getByLabel(`Version ${version}`, { exact: true }), hasText: state });

async function draft() {
  await go("/rules/r?tab=versions");
  await visible(row(1, "active"), "the rule has one version, the active one");
  assert.equal(await page.getByRole("button", { name: /^Roll back/ }).count(), 0, "there is nothing to go back to");
  await page.locator(".cm-line", { hasText: "B AS v = 2" }).click();
  await page.keyboard.press("End");
  await page.keyboard.press("Backspace");
  await page.keyboard.type("3");
  const form = page.getByRole("form", { name: "New draft" });
  await form.getByLabel("Why").fill("B is 3 now");
  await form.getByLabel("Who").fill("ann");
  await form.getByRole("button", { name: "Keep as a draft" }).click();
  await visible(row(2, "draft"), "the text of the editor is a draft");
  assert.match(page.url(), /v=2/);
  await visible(page.locator(".diff-gone", { hasText: "B AS v = 2" }), "the line that is gone");
  await visible(page.locator(".diff-new", { hasText: "B AS v = 3" }), "and the one in its place");
  assert.equal(await page.locator(".diff-gone, .diff-new").count(), 2, "all other lines are the same");
}

async function plan() {
  const plan = page.getByRole("region", { name: "Plan of the upgrade" });
  await visible(plan.locator(".pill", { hasText: "State is kept" }), "the plan keeps the state");
  await visible(plan.locator(".plan-sum", { hasText: "1 match in progress" }), "with the match in progress");
  await visible(
    plan.locator("tr", { hasText: "variable B" }).filter({ hasText: "its condition is another" }),
    "and says what becomes of a variable",
  );
  await visible(
    plan.locator("tr", { hasText: "variable A" }).filter({ hasText: "1 match in progress of 1 key" }),
    "and how much that touches now",
  );
  await widths("draft", ".versions");
}

async function activate() {
  await page.getByRole("button", { name: "Activate", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await visible(dialog.locator("tr", { hasText: "variable A" }), "the dialog shows the plan");
  assert.ok(await dialog.getByLabel("Take a savepoint first").isChecked(), "a savepoint comes first unless one says otherwise");
  await shot("versions-dialog");
  await page.setViewportSize({ width: 390, height: 844 });
  await shot("versions-dialog-390");
  assert.ok((await dialog.evaluate((e) => e.scrollWidth - e.clientWidth)) <= 0, "the dialog fits a phone");
  await page.setViewportSize({ width: 1440, height: 900 });
  await visible(dialog.locator("p", { hasText: "by ann: “B is 3 now”" }), "and what was written with the draft");
  await dialog.getByLabel("Why").fill("as agreed");
  await dialog.getByRole("button", { name: "Activate", exact: true }).click();
  await visible(row(2, "active"), "version 2 is active");
  await visible(row(1, "retired"), "version 1 is not any more");
  const kept = await (await fetch(`${url}/api/v1/savepoints`)).json();
  assert.equal(kept.data.length, 1, "and there is a savepoint of what was before");
  await visible(page.getByRole("button", { name: "Undo: back to 1" }), "for ten minutes it can be undone from here");
  await visible(page.locator(".rule-title", { hasText: "v2" }), "the page's head says so");
  await page.locator(".rule-title", { hasText: "not deployed" }).waitFor({ state: "detached" });
  await visible(page.locator(".note-line", { hasText: "taking over" }), "it takes over when the watermark allows");
  const answer = await fetch(`${url}/api/v1/streams/t/events?partition=0`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: [3, 0, 0, 0].map((v, i) => JSON.stringify({ id: 10 + i, k: "x", v, ts: 1700000010000 + 1000 * i }) + "\n").join(""),
  });
  assert.equal(answer.status, 202, await answer.text());
  await visible(
    page.locator(".note-line", { hasText: "has taken over" }).filter({ hasText: "1 match in progress" }),
    "with the match that the old one had begun",
  );
  await widths("active", ".versions");
}

async function back() {
  await page.getByRole("button", { name: "Roll back to 1" }).click();
  const dialog = page.getByRole("dialog");
  await visible(dialog.locator("h2", { hasText: "back to version 1" }), "the way back asks too");
  await dialog.getByText("Drop all of it").click();
  await dialog.getByLabel("Why").fill("too many");
  await dialog.getByLabel("Take a savepoint first").uncheck();
  await dialog.getByRole("button", { name: "Roll back without state" }).click();
  await visible(row(3, "active"), "the old text is active again, as version 3");
  await visible(row(3, "too many"), "with the reason given");
  await visible(page.locator(".cm-line", { hasText: "B AS v = 2" }), "and stands in the editor");
  const still = await (await fetch(`${url}/api/v1/savepoints`)).json();
  assert.equal(still.data.length, 1, "no other savepoint was wanted");
  await shot("versions-back");
}

async function fromTheLog() {
  await page.getByLabel("Version 2", { exact: true }).click();
  await page.getByRole("button", { name: "Activate", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await visible(dialog.getByText("all 8 events that there were"), "the dialog says what the log has");
  await dialog.getByText("Derive it again from the event log").click();
  await shot("versions-warm");
  await dialog.getByRole("button", { name: "Activate", exact: true }).click();
  await visible(page.getByRole("status", { name: "State from the log" }), "how far it is can be seen");
  await visible(row(4, "active"), "then the version is active");
}

await play(draft, plan, activate, back, fromTheLog);
