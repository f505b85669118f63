// A receiver of its own for each file of tests: `serve` with the operator's page, and a service that it
// forwards to.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";

import { body, OTHER_KINDS, visit } from "./events.mjs";
import { natsServer, output, program } from "./external.mjs";

export const ADMIN_TOKEN = "admin-token-of-the-browser-tests";
export const READ_TOKEN = "read-token-of-the-browser-tests";
const TOKEN = "token-of-the-browser-tests";

/** How long something may take that a test waits for. */
const DEADLINE = 20_000;

/** Where Debian's faketime has its library: the loader knows what $LIB is. */
const FAKETIME = "/usr/$LIB/faketime/libfaketimeMT.so.1";

/** Starts a receiver without events, perhaps with a clock of its own, as faketime understands it. */
export async function startReceiver({ clock } = {}) {
  const directory = mkdtempSync(join(tmpdir(), "aifi-push-browser-"));
  const target = await startTarget();
  const broker = natsServer ? await startBroker(directory) : undefined;
  const inbox = broker ? broker.url : `sqlite:${join(directory, "events.db")}`;
  writeFileSync(join(directory, "admin"), `${ADMIN_TOKEN}\n`);
  writeFileSync(join(directory, "readers"), `${READ_TOKEN}\n`);
  const serve = spawn(program, [
    "serve", "--listen", "127.0.0.1:0", "--inbox", inbox, ...(broker ? ["--nats-replicas", "1"] : []), "--drain", "0s",
    "--admin-listen", "127.0.0.1:0", "--admin-token-file", "admin", "--admin-read-token-file", "readers",
    "--forward", `billing=${target.url}`, "--forward-no-token", "--forward-kind", "billing=left,checkout",
  ], {
    cwd: directory,
    env: { ...process.env, AIFI_PUSH_TOKEN: TOKEN, ...(clock && { LD_PRELOAD: FAKETIME, FAKETIME: clock }) },
    stdio: ["ignore", "pipe", openSync(join(output, `serve-${process.pid}.log`), "w")],
  });
  keepNobodyWaiting(serve, target);
  return new Receiver({ directory, target, broker, inbox, serve, ...await readUrls(serve) });
}

/** Whatever fails, the process of the tests can end, and ends what it started. */
function keepNobodyWaiting(serve, target) {
  process.on("exit", () => serve.kill());
  serve.unref();
  serve.stdout.unref();
  target.server.unref();
}

async function readUrls(serve) {
  const webhooks = new Map();
  let url;
  for await (const line of createInterface({ input: serve.stdout })) {
    const admin = line.match(/^admin page on (\S+)/);
    if (admin) return { url, webhooks, adminUrl: admin[1] };
    url ??= line.match(/^listening on (\S+)/)?.[1];
    const webhook = line.match(/^ {2}(\S+) +(http\S+)/);
    if (webhook) webhooks.set(webhook[1], webhook[2]);
  }
  throw new Error("`serve` ended before it said where the page is");
}

class Receiver {
  constructor(parts) {
    Object.assign(this, parts);
  }

  /** Signs in without a browser. Returns the cookie of the session. */
  async session(token) {
    const response = await fetch(`${this.adminUrl}/sign-in`, {
      method: "POST",
      body: new URLSearchParams({ token }),
      redirect: "manual",
    });
    const [, name, value] = response.headers.get("set-cookie").match(/^([^=]+)=([^;]+)/);
    return { name, value, url: this.adminUrl };
  }

  /** Sends an event as the platform does. Returns its id. */
  async send(kind, values = {}) {
    return this.sendBytes(kind, JSON.stringify(body(kind, values)));
  }

  /** The same with any body. */
  async sendBytes(kind, bytes) {
    const response = await fetch(this.webhook(kind), {
      method: "POST",
      headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
      body: bytes,
    });
    const id = (await response.text()).match(/[0-9a-f-]{36}/)?.[0];
    if (!id) throw new Error(`the receiver stored no ${kind}: status ${response.status}`);
    return id;
  }

  webhook(kind) {
    for (const [prefix, name] of [["checkout-zone-", "checkout-zone"], ["", "transitions"]]) {
      const last = kind.slice(prefix.length);
      if (kind.startsWith(prefix) && ["left", "entered"].includes(last)) {
        return `${this.webhooks.get(name)}/${last}`;
      }
    }
    return this.webhooks.get(kind);
  }

  /** Sends the events of a visit, in order. Returns their ids. */
  async sendVisit(about) {
    const ids = [];
    for (const [kind, values] of visit(about)) ids.push(await this.sendBytes(kind, JSON.stringify(values)));
    return ids;
  }

  /** Plays a chain of stores for some minutes of its clock. */
  async simulate({ stores, minutes, start, speed, seed }) {
    await promisify(execFile)(program, [
      "simulate", "--url", this.url, "--stores", `${stores}`, "--for", `${Math.round(minutes * 60)}s`,
      "--start", start.toISOString(), "--speed", `${speed}`, "--seed", `${seed}`,
    ], { env: { ...process.env, AIFI_PUSH_TOKEN: TOKEN } });
  }

  /** Sends some of everything: visits to stores, every kind, a body that fails to decode, a dead letter. */
  async fill() {
    for (const store of [7, 12, 31]) {
      await this.sendVisit({ store, session: `visit-to-${store}`, total: `${store}.50` });
    }
    for (const kind of OTHER_KINDS) {
      await this.send(kind, { storeId: 12, storeExternalId: "shop-12", sessionId: "visit-to-12" });
    }
    const quarantined = await this.quarantine({ storeId: 31 });
    const dead = await this.deadLetter({ storeId: 7 });
    return { quarantined, dead };
  }

  /** Sends an event that fails to decode. */
  async quarantine(values = {}) {
    return this.send("left", { sessionId: ["not a text"], ...values });
  }

  /** Sends an event that the service refuses for good, and waits until it is a dead letter. */
  async deadLetter(values = {}) {
    this.target.refuses = true;
    const id = await this.send("left", values);
    await this.until("the event is a dead letter", async () => (await this.event(id))?.state === "dead");
    this.target.refuses = false;
    return id;
  }

  /** Returns what a command about the inbox prints as JSON. */
  async command(...parts) {
    const { stdout } = await promisify(execFile)(program, ["inbox", ...parts, "--json", "--inbox", this.inbox]);
    return stdout.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  /** Returns an event as the inbox has it, or undefined. */
  async event(id) {
    try {
      return (await this.command("show", id))[0];
    } catch (error) {
      if (error.stderr?.includes("no event")) return undefined;
      throw error;
    }
  }

  async consumer(name) {
    const [stats] = await this.command("stats");
    return stats.consumers.find((consumer) => consumer.name === name);
  }

  /** Asks again until the answer is yes. */
  async until(what, isSo) {
    const end = Date.now() + DEADLINE;
    while (!(await isSo())) {
      if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
      // What happens in this process needs its turn.
      await setImmediate();
    }
  }

  async stop() {
    this.serve.ref();
    this.serve.kill("SIGTERM");
    if (this.serve.exitCode === null) await once(this.serve, "exit");
    this.broker?.stop();
    await this.target.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A service that accepts events, or refuses them for good. */
async function startTarget() {
  const target = { refuses: false, accepted: 0 };
  const server = target.server = createServer((request, response) => {
    request.resume().on("end", () => {
      if (!target.refuses) target.accepted += 1;
      response.writeHead(target.refuses ? 422 : 204).end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  target.url = `http://127.0.0.1:${server.address().port}/hook`;
  target.stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return target;
}

async function startBroker(directory) {
  const server = spawn(natsServer, [
    "--addr", "127.0.0.1", "--port", "-1", "--jetstream", "--store_dir", join(directory, "nats"),
    "--ports_file_dir", directory,
  ], { stdio: ["ignore", "ignore", "pipe"] });
  for await (const line of createInterface({ input: server.stderr })) {
    if (line.includes("Server is ready")) break;
  }
  server.stderr.resume().unref();
  server.unref();
  process.on("exit", () => server.kill());
  const file = readdirSync(directory).find((name) => name.endsWith(".ports"));
  const [url] = JSON.parse(readFileSync(join(directory, file), "utf8")).nats;
  return { url, stop: () => server.kill() };
}
