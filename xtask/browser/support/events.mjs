// The events of the vendor, with the values that a test is about.

import { execFileSync } from "node:child_process";

import { program } from "./external.mjs";

const examples = new Map();

/** Returns the body of an event: the vendor's example, with other values in some places. */
export function body(kind, values) {
  if (!examples.has(kind)) {
    examples.set(kind, execFileSync(program, ["example", "--kind", kind], { encoding: "utf8" }));
  }
  return merge(JSON.parse(examples.get(kind)), values);
}

function merge(base, values) {
  for (const [name, value] of Object.entries(values)) {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    base[name] = isObject ? merge(base[name] ?? {}, value) : value;
  }
  return base;
}

/** Returns kinds and bodies of a visit that ends with an order. */
export function visit({ store, session, total = "12.50" }) {
  const end = Date.now();
  const at = (minutes) => new Date(end + (minutes - 8) * 60_000).toISOString();
  const known = {
    session: { sessionId: session, storeId: store, customerFirstEnteredAt: at(0), customerLastExitedAt: at(8) },
    sessionId: session,
    storeId: store,
    storeExternalId: `shop-${store}`,
    store: { oasisApiStoreId: store, aifiUniqueStoreId: `aifi-${store}` },
  };
  const event = (kind, minute, values) =>
    [kind, body(kind, { ...known, timeOfIssue: at(minute), timeOfOrigin: at(minute), ...values })];
  const { session: _, ...inZone } = known;
  return [
    event("entered", 0),
    ["checkout-zone-entered", body("checkout-zone-entered", { ...inZone, timeOfOrigin: at(6), timeOfIssue: at(6) })],
    ["checkout-zone-left", body("checkout-zone-left", { ...inZone, timeOfOrigin: at(7), timeOfIssue: at(7) })],
    event("left", 8),
    event("checkout", 8, { orderId: 4000 + store, status: "completed", totalPrice: total, subtotalPrice: total, totalTax: "0.90" }),
  ];
}

/** Every kind of event that is part of no such visit. */
export const OTHER_KINDS = [
  "cart-mutator", "order-price", "customer-created", "entry-code-verify", "entry-code-notify",
  "identity-matching", "planogram-error", "suspected-fraud",
];
