// One call over HTTP: who calls, deadlines, and the tries that do no harm.

import { ApprovalPendingError, CurfewError, errorOf, NoAnswerError, ProblemError, UnexpectedAnswerError } from "./errors.js";
import type { ApprovalPending, CallerRole } from "./schema.js";
import type { Signer } from "./token.js";

export interface Options {
  /** Where Curfew is; in a browser also a path, such as that of a proxy. Absent: CURFEW_URL. */
  url?: string | undefined;
  /** Who calls: an API key or a token, or a function that returns one. Absent: CURFEW_TOKEN, or nobody, where a proxy says who. */
  token?: string | (() => string | Promise<string>) | undefined;
  /** Makes a token for whoever the client acts for, with the secret that signs: hs256(secret). */
  signer?: Signer | undefined;
  /** Milliseconds that one try may take: 10,000. */
  timeout?: number | undefined;
  /** Milliseconds that a call may take with all its tries: 30,000. */
  deadline?: number | undefined;
  /** How often a call is tried again: 4 times. */
  retries?: number | undefined;
  fetch?: typeof fetch | undefined;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  timeout?: number | undefined;
  deadline?: number | undefined;
  /** Makes a call that begins a session safe to repeat, also by another process. Absent: each call has one of its own. */
  idempotencyKey?: string | undefined;
}

/** Whom a client acts for. */
export interface Person {
  role: CallerRole;
  id: string;
}

/** A request, and how it may be treated. */
export interface Call extends CallOptions {
  method: string;
  path: string;
  body?: unknown;
  /** A body as it is, instead. */
  raw?: ArrayBuffer;
  headers?: Record<string, string>;
  /** Twice has the effect of once. */
  repeatable?: boolean;
  /** A status that is an answer all the same. */
  also?: number;
}

const environment = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env ?? {};

export class Transport {
  readonly options: Options;
  readonly person: Person | undefined;

  constructor(options: Options, person?: Person) {
    this.options = options;
    this.person = person;
    if (person && !person.id) {
      throw new CurfewError(`whom to act for? The id of the ${person.role} is empty`); // nobody is not everybody
    }
  }

  /** Whether another token can be had where one is refused. */
  get renewable(): boolean {
    return typeof this.options.token === "function" || Boolean(this.person && this.options.signer);
  }

  /** base is the address. It is asked for late: an app is built where its variables are not set. */
  get #base(): string {
    const url = this.options.url ?? environment["CURFEW_URL"];
    if (!url) {
      throw new CurfewError("where is Curfew? Set CURFEW_URL, or the option url");
    }
    return url.replace(/\/+$/, "");
  }

  /** identity returns the headers that say who calls. */
  async identity(): Promise<Record<string, string>> {
    const { person, options } = this;
    if (person && options.signer) {
      return { authorization: `Bearer ${await options.signer(person.role, person.id)}` };
    }
    const token = typeof options.token === "function" ? await options.token() : options.token ?? environment["CURFEW_TOKEN"];
    return {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(person && { "x-curfew-act-as": `${person.role}:${encodeURIComponent(person.id)}` }),
    };
  }

  /** open sends a request once, as somebody, and returns the response, whatever its status. */
  async open(call: Call, identity: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { accept: "application/json", ...identity, ...call.headers };
    const init: RequestInit = { method: call.method, headers, signal, redirect: "manual", cache: "no-store" };
    if (call.raw) {
      init.body = call.raw;
    } else if (call.body !== undefined) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(call.body);
    }
    return (this.options.fetch ?? fetch)(this.#base + call.path, init);
  }

  /** send sends a request, again where that does no harm, and returns the body of its answer. Every no is thrown. */
  async send(call: Call): Promise<unknown> {
    const end = Date.now() + (call.deadline ?? this.options.deadline ?? 30_000);
    for (let tries = 0; ; tries++) {
      try {
        return await this.#try(call, end);
      } catch (error) {
        const wait = waitBefore(tries, error);
        if (tries >= (this.options.retries ?? 4) || !mayRepeat(call, error) || Date.now() + wait >= end) {
          throw error;
        }
        await sleep(wait, call.signal);
      }
    }
  }

  async #try(call: Call, end: number): Promise<unknown> {
    call.signal?.throwIfAborted();
    const identity = await this.identity();
    const limit = AbortSignal.timeout(Math.max(1, Math.min(call.timeout ?? this.options.timeout ?? 10_000, end - Date.now())));
    let response: Response;
    let text: string;
    try {
      response = await this.open(call, identity, call.signal ? AbortSignal.any([call.signal, limit]) : limit);
      text = await response.text();
    } catch (cause) {
      call.signal?.throwIfAborted();
      if (cause instanceof CurfewError) {
        throw cause;
      }
      const what = limit.aborted ? "no answer in time" : wordsOf(cause);
      throw new NoAnswerError(`${call.method} ${call.path}: ${what}`, !neverSent(cause), cause);
    }
    if (!response.ok && !(response.status === call.also && typeOf(response) === "application/json")) {
      throw errorOf(response, text);
    }
    const body = bodyOf(response, text);
    if (response.status === 202 && isPending(body)) {
      throw new ApprovalPendingError(body);
    }
    return body;
  }
}

const isPending = (body: unknown): body is ApprovalPending => (body as { code?: unknown } | undefined)?.code === "approval_pending";

const typeOf = (response: Response) => (response.headers.get("content-type") ?? "").split(";")[0];

function bodyOf(response: Response, text: string): unknown {
  if (typeOf(response) !== "application/json") {
    return text || undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new UnexpectedAnswerError(response.status, text);
  }
}

/** What fetch says of a connection that never came about. */
const refused = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"]);

function neverSent(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: string; errors?: { code?: string }[] } };
  return [cause, ...(cause?.errors ?? [])].some((one) => refused.has(one?.code ?? ""));
}

function wordsOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: Error & { code?: string } };
  return cause?.code ?? cause?.message ?? message;
}

/** mayRepeat reports whether to try again after an error: always if nothing happened, otherwise if twice has the effect of once. */
function mayRepeat(call: Call, error: unknown): boolean {
  if (error instanceof NoAnswerError) {
    return call.repeatable === true || !error.maybeDone;
  }
  if (error instanceof ProblemError || error instanceof UnexpectedAnswerError) {
    return error.status === 429 || call.repeatable === true && [502, 503, 504].includes(error.status);
  }
  return false;
}

/** waitBefore returns the milliseconds to wait before another try: what Curfew says, or twice as long each time, by chance. */
export function waitBefore(tries: number, error: unknown, first = 100, most = 5_000): number {
  const asked = error instanceof ProblemError ? error.retryAfter ?? 0 : 0;
  return asked + Math.min(first * 2 ** tries, most) * (0.5 + Math.random() / 2);
}

/** sleep waits, unless the signal ends it: then its reason is thrown. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
