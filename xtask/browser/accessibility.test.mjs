// axe-core finds nothing serious on any page.

import assert from "node:assert/strict";

import { PAGES, pageTest, startBefore } from "./support/browser.mjs";
import { axeScript } from "./support/external.mjs";

let pages;
startBefore(async (receiver) => {
  const { dead } = await receiver.fill();
  pages = [...PAGES.map(([path]) => path), `event?id=${dead}`, "visit?session=visit-to-7"];
});

// The policy of the page forbids the script that a test adds.
const WITH_AXE = { bypassCSP: true };

for (const [colorScheme, width] of [["light", 1280], ["dark", 360]]) {
  const options = { ...WITH_AXE, colorScheme, viewport: { width, height: 800 } };
  pageTest(`${colorScheme}, ${width} px`, options, async ({ page }) => {
    for (const path of pages) {
      await page.goto(`/${path}`);
      for (const summary of await page.locator("main summary").all()) await summary.click();
      assert.deepEqual(await violations(page), [], path);
    }
  });
}

pageTest("where one signs in", { ...WITH_AXE, token: null, expected: [/\b401\b/] }, async ({ page }) => {
  await page.goto("/now");
  assert.deepEqual(await violations(page), []);
});

async function violations(page) {
  await page.addScriptTag({ path: axeScript });
  const found = await page.evaluate(() => globalThis.axe.run());
  const serious = found.violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
}
