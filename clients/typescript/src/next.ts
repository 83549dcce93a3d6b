// For Next.js: route handlers of the App Router. They use nothing but fetch, and so run in Node and at the edge.

import { CurfewError } from "./errors.js";
import { routes, type CallerRole, type Problem } from "./schema.js";
import { Transport, type Options, type Person } from "./transport.js";

/** The name of a route: an operation, or the live stream. */
export type RouteName = keyof typeof routes;

export interface ProxyOptions extends Options {
  /** Says who is signed in to your app, or null. The browser is never asked. */
  user: (request: Request) => Person | null | Promise<Person | null>;
  /** What each role may call. Absent: what the pages of customers and mechanics need. What is not listed is not found. */
  allow?: Partial<Record<CallerRole, readonly RouteName[]>> | undefined;
}

/** What a file app/curfew/[...path]/route.ts exports. */
export interface ProxyHandlers {
  GET: RouteHandler;
  POST: RouteHandler;
}

export type RouteHandler = (request: Request, context: { params: Promise<{ path: string[] }> }) => Promise<Response>;

const session: readonly RouteName[] = ["readSession", "listEvents", "joinSession", "endSession", "cancelSession", "stream"];

/** What the pages of customers and mechanics need. Admins and services get nothing by default. */
export const usual: Partial<Record<CallerRole, readonly RouteName[]>> = {
  customer: [...session, "sessionStatus", "forecast", "listCheckouts", "createSession", "clearCustomer"],
  mechanic: [...session, "listQueue", "acceptRequest", "releaseRequest"],
};

/** What goes on to Curfew, and what comes back. Cookies and tokens do neither. */
const there = ["accept", "content-type", "idempotency-key", "last-event-id"];
const back = ["content-type", "retry-after", "content-disposition"];

/**
 * proxy lets the browser call Curfew through the app, as whoever is signed in to it: export { GET, POST } from
 * app/curfew/[...path]/route.ts, and let the page use new Curfew({ url: "/curfew" }). An id `me` in the path is the caller's own.
 */
export function proxy(options: ProxyOptions): ProxyHandlers {
  const transport = new Transport(options);
  const handle: RouteHandler = async (request, context) => {
    const { path } = await context.params;
    if (request.method !== "GET" && fromElsewhere(request)) {
      return refuse("forbidden", 403, "This call comes from another site");
    }
    const user = await options.user(request);
    if (!user?.id) {
      return refuse("unauthenticated", 401, "Nobody is signed in");
    }
    const to = target(request.method, path, user);
    if (!to || !(options.allow ?? usual)[user.role]?.includes(to.name)) {
      return refuse("not_found", 404, "There is no such thing here");
    }
    return pass(request, new Transport(transport.options, user), to.path + new URL(request.url).search, to.name === "stream");
  };
  return { GET: handle, POST: handle };
}

/** target finds the route of a path, whose parts are already decoded. */
function target(method: string, parts: readonly string[], user: Person): { name: RouteName; path: string } | undefined {
  for (const name of Object.keys(routes) as RouteName[]) {
    const [verb, template = ""] = routes[name].split(" ");
    const pattern = template.slice(1).split("/");
    if (verb === method && pattern.length === parts.length && pattern.every((part, i) => part === "{id}" ? parts[i] : part === parts[i])) {
      const path = parts.map((part, i) => encodeURIComponent(pattern[i] === "{id}" && part === "me" ? user.id : part));
      return path.some((part) => part === "." || part === "..") ? undefined : { name, path: `/${path.join("/")}` };
    }
  }
  return undefined;
}

/** fromElsewhere reports whether another site's page makes the call, with the cookies of ours. */
function fromElsewhere(request: Request): boolean {
  const site = request.headers.get("sec-fetch-site");
  if (site) {
    return site !== "same-origin" && site !== "none";
  }
  const origin = request.headers.get("origin");
  return origin !== null && new URL(origin).host !== (request.headers.get("x-forwarded-host") ?? request.headers.get("host") ?? new URL(request.url).host);
}

async function pass(request: Request, transport: Transport, path: string, streams: boolean): Promise<Response> {
  const headers: Record<string, string> = picked(request.headers, there);
  const body = request.method === "GET" ? undefined : await request.arrayBuffer();
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), transport.options.timeout ?? 10_000);
  try {
    const answer = await transport.open(
      { method: request.method, path, headers, ...(body?.byteLength && { raw: body }) }, await transport.identity(), AbortSignal.any([request.signal, limit.signal]),
    );
    const out = new Headers(picked(answer.headers, back));
    // no-transform keeps Next.js from compressing, and so from holding back, a stream.
    out.set("cache-control", "no-store, no-transform");
    out.set("x-accel-buffering", "no");
    return new Response(streams && answer.ok ? answer.body : await answer.arrayBuffer(), { status: answer.status || 502, headers: out });
  } catch (error) {
    if (error instanceof CurfewError) {
      throw error;
    }
    return refuse("unavailable", 503, "Curfew cannot be reached now");
  } finally {
    clearTimeout(timer);
  }
}

function picked(headers: Headers, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value]];
  }));
}

function refuse(code: Problem["code"], status: number, detail: string): Response {
  const body = { type: `/docs#${code}`, title: detail, status, detail, code };
  return Response.json(body, { status, headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...(status === 503 && { "retry-after": "1" }) } });
}

export interface ForwardOptions {
  /** Where Curfew is. Absent: CURFEW_URL. */
  url?: string | undefined;
  /** Milliseconds that Curfew may take: 15,000. Stripe waits for 20 s, and sends a message again that was not taken. */
  timeout?: number | undefined;
  fetch?: typeof fetch | undefined;
}

/** The largest message that Curfew takes, in bytes. */
const maxMessage = 256 << 10;

/**
 * stripeForward passes Stripe's messages on to Curfew, to the byte and with their signature, which only Curfew checks:
 * export const POST = stripeForward(), in app/stripe/webhook/route.ts. Where Curfew can be reached from outside, let Stripe send them there instead.
 */
export function stripeForward(options: ForwardOptions = {}): (request: Request) => Promise<Response> {
  const transport = new Transport({ url: options.url, fetch: options.fetch });
  return async (request) => {
    const signature = request.headers.get("stripe-signature");
    if (!signature) {
      return refuse("invalid", 400, "The message has no signature");
    }
    const raw = await request.arrayBuffer();
    if (raw.byteLength > maxMessage) {
      return refuse("too_large", 413, `The message has more than ${maxMessage} bytes`);
    }
    const call = { method: "POST", path: "/api/stripe/webhook", raw, headers: { "content-type": "application/json", "stripe-signature": signature } };
    try {
      const answer = await transport.open(call, {}, AbortSignal.timeout(options.timeout ?? 15_000));
      const body = await answer.text();
      return new Response(body || null, { status: answer.status || 502, headers: picked(answer.headers, back) });
    } catch (error) {
      if (error instanceof CurfewError) {
        throw error;
      }
      return refuse("unavailable", 503, "Curfew cannot be reached now");
    }
  };
}
