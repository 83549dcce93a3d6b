// Tokens that a marketplace signs with the secret that it shares with Curfew (the setting auth.jwt_secret).

import type { CallerRole } from "./schema.js";

/** Signer makes a token for somebody. */
export type Signer = (role: CallerRole, id: string) => Promise<string>;

export interface SignerOptions {
  /** How many seconds a token counts: 300. */
  ttl?: number | undefined;
  issuer?: string | undefined;
  audience?: string | undefined;
  /** What the claim role says, whoever it is for; absent: the role in Curfew. */
  roleClaim?: string | undefined;
  /** Further claims, for instance of an issuer with paths of its own. */
  claims?: Record<string, unknown> | undefined;
}

const utf8 = new TextEncoder();

/** hs256 returns a signer with a shared secret. Keep the secret on the server. */
export function hs256(secret: string, options: SignerOptions = {}): Signer {
  let key: Promise<CryptoKey> | undefined;
  return async (role, id) => {
    if (!secret) {
      throw new TypeError("hs256: the secret is empty"); // only now: an app is built where its secrets are not
    }
    if (!id) {
      throw new TypeError(`hs256: whose token? The id of the ${role} is empty`);
    }
    key ??= hmacKey(utf8.encode(secret), ["sign"]);
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      ...options.claims, role: options.roleClaim ?? role, sub: id, iat: now, exp: now + (options.ttl ?? 300),
      ...(options.issuer && { iss: options.issuer }), ...(options.audience && { aud: options.audience }),
    };
    const signed = `${base64url(utf8.encode(JSON.stringify({ alg: "HS256", typ: "JWT" })))}.${base64url(utf8.encode(JSON.stringify(claims)))}`;
    return `${signed}.${base64url(new Uint8Array(await crypto.subtle.sign("HMAC", await key, utf8.encode(signed))))}`;
  };
}

/** hmacKey imports a key of HMAC with SHA-256. */
export function hmacKey(bytes: Uint8Array<ArrayBuffer>, uses: KeyUsage[]): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, uses);
}

export function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function base64url(bytes: Uint8Array): string {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
