// SPDX-License-Identifier: Apache-2.0
// Drives the page Checkpoints in Debian's chromium: node dashboard_checkpoints.mjs URL light|dark PICTURES_DIR
// Prints a line for each thing that was seen; ends with 1 at the first that was not. Its caller: test_dashboard_checkpoints.py.
import { expect, go, page, play, visible, widths } from "./browser.mjs";

const button = (name) => page.getByRole("button", { name });
const dialog = page.getByRole("dialog");
const saved = (name) => page.locator("tr", { has: page.getByRole("button", { name: `Verify ${name}` }) });

expect(/status of 4\d\d/); // the name that is refused

await play(async () => {
  await go("/checkpoints");
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


  await widths("checkpoints");
  await button("Delete first").click();
  await dialog.getByRole("button", { name: "Delete it" }).click();
  await visible(page.getByText("No savepoints"), "it is gone");
});
