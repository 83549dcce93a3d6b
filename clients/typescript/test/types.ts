// What the compiler must know, under strict and exactOptionalPropertyTypes. Nothing here runs.

import { Curfew, ProblemError, SessionOpenError, verifyWebhook, type Fulfillment, type Offer, type Problem, type StreamEvent } from "@curfew/client";
import { proxy, stripeForward } from "@curfew/client/next";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_ extends true>() => {};

export async function outcomes(curfew: Curfew): Promise<string> {
  const answer = await curfew.checkouts.fulfill({ paymentRef: "cs_1", customerId: "kim", plan: "chat10", amount: undefined });
  holds<Same<typeof answer, Fulfillment>>();
  // @ts-expect-error: which outcome has a session for certain must be asked first
  const early: string = answer.sessionId;
  switch (answer.outcome) {
    case "fulfilled":
      return answer.route;
    case "deferred":
      return answer.blockedBy?.expiresAt ?? answer.retryUntil;
    case "credited": {
      // @ts-expect-error: only what is deferred is tried until a time
      return answer.retryUntil;
    }
    case "promised": case "held": case "refund_due": case "refunding": case "refunded": case "forfeited": case "void": case "ignored":
      return early;
  }
}

export function errors(error: unknown): string {
  if (error instanceof SessionOpenError) {
    holds<Same<typeof error.code, "session_open">>();
    return error.problem.session.id;
  }
  if (error instanceof ProblemError) {
    const problem: Problem = error.problem;
    return problem.code === "mechanic_busy" ? problem.session.status : problem.detail;
  }
  return "";
}

export async function inputs(curfew: Curfew): Promise<void> {
  // @ts-expect-error: a payment has a reference
  await curfew.checkouts.fulfill({ customerId: "kim", plan: "chat10" });
  // @ts-expect-error: a word that there is not
  await curfew.checkouts.fulfill({ paymentRef: "cs_1", customerId: "kim", plan: "chat10", ammount: 1 });
  // @ts-expect-error: a role that there is not
  curfew.as("driver", "mia");
  // @ts-expect-error: an operation that there is not
  await curfew.call("dropEverything", {});
  // @ts-expect-error: whose payments?
  await curfew.call("listCheckouts", {});
  const key = await curfew.call("createKey", { body: { name: "shop", neverExpires: true, customerPrefix: undefined } });
  const secret: string | undefined = key.key;
  void secret;
}

export async function lists(mechanic: Curfew): Promise<void> {
  for await (const offer of mechanic.queue.list({ limit: undefined })) {
    holds<Same<typeof offer, Offer>>();
  }
  const first = await mechanic.queue.list();
  const cursor: string | null = first.nextCursor;
  void cursor;
}

export function changes(event: StreamEvent): string | number {
  switch (event.event) {
    case "session":
      return event.data.number;
    case "request":
      return event.data.change === "added" ? event.data.request.waitingSeconds : event.data.request.sessionId;
    case "checkout":
      return event.data.outcome;
    case "hello":
      return event.data.at;
    case "figures":
      return event.data.health;
    case "job":
      return event.data.done;
    case "bye":
      return event.data.reason;
    case "changed":
      return "something";
    case "reset":
      return "read the lists";
  }
}

export async function webhooks(request: Request): Promise<string | undefined> {
  const event = await verifyWebhook(await request.text(), request.headers, "whsec_x");
  if (event.type === "session.accepted") {
    return event.data.session?.mechanicId;
  }
  // @ts-expect-error: a type that there is not
  return event.type === "session.vanished" ? "" : event.id;
}

export const POST = stripeForward({ url: undefined });
export const { GET } = proxy({ user: () => ({ role: "customer", id: "kim" }), allow: { customer: ["readSession", "stream"] } });
// @ts-expect-error: a route that there is not
proxy({ user: () => null, allow: { customer: ["everything"] } });
