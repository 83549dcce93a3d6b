// Replays a day of requests (history.json) through the app, in scaled time, and prints who was refused. Minutes are those of the
// history; MINUTE says how many milliseconds one lasts here. A request with served: null is one that nobody accepted: its
// customer gave up after the wait, and nobody told the app.

import { readFileSync } from "node:fs";

type Request = { at: number; customer: string; wait: number; served: number | null };

const minute = Number(process.env.MINUTE ?? 100);
const app = process.env.APP_URL ?? "http://127.0.0.1:8080";
const history: Request[] = JSON.parse(readFileSync(process.env.HISTORY ?? "history.json", "utf8"));
const begun = Date.now();

const sleep = (minutes: number) => new Promise((resolve) => setTimeout(resolve, minutes * minute));
const until = (at: number) => sleep(Math.max(0, at - (Date.now() - begun) / minute));

async function call(path: string, body: object): Promise<{ ok: boolean; status: number; session?: string }> {
  const answer = await fetch(app + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (answer.status >= 500) {
    throw new Error(`${path} answered ${answer.status}`);
  }
  return { ok: answer.ok, status: answer.status, ...((await answer.json()) as object) };
}

const refused: Request[] = [];
const lost: Request[] = []; // ended before the mechanic accepted who did so in the history

async function live(request: Request, number: number): Promise<void> {
  await until(request.at);
  const { ok, session } = await call("/ask", { customer: request.customer, plan: "chat10", payment: `cs_${begun}_${number}` });
  if (!ok) {
    refused.push(request);
    return;
  }
  if (request.served === null) {
    return;
  }
  await until(request.at + request.wait);
  if (!(await call("/accept", { session, mechanic: `mechanic-${number}` })).ok) {
    lost.push(request);
    return;
  }
  await call("/begin", { session });
  await sleep(request.served);
  await call("/complete", { session });
}

async function all(): Promise<void> {
  const customers = [...new Set(history.map((r) => r.customer))];
  await Promise.all(customers.map(async (customer) => {
    for (const [number, request] of history.entries()) {
      if (request.customer === customer) {
        await live(request, number);
      }
    }
  }));
  const blocked = new Set(refused.map((r) => r.customer));
  console.log(JSON.stringify({ requests: history.length, refused: refused.length, blocked: blocked.size, lost: lost.length }));
}

all().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
