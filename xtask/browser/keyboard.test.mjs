// Everything can be done by the keyboard alone.

import assert from "node:assert/strict";

import { expectText, pageTest, startBefore } from "./support/browser.mjs";
import { ADMIN_TOKEN } from "./support/receiver.mjs";

startBefore(async (receiver) => {
  await receiver.send("left", { storeId: 7 });
  await receiver.send("left", { storeId: 12 });
});

/** Presses Tab until an element is focused, as somebody does who sees where the focus is. */
async function tabTo(page, locator) {
  const target = await locator.first().elementHandle();
  for (let presses = 0; presses < 100; presses += 1) {
    await page.keyboard.press("Tab");
    if (await target.evaluate((element) => element === document.activeElement)) {
      const outline = await target.evaluate((element) => getComputedStyle(element).outlineStyle);
      assert.notEqual(outline, "none", "the focus can be seen");
      return;
    }
  }
  assert.fail(`Tab does not reach ${locator}`);
}

pageTest("signing in needs no mouse", { token: null, expected: [/\b401\b/] }, async ({ page }) => {
  await page.goto("/now");
  assert.equal(await page.getByLabel("Token").evaluate((field) => field === document.activeElement), true, "the field has the focus");
  await page.keyboard.type(ADMIN_TOKEN);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Now" }).waitFor();
});

pageTest("the first stop is a link to the content, which can be seen there", {}, async ({ page }) => {
  await page.goto("/events");
  const link = page.getByRole("link", { name: "Skip to content" });
  assert.ok((await link.boundingBox()).y < 0, "it is out of sight at first");
  await page.keyboard.press("Tab");
  assert.equal(await link.evaluate((element) => element === document.activeElement), true);
  assert.ok((await link.boundingBox()).y >= 0, "it is seen when it has the focus");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  const isInContent = await page.evaluate(() => document.activeElement.closest("main") !== null);
  assert.ok(isInContent, "the next stop is in the content");
});

pageTest("a filter is set and applied", {}, async ({ page }) => {
  await page.goto("/events");
  await tabTo(page, page.getByLabel("Store"));
  await page.keyboard.type("12");
  await page.keyboard.press("Enter");
  await page.waitForURL(/store=12/);
  assert.equal(await page.locator("#events-rows tr").count(), 1);
});

pageTest("a dead letter is discarded", {}, async ({ page, receiver }) => {
  const id = await receiver.deadLetter();
  await page.goto(`/event?id=${id}`);
  await tabTo(page, page.locator("summary"));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByLabel("Reason"));
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Enter");
  await expectText(page.getByRole("status"), "Discarded 1 event.");
  assert.equal(await receiver.event(id), undefined);
});
