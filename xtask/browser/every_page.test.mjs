// What holds on every page: structure, and no fault.

import assert from "node:assert/strict";

import { PAGES, pageTest, startBefore } from "./support/browser.mjs";

let pages;
startBefore(async (receiver) => {
  const { quarantined, dead } = await receiver.fill();
  pages = [
    ...PAGES,
    [`event?id=${dead}`, "Event"], [`event?id=${quarantined}`, "Event"], ["visit?session=visit-to-7", "Visit"],
    ["events?state=quarantined", "Events"], ["stores?sort=events", "Stores"],
  ];
});

pageTest("each page has one heading, its place in the navigation, and no fault", {}, async ({ page }) => {
  for (const [path, heading] of pages) {
    await page.goto(`/${path}`);
    await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
    assert.equal(await page.locator("h1").count(), 1, path);
    assert.equal(await page.locator("nav a[aria-current=page]").count(), 1, path);
    assert.match(await page.title(), new RegExp(`^${heading} `), path);
  }
});

pageTest("a page that does not exist says so and leads back", { expected: [/\b404\b/] }, async ({ page }) => {
  await page.goto("/nothing");
  await page.getByRole("heading", { name: "Not found" }).waitFor();
  await page.getByRole("link", { name: "Back to the page" }).click();
  await page.getByRole("heading", { name: "Now" }).waitFor();
});
