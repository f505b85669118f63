// Light, dark and narrow.

import assert from "node:assert/strict";

import { expectText, PAGES, pageTest, startBefore } from "./support/browser.mjs";

let pages;
startBefore(async (receiver) => {
  const { quarantined, dead } = await receiver.fill();
  pages = [...PAGES.map(([path]) => path), `event?id=${dead}`, `event?id=${quarantined}`, "visit?session=visit-to-7"];
});

/** Whether the page is dark, as somebody sees it: light text on a dark ground. */
async function isDark(page) {
  const brightness = await page.evaluate(() => {
    const { backgroundColor, color } = getComputedStyle(document.body);
    return [backgroundColor, color].map((value) => value.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0));
  });
  assert.ok(Math.abs(brightness[0] - brightness[1]) > 384, "text and ground differ");
  return brightness[0] < brightness[1];
}

pageTest("light for those who prefer it", { colorScheme: "light" }, async ({ page }) => {
  await page.goto("/now");
  assert.equal(await isDark(page), false);
});

pageTest("dark for those who prefer it", { colorScheme: "dark" }, async ({ page }) => {
  await page.goto("/now");
  assert.equal(await isDark(page), true);
});

pageTest("the button's choice outlives a reload and holds on other pages", { colorScheme: "light" }, async ({ page }) => {
  await page.goto("/now");
  const toggle = page.getByRole("button", { name: "Switch between light and dark" });
  await toggle.click();
  assert.equal(await isDark(page), true);
  await page.reload();
  assert.equal(await isDark(page), true);
  await page.goto("/events");
  assert.equal(await isDark(page), true);
  await toggle.click();
  assert.equal(await isDark(page), false);
  await page.reload();
  assert.equal(await isDark(page), false);
});

for (const width of [360, 600, 768]) {
  pageTest(`nothing is cut off at ${width} px`, { viewport: { width, height: 740 } }, async ({ page }) => {
    for (const path of pages) {
      await page.goto(`/${path}`);
      for (const summary of await page.locator("main summary").all()) await summary.click();
      assert.ok(await scrollWidth(page) <= width, `${path} scrolls to the side: ${await scrollWidth(page)} px`);
    }
  });
}

pageTest("at 360 px each row is a card with the names of its columns", { viewport: { width: 360, height: 740 } }, async ({ page }) => {
  await page.goto("/problems");
  const row = page.locator("#causes-rows tr").first();
  for (const name of ["Cause", "State", "Events", "Newest"]) {
    const cell = row.locator(`td[data-label="${name}"]`);
    assert.match(await cell.evaluate((element) => getComputedStyle(element, "::before").content), new RegExp(name));
    const { x, width } = await cell.boundingBox();
    assert.ok(x >= 0 && x + width <= 360, `${name} is within the screen`);
  }
  // It is a table for screen readers all the same.
  await page.getByRole("table", { name: "Causes" }).getByRole("cell").first().waitFor();
});

pageTest("nothing moves for those who prefer it so", { reducedMotion: "reduce" }, async ({ page, receiver }) => {
  await page.goto("/events");
  await expectText(page.getByRole("status"), "Live.");
  await receiver.send("left", { storeId: 77 });
  const cell = page.locator("tr.is-new td").first();
  await cell.waitFor();
  assert.equal(await cell.evaluate((element) => element.getAnimations().length), 0);
});

function scrollWidth(page) {
  return page.evaluate(() => document.scrollingElement.scrollWidth);
}
