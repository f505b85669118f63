// One event: what is known of it, and its body for those who ask.

import assert from "node:assert/strict";

import { expectText, pageTest, startBefore } from "./support/browser.mjs";

let event;
startBefore(async (receiver) => {
  event = await receiver.send("customer-created", {
    customerPersonalInfo: { email: "masked@example.com" },
  });
});

pageTest("a body is masked until somebody asks, and the audit says who did", {}, async ({ page }) => {
  await page.goto(`/event?id=${event}`);
  await expectText(page.locator("#event-masked"), "personal data");
  assert.doesNotMatch(await page.content(), /masked@example\.com/);
  await page.goto("/audit");
  assert.equal(await page.getByText(event).count(), 0);

  await page.goto(`/event?id=${event}`);
  await page.getByRole("button", { name: "Show body" }).click();
  await expectText(page.locator("#event-body"), "masked@example.com");

  await page.goto("/audit");
  const entry = page.locator("#audit-rows tr").first();
  await expectText(entry, "show body");
  await expectText(entry, "admin token 1 from 127.0.0.1");
  await entry.getByRole("link", { name: event }).click();
  await page.locator("#event-masked").waitFor();
});

pageTest("an event has its deliveries and attempts", {}, async ({ page, receiver }) => {
  const dead = await receiver.deadLetter({ storeId: 7 });
  await page.goto(`/event?id=${dead}`);
  const delivery = page.locator("#deliveries-rows tr");
  await expectText(delivery, "billing");
  await expectText(delivery, "dead");
  await expectText(delivery, "422");
});

pageTest("an id that is none is answered clearly", { expected: [/\b40[04]\b/] }, async ({ page }) => {
  await page.goto("/event?id=nonsense");
  await expectText(page.getByRole("alert"), "expected the id of an event");
  await page.goto("/event?id=0199c2d3-6f0a-7cc0-b6b1-5d4d9d2f3a11");
  await expectText(page.getByRole("alert"), "no such event");
});
