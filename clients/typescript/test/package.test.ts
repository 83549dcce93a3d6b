import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";

import { started } from "./curfew.js";

const server = await started();
const root = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "curfew-package-"));
after(() => rmSync(folder, { recursive: true }));

const run = (program: string, args: string[], env: Record<string, string> = {}) =>
  execFileSync(program, args, { cwd: folder, encoding: "utf8", env: { ...process.env, ...env } });

// The package as npm would install it, from what npm would publish.
const [packed] = JSON.parse(run("npm", ["pack", root, "--ignore-scripts", "--json"])) as { filename: string; files: { path: string }[] }[];
const installed = join(folder, "node_modules/@curfew/client");
mkdirSync(installed, { recursive: true });
run("tar", ["--extract", "--gzip", "--strip-components=1", `--file=${packed!.filename}`, `--directory=${installed}`]);

const use = `
  const { Curfew, ProblemError, NotFoundError, hs256, verifyWebhook } = CLIENT;
  const { proxy, stripeForward } = NEXT;
  const { TestCurfew, secrets } = TESTING;
  const shop = new Curfew({ signer: hs256(secrets.jwt) }).as("service", "shop");
  const answer = await shop.checkouts.fulfill({ paymentRef: "cs_" + crypto.randomUUID(), customerId: crypto.randomUUID(), plan: "chat10" });
  const missing = await shop.sessions.read(crypto.randomUUID()).catch((error) => error instanceof NotFoundError && error instanceof ProblemError);
  console.log(answer.outcome, missing, typeof proxy, typeof stripeForward, typeof verifyWebhook, typeof TestCurfew.start);`;
const programs: Record<string, string> = {
  "module.mjs": `import * as CLIENT from "@curfew/client"; import * as NEXT from "@curfew/client/next"; import * as TESTING from "@curfew/client/testing";${use}`,
  "script.cjs": `const CLIENT = require("@curfew/client"), NEXT = require("@curfew/client/next"), TESTING = require("@curfew/client/testing");
    (async () => {${use}})();`,
};
for (const [name, text] of Object.entries(programs)) {
  it(`what is packed works in ${name}`, () => {
    writeFileSync(join(folder, name), text);
    assert.equal(run(process.execPath, [name], { CURFEW_URL: server.url }), "fulfilled true function function function function\n");
  });
}

it("what is packed has types for both", () => {
  const typed = `export const outcome = async () => { const { Curfew } = await import("@curfew/client"); return (await new Curfew().sessions.create({ plan: "free" })).outcome; };
    import { proxy } from "@curfew/client/next"; export const { GET } = proxy({ user: () => null });`;
  writeFileSync(join(folder, "module.mts"), typed);
  writeFileSync(join(folder, "script.cts"), typed);
  const tsc = join(root, "node_modules/.bin/tsc");
  run(tsc, ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--module", "nodenext", "--types", "", "module.mts", "script.cts"]);
});

it("nothing else is packed, and nothing else is needed", () => {
  assert.deepEqual(packed!.files.map(({ path }) => path).filter((path) => !/^dist\/(esm|cjs)\/\w+(\.d\.ts|\.js)$/.test(path)).sort(),
    ["LICENSE", "README.md", "dist/cjs/package.json", "package.json"]);
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as Record<string, unknown>;
  assert.equal(manifest["dependencies"], undefined);
  assert.equal(manifest["optionalDependencies"], undefined);
});
