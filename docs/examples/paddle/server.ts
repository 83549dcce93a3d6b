// Takes in Paddle's webhooks, and tells Curfew. It keeps nothing: Paddle sends a message again until it is answered 200,
// and it is answered 200 once Curfew has committed it.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

import { translate, type PaymentEvent } from "./translate.ts";

const tolerance = 5 * 60; // seconds between a signature's time and ours
const maxBody = 1 << 20; // bytes
const tries = [0, 250, 1000]; // milliseconds before each try; Paddle waits 5 seconds for an answer
const patience = 1000; // milliseconds that each may take

// verify throws unless the body was signed by Paddle: ts=TIME;h1=HEX, with one h1 for each secret while one is replaced.
function verify(secret: string, header: string | undefined, body: Buffer, now = Date.now() / 1000): void {
  const parts = (header ?? "").split(";").map((part) => part.split("=", 2));
  const time = parts.find(([name]) => name === "ts")?.[1] ?? "";
  const want = createHmac("sha256", secret).update(`${time}:`).update(body).digest();
  const proven = parts.some(([name, value]) => {
    const got = Buffer.from(value ?? "", "hex");
    return name === "h1" && got.length === want.length && timingSafeEqual(got, want);
  });
  if (!proven || !(Math.abs(now - Number(time)) <= tolerance)) {
    throw new Error("not signed by Paddle, or not just now");
  }
}

// sign returns the headers that prove an event to Curfew (https://www.standardwebhooks.com).
function sign(secret: string, id: string, body: string, now = Date.now() / 1000): Record<string, string> {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const time = Math.floor(now).toString();
  const signature = createHmac("sha256", key).update(`${id}.${time}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": `v1,${signature}` };
}

// tell tells Curfew of an event, and returns its answer. Telling it twice does no harm.
async function tell(url: string, secret: string, event: PaymentEvent): Promise<{ outcome: string; why?: string }> {
  const body = JSON.stringify(event);
  let failure: unknown;
  for (const wait of tries) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    try {
      const answer = await fetch(new URL("/api/payments/events", url), {
        method: "POST",
        headers: { "content-type": "application/json", ...sign(secret, event.id, body) },
        body,
        signal: AbortSignal.timeout(patience),
      });
      const text = await answer.text();
      if (answer.ok) {
        return JSON.parse(text);
      }
      failure = new Error(`Curfew answered ${answer.status} ${text}`);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxBody) {
      throw new Error("the body is too large");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

type Options = { curfew: string; curfewSecret: string; paddleSecret: string };

// receive takes in one message and returns the status of its answer. Anything but 200 makes Paddle send it again.
async function receive(o: Options, request: IncomingMessage): Promise<number> {
  if (request.method !== "POST") {
    return 405;
  }
  const body = await read(request);
  try {
    verify(o.paddleSecret, request.headers["paddle-signature"] as string | undefined, body);
  } catch (error) {
    console.error("refused:", error);
    return 401;
  }
  const event = translate(JSON.parse(body.toString()));
  if (event) {
    const { outcome, why } = await tell(o.curfew, o.curfewSecret, event);
    if (outcome === "kept") {
      console.error(`Curfew cannot use ${event.id}: ${why}`); // the same again would not help: mend translate.ts
    }
  }
  return 200;
}

function setting(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`set ${name}`);
  }
  return value;
}

const options = { curfew: setting("CURFEW_URL"), curfewSecret: setting("CURFEW_PAYMENTS_SECRET"), paddleSecret: setting("PADDLE_SECRET") };
const host = process.env.HOST ?? "127.0.0.1";

const server = createServer(async (request, response) => {
  let status = 500;
  try {
    status = await receive(options, request);
  } catch (error) {
    console.error("failed:", error);
  }
  response.writeHead(status).end();
});
server.listen(Number(process.env.PORT ?? 8080), host, () => {
  console.log(`listening on http://${host}:${(server.address() as AddressInfo).port}`);
});
