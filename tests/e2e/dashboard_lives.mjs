// SPDX-License-Identifier: Apache-2.0
// Drives the life of a rule in Debian's chromium: node dashboard_lives.mjs URL light|dark PICTURES_DIR
// Prints a line for each thing that was seen; ends with 1 at the first that was not. Its caller: test_dashboard_lives.py.
import { strict as assert } from "node:assert";
import { expect, go, page, pictures, play, scheme, url, visible, widths } from "./browser.mjs";

expect(/status of 40[49]/); // a refusal that the page shows, and a comparison that is not there yet
const dialog = page.getByRole("dialog");
const button = (name) => page.getByRole("button", { name, exact: true });
const inDialog = (name) => dialog.getByRole("button", { name, exact: true });

async function post(path, body, type = "application/json") {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method: "POST",
    headers: { "content-type": type },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
}

async function approval() {
  await go("/rules");
  await visible(page.locator("tr", { hasText: "draft" }), "the list has the draft");
  await page.getByRole("link", { name: "r", exact: true }).click();
  await visible(page.locator(".rule-title .pill", { hasText: "draft" }), "its page says that it is one");
  await button("Activate a version").click();
  await button("Activate").click();
  await inDialog("Activate").click();
  await visible(dialog.getByRole("alert").filter({ hasText: "not approved" }), "it must be approved first");
  await inDialog("Cancel").click();
  const form = page.getByRole("region", { name: "Approval" });
  await form.getByLabel("Who").fill("ann");
  await form.getByRole("button", { name: "Approve" }).click();
  await visible(form.getByRole("alert").filter({ hasText: "ann wrote version 1" }), "not by who wrote it");
  await form.getByLabel("Who").fill("ben");
  await form.getByLabel("Why").fill("as discussed");
  await form.getByRole("button", { name: "Approve" }).click();
  await visible(form.locator("li", { hasText: "approved" }).filter({ hasText: "as discussed" }), "by another");
  await visible(
    page.getByRole("region", { name: "Who did what" }).locator("li", { hasText: "version 1 approved" }).filter({ hasText: "by ben" }),
    "and the audit of the rule says so",
  );
  await widths("approval", ".versions");
  await button("Activate").click();
  await inDialog("Activate").click();
  await visible(page.locator(".rule-title .pill", { hasText: "active" }), "then it can be active");
}

async function shadow() {
  await go("/rules/r?tab=compare");
  await visible(page.getByText("No version runs beside the active one"), "nothing is compared yet, and what to do");
  await button("Choose a version").click();
  await page.getByLabel("Version 2", { exact: true }).click();
  await button("Run as a shadow").click();
  await dialog.getByLabel("Why").fill("is 3 better?");
  await inDialog("Run it as a shadow").click();
  await visible(page.locator(".side-by-side h2", { hasText: "Version 2 beside 1" }), "it runs beside the active one");
  const rows = [];
  for (let i = 0; i < 600; i++) {
    const far = Math.floor(i / 150) * 3600000;
    rows.push({ id: i, k: `card ${i % 23}`, v: ((i * 2654435761) >>> 13) % 5, ts: 1700000000000 + far + 1000 * i });
  }
  rows.push({ id: 9999, k: "end", v: 0, ts: 1700000000000 + 4 * 3600000 });
  await post("/streams/t/events", rows.map((r) => JSON.stringify(r) + "\n").join(""), "application/x-ndjson");
  await visible(page.locator(".classes .only_new b", { hasText: /^[1-9]/ }), "what only the new one finds is counted");
  await visible(page.locator(".hour").nth(3), "by hour");
  await visible(page.getByRole("table", { name: "Only version 2" }).locator("tbody tr").nth(3), "with examples");
  await visible(page.getByRole("table", { name: "Only version 1" }).locator("tbody tr").nth(3), "beside those of the active one alone");
  await visible(page.getByText("It began with a copy of the active one's state"), "and with what it began");
  await widths("compare", ".side-by-side");
  await page.locator(".classes .both").click();
  await visible(page.getByRole("table", { name: "Both", exact: true }).locator("tbody tr").nth(3), "and those of both");
  assert.match(page.url(), /class=both/);
}

async function share() {
  await page.getByLabel("Its share of the keys").fill("30");
  await button("Change the share").click();
  await inDialog("Give it 30 %").click();
  await visible(dialog.getByRole("alert").filter({ hasText: "not approved" }), "alerts need approval");
  await inDialog("Cancel").click();
  await post("/rules/r/approvals", { version: 2, verdict: "approve", by: "ben" });
  await button("Change the share").click();
  await dialog.getByLabel("Why").fill("a third of them first");
  await inDialog("Give it 30 %").click();
  await visible(page.locator(".side-by-side .pill", { hasText: "30 % of the keys" }), "it has a share of the keys");
  await visible(page.getByRole("list", { name: "Shares" }).locator("li", { hasText: "a third of them first" }), "and why");
  await visible(page.locator(".rule-title .beside", { hasText: "30 %" }), "the head says so");
  await go("/rules");
  await visible(page.locator("tr .beside", { hasText: "+v2 30 %" }), "so does the list");
  await widths("rules", ".card");
  await go("/rules/r?tab=compare");
  await button("Make it the active one").click();
  await visible(dialog.locator(".plan-sum", { hasText: "Its own state" }), "the dialog says that it keeps what it has gathered");
  await dialog.getByText("Take that of version 1").click();
  await visible(dialog.locator(".plan-items"), "or has the plan");
  await dialog.getByText("Go on with its own").click();
  await page.screenshot({ path: `${pictures}/promote-${scheme}.png` });
  await inDialog("Activate").click();
  await visible(page.locator(".side-by-side .pill", { hasText: /ending|ended/ }), "it ends as the one beside");
  await visible(page.locator(".rule-title", { hasText: "v2" }), "since it is the active one");
  await go("/rules/r?tab=versions");
  await visible(page.locator(".undo").getByRole("button", { name: "Undo: back to 1" }), "which can be undone");
  await page.getByLabel("Version 1", { exact: true }).click();
  await button("Activate").click();
  await dialog.getByText("A share of the keys").click();
  await dialog.getByLabel("Share", { exact: true }).fill("5");
  await visible(dialog.getByText("5 % of the keys are alerted by it"), "the dialog offers a share");
  await page.screenshot({ path: `${pictures}/rollout-${scheme}.png` });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: `${pictures}/rollout-${scheme}-390.png` });
  assert.ok((await dialog.evaluate((e) => e.scrollWidth - e.clientWidth)) <= 0, "the dialog fits a phone");
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.keyboard.press("Escape");
}

async function label() {
  await go("/rules/r?tab=compare&class=both");
  await page.getByRole("table", { name: "Both", exact: true }).getByRole("link", { name: "of 1" }).first().click();
  await page.getByRole("button", { name: "Fraud", disabled: false }).waitFor(); // the alert is there
  await page.keyboard.press("f");
  await visible(page.locator('button[aria-pressed="true"]', { hasText: "Fraud" }), "an alert gets a label from the keyboard");
  await page.goBack();
  await visible(page.getByRole("table", { name: "Both versions" }).locator("td", { hasText: "100 %" }), "precision");
}

async function archive() {
  await button("Archive").click();
  await dialog.getByLabel("Why").fill("season is over");
  await inDialog("Archive the rule").click();
  await page.waitForURL(/\/rules$/);
  await page.getByRole("button", { name: /^archived/ }).click();
  await visible(page.locator("tr .pill", { hasText: "archived" }), "the archive has it");
  await page.getByRole("button", { name: "Restore r" }).click();
  await inDialog("Make it a draft").click();
  await page.getByRole("button", { name: /^draft/ }).click();
  await visible(page.locator("tr .pill", { hasText: "draft" }), "and it comes back");
}

await play(
  approval,
  () => post("/rules/r/versions", { sql: process.env.NEW_SQL, author: "ann", reason: "B is 3 or more" }),
  shadow,
  label,
  share,
  archive,
);
