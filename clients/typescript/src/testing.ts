// For tests: a Curfew of one's own on a throw-away database, and what providers would send it. Needs Node and the program curfew.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Curfew } from "./client.js";
import { CurfewError } from "./errors.js";
import type { CallerRole } from "./schema.js";
import { hs256, type Signer } from "./token.js";
import { signWebhook } from "./webhook.js";

export { signWebhook };

export interface StartOptions {
  /** The program. Absent: CURFEW_BINARY, or curfew in PATH. */
  binary?: string | undefined;
  /** A database that is yours to fill, such as postgres://… Absent: a SQLite file that is thrown away. */
  databaseUrl?: string | undefined;
  /** Settings, by their keys: { waiting_ttl: "1m" }. */
  settings?: Record<string, string | number | boolean> | undefined;
  /** Whether advance moves the time. Absent: on a file that is thrown away; a database of yours must be new for it. */
  testClock?: boolean | undefined;
}

/** The secrets that a Curfew for tests shares with them. */
export const secrets = {
  jwt: "the secret of tests, which signs nothing else",
  stripe: "whsec_the_secret_of_tests",
};

/** TestCurfew is a running Curfew. Stop it when the test ends. */
export class TestCurfew {
  readonly #options: StartOptions;
  readonly #folder: string;
  readonly #listen: string;
  #process: ChildProcess | undefined;
  #log = "";

  /** Signs tokens that it accepts. */
  readonly signer: Signer = hs256(secrets.jwt);

  private constructor(options: StartOptions, folder: string, listen: string) {
    this.#options = options;
    this.#folder = folder;
    this.#listen = listen;
  }

  /** start starts one, and waits until it answers. */
  static async start(options: StartOptions = {}): Promise<TestCurfew> {
    const one = new TestCurfew(options, await mkdtemp(join(tmpdir(), "curfew-test-")), `127.0.0.1:${await freePort()}`);
    try {
      await one.#begin();
    } catch (error) {
      await one.stop();
      throw error;
    }
    return one;
  }

  get url(): string {
    return `http://${this.#listen}`;
  }

  /** What it has written to its log. */
  get log(): string {
    return this.#log;
  }

  /** as returns a client that calls as somebody. */
  as(role: CallerRole, id: string): Curfew {
    return new Curfew({ url: this.url, signer: this.signer }).as(role, id);
  }

  /**
   * advance moves the clock by so many milliseconds, or by a duration like "15m" or "24h", and returns what it is then. Everything that is due by then
   * has been done: sessions have ended, refunds were made, and webhooks delivered or tried. Tokens and signatures stay at the real time.
   */
  async advance(by: number | string): Promise<Date> {
    const { now } = await this.as("service", "tests").call("advanceTestClock", { body: { by: typeof by === "number" ? `${by}ms` : by } }, { timeout: 75_000, deadline: 75_000 });
    return new Date(now);
  }

  /** kill ends it as a power cut would: kill -9. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** restart starts it again at the same address, on the same database. */
  async restart(): Promise<void> {
    await this.#end("SIGTERM");
    await this.#begin();
  }

  /** stop ends it and removes what it left. */
  async stop(): Promise<void> {
    await this.#end("SIGKILL");
    await rm(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill(signal);
      await gone;
    }
  }

  /** #run starts the program, and returns once its log says so, or once it has ended well. */
  async #run(args: string[], ready?: RegExp): Promise<ChildProcess> {
    const { binary = process.env["CURFEW_BINARY"] ?? "curfew", databaseUrl = `sqlite:${join(this.#folder, "curfew.db")}`, settings = {} } = this.#options;
    const child = spawn(binary, args, { cwd: this.#folder, env: environment(databaseUrl, settings), stdio: ["ignore", "ignore", "pipe"] });
    const from = this.#log.length;
    await new Promise<void>((resolve, reject) => {
      child.once("error", (cause) => reject(new CurfewError(`${binary} cannot be run: set CURFEW_BINARY`, { cause })));
      child.once("exit", (code) => (code === 0 ? resolve() : reject(new CurfewError(`curfew ended with ${code}: ${this.#log.slice(from)}`))));
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        this.#log += text;
        if (ready?.test(this.#log.slice(from))) {
          resolve();
        }
      });
    });
    return child;
  }

  async #begin(): Promise<void> {
    if (this.#options.databaseUrl) {
      await this.#run(["migrate"]);
    }
    const clock = this.#options.testClock ?? !this.#options.databaseUrl;
    this.#process = await this.#run(["serve", `--listen=${this.#listen}`, "--listen-ops=127.0.0.1:0", ...(clock ? ["--test-clock"] : [])], /^ +for operators +http/m);
  }
}

/** environment returns this process's variables without settings of Curfew, and with these. */
function environment(databaseUrl: string, settings: Record<string, string | number | boolean>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("CURFEW_"));
  const all = { database_url: databaseUrl, "auth.jwt_secret": secrets.jwt, "stripe.webhook_secret": secrets.stripe, drain: "0s", ...settings };
  const set = Object.entries(all).map(([key, value]) => [`CURFEW_${key.replaceAll(".", "_").toUpperCase()}`, String(value)]);
  return Object.fromEntries([...kept, ...set]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A message as Stripe posts it: the body, to the byte, and its headers. */
export interface StripeMessage {
  body: string;
  headers: Record<string, string>;
}

export interface StripeCheckout {
  customer: string;
  plan: string;
  /** In the currency's minor unit. */
  amount: number;
  currency?: string | undefined;
  /** The Checkout Session's id. The same twice is the same payment. */
  id?: string | undefined;
  secret?: string | undefined;
}

/** stripeCheckout returns Stripe's message that somebody has paid: checkout.session.completed. */
export function stripeCheckout(paid: StripeCheckout): Promise<StripeMessage> {
  const id = paid.id ?? `cs_test_${crypto.randomUUID().replaceAll("-", "")}`;
  return stripeMessage("checkout.session.completed", {
    id, object: "checkout.session", mode: "payment", status: "complete", payment_status: "paid", livemode: false,
    amount_total: paid.amount, amount_subtotal: paid.amount, currency: paid.currency ?? "eur", payment_intent: id.replace(/^cs_/, "pi_"),
    client_reference_id: paid.customer, metadata: { plan: paid.plan, customer_id: paid.customer }, created: seconds(),
  }, paid.secret);
}

/** stripeMessage returns any message of Stripe's about an object, signed with the secret of a Curfew for tests. */
export async function stripeMessage(type: string, object: Record<string, unknown>, secret = secrets.stripe): Promise<StripeMessage> {
  const body = JSON.stringify({
    id: `evt_${crypto.randomUUID().replaceAll("-", "")}`, object: "event", api_version: "2025-03-31.basil", created: seconds(), livemode: false, type, data: { object },
  });
  const time = seconds();
  const key = await crypto.subtle.importKey("raw", Buffer.from(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const signature = Buffer.from(await crypto.subtle.sign("HMAC", key, Buffer.from(`${time}.${body}`))).toString("hex");
  return { body, headers: { "content-type": "application/json", "stripe-signature": `t=${time},v1=${signature}` } };
}

const seconds = () => Math.floor(Date.now() / 1000);

export interface SupabaseUser {
  id: string;
  /** What app_metadata.role says; most users have none. */
  role?: string | undefined;
  /** The project's address. */
  project?: string | undefined;
}

/** supabaseToken returns a token as Supabase signs it with a project's legacy secret, for auth.issuers. */
export function supabaseToken(secret: string, user: SupabaseUser): Promise<string> {
  const sign = hs256(secret, {
    issuer: `${user.project ?? "http://127.0.0.1:54321"}/auth/v1`, audience: "authenticated", ttl: 3600, roleClaim: "authenticated",
    claims: { aal: "aal1", is_anonymous: false, app_metadata: { provider: "email", ...(user.role && { role: user.role }) }, user_metadata: {} },
  });
  return sign("customer", user.id);
}
