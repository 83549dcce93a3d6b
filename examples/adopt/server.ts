// A live-help marketplace in one file: customers pay and ask for help, mechanics accept. It keeps its sessions in PostgreSQL,
// and has the bug that Curfew is about: a session that nobody accepts stays pending for ever, and its customer is refused.
//
// Nothing changes here when Curfew keeps the table. STEP shows what changes afterwards, line by line, for who wants to move
// over: 3 reads the mechanics' queue from Curfew, 4 accepts there, 5 sells there.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

import pg from "pg";

import { curfew } from "./curfew.ts";

const step = Number(process.env.STEP ?? 0);
const minute = Number(process.env.MINUTE ?? 60_000); // milliseconds; fewer for a replay
const patience = 30 * minute;

const db = new pg.Pool({ connectionString: process.env.DATABASE_URL });

type Answer = { status: number; body: unknown };
type Body = Record<string, string>;

// ask sells a session to a customer who has paid.
async function ask({ customer, plan, payment }: Body): Promise<Answer> {
  if (step >= 5) {
    const { status, body } = await curfew("service", "shop", "POST", "/api/checkouts", { paymentRef: payment, customerId: customer, plan });
    return { status, body };
  }
  const open = await db.query("SELECT id FROM sessions WHERE customer_id = $1 AND status IN ('pending', 'waiting', 'live')", [customer]);
  if (open.rowCount) {
    return { status: 409, body: { error: "Customer already has an active or pending session. Only one session allowed at a time." } };
  }
  const made = await db.query(
    `WITH made AS (
       INSERT INTO sessions (customer_id, plan, stripe_session_id, expires_at) VALUES ($1, $2, $3, now() + $4 * interval '1 millisecond')
       RETURNING id
     )
     INSERT INTO session_requests (session_id) SELECT id FROM made RETURNING session_id`,
    [customer, plan, payment, patience],
  );
  return { status: 201, body: { session: made.rows[0].session_id } };
}

// queue is what a mechanic can accept, the longest waiting first.
async function queue({ mechanic }: Body): Promise<Answer> {
  if (step >= 3) {
    return curfew("mechanic", mechanic, "GET", "/api/mechanics/requests");
  }
  const waiting = await db.query("SELECT id, customer_id FROM sessions WHERE status = 'pending' AND mechanic_id IS NULL ORDER BY created_at");
  return { status: 200, body: { requests: waiting.rows } };
}

async function accept({ session, request, mechanic }: Body): Promise<Answer> {
  if (step >= 4) {
    return curfew("mechanic", mechanic, "POST", `/api/mechanics/requests/${request}/accept`);
  }
  const accepted = await db.query(
    `WITH accepted AS (
       UPDATE sessions SET status = 'waiting', mechanic_id = $2, accepted_at = now()
       WHERE id = $1 AND status = 'pending' AND mechanic_id IS NULL RETURNING id
     )
     UPDATE session_requests r SET status = 'accepted', mechanic_id = $2 FROM accepted WHERE r.session_id = accepted.id`,
    [session, mechanic],
  );
  return accepted.rowCount ? { status: 200, body: {} } : { status: 409, body: { error: "This session is not available any more." } };
}

// begin is called when both are in.
async function begin({ session, customer, mechanic }: Body): Promise<Answer> {
  const begun = await db.query(
    "UPDATE sessions SET status = 'live', started_at = now() WHERE id = $1 AND status IN ('pending', 'waiting') AND mechanic_id IS NOT NULL",
    [session],
  );
  if (begun.rowCount || step < 5) {
    return { status: begun.rowCount ? 200 : 409, body: {} };
  }
  await curfew("customer", customer, "POST", `/api/sessions/${session}/join`);
  return curfew("mechanic", mechanic, "POST", `/api/sessions/${session}/join`);
}

async function complete({ session, mechanic }: Body): Promise<Answer> {
  const done = await db.query("UPDATE sessions SET status = 'completed', ended_at = now() WHERE id = $1 AND status = 'live'", [session]);
  if (done.rowCount || step < 5) {
    return { status: done.rowCount ? 200 : 409, body: {} };
  }
  return curfew("mechanic", mechanic, "POST", `/api/sessions/${session}/end`);
}

const routes: Record<string, (body: Body) => Promise<Answer>> = {
  "POST /ask": ask, "POST /queue": queue, "POST /accept": accept, "POST /begin": begin, "POST /complete": complete,
};

async function read(request: IncomingMessage): Promise<Body> {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
  }
  return JSON.parse(text);
}

const server = createServer(async (request, response) => {
  let answer: Answer = { status: 404, body: {} };
  try {
    const route = routes[`${request.method} ${request.url}`];
    answer = route ? await route(await read(request)) : answer;
  } catch (error) {
    console.error("failed:", error);
    answer = { status: 500, body: {} };
  }
  response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
});
server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
