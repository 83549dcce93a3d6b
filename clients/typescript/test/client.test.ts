import assert from "node:assert/strict";
import { describe, it } from "node:test";

import {
  AlreadyClaimedError, ApprovalPendingError, Curfew, CurfewError, ForbiddenError, IdempotencyMismatchError, InvalidError, MechanicBusyError, NoAnswerError, NotFoundError,
  PaymentRequiredError, ProblemError, SessionOpenError, UnauthenticatedError, UnavailableError, UnexpectedAnswerError, hs256,
} from "@curfew/client";
import { secrets, stripeCheckout } from "@curfew/client/testing";

import { anId, paid, started } from "./curfew.js";
import { deserted, lossy, type Fate } from "./proxy.js";

const server = await started();
const shop = server.as("service", "shop");
const admin = server.as("admin", "anna");

describe("outcomes", () => {
  it("a payment is fulfilled once, whoever reports it how often", async () => {
    const purchase = { paymentRef: anId("cs"), customerId: anId("kim"), plan: "chat10", amount: 2900, currency: "eur", name: undefined };
    const [first, again] = [await shop.checkouts.fulfill(purchase), await shop.checkouts.fulfill(purchase)];
    assert.ok(first.outcome === "fulfilled" && again.outcome === "fulfilled");
    assert.equal(again.sessionId, first.sessionId);
    assert.equal(first.route, `/chat/${first.sessionId}`);
  });

  it("a payment of a busy customer is deferred, and says by what", async () => {
    const { customerId, sessionId } = await paid(shop);
    const second = await shop.checkouts.fulfill({ paymentRef: anId("cs"), customerId, plan: "chat10" });
    assert.ok(second.outcome === "deferred");
    assert.equal(second.blockedBy?.id, sessionId);
    assert.ok(Date.parse(second.retryUntil) > Date.now());
    const { checkouts } = await shop.checkouts.list(customerId);
    assert.deepEqual(checkouts.map((checkout) => checkout.outcome), ["fulfilled", "deferred"]);
  });

  it("Stripe's message of a payment makes a session", async () => {
    const customer = anId("kim");
    const message = await stripeCheckout({ customer, plan: "chat10", amount: 2900 });
    for (const _ of ["once", "again"]) {
      const answer = await fetch(`${server.url}/api/stripe/webhook`, { method: "POST", ...message });
      assert.equal(answer.status, 204, await answer.text());
    }
    const status = await server.as("customer", customer).customers.status(customer);
    assert.equal(status.session?.status, "waiting");
  });
});

describe("errors", () => {
  const cases: Record<string, [new (...all: never[]) => ProblemError, () => Promise<unknown>]> = {
    "another customer's payment": [IdempotencyMismatchError, async () => {
      const purchase = { paymentRef: anId("cs"), customerId: anId("kim"), plan: "chat10" };
      await shop.checkouts.fulfill(purchase);
      return shop.checkouts.fulfill({ ...purchase, customerId: anId("ben") });
    }],
    "no credit": [PaymentRequiredError, () => shop.sessions.create({ plan: "chat10", customerId: anId("kim") })],
    "a plan that there is not": [InvalidError, () => shop.sessions.create({ plan: "none", customerId: anId("kim") })],
    "another customer's session": [NotFoundError, async () => server.as("customer", anId("ben")).sessions.read((await paid(shop)).sessionId)],
    "a mechanic who reports payments": [ForbiddenError, () => server.as("mechanic", "mia").checkouts.fulfill({ paymentRef: "x", customerId: "y", plan: "chat10" })],
    "a token of nobody's": [UnauthenticatedError, () => new Curfew({ url: server.url, token: "nobody's" }).health()],
    "a second session": [SessionOpenError, async () => {
      const { customerId } = await paid(shop);
      return server.as("customer", customerId).sessions.create({ plan: "free" });
    }],
    "a request that another took": [AlreadyClaimedError, async () => {
      const { requestId } = await paid(shop);
      await server.as("mechanic", anId("mia")).queue.accept(requestId);
      return server.as("mechanic", anId("max")).queue.accept(requestId);
    }],
    "a mechanic who has a session": [MechanicBusyError, async () => {
      const mia = server.as("mechanic", anId("mia"));
      await mia.queue.accept((await paid(shop)).requestId);
      return mia.queue.accept((await paid(shop)).requestId);
    }],
  };
  for (const [sentence, [Class, call]] of Object.entries(cases)) {
    it(`${sentence}: ${Class.name}`, async () => {
      const error = await call().then(() => undefined, (reason: unknown) => reason);
      assert.ok(error instanceof Class && error instanceof CurfewError, String(error));
      assert.equal(error.name, Class.name);
      assert.equal(error.message, error.problem.detail);
    });
  }

  it("what blocks is in the problem", async () => {
    const { customerId, sessionId } = await paid(shop);
    await assert.rejects(server.as("customer", customerId).sessions.create({ plan: "free" }), (error) => {
      assert.ok(error instanceof SessionOpenError);
      assert.equal(error.problem.session.id, sessionId);
      assert.deepEqual(error.problem.actions, ["cancel", "wait"]);
      return true;
    });
  });

  it("what another admin has to approve is not done yet", async () => {
    const careful = await started({ settings: { "approvals.live_ends": "on" } });
    const { customerId, sessionId, requestId } = await paid(careful.as("service", "shop"));
    const mia = careful.as("mechanic", anId("mia"));
    await mia.queue.accept(requestId);
    await careful.as("customer", customerId).sessions.join(sessionId);
    await mia.sessions.join(sessionId);
    const anna = careful.as("admin", "anna");
    await assert.rejects(anna.sessions.end(sessionId), (error) => {
      assert.ok(error instanceof ApprovalPendingError, String(error));
      assert.equal(error.approval.customerId, customerId);
      assert.match(error.message, /another admin/);
      return true;
    });
    assert.equal((await anna.sessions.read(sessionId)).status, "live");
  });

  it("an empty id is nobody, and never everybody", async () => {
    assert.throws(() => server.as("mechanic", ""), /empty/);
    await assert.rejects(shop.sessions.read(""), /empty/);
    await assert.rejects(admin.cleanup.preview({ customerId: "" }), InvalidError);
    await assert.rejects(hs256(secrets.jwt)("customer", ""), /empty/);
    await assert.rejects(hs256("")("customer", "kim"), /empty/);
    await assert.rejects(new Curfew({ url: "" }).health(), /CURFEW_URL/);
  });
});

describe("a session from payment to end", () => {
  it("is accepted, joined by both, and ended", async () => {
    const { customerId, sessionId, requestId } = await paid(shop);
    const kim = server.as("customer", customerId);
    const mia = server.as("mechanic", anId("mia"));
    const { session } = await mia.queue.accept(requestId);
    assert.equal(session.id, sessionId);
    await kim.sessions.join(sessionId);
    assert.equal((await mia.sessions.join(sessionId)).status, "live");
    assert.equal((await mia.sessions.end(sessionId)).status, "cancelled"); // under a minute
    const { events } = await kim.sessions.events(sessionId);
    assert.deepEqual(events.map((event) => event.number), events.map((_, i) => i + 1));
    assert.equal((await kim.customers.status(customerId)).blocked, false);
  });

  it("is given to a colleague by a service that acts for its mechanic, and its history names both", async () => {
    const { sessionId, requestId } = await paid(shop);
    const [max, mia] = [anId("max"), anId("mia")];
    const key = await admin.call("createKey", { body: { name: "shop", neverExpires: true } });
    const acting = new Curfew({ url: server.url, token: key.key ?? "" }).as("mechanic", max);
    await acting.queue.accept(requestId);
    for (const _ of ["once", "again"]) {
      assert.equal((await acting.queue.transfer(requestId, { mechanicId: mia })).session.mechanicId, mia);
    }
    const { events } = await admin.sessions.events(sessionId);
    assert.deepEqual(events.slice(1).map((event) => [event.actor.split(" by service:")[0], event.actor.includes(" by service:")]), [[`mechanic:${max}`, true], [`mechanic:${max}`, true]]);
  });

  it("ends in a cleanup that ran as it was previewed", async () => {
    const { customerId, sessionId } = await paid(shop);
    const preview = await admin.cleanup.store({ customerId, maxAgeMinutes: 1 });
    assert.equal(preview.wouldClean.total, 0);
    assert.ok(preview.previewId);
    assert.equal((await admin.cleanup.run({ previewId: preview.previewId })).stats.totalCleaned, 0);
    const { ended } = await admin.customers.clear(customerId, { reason: "the customer asked" });
    assert.deepEqual(ended.map((session) => session.id), [sessionId]);
    assert.ok((await admin.explain(customerId)).entries.length > 0);
  });

  it("health is reported", async () => {
    assert.ok((await admin.health()).sessions.total);
  });
});

describe("pages", () => {
  it("are read as they are needed", async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i++) {
      made.push((await paid(shop)).requestId);
    }
    const mia = server.as("mechanic", anId("mia"));
    assert.equal((await mia.queue.list({ limit: 2 })).requests.length, 2);
    const all: string[] = [];
    for await (const offer of mia.queue.list({ limit: 2 })) {
      all.push(offer.id);
    }
    assert.equal(new Set(all).size, all.length);
    assert.ok(made.every((id) => all.includes(id)));
    for await (const _ of mia.queue.list({ limit: 2 })) {
      break;
    }
    const sizes: number[] = [];
    for await (const page of admin.checkouts.find({ limit: 3 }).pages()) {
      sizes.push(page.checkouts.length);
    }
    assert.ok(sizes.length > 1 && sizes.slice(0, -1).every((size) => size === 3), String(sizes));
  });

  it("fail where a page does", async () => {
    await assert.rejects(Promise.resolve(shop.queue.list()), ForbiddenError);
    await assert.rejects(async () => {
      for await (const _ of shop.queue.list()) {
        assert.fail();
      }
    }, ForbiddenError);
  });
});

describe("tries", () => {
  const busy: Fate = { status: 503, headers: { "content-type": "application/problem+json", "retry-after": "0" }, body: problem("unavailable", 503) };
  const limited: Fate = { ...busy, status: 429, body: problem("rate_limited", 429) };
  const foreign: Fate = { status: 502, headers: { "content-type": "text/html" }, body: "<h1>Bad gateway" };

  const through = async (fates: Fate[], options: { retries?: number; deadline?: number } = {}) => {
    const proxy = await lossy(server.url, (n) => fates[n] ?? "pass");
    return { count: proxy.count, as: (role: "customer" | "service" | "admin" | "mechanic", id: string) => new Curfew({ url: proxy.url, signer: server.signer, ...options }).as(role, id) };
  };

  it("of a payment go on until it is reported, and it is one", async () => {
    const proxy = await through(["lose", busy, foreign, limited]);
    const customerId = anId("kim");
    const answer = await proxy.as("service", "shop").checkouts.fulfill({ paymentRef: anId("cs"), customerId, plan: "chat10" });
    assert.equal(answer.outcome, "fulfilled");
    assert.equal(proxy.count(), 5);
    assert.equal((await shop.checkouts.list(customerId)).checkouts.length, 1);
  });

  it("of a new session have one key", async () => {
    const proxy = await through(["lose", "lose"]);
    const answer = await proxy.as("customer", anId("kim")).sessions.create({ plan: "free" });
    assert.equal(answer.outcome, "fulfilled");
  });

  it("stop where nobody knows what the first did", async () => {
    const { requestId } = await paid(shop);
    const mia = anId("mia");
    await server.as("mechanic", mia).queue.accept(requestId);
    const proxy = await through(["lose"]);
    await assert.rejects(proxy.as("mechanic", mia).queue.release(requestId), (error) => error instanceof NoAnswerError && error.maybeDone);
    assert.equal(proxy.count(), 1);
    assert.equal((await server.as("mechanic", mia).queue.list()).requests.some((offer) => offer.id === requestId), true);
  });

  it("go on where the first certainly did nothing", async () => {
    const { requestId } = await paid(shop);
    const mia = anId("mia");
    await server.as("mechanic", mia).queue.accept(requestId);
    const proxy = await through([limited, limited]);
    await proxy.as("mechanic", mia).queue.release(requestId);
    assert.equal(proxy.count(), 3);
  });

  it("end with the error of the last", async () => {
    const proxy = await through([busy, busy, busy], { retries: 2 });
    await assert.rejects(proxy.as("admin", "anna").health(), UnavailableError);
    assert.equal(proxy.count(), 3);
  });

  it("do not wait beyond the deadline", async () => {
    const proxy = await through([{ ...busy, headers: { ...busy.headers, "retry-after": "60" } }], { deadline: 2_000 });
    const began = Date.now();
    await assert.rejects(proxy.as("admin", "anna").health(), (error) => error instanceof UnavailableError && error.retryAfter === 60_000);
    assert.ok(Date.now() - began < 2_000);
  });

  it("end when the caller says so, with the caller's reason", async () => {
    const proxy = await through([{ ...busy, headers: { ...busy.headers, "retry-after": "1" } }]);
    const controller = new AbortController();
    const reason = new Error("the customer left");
    setTimeout(() => controller.abort(reason), 50);
    await assert.rejects(proxy.as("admin", "anna").health({ signal: controller.signal }), reason);
    await assert.rejects(shop.checkouts.list("kim", { signal: AbortSignal.abort(reason) }), reason);
  });

  it("of nobody's address fail as no answer", async () => {
    const nowhere = new Curfew({ url: await deserted(), token: "x", retries: 1 });
    await assert.rejects(nowhere.queue.release("x"), (error) => error instanceof NoAnswerError && !error.maybeDone);
    const slow = await lossy(server.url, () => "lose");
    await assert.rejects(new Curfew({ url: slow.url, token: "x", retries: 0 }).health(), NoAnswerError);
  });

  it("follow no redirect, which would hand on the token", async () => {
    const proxy = await through([{ status: 307, headers: { location: "http://127.0.0.1:1/" } }]);
    await assert.rejects(proxy.as("admin", "anna").health(), (error) => error instanceof UnexpectedAnswerError && error.status === 307);
  });
});

function problem(code: string, status: number): string {
  return JSON.stringify({ type: `/docs#${code}`, title: code, status, detail: code, code });
}
