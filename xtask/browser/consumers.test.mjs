// Consumers are paused, resumed, replayed and removed.

import assert from "node:assert/strict";

import { expectText, pageTest, startBefore } from "./support/browser.mjs";

startBefore(async (receiver) => {
  await receiver.send("left");
});

const consumer = (page) => page.locator("#consumers-rows tr").filter({ hasText: "billing" });

pageTest("a paused consumer receives nothing until it is resumed", {}, async ({ page, receiver }) => {
  await page.goto("/consumers");
  await page.getByRole("button", { name: "Pause billing" }).click();
  await expectText(page.getByRole("status"), "paused");
  await expectText(consumer(page), "paused");
  const id = await receiver.send("left");
  await page.goto("/consumers");
  await expectText(consumer(page).locator("[data-label=Pending]"), "1");
  assert.equal((await receiver.event(id)).state, "pending");

  await page.getByRole("button", { name: "Resume billing" }).click();
  await expectText(consumer(page), "running");
  await receiver.until("it is delivered", async () => (await receiver.event(id)).state === "done");
});

pageTest("events since a time are replayed", {}, async ({ page, receiver }) => {
  await receiver.until("all is delivered", async () => (await receiver.consumer("billing")).pending === 0);
  const { accepted } = receiver.target;
  await page.goto("/consumers");
  await consumer(page).getByText("Replay…").click();
  await page.getByLabel("Events since").fill("2026-01-01T00:00:00");
  await page.getByRole("button", { name: "Replay", exact: true }).click();
  await expectText(page.getByRole("status"), /Replaying \d+ event/);
  await receiver.until("it is delivered again", () => receiver.target.accepted > accepted);
});

pageTest("a consumer is removed by who types its name", { expected: [/\b400\b/] }, async ({ page, receiver }) => {
  const remove = async (name) => {
    await page.goto("/consumers");
    await consumer(page).getByText("Remove…").click();
    await page.getByLabel("to confirm").fill(name);
    await page.getByRole("button", { name: "Remove for ever" }).click();
  };
  await remove("another");
  await expectText(page.getByRole("alert"), "Nothing was changed");
  assert.ok(await receiver.consumer("billing"));
  await remove("billing");
  await expectText(page.getByRole("status"), "The consumer is removed.");
  await page.goto("/audit");
  await expectText(page.locator("#audit-rows tr").first(), "remove");
});
