// Chromium, and what is expected of every page in it: nothing is refused, and nothing fails.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { chromium, chromiumProgram, output } from "./external.mjs";
import { ADMIN_TOKEN, startReceiver } from "./receiver.mjs";

const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** How long the tests wait for an element. */
const TIMEOUT = 10_000;

/** The pages that the navigation leads to, and their headings. */
export const PAGES = [
  ["now", "Now"], ["stores", "Stores"], ["visits", "Visits"], ["events", "Events"],
  ["problems", "Problems"], ["consumers", "Consumers"], ["audit", "Audit"],
];

let browser;
let receiver;

export function launch() {
  return chromium.launch({ executablePath: chromiumProgram, args: ARGUMENTS });
}

/** Starts a receiver and a browser for the tests of a file. */
export function startBefore(fill = async () => {}) {
  before(async () => {
    browser = await launch();
    receiver = await startReceiver();
    await fill(receiver);
  });
  after(async () => {
    await receiver?.stop();
    await browser?.close();
  });
}

/**
 * Runs a test with a page of a browser that nobody used before. Options are those of a browser's context, and
 * `token`, or null to be signed out. Each fault of a page fails it, but those in the list `expected`.
 */
export function pageTest(name, options, run) {
  const { token = ADMIN_TOKEN, expected = [], ...context } = options;
  test(name, async () => {
    const opened = await browser.newContext({ baseURL: receiver.adminUrl, ...context });
    opened.setDefaultTimeout(TIMEOUT);
    if (token) await opened.addCookies([await receiver.session(token)]);
    const page = await opened.newPage();
    const faults = watch(page);
    try {
      await run({ page, receiver });
      const unexpected = faults.filter((fault) => !expected.some((pattern) => pattern.test(fault)));
      assert.deepEqual(unexpected, [], "faults of the page");
    } catch (error) {
      await keepScreenshot(page, name);
      throw error;
    } finally {
      await opened.close();
    }
  });
}

/** Collects errors of the console, which include what the policy forbids, and requests that failed. */
function watch(page) {
  const faults = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    // What a page still loads ends when it is left.
    if (why !== "net::ERR_ABORTED") faults.push(`request: ${request.url()}: ${why}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`response: ${response.url()}: ${response.status()}`);
  });
  return faults;
}

/** Signs in by the form. */
export async function signIn(page, token) {
  await page.goto("/now");
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function keepScreenshot(page, name) {
  const directory = join(output, "failures");
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${name.replaceAll(/\W+/g, "-")}.png`);
  await page.screenshot({ path, fullPage: true }).catch(() => {});
  console.error(`a screenshot of the failure: ${path}`);
}

/** Waits until an element has a text. */
export async function expectText(locator, text) {
  await locator.filter({ hasText: text }).first().waitFor();
}
