import assert from "node:assert/strict";
import { createServer } from "node:http";
import { it } from "node:test";

import { InvalidError, NotFoundError, verifyWebhook, type WebhookEvent } from "@curfew/client";
import { TestCurfew } from "@curfew/client/testing";

import { paid } from "./curfew.js";

const settings = { "webhooks.allow_private": "127.0.0.0/8", settle: "expired=refund" };

it("a day passes in a moment: unaccepted, expired, a refund due, each told and told again", async () => {
  await using curfew = await TestCurfew.start({ settings });
  const events: WebhookEvent[] = [];
  let secret = "";
  const app = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part)).on("end", () => {
      verifyWebhook(Buffer.concat(parts), new Headers(request.headers as Record<string, string>), secret).then((event) => {
        const before = events.some(({ id }) => id === event.id);
        events.push(event);
        response.writeHead(before ? 204 : 500).end();
      }, (error: unknown) => response.writeHead(400).end(String(error)));
    });
  });
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  try {
    const endpoint = await curfew.as("admin", "anna").call("addEndpoint", { body: { url: `http://127.0.0.1:${(app.address() as { port: number }).port}/` } });
    secret = endpoint.secret ?? "";
    const shop = curfew.as("service", "shop");
    const { customerId, sessionId } = await paid(shop);

    const now = await curfew.advance("24h");

    assert.ok(Math.abs(now.getTime() - Date.now() - 24 * 3600e3) < 60e3, now.toISOString());
    assert.equal((await shop.sessions.read(sessionId)).endReason, "expired");
    assert.equal((await shop.checkouts.list(customerId)).checkouts[0]?.outcome, "refund_due");
    for (const type of ["session.unaccepted", "session.cancelled", "checkout.refund_due"]) {
      assert.equal(events.filter((event) => event.type === type).length, 2, `${type} of ${events.map((event) => event.type)}`);
    }
    assert.equal((await shop.customers.status(customerId)).blocked, false);

    assert.ok((await curfew.advance(1500)).getTime() >= now.getTime() + 1500);
    await curfew.restart();
    assert.ok((await curfew.advance(1)).getTime() > now.getTime() + 1500, "the clock outlives a restart");
    await assert.rejects(curfew.advance("soon"), InvalidError);
  } finally {
    app.close();
    app.closeAllConnections();
  }
});

it("without a test clock there is nothing to advance", async () => {
  await using curfew = await TestCurfew.start({ testClock: false });
  await assert.rejects(curfew.advance("1h"), NotFoundError);
});
