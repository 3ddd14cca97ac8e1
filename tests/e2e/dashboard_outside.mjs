// SPDX-License-Identifier: Apache-2.0
// Drives the pages Sinks and Tables in Debian's chromium: node dashboard_outside.mjs URL light|dark PICTURES_DIR
// Prints a line for each thing that was seen; ends with 1 at the first that was not. Its caller: test_dashboard_outside.py.
import { go, page, play, seen, visible, widths } from "./browser.mjs";

const button = (name) => page.getByRole("button", { name, exact: true });
const figure = (name) => page.locator("tr", { hasText: name }).locator("td").nth(1);
const names = page.getByRole("navigation", { name: "Sinks" });

await play(
  async () => {
    await go("/sinks");
    await visible(page.getByRole("heading", { name: "ops" }), "the first sink");
    await visible(page.getByRole("link", { name: "large" }), "the rule that gives to it");
    await visible(figure("Given to it").filter({ hasText: "3 lines" }), "what it was given");
    await visible(figure("Committed").filter({ hasText: "3 lines" }), "what readers can see, after a checkpoint");
    await names.getByRole("link", { name: /spare/ }).click();
    await visible(page.getByRole("heading", { name: "spare" }), "another one");
    await widths("sinks");
    await button("Delete the sink").click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete the sink" }).click();
    await visible(page.getByText("spare is deleted"), "it can be deleted, as no rule uses it");
    await page.getByRole("link", { name: "New sink" }).first().click();
    await page.getByRole("button", { name: /Create the sink/ }).waitFor();
    seen("a new one is made by its statement");
  },
  async () => {
    await go("/tables/customers");
    await visible(page.getByRole("heading", { name: "customers" }), "the table");
    await visible(figure("Rows looked up").filter({ hasText: "3" }), "how many rows were looked up");
    await visible(figure("Not in the table").filter({ hasText: "1" }), "how many were not in it");
    await visible(page.locator("tr", { hasText: "key" }).getByText("id", { exact: true }), "its columns");
    await widths("tables");
    await page.keyboard.press("g");
    await page.keyboard.press("i");
    await visible(page.getByRole("heading", { name: "ops" }), "a key goes to the sinks");
  },
);
