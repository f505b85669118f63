// What is installed outside of this directory: the program under test, Chromium and two packages of npm.
// xtask/src/ci/browser.rs says where.

import { createRequire } from "node:module";

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run \`cargo xtask ci --all --only browser\``);
  return value;
}

const packages = createRequire(`${required("BROWSER_TEST_PACKAGES")}/package.json`);

export const chromiumProgram = required("BROWSER_TEST_CHROMIUM");
export const program = required("BROWSER_TEST_PROGRAM");
/** Where screenshots are written. */
export const output = required("BROWSER_TEST_OUTPUT");
/** A NATS server to store the events in, or nothing for a file of SQLite. */
export const natsServer = process.env.BROWSER_TEST_NATS_SERVER;
export const { chromium } = packages("playwright-core");
export const axeScript = packages.resolve("axe-core/axe.min.js");
