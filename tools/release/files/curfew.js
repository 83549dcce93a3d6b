#!/usr/bin/env node
// Starts the program of this platform, which npm has installed beside this package, and ends as it does.
"use strict";
const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const name = `@curfew/${process.platform}-${process.arch}`;
let program;
try {
  program = require.resolve(`${name}/bin/curfew${process.platform === "win32" ? ".exe" : ""}`);
} catch {
  console.error(`curfew: ${name} is not installed: there is no program for this platform, or npm left out optional dependencies`);
  process.exit(1);
}

const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  // A terminal sends Ctrl-C to both. Whoever else stops this process means the program.
  process.on(signal, () => signal === "SIGINT" && process.stdin.isTTY ? undefined : child.kill(signal));
}
child.on("error", (err) => {
  console.error(`curfew: ${err.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
