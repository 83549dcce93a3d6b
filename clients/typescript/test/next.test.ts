import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, describe, it } from "node:test";
import { Readable } from "node:stream";

import { Curfew, NotFoundError, UnauthenticatedError, type Person } from "@curfew/client";
import { proxy, stripeForward, type RouteHandler } from "@curfew/client/next";
import { stripeCheckout, stripeMessage } from "@curfew/client/testing";

import { anId, paid, started } from "./curfew.js";
import { deserted } from "./proxy.js";

const server = await started();
const shop = server.as("service", "shop");
const { sessionId } = await paid(shop);

/** An app whose visitors say who they are: `x-user: role id` stands for its session cookie. */
const user = (request: Request): Person | null => {
  const [role, id] = (request.headers.get("x-user") ?? "").split(" ");
  return role && id ? { role: role as Person["role"], id: decodeURIComponent(id) } : null;
};
const handlers = proxy({ url: server.url, signer: server.signer, user });

const get = (path: string, who: string, headers: Record<string, string> = {}) => call("GET", path, who, headers);

function call(method: "GET" | "POST", path: string, who: string, headers: Record<string, string> = {}, body?: string): Promise<Response> {
  const request = new Request(`http://app.example/curfew${path}`, { method, headers: { "x-user": who, ...headers }, ...(body && { body }) });
  return handlers[method](request, at(path));
}

const at = (path: string) => ({ params: Promise.resolve({ path: new URL(path, "http://x").pathname.slice(1).split("/").map(decodeURIComponent) }) });

/** app serves the handlers over HTTP, as Next.js does, so that a page's client can call them. */
async function app(who: string): Promise<string> {
  const routes: Record<string, RouteHandler> = { GET: handlers.GET, POST: handlers.POST };
  const serving = createServer(async (incoming, outgoing) => {
    const left = new AbortController();
    outgoing.on("close", () => left.abort());
    const method = incoming.method ?? "GET";
    const request = new Request(new URL(incoming.url ?? "/", "http://app.example"), {
      method, headers: { ...(incoming.headers as Record<string, string>), "x-user": who }, signal: left.signal,
      ...(method === "POST" && { body: Readable.toWeb(incoming) as ReadableStream, duplex: "half" }),
    } as RequestInit);
    const answer = await (routes[method] ?? handlers.GET)(request, at((incoming.url ?? "").replace(/^\/curfew/, "")));
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
    answer.body ? Readable.fromWeb(answer.body as never).on("error", () => outgoing.destroy()).pipe(outgoing) : outgoing.end();
  });
  await new Promise<void>((resolve) => serving.listen(0, "127.0.0.1", resolve));
  after(() => {
    serving.closeAllConnections();
    serving.close();
  });
  return `http://127.0.0.1:${(serving.address() as { port: number }).port}/curfew`;
}

describe("the proxy", () => {
  it("lets a page's client do what its visitor may", async () => {
    const customerId = anId("kim");
    const kim = new Curfew({ url: await app(`customer ${customerId}`) });
    const answer = await kim.sessions.create({ plan: "free" });
    assert.ok(answer.outcome === "fulfilled");
    assert.equal((await kim.customers.status("me")).session?.id, answer.sessionId);
    assert.equal((await kim.sessions.cancel(answer.sessionId)).status, "cancelled");
    const mia = new Curfew({ url: await app(`mechanic ${anId("mia")}`) });
    const { requestId, sessionId } = await paid(shop);
    const all: string[] = [];
    for await (const offer of mia.queue.list({ limit: 1 })) {
      all.push(offer.id);
    }
    assert.ok(all.includes(requestId));
    assert.equal((await mia.queue.accept(requestId)).session.id, sessionId);
    await assert.rejects(mia.health(), NotFoundError);
  });

  it("passes streams on as they come", async () => {
    const customerId = anId("kim");
    const kim = new Curfew({ url: await app(`customer ${customerId}`) });
    const seen: string[] = [];
    for await (const event of kim.stream()) {
      if (event.event === "hello") {
        await paid(shop, customerId);
      }
      seen.push(event.event);
      if (event.event === "session") {
        break;
      }
    }
    assert.deepEqual(seen.filter((event) => event !== "checkout"), ["hello", "session"]);
    const answer = await get("/api/stream", `customer ${customerId}`);
    assert.match(answer.headers.get("cache-control") ?? "", /no-transform/);
    await answer.body?.cancel();
  });

  const refusals: Record<string, [number, () => Promise<Response>]> = {
    "nobody": [401, () => get("/api/mechanics/requests", "")],
    "a role that may nothing": [404, () => get("/api/mechanics/requests", "admin anna")],
    "what the role may not": [404, () => get("/api/mechanics/requests", "customer kim")],
    "what nobody may": [404, () => call("POST", "/api/checkouts", "customer kim", { "content-type": "application/json" }, "{}")],
    "another method": [404, () => call("POST", "/api/mechanics/requests", "mechanic mia")],
    "another's session": [404, () => get(`/api/sessions/${sessionId}`, "customer ben")],
    "a path that climbs": [404, () => handlers.GET(new Request("http://app.example/x", { headers: { "x-user": "customer kim" } }), { params: Promise.resolve({ path: ["api", "sessions", ".."] }) })],
    "a path in an id": [404, () => get(`/api/sessions/${encodeURIComponent(`${sessionId}/../../keys`)}`, "customer kim")],
    "a page elsewhere": [403, () => call("POST", `/api/sessions/${sessionId}/end`, "customer kim", { origin: "https://evil.example" })],
    "a page of a neighbour": [403, () => call("POST", `/api/sessions/${sessionId}/end`, "customer kim", { "sec-fetch-site": "same-site" })],
  };
  for (const [sentence, [status, refused]] of Object.entries(refusals)) {
    it(`refuses ${sentence}`, async () => {
      const answer = await refused();
      assert.equal(answer.status, status);
      assert.equal((await answer.json() as { status: number }).status, status);
    });
  }

  it("hands on neither cookies nor tokens, in either direction", async () => {
    const heard: Record<string, string | string[] | undefined>[] = [];
    const spy = createServer((incoming, outgoing) => {
      heard.push(incoming.headers);
      outgoing.writeHead(200, { "content-type": "application/json", "set-cookie": "curfew=1", authorization: "x" }).end("{}");
    });
    await new Promise<void>((resolve) => spy.listen(0, "127.0.0.1", resolve));
    after(() => spy.close());
    const url = `http://127.0.0.1:${(spy.address() as { port: number }).port}`;
    const { GET } = proxy({ url, token: "the key", user });
    const path = "/api/mechanics/requests?limit=3";
    const answer = await GET(new Request(`http://app.example/curfew${path}`, { headers: { "x-user": "mechanic mia%20%C3%BC", cookie: "app=1", authorization: "Bearer own" } }), at(path));
    assert.deepEqual([answer.status, answer.headers.get("set-cookie"), answer.headers.get("authorization")], [200, null, null]);
    assert.deepEqual([heard[0]?.["cookie"], heard[0]?.["authorization"], heard[0]?.["x-curfew-act-as"]], [undefined, "Bearer the key", "mechanic:mia%20%C3%BC"]);
  });

  it("says that Curfew cannot be reached", async () => {
    const { GET } = proxy({ url: await deserted(), signer: server.signer, user });
    const answer = await GET(new Request("http://app.example/x", { headers: { "x-user": "mechanic mia" } }), at("/api/mechanics/requests"));
    assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "1"]);
  });
});

describe("Stripe's messages", () => {
  const POST = stripeForward({ url: server.url });
  const post = (body: string, headers: Record<string, string>) => POST(new Request("http://app.example/stripe/webhook", { method: "POST", body, headers }));

  it("are passed on to the byte", async () => {
    const customer = anId("kim");
    const { body, headers } = await stripeCheckout({ customer, plan: "chat10", amount: 2900 });
    assert.equal((await post(body, headers)).status, 204);
    assert.equal((await shop.checkouts.list(customer)).checkouts[0]?.outcome, "fulfilled");
    assert.equal((await post(`${body} `, headers)).status, 400);
  });

  it("need a signature, of the right secret, and an end", async () => {
    const { body, headers } = await stripeMessage("charge.refunded", {}, "whsec_another");
    assert.equal((await post(body, headers)).status, 400);
    assert.equal((await post(body, {})).status, 400);
    assert.equal((await post("x".repeat(300_000), headers)).status, 413);
  });

  it("come again where Curfew cannot be reached", async () => {
    const { body, headers } = await stripeCheckout({ customer: anId("kim"), plan: "chat10", amount: 2900 });
    const nowhere = stripeForward({ url: await deserted() });
    assert.equal((await nowhere(new Request("http://app.example", { method: "POST", body, headers }))).status, 503);
  });
});

it("errors of the proxy are the client's", async () => {
  await assert.rejects(new Curfew({ url: await app("") }).health(), UnauthenticatedError);
});
