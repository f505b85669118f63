// What a sender writes is text, wherever it is shown, and breaks no layout.

import assert from "node:assert/strict";

import { expectText, pageTest, startBefore } from "./support/browser.mjs";

const SCRIPT = `<script>document.title = "hacked"</script><img src=x onerror="document.title='hacked'">`;
const BIDI = "visit\u202egnp.exe\u2066\u200b";
const LONG = "x".repeat(3000);

let pages;
startBefore(async (receiver) => {
  const ids = [];
  for (const text of [SCRIPT, BIDI, LONG]) {
    ids.push(await receiver.send("left", { sessionId: text, session: { sessionId: text }, storeExternalId: text, store: { aifiUniqueStoreId: text } }));
    // The store's id and the problem are the sender's as well.
    ids.push(await receiver.send("checkout", { storeId: text, status: text, totalPrice: text, sessionId: text }));
    ids.push(await receiver.send("left", { sessionId: text, timeOfOrigin: text }));
    ids.push(await receiver.sendBytes("left", `{"${text.replaceAll('"', '\\"')}": ${text}`));
  }
  pages = ["now", "stores", "visits", "events", "problems", ...ids.map((id) => `event?id=${id}`)];
  for (const text of [SCRIPT, BIDI, LONG]) {
    const query = encodeURIComponent(text);
    pages.push(`visit?session=${query}`, `events?session=${query}`, `events?store=${query}`, `problems?cause=${query}`, `visits?store=${query}`);
  }
});

for (const width of [360, 1280]) {
  pageTest(`nothing of it runs, turns text around or widens a page of ${width} px`, { viewport: { width, height: 740 } }, async ({ page }) => {
    for (const path of pages) {
      await page.goto(`/${path}`);
      await page.locator("h1").waitFor();
      const name = path.slice(0, 60);
      assert.doesNotMatch(await page.title(), /hacked/, name);
      assert.equal(await page.locator("main script, main img").count(), 0, name);
      assert.doesNotMatch(await page.locator("main").innerText(), /[\u200b\u202e\u2066]/, name);
      const scrolled = await page.evaluate(() => document.scrollingElement.scrollWidth);
      assert.ok(scrolled <= width, `${name} scrolls to the side: ${scrolled} px`);
    }
  });
}

pageTest("it can be read as what it is", {}, async ({ page }) => {
  await page.goto("/visits");
  await expectText(page.locator("#visits-rows"), "<script>");
  await page.goto(`/visit?session=${encodeURIComponent(BIDI)}`);
  await expectText(page.locator("#visit-facts"), "\\u{202e}gnp.exe");
});

pageTest("a body is text as well", {}, async ({ page }) => {
  for (const path of pages.filter((path) => path.startsWith("event?id="))) {
    await page.goto(`/${path}`);
    await page.getByRole("button", { name: "Show body" }).click();
    await page.locator("#event-body").waitFor();
    assert.equal(await page.locator("#event-body :not(.escaped)").count(), 0, path);
    assert.doesNotMatch(await page.title(), /hacked/);
    assert.doesNotMatch(await page.locator("#event-body").innerText(), /[\u200b\u202e\u2066]/);
  }
});
