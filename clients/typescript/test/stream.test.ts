import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";

import { Curfew, ForbiddenError, UnauthenticatedError, type StreamEvent, type StreamOptions } from "@curfew/client";
import type { TestCurfew } from "@curfew/client/testing";

import { anId, long, paid, started } from "./curfew.js";
import { wire } from "./proxy.js";

const server = await started();

/** A reader follows a stream in the background, and remembers everything that it is handed. */
class Reader {
  readonly got: StreamEvent[] = [];
  readonly lost: unknown[] = [];
  readonly ended: Promise<unknown>;
  readonly #controller = new AbortController();

  constructor(client: Curfew, options: StreamOptions = {}) {
    const all = client.stream({ retry: 5, ...options, signal: this.#controller.signal, onDisconnect: (reason) => this.lost.push(reason) });
    this.ended = (async () => {
      for await (const event of all) {
        this.got.push(event);
      }
    })().catch((error: unknown) => error);
  }

  stop(): void {
    this.#controller.abort();
  }

  /** until waits for something to be true. */
  async until(what: string, look: () => boolean, patience = 60_000): Promise<void> {
    for (const end = Date.now() + patience; !look(); ) {
      assert.ok(Date.now() < end, `never: ${what}. It was handed ${this.got.length} events, and disconnected by ${this.lost.slice(-3).join("; ")}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  greeted(): Promise<void> {
    return this.until("hello", () => this.got.length > 0);
  }

  numbers(sessionId: string): number[] {
    return this.got.flatMap((event) => event.event === "session" && event.data.sessionId === sessionId ? [event.data.number] : []);
  }

  /** whole holds what was handed on to the histories: each change once, in order. */
  async whole(admin: Curfew, sessions: readonly string[]): Promise<void> {
    for (const id of sessions) {
      const { events } = await admin.sessions.events(id);
      const want = events.map((event) => event.number);
      await this.until(`the last of ${id}`, () => this.numbers(id).length >= want.length);
      assert.deepEqual(this.numbers(id), want, `of session ${id}`);
    }
  }
}

const reader = (t: TestContext, client: Curfew, options?: StreamOptions) => {
  const one = new Reader(client, options);
  t.after(() => one.stop());
  return one;
};

/** lives makes sessions that are paid, accepted, joined and ended, one after the other, until it is told to stop. */
function lives(of: TestCurfew): { made: string[]; stop: () => Promise<void> } {
  const patient = (role: "service" | "mechanic" | "customer", id: string) =>
    new Curfew({ url: of.url, signer: of.signer, retries: 100, deadline: 60_000, timeout: 2_000 }).as(role, id);
  const made: string[] = [];
  let going = true;
  const work = (async () => {
    while (going) {
      const { customerId, sessionId, requestId } = await paid(patient("service", "shop"));
      made.push(sessionId);
      const [mia, kim] = [patient("mechanic", anId("mia")), patient("customer", customerId)];
      await mia.queue.accept(requestId);
      await Promise.all([mia.sessions.join(sessionId), kim.sessions.join(sessionId)]);
      await kim.sessions.end(sessionId);
    }
  })();
  return { made, stop: () => (going = false, work) };
}

const admin = server.as("admin", "anna");

describe("a stream", () => {
  it("greets, and then tells each what they may see", async (t) => {
    const customerId = anId("kim");
    const [kim, ben] = [reader(t, server.as("customer", customerId)), reader(t, server.as("customer", anId("ben")))];
    await Promise.all([kim.greeted(), ben.greeted()]);
    const { sessionId } = await paid(server.as("service", "shop"), customerId);
    await kim.whole(admin, [sessionId]);
    await kim.until("the checkout", () => kim.got.some((event) => event.event === "checkout" && event.data.sessionId === sessionId));
    assert.equal(kim.got[0]?.event, "hello");
    assert.equal(ben.got.length, 1);
  });

  it("of a caller who leaves ends, and its place is free", async () => {
    const shop = server.as("service", anId("shop")); // five at once, and not more
    for (let i = 0; i < 8; i++) {
      for await (const event of shop.stream({ retry: 5 })) {
        assert.equal(event.event, "hello");
        break;
      }
    }
  });

  it("that is refused is an error", async () => {
    const first = (client: Curfew) => client.stream().next();
    await assert.rejects(first(new Curfew({ url: server.url, token: "nobody's" })), UnauthenticatedError);
    await assert.rejects(first(new Curfew({ url: server.url, signer: async () => server.signer("nobody" as "admin", "x") }).as("admin", "x")), (error) =>
      error instanceof UnauthenticatedError || error instanceof ForbiddenError);
  });

  it("begins where an earlier process was", async (t) => {
    const shop = server.as("service", anId("shop"));
    const before = reader(t, shop);
    await before.greeted();
    const { sessionId } = await paid(server.as("service", "shop"));
    await before.whole(admin, [sessionId]);
    before.stop();
    await server.as("admin", "anna").customers.clear((await admin.sessions.read(sessionId)).customerId, { reason: "test" });
    const after = before.got.at(-1)?.id;
    const again = reader(t, shop, { after });
    await again.whole(admin, [sessionId]);
  });

  it("ends with the signal's reason", async (t) => {
    const one = reader(t, server.as("customer", anId("kim")));
    await one.greeted();
    one.stop();
    assert.equal((await one.ended as Error).name, "AbortError");
  });
});

describe("0 gaps and 0 repeats", () => {
  const times = long ? 100 : 25;

  it(`through ${times} connections that break anywhere`, async (t) => {
    const proxy = await wire(server.url, (n) => n < times ? { cutAfter: 200 + Math.floor(Math.random() * 4_000) } : {});
    const shop = new Curfew({ url: proxy.url, signer: server.signer }).as("service", anId("shop"));
    const one = reader(t, shop);
    await one.greeted();
    const work = lives(server);
    await one.until(`${times} connections`, () => proxy.count() > times);
    await work.stop();
    await one.whole(admin, work.made);
    t.diagnostic(`${work.made.length} sessions, ${one.got.length} events, ${one.lost.length} connections lost`);
  });

  it("when the server is killed, and comes back", async (t) => {
    const mortal = await started();
    const shop = reader(t, mortal.as("service", anId("shop")));
    const mia = reader(t, mortal.as("mechanic", anId("mia")));
    await Promise.all([shop.greeted(), mia.greeted()]);
    const work = lives(mortal);
    for (let i = 0; i < (long ? 10 : 2); i++) {
      const before = work.made.length;
      await shop.until("work", () => work.made.length > before + 2);
      await mortal.kill();
      await mortal.restart();
    }
    await work.stop();
    await shop.whole(mortal.as("admin", "anna"), work.made);
    const told = new Map<string, string[]>();
    for (const event of mia.got) {
      if (event.event === "request") {
        const { change, request } = event.data;
        told.set(request.sessionId, [...(told.get(request.sessionId) ?? []), change]);
      }
    }
    for (const changes of told.values()) {
      changes.forEach((change, i) => assert.notEqual(change, changes[i - 1], "a request came twice")); // in, out, in
    }
    t.diagnostic(`${work.made.length} sessions, ${shop.got.length} events, ${shop.lost.length} connections lost`);
  });

  it("through a proxy that holds back what is small, and lets go now and then", async (t) => {
    const proxy = await wire(server.url, () => ({ hold: 8_192, flush: 700 }));
    const one = reader(t, new Curfew({ url: proxy.url, signer: server.signer }).as("service", anId("shop")));
    await one.greeted();
    const work = lives(server);
    await one.until("work", () => work.made.length > 10);
    await work.stop();
    await one.whole(admin, work.made);
  });

  it("after a proxy that held back everything", async (t) => {
    const proxy = await wire(server.url, (n) => n === 0 ? { cutAfter: 3_000 } : n < 3 ? { hold: Infinity } : {});
    const one = reader(t, new Curfew({ url: proxy.url, signer: server.signer }).as("service", anId("shop")), { idle: 1_000 });
    await one.greeted();
    const work = lives(server);
    await one.until("4 connections", () => proxy.count() > 3);
    await work.stop();
    await one.whole(admin, work.made);
    assert.match(one.lost.map(String).join(), /lost|buffers/);
  });
});
