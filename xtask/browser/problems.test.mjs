// Quarantined events and dead letters: requeued or discarded, one by one or by cause. The inbox says whether
// it was done.

import assert from "node:assert/strict";

import { expectText, pageTest, startBefore } from "./support/browser.mjs";

startBefore();

const cause = (page, text) => page.locator("#causes-rows tr").filter({ hasText: text });

/** Looks at the events of a cause, and returns the row of one. */
async function openCause(page, text, id) {
  await page.goto("/problems");
  await cause(page, text).getByRole("link").first().click();
  return page.locator("#cause-events-rows tr").filter({ has: page.locator(`a[href="event?id=${id}"]`) });
}

async function discard(place, reason) {
  await place.locator("summary").click();
  await place.getByLabel("Reason").fill(reason);
  await place.getByRole("button", { name: "Discard for ever" }).click();
}

pageTest("one dead letter is requeued, and delivered", {}, async ({ page, receiver }) => {
  const [fixed, other] = [await receiver.deadLetter(), await receiver.deadLetter()];
  const row = await openCause(page, "422", fixed);
  await row.getByRole("button", { name: "Requeue" }).click();
  await expectText(page.getByRole("status"), "Requeued 1 event.");
  await receiver.until("it is delivered", async () => (await receiver.event(fixed)).state === "done");
  assert.equal((await receiver.event(other)).state, "dead");
});

pageTest("all dead letters of a cause are requeued", {}, async ({ page, receiver }) => {
  const ids = [await receiver.deadLetter(), await receiver.deadLetter()];
  await page.goto("/problems");
  await cause(page, "422").getByRole("button", { name: "Requeue all" }).click();
  await expectText(page.getByRole("status"), /Requeued \d+ events/);
  for (const id of ids) {
    await receiver.until("it is delivered", async () => (await receiver.event(id)).state === "done");
  }
  assert.equal(await cause(page, "422").count(), 0);
});

pageTest("one quarantined event is discarded, with a reason", {}, async ({ page, receiver }) => {
  const [gone, other] = [await receiver.quarantine(), await receiver.quarantine()];
  await discard(await openCause(page, "sessionId", gone), "a test of the till");
  await expectText(page.getByRole("status"), "Discarded 1 event.");
  assert.equal(await receiver.event(gone), undefined);
  assert.equal((await receiver.event(other)).state, "quarantined");
  await page.goto("/audit");
  const entry = page.locator("#audit-rows tr").first();
  await expectText(entry, gone);
  await expectText(entry, "a test of the till");
});

pageTest("without a reason, nothing is discarded", {}, async ({ page, receiver }) => {
  const id = await receiver.quarantine();
  const row = await openCause(page, "sessionId", id);
  await row.locator("summary").click();
  await row.getByRole("button", { name: "Discard for ever" }).click();
  assert.equal(await row.getByLabel("Reason").evaluate((field) => field.validity.valueMissing), true);
  assert.equal((await receiver.event(id)).state, "quarantined");
});

pageTest("all quarantined events of a cause are discarded, those of another stay", {}, async ({ page, receiver }) => {
  const gone = [await receiver.quarantine(), await receiver.quarantine()];
  const stays = await receiver.sendBytes("checkout", "no JSON");
  await page.goto("/problems");
  await discard(cause(page, "sessionId"), "broken till");
  await expectText(page.getByRole("status"), /Discarded \d+ events/);
  for (const id of gone) assert.equal(await receiver.event(id), undefined);
  assert.equal((await receiver.event(stays)).state, "quarantined");
});

pageTest("what still fails to decode stays quarantined, and the page says so", {}, async ({ page, receiver }) => {
  const id = await receiver.quarantine();
  await page.goto("/problems");
  await cause(page, "sessionId").getByRole("button", { name: "Requeue all" }).click();
  await expectText(page.getByRole("status"), "stayed quarantined");
  assert.equal((await receiver.event(id)).state, "quarantined");
});
