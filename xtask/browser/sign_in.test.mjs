// Who has no token sees nothing.

import assert from "node:assert/strict";

import { expectText, PAGES, pageTest, signIn, startBefore } from "./support/browser.mjs";
import { ADMIN_TOKEN, READ_TOKEN } from "./support/receiver.mjs";

let event;
startBefore(async (receiver) => {
  event = await receiver.send("left", { storeId: 4711 });
});

// The status of a page that asks to sign in, which the console reports as well.
const UNAUTHORIZED = [/\b401\b/];

pageTest("a wrong token is refused with the reason, and the right one is accepted", { token: null, expected: UNAUTHORIZED }, async ({ page }) => {
  await signIn(page, "no token of this receiver");
  await expectText(page.getByRole("alert"), "This token is unknown.");
  await page.getByLabel("Token").fill(ADMIN_TOKEN);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Now" }).waitFor();
});

pageTest("no page, no body and no figure is shown without signing in", { token: null, expected: UNAUTHORIZED }, async ({ page }) => {
  const paths = [...PAGES.map(([path]) => path), `event?id=${event}`, "visit?session=a", "figures", "live?page=events", "nothing"];
  for (const path of paths) {
    const response = await page.goto(`/${path}`);
    assert.equal(response.status(), 401, path);
    assert.doesNotMatch(await page.content(), /4711/, path);
    await page.getByLabel("Token").waitFor();
  }
});

pageTest("after signing out, neither a page nor the back button shows data", { expected: UNAUTHORIZED }, async ({ page }) => {
  await page.goto("/events");
  await page.getByRole("link", { name: "4711" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token").waitFor();
  await page.goBack();
  await page.getByLabel("Token").waitFor();
  await page.goto("/events");
  await page.getByLabel("Token").waitFor();
});

pageTest("a session's cookie can't be read by scripts, nor sent by other sites", { token: null, expected: UNAUTHORIZED }, async ({ page }) => {
  await signIn(page, ADMIN_TOKEN);
  await page.getByRole("heading", { name: "Now" }).waitFor();
  const [cookie] = await page.context().cookies();
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.sameSite, "Strict");
});

pageTest("a reader sees no event and can't act", { token: READ_TOKEN, expected: [/\b403\b/] }, async ({ page, receiver }) => {
  const dead = await receiver.deadLetter();
  await page.goto("/now");
  await expectText(page.locator(".badge"), "read-only");
  const act = /^(Requeue|Discard|Pause$|Pause billing|Resume|Remove|Replay|Show body)/;
  for (const path of ["problems", "consumers"]) {
    await page.goto(`/${path}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    assert.equal(await page.getByRole("button", { name: act }).count(), 0, path);
    assert.equal(await page.locator("main summary").count(), 0, path);
  }
  // Who writes a form by hand is refused as well.
  const status = await page.evaluate(async (id) => {
    const csrf = document.querySelector("[name=csrf]").value;
    const form = new URLSearchParams({ csrf, id });
    return (await fetch("show-body", { method: "POST", body: form })).status;
  }, event);
  assert.equal(status, 403);
  for (const path of ["events", "visits", `event?id=${dead}`, `event?id=${event}`]) {
    const response = await page.goto(`/${path}`);
    assert.equal(response.status(), 403, path);
  }
});
