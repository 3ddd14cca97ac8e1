// SPDX-License-Identifier: Apache-2.0
// Drives the dashboard in Debian's chromium: node dashboard.mjs URL light|dark PICTURES_DIR
// Prints a line for each thing that was seen; ends with 1 at the first that was not. Its caller: test_dashboard.py.
import { strict as assert } from "node:assert";
import { context, expect, go, page, pictures, play, quiet, scheme, seen, shot, url, visible } from "./browser.mjs";

const rule = `tried_then_spent_${scheme}`;
const card = `card_${scheme}`;
const post = async (events) => {
  const answer = await fetch(
    `${url}/api/v1/streams/payments/events?partition=0`,
    {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: events.map((e) => JSON.stringify(e) + "\n").join(""),
    },
  );
  assert.equal(answer.status, 202, await answer.text());
};

async function writeAndDeploy() {
  await go("/rules/new");
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Backspace");
  // On one line: Enter would take what the completion offers.
  await page.keyboard.type(
    `CREATE RULE ${rule} WITH ('severity'='high', 'title'='Tried, then spent: {card}') AS SELECT card, tries, spent FROM payments ` +
      `MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts MEASURES COUNT(A.id) AS tries, LAST(B.amount) AS spent ` +
      `PATTERN (A->{3,} -> B) WITHIN INTERVAL '10' MINUTE DEFINE A AS A.amout < 2, B AS B.amount > 500`,
  );
  await page.keyboard.press("Escape");
  await visible(
    page.locator(".cm-lintRange-error"),
    "a squiggle under the wrong column while typing",
  );
  await visible(
    page.locator(".problems li", { hasText: "amout" }),
    "the error in the list of problems",
  );
  await shot("error");
  const before = page.url();
  await page.keyboard.press("Control+Enter");
  await visible(
    page.locator(".toast.bad"),
    "a rule with an error is not deployed",
  );
  assert.equal(page.url(), before);
  await page.locator(".problems .fix").first().click();
  await visible(page.locator(".problems .good-text"), "the fix makes it valid");
  await visible(
    page.locator(".automaton .state-final"),
    "the automaton is drawn",
  );
  await page.locator(".edge text").first().hover();
  await visible(
    page.locator(".automaton .tip code", { hasText: "amount" }),
    "an edge shows its variable's condition",
  );
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+Enter");
  await page.waitForURL(`**/rules/${rule}`);
  seen("the rule is deployed and has its page");
  await visible(page.locator(".rule-title .mode-active"), "the rule is active");
  await shot("rule");
}

async function alertComesLive() {
  await go("/alerts");
  await page.locator(".split-list .empty, .alert-list li").first().waitFor();
  await page.evaluate(() => (window.notReloaded = true));
  const start = Date.now();
  const event = (i, amount, over = {}) => ({
    id: `${card}_${i}`,
    ts: new Date(start + i * 100).toISOString(),
    type: "payment",
    card,
    amount,
    ...over,
  });
  await post([
    event(1, "0.50"),
    event(2, "1.20"),
    event(3, "0.99"),
    event(4, "40.00"),
    event(5, "812.40"),
  ]);
  // Rows are put in order by event time: a later one lets the last of the match through.
  await post([event(60, "10.00", { card: "another" })]);
  const row = page.locator(".alert-list li", { hasText: card });
  const bar = page.locator(".new-bar");
  await row.or(bar).first().waitFor();
  if (!(await row.count())) await page.keyboard.press("n");
  await visible(row, "the alert appears in the list");
  assert.equal(
    await page.evaluate(() => window.notReloaded),
    true,
    "the page was loaded anew",
  );
  seen("without a reload");
  await page.keyboard.press("j");
  await visible(
    page.locator(".split-detail .mark"),
    "j opens it beside the list, with its events",
  );
  assert.match(page.url(), /[?&]id=alt_/);
  seen("the chosen alert is in the address");
  await shot("alerts");
}

async function alertPage() {
  await page.keyboard.press("Enter");
  await page.waitForURL("**/alerts/alt_*");
  await visible(
    page.locator("h1", { hasText: card }),
    "the alert's page has its title",
  );
  await visible(
    page.locator(".timeline .mark"),
    "the events are on the axis of time",
  );
  assert.equal(
    await page.locator(".timeline .mark").count(),
    4,
    "three tries and one payment",
  );
  await page.locator(".timeline .mark").first().click();
  await visible(
    page.locator(".alert-json .json", { hasText: `${card}_1` }),
    "a click on an event shows it",
  );
  await visible(
    page.locator(".measures", { hasText: "812.4" }),
    "the row has the measures",
  );
  await visible(
    page.locator(".alert-sql .tok-variable"),
    "the rule's text has its variables in colour",
  );
  await shot("alert");
}

const item = (key) =>
  page.locator(".list-items tr", { has: page.locator(`td.key >> text="${key}"`) });

async function listOfCards() {
  const alert = page.url();
  await page.keyboard.press("g");
  await page.keyboard.press("l");
  await page.waitForURL("**/lists");
  await visible(page.locator(".empty"), "g l goes to the lists; there are none");
  await page.keyboard.press("c");
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+Enter");
  await page.waitForURL("**/lists/blocked_cards");
  await visible(page.locator(".list-grid .empty"), "the list of the example is made");
  await page.keyboard.press("a");
  await page.locator("dialog input").first().fill("c_9");
  await page.keyboard.press("Enter");
  await visible(item("c_9"), "an item is added");
  await page.keyboard.press("p");
  await page.locator("dialog textarea").fill("card,reason\nc_1,stolen\nc_2,\n");
  await shot("paste");
  await page.getByRole("button", { name: "Put them in" }).click();
  await visible(item("c_2"), "pasted lines are items");
  await visible(page.locator(".changes .counts", { hasText: "+2" }), "the change is on record");
  await page.keyboard.press("p");
  await page.locator("dialog input[type=file]").setInputFiles({
    name: "cards.csv",
    mimeType: "text/csv",
    buffer: Buffer.from("c_1\nc_3\n"),
  });
  await page.locator("dialog", { hasText: "cards.csv: 2 lines" }).waitFor();
  await page.getByRole("radio", { name: "Take them out" }).check();
  await page.getByRole("button", { name: "Take them out" }).click();
  await item("c_1").waitFor({ state: "detached" });
  seen("a file takes items out");
  await page.keyboard.press("/");
  await page.keyboard.type("c_9");
  await page.waitForURL("**/lists/blocked_cards?q=c_9");
  await item("c_2").waitFor({ state: "detached" });
  seen("the search finds and is in the address");
  await page.getByRole("button", { name: "Take c_9 out" }).click();
  await page.getByRole("button", { name: "Take it out" }).last().click();
  await visible(page.locator(".list-grid .empty"), "an item is taken out");
  await page.goto(alert, { waitUntil: "load" });
  await page.getByRole("button", { name: "Add card to a list" }).click();
  await visible(page.locator("dialog select").first(), "the alert offers its key");
  await shot("alert-list");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await visible(page.locator(".toast", { hasText: "blocked_cards" }), "the alert's card is in the list");
  await go("/lists/blocked_cards");
  await visible(item(card).locator("td", { hasText: "until" }), "for thirty days, with the alert as the reason");
  await shot("list");
}

async function keysAndPages() {
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await page.waitForURL("**/rules");
  seen("g r goes to the rules");
  await visible(
    page
      .locator(".rules-table tr", { hasText: rule })
      .locator("a", { hasText: /^1$/ }),
    "the rule has one alert",
  );
  await page.keyboard.press("/");
  await page.keyboard.type("spent");
  await page.waitForURL("**/rules?q=spent");
  seen("the search is in the address");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await visible(page.locator("dialog .help"), "? lists the keys");
  await page.keyboard.press("Escape");
  for (const [path, what] of [
    ["/", ".tiles"],
    ["/rules", ".rules-table"],
    [`/rules/${rule}?tab=outputs`, ".desk-right table"],
    [`/rules/${rule}?tab=explain`, ".explain"],
    [`/rules/${rule}?tab=alerts`, ".desk-right .newest"],
    ["/rules/new", ".templates"],
    ["/alerts", ".alert-list li"],
    ["/streams", ".events li"],
    ["/lists", ".list-items"],
    ["/lists?new=1", ".cm-content"],
    ["/streams?new=1", ".cm-content"],
    ["/dead-letters", ".empty, .dead"],
    ["/dead-letters?show=timeouts", ".empty, .timeouts"],
    ["/time", ".time-story"],
    ["/workers", ".rows"],
  ]) {
    await go(path);
    await visible(page.locator(what), `${path} has its content`);
    await page.waitForLoadState("load");
    await shot("page" + path.replace(/\W+/g, "-"));
  }
  const background = await page.evaluate(
    () => getComputedStyle(document.body).backgroundColor,
  );
  const light =
    background
      .match(/\d+/g)
      .slice(0, 3)
      .reduce((sum, n) => sum + Number(n), 0) > 380;
  assert.equal(light, scheme === "light", `the page is ${background}`);
  seen(`the pages are ${scheme}`);
}

async function changePauseDelete() {
  await go(`/rules/${rule}`);
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(" -- looked at again");
  await visible(
    page.locator(".rule-title", { hasText: "not deployed" }),
    "a change is marked as not deployed",
  );
  await page.reload({ waitUntil: "load" });
  await visible(
    page.locator(".cm-content", { hasText: "looked at again" }),
    "a reload keeps what was typed",
  );
  await visible(page.locator(".problems .good-text"), "it is valid");
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+Enter");
  await page.getByRole("button", { name: "Deploy a new version" }).click();
  await visible(
    page.locator(".rule-title", { hasText: "v2" }),
    "the change is version 2",
  );
  await page.getByRole("button", { name: "Pause" }).click();
  await visible(page.locator(".rule-title .mode-paused"), "the rule is paused");
  await page.getByRole("button", { name: "Resume" }).click();
  await visible(
    page.locator(".rule-title .mode-active"),
    "the rule is resumed",
  );
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete the rule" }).click();
  await page.waitForURL("**/rules");
  seen("the rule is deleted");
}

async function phone() {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of [
    "/",
    "/rules",
    `/rules/${rule}`,
    "/alerts",
    "/streams",
    "/lists",
    "/dead-letters",
    "/time",
    "/workers",
  ]) {
    await go(path);
    await page.locator(".page-body > *").first().waitFor();
    await page.evaluate(
      () =>
        new Promise((done) =>
          requestAnimationFrame(() => requestAnimationFrame(done)),
        ),
    );
    const wider = await page.evaluate(
      () => document.documentElement.scrollWidth - innerWidth,
    );
    assert.ok(wider <= 0, `${path} is ${wider} px wider than a phone`);
  }
  seen("every page fits 390 px");
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** An event that was refused is put right in the browser and sent again; another is deleted with its group. */
async function deadLetters() {
  const answer = await fetch(`${url}/api/v1/streams/payments/events`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body:
      `{"id":"d_1","ts":${Date.now() + 400000},"card":"c_d","amount":"1,50"}\n` +
      `{"id":"d_2"}\nnot JSON\n`,
  });
  assert.equal((await answer.json()).rejected, 3);
  await go("/dead-letters");
  await visible(
    page.locator(".letter-groups li button", {
      hasText: "'amount'",
    }),
    "refused events stand in groups, by reason",
  );
  await page
    .locator(".letter-groups li button", { hasText: "'amount'" })
    .click();
  await visible(
    page.locator(".letters h2", { hasText: "'amount'" }),
    "a group shows its letters",
  );
  await page.locator(".letters tbody tr").first().waitFor(); // the title is there before them
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  const text = page.locator(".again textarea");
  await text.waitFor();
  assert.ok((await text.inputValue()).includes('"amount": "1,50"'));
  await page.getByLabel("Your name").fill("ann");
  await text.fill((await text.inputValue()).replace('"1,50"', "1.50"));
  await shot("dead-letter");
  await page.getByRole("button", { name: "Save and send again" }).click();
  await visible(
    page.locator(".toast", { hasText: "Sent again: event" }),
    "it is put right and sent again",
  );
  await visible(
    page.locator(".letters .empty", { hasText: "Nothing waits here" }),
    "and waits no longer",
  );
  await go("/dead-letters?state=sent");
  await page.locator(".dead tbody tr", { hasText: "'amount'" }).click();
  await visible(
    page.locator(".story", { hasText: "by ann: it is event" }),
    "who sent it, and where it is now, is kept",
  );
  assert.ok((await text.inputValue()).includes('"amount": 1.50'), "digits stay");
  await page.locator(".story a").click();
  await page.locator(".events li", { hasText: "d_1" }).first().click();
  await visible(
    page.locator(".from-letter a"),
    "the event says that it was a dead letter",
  );
  await go("/dead-letters?kind=error");
  await page.getByRole("button", { name: "Delete all" }).click();
  await page.getByRole("button", { name: "Delete them" }).click();
  await visible(
    page.locator(".toast", { hasText: "2 dead letters deleted" }),
    "the others are deleted together",
  );
  await go(`/dead-letters?show=timeouts&rule=${rule}`);
  await visible(
    page.locator(".timeouts, .empty", { hasText: /Over at|run out of time/ }),
    "timeouts of a rule are shown",
  );
  await shot("timeouts");
}

/** A rule over a rule whose cooldown holds one of two results back, and one over late events. */
async function rulesOverRules() {
  for (const sql of [
    `CREATE RULE sums WITH ('cooldown'='1 h', 'title'='{card} had {n}') AS SELECT card, COUNT(*) AS n, window_time
     FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY card, window_start, window_end`,
    `CREATE RULE growing WITH ('title'='{card} grows') AS SELECT card, n FROM sums MATCH_RECOGNIZE (PARTITION BY card
     ORDER BY window_time MEASURES B.n AS n PATTERN (A B) DEFINE B AS B.n > A.n)`,
    `CREATE RULE missed WITH ('title'='{id} missed') AS SELECT id FROM payments.LATE`,
  ]) {
    const answer = await fetch(`${url}/api/v1/rules`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sql }),
    });
    assert.equal(answer.status, 201, await answer.text());
  }
  const start = Math.ceil(Date.now() / 10000) * 10000 + 600000;
  const event = (id, after, of = "c_up") => ({
    id,
    ts: new Date(start + after).toISOString(),
    card: of,
    amount: "1.00",
  });
  await post([event("u_1", 0), event("u_2", 10000), event("u_3", 11000)]);
  await post([event("u_4", 60000, "another")]);
  await post([event("u_late", 30000)]);
  await go("/alerts?rule=growing");
  await page.locator(".alert-list li", { hasText: "c_up grows" }).click();
  await visible(
    page.locator(".alert-events h2", { hasText: "2 results of sums" }),
    "an alert over a rule says whose results its events are",
  );
  const rows = page.locator(".event-table tbody tr");
  await visible(
    rows.nth(1).locator("td", { hasText: "made no alert; not kept" }),
    "a result that a cooldown held back made no alert",
  );
  await visible(
    page.locator(".missing", { hasText: "cooldown" }),
    "and why is said beside it",
  );
  await shot("over-rule");
  await rows.nth(0).click();
  await visible(
    page.locator(".alert-json .json", { hasText: '"n": 1' }),
    "the other shows its values",
  );
  await page.locator(".alert-json .upstream").click();
  await visible(
    page.locator("h1", { hasText: "c_up had 1" }),
    "and leads to its alert",
  );
  await go("/alerts?rule=missed");
  await page.locator(".alert-list li", { hasText: "u_late missed" }).click();
  await visible(
    page.locator(".alert-line .pill", { hasText: "late event" }),
    "an alert over late events is marked",
  );
  await visible(
    page
      .locator(".side-fact dd", { hasText: "too late for stream payments" })
      .locator("a[href$='/streams/payments']"),
    "and says what they were too late for",
  );
}

async function serverGone() {
  await go("/");
  await page.locator(".tiles").waitFor();
  quiet();
  expect(/./); // the browser itself reports errors from here on
  seen("no error on the console of any page");
  await context.setOffline(true);
  await visible(
    page.locator(".banner"),
    "a banner says that the server is gone",
  );
  assert.ok(
    await page.locator(".tiles").isVisible(),
    "what was on the page stays",
  );
  await context.setOffline(false);
  await page.locator(".banner").waitFor({ state: "detached" });
  seen("the page connects again by itself");
}

await play(
  writeAndDeploy,
  alertComesLive,
  alertPage,
  listOfCards,
  keysAndPages,
  phone,
  deadLetters,
  changePauseDelete,
  rulesOverRules,
  serverGone,
);
