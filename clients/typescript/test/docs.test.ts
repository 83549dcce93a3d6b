import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { it } from "node:test";

import { secrets, signWebhook } from "@curfew/client/testing";

import { started } from "./curfew.js";

// The code of docs/typescript.md, which scripts/docs.mjs wrote here, runs as it is, one block after the other.
const server = await started();
process.env["CURFEW_URL"] = server.url;
process.env["CURFEW_AUTH_JWT_SECRET"] = secrets.jwt;
process.env["CURFEW_WEBHOOK_SECRET"] = `whsec_${Buffer.from("a secret of the tests").toString("base64")}`;
process.env["CURFEW_TOKEN"] = await server.signer("service", "shop");

const folder = new URL("docs/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".js")).sort();

it("there is code to run", () => assert.equal(files.length, 7));

for (const name of files) {
  it(`${readFileSync(new URL(name, folder), "utf8").split("\n")[0]} runs`, async () => {
    const module = await import(new URL(name, folder).href) as { POST?: (request: Request) => Promise<Response> };
    if (module.POST) {
      const body = JSON.stringify({ type: "session.accepted", timestamp: new Date().toISOString(), data: {} });
      const headers = await signWebhook(process.env["CURFEW_WEBHOOK_SECRET"] ?? "", "id-1", body);
      assert.equal((await module.POST(new Request("http://app.example", { method: "POST", body, headers }))).status, 204);
    }
  });
}
