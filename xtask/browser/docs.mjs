// `cargo xtask screenshots`: the pictures of docs/page, of an hour of a chain of stores. The clock of the
// receiver goes ten times faster than real.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { launch, PAGES } from "./support/browser.mjs";
import { LOOKS, pictures } from "./support/pictures.mjs";
import { ADMIN_TOKEN, startReceiver } from "./support/receiver.mjs";

const [directory] = process.argv.slice(2);
const SPEED = 10;
const MINUTE = 60_000;

const start = new Date(Date.now() - 75 * MINUTE);
const browser = await launch();
const receiver = await startReceiver({ clock: `-75m x${SPEED}` });
try {
  const { goingOn } = await play();
  const pages = [...PAGES.map(([path]) => [path, path]), ...await details()];
  for (const [look, options] of Object.entries(LOOKS)) {
    const context = await browser.newContext({ baseURL: receiver.adminUrl, ...options });
    await context.addCookies([await receiver.session(ADMIN_TOKEN)]);
    for await (const [name, picture] of pictures(await context.newPage(), pages, { isWhole: false })) {
      writeFileSync(join(directory, `${name}-${look}.webp`), picture);
    }
    await context.close();
  }
  await goingOn;
} finally {
  await browser.close();
  await receiver.stop();
}

/** Five stores fall silent early, and for a while the service refuses what it is forwarded. */
async function play() {
  let at = start;
  const parts = [
    { stores: 48, minutes: 5 },
    { stores: 43, minutes: 20 },
    { stores: 43, minutes: 1, isRefused: true },
    { stores: 43, minutes: 45 },
  ];
  for (const [seed, { stores, minutes, isRefused = false }] of parts.entries()) {
    receiver.target.refuses = isRefused;
    await receiver.simulate({ stores, minutes, start: at, speed: SPEED, seed });
    at = new Date(at.getTime() + minutes * MINUTE);
  }
  // Events go on to arrive while the pictures are taken.
  return { goingOn: receiver.simulate({ stores: 43, minutes: 10, start: at, speed: SPEED, seed: parts.length }) };
}

/** Returns the pages of a dead letter and of a visit with an order. */
async function details() {
  const [dead] = await receiver.command("list", "--state", "dead", "--last", "1");
  const visits = await receiver.command("visits", "--since", start.toISOString(), "--last", "5000");
  const { session } = visits.find(({ orders, zones, exited_at: left }) => left && orders.length && zones.length);
  return [[`event?id=${dead.id}`, "event"], [`visit?session=${session}`, "visit"]];
}
