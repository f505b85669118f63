// A picture of each page: light, dark and narrow. They are written for people to look at.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { PAGES, pageTest, startBefore } from "./support/browser.mjs";
import { output } from "./support/external.mjs";
import { LOOKS, pictures } from "./support/pictures.mjs";

let pages;
startBefore(async (receiver) => {
  const { dead } = await receiver.fill();
  pages = [...PAGES.map(([path]) => [path, path]), [`event?id=${dead}`, "event"], ["visit?session=visit-to-7", "visit"]];
});

for (const [look, options] of Object.entries(LOOKS)) {
  pageTest(`screenshots: ${look}`, options, async ({ page }) => {
    const directory = join(output, look);
    mkdirSync(directory, { recursive: true });
    for await (const [name, picture] of pictures(page, pages, { isWhole: true })) {
      writeFileSync(join(directory, `${name}.webp`), picture);
    }
  });
}
