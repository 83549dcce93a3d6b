import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, it } from "node:test";

import { verifyWebhook, WebhookError, type WebhookEvent } from "@curfew/client";
import { signWebhook } from "@curfew/client/testing";

import { paid, started } from "./curfew.js";

const server = await started();
const secret = `whsec_${Buffer.from("a secret of the tests").toString("base64")}`;
const other = `whsec_${Buffer.from("another secret").toString("base64")}`;
const body = JSON.stringify({ type: "test", timestamp: "2026-03-04T05:06:07Z", data: { endpointId: "ü \" 1.2" } });
const minutes = (n: number) => new Date(Date.now() + n * 60_000);

const fine: Record<string, () => Promise<WebhookEvent>> = {
  "what was signed": async () => verifyWebhook(body, await signWebhook(secret, "id-1", body), secret),
  "bytes": async () => verifyWebhook(new TextEncoder().encode(body), new Headers(await signWebhook(secret, "id-1", body)), secret),
  "an ArrayBuffer": async () => verifyWebhook(await new Blob([body]).arrayBuffer(), await signWebhook(secret, "id-1", body), secret),
  "what one of two secrets signed": async () => verifyWebhook(body, await signWebhook(secret, "id-1", body), [other, secret]),
  "what two secrets signed": async () => {
    const [a, b] = [await signWebhook(other, "id-1", body), await signWebhook(secret, "id-1", body)];
    return verifyWebhook(body, { ...b, "webhook-signature": `${a["webhook-signature"]} v1a,xx ${b["webhook-signature"]}` }, secret);
  },
  "what was signed a little while ago": async () => verifyWebhook(body, await signWebhook(secret, "id-1", body, minutes(-4)), secret),
};
for (const [sentence, verified] of Object.entries(fine)) {
  it(`${sentence} is fine`, async () => {
    const event = await verified();
    assert.equal(event.id, "id-1");
    assert.ok(event.type === "test" && event.data.endpointId === "ü \" 1.2");
  });
}

const refused: Record<string, () => Promise<WebhookEvent>> = {
  "another body": async () => verifyWebhook(`${body} `, await signWebhook(secret, "id-1", body), secret),
  "another id": async () => verifyWebhook(body, { ...await signWebhook(secret, "id-1", body), "webhook-id": "id-2" }, secret),
  "another secret": async () => verifyWebhook(body, await signWebhook(other, "id-1", body), secret),
  "no signature": async () => verifyWebhook(body, { ...await signWebhook(secret, "id-1", body), "webhook-signature": undefined }, secret),
  "no time": async () => verifyWebhook(body, { ...await signWebhook(secret, "id-1", body), "webhook-timestamp": "" }, secret),
  "a time that is none": async () => verifyWebhook(body, { ...await signWebhook(secret, "id-1", body), "webhook-timestamp": "now" }, secret),
  "long ago": async () => verifyWebhook(body, await signWebhook(secret, "id-1", body, minutes(-6)), secret),
  "long from now": async () => verifyWebhook(body, await signWebhook(secret, "id-1", body, minutes(6)), secret),
  "an empty secret": async () => verifyWebhook(body, await signWebhook(secret, "id-1", body), "whsec_"),
  "no secret at all": async () => verifyWebhook(body, await signWebhook(secret, "id-1", body), []),
  "a secret that is none": async () => verifyWebhook(body, await signWebhook(secret, "id-1", body), "whsec_###"),
};
for (const [sentence, verified] of Object.entries(refused)) {
  it(`${sentence} is refused`, () => assert.rejects(verified(), WebhookError));
}

it("Curfew's own webhooks are verified, and are a union by type", async () => {
  const got: { body: Buffer; headers: Record<string, string | string[] | undefined> }[] = [];
  let heard = () => {};
  const receiver = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) {
      chunks.push(chunk as Buffer);
    }
    got.push({ body: Buffer.concat(chunks), headers: incoming.headers });
    outgoing.writeHead(204).end();
    heard();
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  after(() => receiver.close());
  const admin = server.as("admin", "anna");
  const url = `http://127.0.0.1:${(receiver.address() as { port: number }).port}/hook`;
  const endpoint = await admin.call("addEndpoint", { body: { url, events: ["session.waiting"] } });
  const first = new Promise<void>((resolve) => (heard = resolve));
  const { sessionId, customerId } = await paid(server.as("service", "shop"));
  await first;
  await admin.call("removeEndpoint", { id: endpoint.id }); // the database may be others' too
  const event = await verifyWebhook(got[0]!.body, got[0]!.headers, endpoint.secret ?? "");
  assert.ok(event.type === "session.waiting");
  assert.deepEqual([event.data.session?.id, event.data.session?.customerId, event.data.reason], [sessionId, customerId, "admitted"]);
  await assert.rejects(verifyWebhook(got[0]!.body, got[0]!.headers, secret), WebhookError);
});
