// SPDX-License-Identifier: Apache-2.0
// Drives the tab State in Debian's chromium: node dashboard_inspect.mjs URL light|dark PICTURES_DIR
// Prints a line for each thing that was seen; ends with 1 at the first that was not. Its caller: test_dashboard_inspect.py.
import { strict as assert } from "node:assert";
import { go, page, pictures, play, scheme, url, visible, widths } from "./browser.mjs";

async function partials() {
  await go("/rules/card_testing?tab=state");
  const key = page.getByRole("article", { name: "Key c3" });
  await visible(key, "the key that is in progress");
  await visible(key.getByText("2 partial matches"), "with its partial matches");
  await visible(key.getByText("50.0 s left").or(key.getByText("50 s left")), "and the time that is left");
  const first = key.locator(".st-partial").first();
  assert.deepEqual(await first.locator(".st-rows .var").allTextContents(), ["A", "A"]);
  await visible(first.getByText("amount 1.5"), "and the values that are bound");
  assert.equal(await page.getByRole("article").count(), 1, "keys whose time is over are not there");
  await widths("state", ".st");
  await page.getByLabel("Key", { exact: true }).fill("c1");
  await page.getByRole("button", { name: "Show" }).click();
  await visible(page.getByText("Nothing is kept of that key"), "a key of which nothing is left");
}

async function whyNot() {
  await page.getByRole("button", { name: "Why did it not fire?" }).click();
  const verdict = page.getByRole("region", { name: "Why not" });
  await visible(verdict.getByText("A condition did not hold"), "what was in the way");
  const failed = verdict.locator(".is-false");
  assert.equal(await failed.count(), 1);
  assert.match(await failed.textContent(), /amount > 500.*amount = 499\.5/);
  assert.equal(await verdict.locator(".is-true").count(), 2, "the other conditions held");
  await visible(page.getByText("Event 4 of 4"), "it stands at the event that came nearest");
  await visible(page.locator(".automaton .state-on"), "the automaton shows where it is");
  await widths("why", ".st");
}

async function stepping() {
  const at = (n) => page.locator(".wn-bar", { hasText: `Event ${n} of 4` });
  await page.keyboard.press("ArrowLeft");
  await visible(at(3), "the arrow goes back");
  await visible(page.locator(".wn-tries .is-false", { hasText: "amount < 2" }), "this one was too much for A");
  await page.keyboard.press("Home");
  await visible(at(1), "Home goes to the first");
  await visible(page.locator(".wn-tries li.holds", { hasText: "to begin" }), "which begins the pattern");
  await visible(page.getByText("1 partial match after it"), "a partial match is there");
  await page.keyboard.press("ArrowRight");
  await visible(at(2), "the arrow goes on");
  assert.match(page.url(), /at=0%2F1/, "the step is in the address");
  await page.getByRole("button", { name: /^Event 4:/ }).click();
  await visible(at(4), "a click goes anywhere");
  await page.getByRole("button", { name: "State", exact: true }).click();
  await visible(page.getByText("Nothing is kept of that key"), "and back to the state");
}

async function late() {
  await go("/rules/card_testing?tab=state&key=c2&why=1");
  const verdict = page.getByRole("region", { name: "Why not" });
  await visible(verdict.getByText("The time was over"), "an event that came when the time was over");
  await visible(verdict.getByText("8.0 s too late").or(verdict.getByText("6.0 s too late")), "with by how much");
  await go("/rules/card_testing?tab=state&key=nobody&why=1");
  await visible(page.getByText("No events of this key"), "a key without events");
}

async function fromAlert() {
  const { data } = await (await fetch(`${url}/api/v1/alerts?rule=card_testing`)).json();
  await go(`/alerts/${data[0].id}`);
  await page.getByRole("link", { name: "step by step" }).click();
  const verdict = page.getByRole("region", { name: "Why not" });
  await visible(verdict.getByText("It has fired"), "from an alert to the steps that led to it");
  await visible(page.getByText("Event 3 of 3"), "at the last event of its match");
  await visible(page.locator(".wn-block .pill.good", { hasText: "match" }), "which made the match");
  await visible(page.locator(".automaton .state-final.state-on"), "and the automaton is at its end");
  await page.screenshot({ path: `${pictures}/alert-steps-${scheme}.png` });
}

async function windows() {
  await go("/rules/w?tab=state&key=c1");
  await visible(page.locator(".st-table td", { hasText: "1201.7" }), "a window and its aggregates so far");
  await widths("windows", ".st");
}

async function otherKinds() {
  await go("/rules/w?tab=state&key=c1&why=1");
  await visible(page.getByRole("region", { name: "Why not" }).getByText("It still waits"), "a window that is not over");
  await visible(page.getByRole("region", { name: "Windows" }).getByText("1201.7"), "with its aggregates so far");
  await page.getByRole("region", { name: "Events of the key" }).getByRole("button").first().click();
  await visible(page.locator(".wn-events .at"), "one of its events");
  await widths("why-window", ".st");
}

async function everyRule() {
  await go("/why?stream=payments");
  await page.getByLabel("Event by").selectOption("id");
  await page.getByRole("searchbox", { name: "id" }).fill("6");
  await page.getByRole("button", { name: "Ask all rules" }).click();
  await visible(page.locator(".we-rules li.bad", { hasText: "amount > 500" }), "why a rule has not fired for an event");
  await visible(page.locator(".we-rules li", { hasText: "It still waits" }), "and each other rule");
  await widths("why-event", ".we-rules");
  await page.locator(".we-rules li.bad", { hasText: "amount > 500" }).getByRole("link", { name: "Details" }).click();
  await visible(page.getByRole("region", { name: "Why not" }).getByText("A condition did not hold"), "and from there its steps");
}

await play(partials, whyNot, stepping, late, fromAlert, windows, otherKinds, everyRule);
