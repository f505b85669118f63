// What arrives is shown while somebody looks.

import assert from "node:assert/strict";

import { expectText, pageTest, startBefore } from "./support/browser.mjs";

startBefore(async (receiver) => {
  await receiver.send("left", { storeId: 1 });
});

/** Fails if the page is loaded again in the meantime. */
async function withoutReload(page, run) {
  await page.evaluate(() => { globalThis.isSamePage = true; });
  await run();
  assert.equal(await page.evaluate(() => globalThis.isSamePage), true, "the page was loaded again");
}

/** Waits until the page says that it is live. */
const isLive = (page) => expectText(page.getByRole("status"), "Live.");

pageTest("an event appears first on Events", {}, async ({ page, receiver }) => {
  await page.goto("/events");
  await isLive(page);
  await withoutReload(page, async () => {
    const id = await receiver.send("planogram-error", { storeId: 5150 });
    const row = page.locator("#events-rows tr").first();
    await expectText(row, "5150");
    await row.locator(`a[href="event?id=${id}"]`).waitFor();
    await expectText(row, "planogram-error");
  });
});

pageTest("a filter holds for what arrives", {}, async ({ page, receiver }) => {
  await page.goto("/events?store=5151");
  await isLive(page);
  await withoutReload(page, async () => {
    await receiver.send("left", { storeId: 5152 });
    await receiver.send("left", { storeId: 5151 });
    await expectText(page.locator("#events-rows tr"), "5151");
    assert.equal(await page.locator("#events-rows tr").count(), 1);
  });
});

pageTest("paused updates wait, and are caught up with", {}, async ({ page, receiver }) => {
  await page.goto("/events?store=5153");
  await isLive(page);
  await page.getByRole("button", { name: "Pause updates" }).click();
  await expectText(page.getByRole("status"), "Updates are paused.");
  await receiver.send("left", { storeId: 5153 });
  const other = await page.context().newPage();
  await other.goto("/events?store=5153");
  await expectText(other.locator("#events-rows tr"), "5153");
  assert.equal(await page.locator("#events-rows tr").count(), 0);
  await page.locator("#live-toggle").click();
  await expectText(page.locator("#events-rows tr"), "5153");
});

pageTest("figures change on Now", {}, async ({ page, receiver }) => {
  await page.goto("/now");
  await isLive(page);
  await withoutReload(page, async () => {
    const [{ quarantined }] = await receiver.command("stats");
    await receiver.quarantine();
    await expectText(page.locator("#tile-quarantined .tile-value"), `${quarantined + 1}`);
  });
});

pageTest("a store and a visit appear by themselves", {}, async ({ page, receiver }) => {
  await page.goto("/stores");
  await isLive(page);
  await withoutReload(page, async () => {
    await receiver.sendVisit({ store: 5154, session: "visit-of-5154" });
    await expectText(page.locator("#stores-live tr"), "5154");
  });
  await page.goto("/visits?store=5154");
  await isLive(page);
  const visit = page.locator("#visits-live tbody tr");
  await expectText(visit, "completed 12.50");
  await visit.getByRole("link", { name: "visit-of" }).click();
  await expectText(page.locator("#visit-facts"), "Order 9154");
});
