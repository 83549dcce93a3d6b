// Writes each block of TypeScript in docs/typescript.md to test/docs/, so that the compiler and the tests see it.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const page = readFileSync(new URL("../../../docs/typescript.md", import.meta.url), "utf8");
const folder = new URL("../test/docs/", import.meta.url);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
[...page.matchAll(/^## ([^\n]+)$.*?^```ts\n(.*?)^```$/gms)].forEach(([, heading, code], i) => {
  writeFileSync(new URL(`${i + 1}.ts`, folder), `// ${heading}\n${code}`);
});
