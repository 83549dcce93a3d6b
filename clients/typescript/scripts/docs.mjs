// Writes each block of TypeScript in docs/typescript.md to test/docs/, and the example's file for Supabase to test/docs/example/, so that the compiler
// and the tests see them.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const page = readFileSync(new URL("../../../docs/typescript.md", import.meta.url), "utf8");
const folder = new URL("../test/docs/", import.meta.url);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
[...page.matchAll(/^## ([^\n]+)$.*?^```ts\n(.*?)^```$/gms)].forEach(([, heading, code], i) => {
  writeFileSync(new URL(`${i + 1}.ts`, folder), `// ${heading}\n${code}`);
});
mkdirSync(new URL("example/", folder));
copyFileSync(new URL("../../../examples/nextjs/lib/supabase.ts", import.meta.url), new URL("example/supabase.ts", folder));
