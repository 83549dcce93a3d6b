import { JobError } from "./errors.js";
import { Pages } from "./pages.js";
import {
  routes, type Assignment, type CallerRole, type CheckoutDetail, type CheckoutPage, type Checkouts, type Cleanup, type CleanupResult, type Cleared,
  type Clearing, type CustomerStatus, type Events, type Extended, type Extension, type Forecast, type Fulfillment, type Health, type Job, type NewSession, type Offer, type Offered,
  type Operations, type Preview, type Purchase, type Queue, type Reconcile, type Reconciliation, type Refund, type Run, type Runs, type Session, type StreamEvent, type Timeline, type Transfer, type Undone,
} from "./schema.js";
import { follow, type StreamOptions } from "./stream.js";
import { sleep, Transport, type CallOptions, type Options, type Person } from "./transport.js";

/** The id of an operation, as /docs shows it. */
export type OperationName = keyof Operations;

/** What an operation takes: the id in its path, its query and its body. */
export type InputOf<K extends OperationName> = Operations[K]["input"];

/** What an operation answers. */
export type ResultOf<K extends OperationName> = Operations[K]["result"];

type QueryOf<K extends OperationName> = InputOf<K> extends { query?: infer Q } ? NonNullable<Q> : never;

/**
 * What may be called twice, beside everything that only reads: the server answers the second call as it did the first. A call of
 * anything else is repeated only if the first certainly had no effect.
 */
const repeatable = new Set<OperationName>([
  "fulfillCheckout", "createSession", "extendSession", "joinSession", "endSession", "acceptRequest", "acknowledgeFinding",
]);

/** Curfew calls a Curfew. It holds no connection, and may be used by everybody at once. */
export class Curfew {
  readonly #transport: Transport;

  constructor(options: Options = {}, person?: Person) {
    this.#transport = new Transport(options, person);
  }

  /** as returns a client that acts for somebody. With a key, the key must be allowed to; with a signer, it gets their token. */
  as(role: CallerRole, id: string): Curfew {
    return new Curfew(this.#transport.options, { role, id });
  }

  /** call calls any operation by its id. The methods below do the same for the usual ones. */
  async call<K extends OperationName>(name: K, input: InputOf<K>, options: CallOptions = {}): Promise<ResultOf<K>> {
    const { id, query, body } = input as { id?: string; query?: Record<string, unknown>; body?: unknown };
    const [method = "", path = ""] = routes[name].split(" ");
    if (path.includes("{id}") && !id) {
      throw new TypeError(`${name}: the id is empty`);
    }
    const key = options.idempotencyKey ?? (name === "createSession" ? crypto.randomUUID() : undefined);
    return await this.#transport.send({
      ...options, method, body, path: path.replace("{id}", encodeURIComponent(id ?? "")) + search(query),
      repeatable: method === "GET" || repeatable.has(name),
      ...(key && { headers: { "idempotency-key": key } }),
      ...(name === "sessionHealth" && { also: 503 }),
    }) as ResultOf<K>;
  }

  /** Starts work that may go on as a job, and waits for its end, however long it takes. */
  async #work<T>(name: OperationName, input: InputOf<OperationName>, options: CallOptions = {}): Promise<T> {
    const answer = await this.call(name, input, options);
    if (!isJob(answer)) {
      return answer as T;
    }
    let job = answer;
    while (job.state === "running") {
      await sleep(1_000, options.signal);
      job = await this.call("readJob", { id: job.jobId }, options);
    }
    if (job.state !== "succeeded") {
      throw new JobError(job);
    }
    return job.result as T;
  }

  /** stream follows what changes, for as long as the caller iterates. */
  stream(options?: StreamOptions): AsyncGenerator<StreamEvent, void> {
    return follow(this.#transport, options);
  }

  /** health reports health, also where it is an error. */
  health(options?: CallOptions): Promise<Health> {
    return this.call("sessionHealth", {}, options);
  }

  /** explain says what happened to a customer, session, request, payment reference or e-mail address. */
  explain(subject: string, options?: CallOptions): Promise<Timeline> {
    return this.call("explain", { query: { subject } }, options);
  }

  readonly checkouts = {
    /** Report a paid checkout. Its reference makes it safe to repeat at any time. */
    fulfill: (purchase: Purchase, options?: CallOptions): Promise<Fulfillment> => this.call("fulfillCheckout", { body: purchase }, options),
    /** A customer's payments, oldest first. */
    list: (customerId: string, options?: CallOptions): Promise<Checkouts> => this.call("listCheckouts", { id: customerId }, options),
    /** Everybody's payments, oldest first. */
    find: (query: QueryOf<"findCheckouts"> = {}, options?: CallOptions): Pages<CheckoutPage, CheckoutDetail> =>
      new Pages((after) => this.call("findCheckouts", { query: after ? { ...query, after } : query }, options), (page) => page.checkouts),
    /** A payment with its history, by id or reference. */
    read: (idOrReference: string, options?: CallOptions): Promise<CheckoutDetail> => this.call("readCheckout", { id: idOrReference }, options),
    refund: (idOrReference: string, refund: Refund, options?: CallOptions): Promise<CheckoutDetail> =>
      this.call("refundCheckout", { id: idOrReference, body: refund }, options),
    assign: (idOrReference: string, to: Assignment, options?: CallOptions): Promise<Fulfillment> =>
      this.call("assignHeld", { id: idOrReference, body: to }, options),
  };

  readonly sessions = {
    /** Begin a session of a free plan, or with a credit. */
    create: (session: NewSession, options?: CallOptions): Promise<Fulfillment> => this.call("createSession", { body: session }, options),
    read: (id: string, options?: CallOptions): Promise<Session> => this.call("readSession", { id }, options),
    events: (id: string, options?: CallOptions): Promise<Events> => this.call("listEvents", { id }, options),
    /** The second of the two who joins makes it live. */
    join: (id: string, options?: CallOptions): Promise<Session> => this.call("joinSession", { id }, options),
    end: (id: string, options?: CallOptions): Promise<Session> => this.call("endSession", { id }, options),
    /** A mechanic who cancels before it is live puts it back into the queue. */
    cancel: (id: string, options?: CallOptions): Promise<Session> => this.call("cancelSession", { id }, options),
    extend: (id: string, extension: Extension, options?: CallOptions): Promise<Extended> => this.call("extendSession", { id, body: extension }, options),
  };

  readonly queue = {
    /** What mechanics may accept, oldest first. */
    list: (query: QueryOf<"listQueue"> = {}, options?: CallOptions): Pages<Queue, Offer> =>
      new Pages((cursor) => this.call("listQueue", { query: cursor ? { ...query, cursor } : query }, options), (page) => page.requests),
    accept: (requestId: string, options?: CallOptions): Promise<Offered> => this.call("acceptRequest", { id: requestId }, options),
    /** Put it back. */
    release: (requestId: string, options?: CallOptions): Promise<Offered> => this.call("releaseRequest", { id: requestId }, options),
    /** Give it to a colleague. */
    transfer: (requestId: string, to: Transfer, options?: CallOptions): Promise<Offered> => this.call("transferRequest", { id: requestId, body: to }, options),
  };

  readonly customers = {
    /** What blocks a customer, and what the customer can spend. */
    status: (id: string, options?: CallOptions): Promise<CustomerStatus> => this.call("sessionStatus", { id }, options),
    /** How long the customer will wait for a mechanic, or would, if a session began now. */
    forecast: (id: string, options?: CallOptions): Promise<Forecast> => this.call("forecast", { id }, options),
    /** End what a customer has open. */
    clear: (id: string, what: Clearing = {}, options?: CallOptions): Promise<Cleared> => this.call("clearCustomer", { id, body: what }, options),
  };

  readonly cleanup = {
    /** What a cleanup would change; stores nothing. */
    preview: (query: QueryOf<"previewCleanup"> = {}, options?: CallOptions): Promise<Preview> => this.call("previewCleanup", { query }, options),
    /** The same, stored, so that run({ previewId }) changes exactly that. */
    store: async (what: Omit<Cleanup, "dryRun"> = {}, options?: CallOptions): Promise<Preview> =>
      (await this.call("runCleanup", { body: { ...what, dryRun: true } }, options)) as Preview,
    run: (what: Omit<Cleanup, "dryRun"> = {}, options?: CallOptions): Promise<CleanupResult> =>
      this.#work("runCleanup", { body: { ...what, dryRun: false } }, options),
    /** What was run, newest first. */
    runs: (query: QueryOf<"listRuns"> = {}, options?: CallOptions): Pages<Runs, Run> =>
      new Pages((cursor) => this.call("listRuns", { query: cursor ? { ...query, cursor } : query }, options), (page) => page.runs),
    undo: (runId: string, options?: CallOptions): Promise<Undone> => this.#work("undoRun", { id: runId }, options),
    /** Compare payments with the provider's books. */
    reconcile: (what: Reconcile = {}, options?: CallOptions): Promise<Reconciliation> => this.#work("reconcile", { body: what }, options),
  };
}

function isJob(answer: unknown): answer is Job {
  return typeof (answer as Partial<Job> | undefined)?.jobId === "string" && "state" in (answer as Job);
}

/** search writes a query. What is undefined is left out; an empty text is sent, and refused. */
function search(query: Record<string, unknown> = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) {
      parameters.set(name, String(value)); // a list with commas
    }
  }
  return parameters.size > 0 ? `?${parameters}` : "";
}
