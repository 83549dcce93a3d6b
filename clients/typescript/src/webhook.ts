// Webhooks by Standard Webhooks 1.0: an HMAC over the id, the time and the raw bytes of the body.

import { WebhookError } from "./errors.js";
import type { WebhookMessage } from "./schema.js";
import { base64, bytesOf, hmacKey } from "./token.js";

/** A webhook that was verified: a union by type. The id is the same whenever it arrives again. */
export type WebhookEvent = WebhookMessage & { id: string };

export interface VerifyOptions {
  /** How many seconds the time of a signature may be from now: 300. */
  tolerance?: number | undefined;
}

type HeaderSource = Headers | Record<string, string | string[] | undefined>;

const utf8 = new TextEncoder();

/**
 * verifyWebhook returns a webhook that Curfew signed with the secret, or with one of several while a secret is replaced.
 * The body must be as it was received: text or bytes, not what a parser made of them. Throws WebhookError.
 */
export async function verifyWebhook(
  body: string | ArrayBuffer | Uint8Array, headers: HeaderSource, secret: string | readonly string[], options: VerifyOptions = {},
): Promise<WebhookEvent> {
  const header = (name: string) => {
    const value = headers instanceof Headers ? headers.get(name) : headers[name];
    return (Array.isArray(value) ? value[0] : value) ?? "";
  };
  const id = header("webhook-id");
  const time = header("webhook-timestamp");
  if (!(Math.abs(Date.now() / 1000 - Number(time || NaN)) <= (options.tolerance ?? 300))) {
    throw new WebhookError("the time of the webhook is missing, or too far from now");
  }
  const bytes = typeof body === "string" ? utf8.encode(body) : new Uint8Array(body);
  const signed = concat(utf8.encode(`${id}.${time}.`), bytes);
  const signatures = header("webhook-signature").split(" ").filter((one) => one.startsWith("v1,"));
  for (const one of typeof secret === "string" ? [secret] : secret) {
    const key = await keyOf(one);
    for (const signature of signatures) {
      if (await matches(key, signature.slice(3), signed)) {
        return { ...(JSON.parse(new TextDecoder().decode(bytes)) as WebhookMessage), id };
      }
    }
  }
  throw new WebhookError("no signature of the webhook matches");
}

/** signWebhook returns the headers that prove a body, as Curfew would send them. */
export async function signWebhook(secret: string, id: string, body: string, at = new Date()): Promise<Record<string, string>> {
  const time = Math.floor(at.getTime() / 1000).toString();
  const signature = await crypto.subtle.sign("HMAC", await keyOf(secret), utf8.encode(`${id}.${time}.${body}`));
  return { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": `v1,${base64(new Uint8Array(signature))}` };
}

async function keyOf(secret: string): Promise<CryptoKey> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = bytesOf(secret.replace(/^whsec_/, ""));
  } catch (cause) {
    throw new WebhookError("the secret is not base64, as in whsec_…", { cause });
  }
  if (bytes.length === 0) {
    throw new WebhookError("the secret is empty");
  }
  return hmacKey(bytes, ["sign", "verify"]);
}

/** matches compares in constant time: verify does. */
async function matches(key: CryptoKey, signature: string, signed: Uint8Array<ArrayBuffer>): Promise<boolean> {
  try {
    return await crypto.subtle.verify("HMAC", key, bytesOf(signature), signed);
  } catch {
    return false; // no base64
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
