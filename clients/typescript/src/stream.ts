// The live stream, read by fetch: it reconnects, resumes where it was, and hands on each change once (docs/streams.md).

import { CurfewError, errorOf, ProblemError, UnexpectedAnswerError } from "./errors.js";
import type { StreamEvent } from "./schema.js";
import { sleep, waitBefore, type Transport } from "./transport.js";

export interface StreamOptions {
  signal?: AbortSignal | undefined;
  /** The id of the last event that was handled, to resume a stream of an earlier process. What happened in the 30 s before comes again. */
  after?: string | undefined;
  /** Milliseconds without a sign of life after which a connection is given up: 40,000. Curfew sends one every 15 s. */
  idle?: number | undefined;
  /** Milliseconds before connecting again. Absent: what Curfew says, which is another for each client. */
  retry?: number | undefined;
  /** Told of each connection that ended, and why. The stream goes on by itself. */
  onDisconnect?: ((reason: unknown) => void) | undefined;
}

/** One server-sent event as it comes in; a heartbeat has no data. */
interface Frame {
  event: string;
  data: string;
  id: string | undefined;
  retry: number | undefined;
}

/**
 * follow yields what changes until the signal ends it or the caller leaves. After `hello`, and after `reset`, read the lists:
 * they have what came before. A refusal that another try would not mend is thrown.
 */
export async function* follow(transport: Transport, options: StreamOptions = {}): AsyncGenerator<StreamEvent, void> {
  const position = { last: options.after, retry: 1_000 };
  const seen = new Seen();
  let failures = 0; // connections in a row that told nothing
  let greeted = false;
  let reason: unknown;
  for (;;) {
    const before = reason;
    reason = undefined;
    try {
      for await (const event of connection(transport, position, options)) {
        failures = 0;
        if (event.event === "bye") {
          reason = new CurfewError(`the stream ended: ${event.data.reason}`);
        } else if (event.event === "hello" ? !greeted : seen.admits(event)) {
          greeted = true;
          yield event;
        }
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      if (final(error, before, transport)) {
        throw error;
      }
      reason = error;
    }
    options.onDisconnect?.(reason);
    const retry = options.retry ?? position.retry;
    await sleep(failures === 0 ? retry : waitBefore(failures - 1, reason, retry, 30_000), options.signal);
    failures++;
  }
}

/** final reports whether an error would come again: also a token that is refused, unless another can be had, once. */
function final(error: unknown, before: unknown, transport: Transport): boolean {
  const refused = (one: unknown) => one instanceof ProblemError && one.status === 401;
  if (error instanceof ProblemError) {
    return error.status < 500 && error.status !== 429 && !(refused(error) && transport.renewable && !refused(before));
  }
  return !(error instanceof Lost || error instanceof UnexpectedAnswerError);
}

/** The connection broke, or was silent. */
class Lost extends CurfewError {}

interface Position {
  last: string | undefined;
  retry: number;
}

/** connection yields the events of one connection, and moves the position on. */
async function* connection(transport: Transport, position: Position, options: StreamOptions): AsyncGenerator<StreamEvent, void> {
  const identity = await transport.identity();
  const silence = new Watchdog(options.idle ?? 40_000);
  const signal = options.signal ? AbortSignal.any([options.signal, silence.signal]) : silence.signal;
  const headers: Record<string, string> = { accept: "text/event-stream", ...(position.last && { "last-event-id": position.last }) };
  try {
    const response = await silence.guard(transport.open({ method: "GET", path: "/api/stream", headers }, identity, signal));
    if (!response.ok || !response.body) {
      throw errorOf(response, await response.text());
    }
    for await (const frame of framesOf(response.body, silence)) {
      position.retry = frame.retry ?? position.retry;
      if (frame.data) {
        yield { event: frame.event, data: JSON.parse(frame.data), ...(frame.id && { id: frame.id }) } as StreamEvent;
      }
      position.last = frame.id ?? position.last; // only now: the caller has it
    }
  } catch (error) {
    throw error instanceof CurfewError ? error : new Lost("the connection was lost", { cause: error });
  } finally {
    silence.end();
  }
}

/** Watchdog aborts its signal when somebody has waited for too long. */
class Watchdog {
  readonly #controller = new AbortController();
  readonly #patience: number;

  constructor(patience: number) {
    this.#patience = patience;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** guard waits for something, but not for ever. */
  async guard<T>(wait: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#controller.abort(new Lost("no sign of life: is there a proxy that buffers?")), this.#patience);
    try {
      return await wait;
    } finally {
      clearTimeout(timer);
    }
  }

  /** end lets go of the connection. */
  end(): void {
    this.#controller.abort();
  }
}

/** framesOf parses server-sent events (HTML, section 9.2). What is cut off at the end is dropped: it comes again. */
async function* framesOf(body: ReadableStream<Uint8Array>, silence: Watchdog): AsyncGenerator<Frame, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let frame = newFrame();
  try {
    for (;;) {
      const { done, value } = await silence.guard(reader.read());
      if (done) {
        return;
      }
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          yield frame;
          frame = newFrame();
        } else {
          addLine(frame, line);
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // it may be gone already
  }
}

const newFrame = (): Frame => ({ event: "message", data: "", id: undefined, retry: undefined });

function addLine(frame: Frame, line: string): void {
  const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
  switch (field) {
    case "event":
      frame.event = value;
      break;
    case "data":
      frame.data += frame.data ? `\n${value}` : value;
      break;
    case "id":
      frame.id = value;
      break;
    case "retry":
      frame.retry = Number(value) || undefined;
      break;
  }
}

/** How long what was seen is kept, in milliseconds of the events' own times. A resumed stream goes back 30 s, and a process five minutes. */
const memory = 10 * 60_000;

/** Seen tells changes that come again from new ones. */
export class Seen {
  readonly #times = new Map<string, number>();
  readonly #queue = new Map<string, string>();
  #newest = 0;

  /** admits reports whether an event is new. */
  admits(event: StreamEvent): boolean {
    const at = Date.parse(event.id ?? "") || this.#newest;
    switch (event.event) {
      case "session":
        return this.#add(`s ${event.data.sessionId} ${event.data.number}`, at);
      case "checkout":
        return this.#add(`c ${event.data.checkoutId} ${event.data.number}`, at);
      case "request": {
        // A request has no numbers. What is told of it again has its old time, but may tell the present state.
        const { change, request } = event.data;
        const fresh = this.#add(`r ${request.id} ${event.id} ${change}`, at) && this.#queue.get(request.id) !== change;
        this.#queue.set(request.id, change);
        return fresh;
      }
      default:
        return true;
    }
  }

  #add(key: string, at: number): boolean {
    if (this.#times.has(key)) {
      return false;
    }
    this.#times.set(key, at);
    this.#newest = Math.max(this.#newest, at);
    if (this.#times.size % 1_000 === 0) {
      this.#forget();
    }
    return true;
  }

  #forget(): void {
    const kept = new Set<string | undefined>();
    for (const [key, at] of this.#times) {
      if (at < this.#newest - memory) {
        this.#times.delete(key);
      } else if (key.startsWith("r ")) {
        kept.add(key.split(" ")[1]);
      }
    }
    for (const id of this.#queue.keys()) {
      if (!kept.has(id)) {
        this.#queue.delete(id);
      }
    }
  }
}
