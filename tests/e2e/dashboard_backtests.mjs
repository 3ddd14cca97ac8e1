// SPDX-License-Identifier: Apache-2.0
// Drives the pages of backtests in Debian's chromium: node dashboard_backtests.mjs URL light|dark PICTURES_DIR
// Prints a line for each thing that was seen; ends with 1 at the first that was not. Its caller: test_dashboard_backtests.py.
import { strict as assert } from "node:assert";
import { expect, go, page, play, url, visible, widths } from "./browser.mjs";

expect(/status of 422/); // the text that is refused

const card = (title) => page.locator(".card", { has: page.locator("h2", { hasText: title }) });

async function empty() {
  await go("/backtests");
  await visible(page.getByText("No backtests yet"), "there are none");
  await widths("empty");
}

async function ask() {
  await go("/rules/f");
  await page.getByRole("button", { name: "Backtest", exact: true }).click();
  await visible(page.getByRole("form", { name: "New backtest" }), "the rule's page leads to its backtest");
  await visible(page.locator(".cm-line", { hasText: "v > 8" }), "with the rule's text");
  await page.locator(".cm-line", { hasText: "v > 8" }).click();
  await page.keyboard.press("End");
  await page.keyboard.press("Backspace");
  await page.keyboard.type(":limit");
  await page.getByLabel("Values of limit").fill("5..8 by 1, 9");
  await page.getByLabel("Label", { exact: true }).selectOption("fraud");
  await page.getByLabel("Sum up").fill("v");
  await page.getByLabel("Count by").fill("v");
  await widths("form");
  await page.getByRole("button", { name: "Run the backtest" }).click();
  await visible(card("5 variants"), "all values were one pass");
}

async function look() {
  await visible(page.getByRole("group", { name: "Precision against recall" }), "the curve");
  const row = (values) => card("5 variants").locator("tbody tr", { hasText: values });
  await visible(row("limit 8").locator("td").nth(2).filter({ hasText: /^0$/ }), "live's own limit tells what live told");
  await page.locator(".bt-chart .dot[aria-label^='limit 6:']").click();
  assert.match(page.url(), /variant=1/);
  await visible(page.locator(".figure", { hasText: "Alerts, limit 6" }), "a point of the curve is chosen");
  await visible(card("How right").locator("td", { hasText: "caught" }), "what was caught and missed");
  await visible(page.getByRole("img", { name: /^Alerts by/ }), "alerts by time");
  await visible(page.locator(".bt-found tbody tr"), "the alerts that live did not tell");
  await visible(card("How right").locator("td", { hasText: "saved" }), "and the amount of it");
  await visible(card("By v").locator("tbody tr", { hasText: "9" }), "alerts by what stands in a column");
  await visible(page.getByRole("status").filter({ hasText: "It drifts" }), "that the newest days are others");
  const venn = page.getByRole("group", { name: "Old and new alerts" });
  await venn.getByRole("button", { name: /^Both: / }).click();
  assert.match(page.url(), /side=both/);
  await visible(page.getByRole("group", { name: "Side" }).locator("button.on", { hasText: "Both" }), "a part of the two circles leads to its alerts");
  await venn.getByRole("button", { name: /^Only new: / }).press("Enter");
  await visible(page.getByRole("group", { name: "Side" }).locator("button.on", { hasText: "Only new" }), "with the keyboard, too");
  await widths("result");
  await page.getByRole("group", { name: "Side" }).getByRole("button", { name: /^Both/ }).click();
  await page.locator(".bt-found tbody a").first().click();
  await visible(page.locator("h1, .crumbs").filter({ hasText: /alt_|Alerts/ }), "what both told leads to live's alert");
  await page.goBack();
  await page.getByRole("button", { name: "Best to the editor" }).click();
  await visible(page.locator(".cm-line", { hasText: /v > \d/ }), "the winning values go into the rule's editor");
  await page.goBack();
  await page.getByRole("button", { name: "To the editor", exact: true }).click();
  await visible(page.locator(".cm-line", { hasText: "v > 6" }), "the values go into the rule's editor");
  await visible(page.locator(".pill", { hasText: "not deployed" }), "as a text that is not deployed");
}

async function refuse() {
  await go("/backtests/new?rule=f");
  await page.getByLabel("Sum up").fill("nothing");
  await page.getByRole("button", { name: "Run the backtest" }).click();
  await visible(page.getByRole("alert").filter({ hasText: "nothing" }), "the server's own words");
}

async function list() {
  await go("/backtests");
  await visible(page.locator(".bt-list tr", { hasText: "bkt_1" }).locator(".pill", { hasText: "done" }), "the list has it");
  await widths("list");
  await page.getByRole("button", { name: "Delete bkt_1" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete it" }).click();
  await visible(page.getByText("No backtests yet"), "it is gone");
}

await play(empty, ask, look, refuse, list);
