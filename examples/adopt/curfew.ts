// Calls Curfew as one of the app's people. Both know the secret that signs (the setting auth.jwt_secret).

import { createHmac } from "node:crypto";

function token(role: string, subject: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ role, sub: subject, exp: Math.floor(Date.now() / 1000) + 300 })}`;
  return `${signed}.${createHmac("sha256", process.env.CURFEW_AUTH_JWT_SECRET ?? "").update(signed).digest("base64url")}`;
}

export async function curfew(role: string, subject: string, method: string, path: string, body?: object) {
  const answer = await fetch(new URL(path, process.env.CURFEW_URL), {
    method,
    headers: { authorization: `Bearer ${token(role, subject)}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}
