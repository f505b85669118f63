// The page works where scripts are forbidden.

import assert from "node:assert/strict";

import { expectText, pageTest, signIn, startBefore } from "./support/browser.mjs";
import { ADMIN_TOKEN } from "./support/receiver.mjs";

let filled;
startBefore(async (receiver) => {
  filled = await receiver.fill();
});

const WITHOUT_SCRIPT = { javaScriptEnabled: false };

pageTest("signing in and out", { ...WITHOUT_SCRIPT, token: null, expected: [/\b401\b/] }, async ({ page }) => {
  await signIn(page, ADMIN_TOKEN);
  await page.getByRole("heading", { name: "Now" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token").waitFor();
});

pageTest("filtering events", WITHOUT_SCRIPT, async ({ page }) => {
  await page.goto("/events");
  await page.getByLabel("Store").fill("31");
  await page.getByLabel("State").selectOption("quarantined");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/state=quarantined/);
  assert.equal(await page.locator("#events-rows tr").count(), 1);
  await expectText(page.locator("#events-rows tr"), "31");
});

pageTest("requeuing a dead letter", WITHOUT_SCRIPT, async ({ page, receiver }) => {
  await page.goto(`/event?id=${filled.dead}`);
  await page.getByRole("button", { name: "Requeue" }).click();
  await expectText(page.getByRole("status"), "Requeued 1 event.");
  await receiver.until("it is delivered", async () => (await receiver.event(filled.dead)).state === "done");
});

pageTest("no button is shown that would do nothing", WITHOUT_SCRIPT, async ({ page }) => {
  await page.goto("/events");
  for (const name of ["Pause updates", "Switch between light and dark"]) {
    assert.equal(await page.getByRole("button", { name }).count(), 0, name);
  }
});
