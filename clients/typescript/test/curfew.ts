// One Curfew for the tests of a file, and who calls it.

import { after } from "node:test";

import type { Curfew } from "@curfew/client";
import { TestCurfew, type StartOptions } from "@curfew/client/testing";

/** started starts a Curfew that ends after the file's tests. */
export async function started(options: StartOptions = {}): Promise<TestCurfew> {
  const settings = { "webhooks.allow_private": "127.0.0.0/8" }; // of any that shares the database: each may deliver
  const one = await TestCurfew.start({ databaseUrl: process.env["CURFEW_TEST_DATABASE_URL"], settings, ...options });
  after(() => one.stop());
  return one;
}

export const long = process.env["CURFEW_TEST_LONG"] === "1";

/** anId returns an id that nobody else has: tests share a database. */
export const anId = (kind: string) => `${kind}-${crypto.randomUUID()}`;

/** paid reports a payment of a new customer, and returns its session. */
export async function paid(shop: Curfew, customerId = anId("customer")): Promise<{ customerId: string; sessionId: string; requestId: string }> {
  const answer = await shop.checkouts.fulfill({ paymentRef: anId("cs"), customerId, plan: "chat10", amount: 2900, currency: "eur" });
  if (answer.outcome !== "fulfilled" || !answer.requestId) {
    throw new Error(`the payment is ${answer.outcome}`);
  }
  return { customerId, sessionId: answer.sessionId, requestId: answer.requestId };
}
