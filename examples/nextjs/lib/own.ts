import { createHmac, timingSafeEqual } from "node:crypto";

import type { Keeper } from "./keeper";

// The app as it was: it keeps sessions in a table of its own (here a list), and has the bug. A session that nobody accepts
// waits for ever, and its customer, who has paid, is refused the next one.

interface Row {
  id: string;
  customer: string;
  mechanic: string | null;
  status: "waiting" | "live" | "cancelled";
  createdAt: number;
}

const table = ((globalThis as { rows?: Row[] }).rows ??= []);

const openOf = (customer: string) => table.find((row) => row.customer === customer && row.status !== "cancelled");

/** paid takes in Stripe's message of a payment. */
export async function paid(request: Request): Promise<Response> {
  const body = await request.text();
  if (!signed(body, request.headers.get("stripe-signature") ?? "")) {
    return new Response(null, { status: 400 });
  }
  const { type, data } = JSON.parse(body) as { type: string; data: { object: { client_reference_id: string } } };
  if (type === "checkout.session.completed") {
    const customer = data.object.client_reference_id;
    const blocker = openOf(customer);
    if (blocker) { // the disease: the money is kept, and nobody ever looks at this again
      console.error(`Customer already has an active or pending session (ID: ${blocker.id}, Status: ${blocker.status}). Only one session allowed at a time.`);
      return Response.json({ received: true, blockedBy: blocker.id });
    }
    table.push({ id: crypto.randomUUID(), customer, mechanic: null, status: "waiting", createdAt: Date.now() });
  }
  return Response.json({ received: true });
}

function signed(body: string, header: string): boolean {
  const { t = "", v1 = "" } = Object.fromEntries(header.split(",").map((part) => part.split("=", 2))) as Record<string, string>;
  const want = createHmac("sha256", process.env.STRIPE_WEBHOOK_SECRET ?? "").update(`${t}.${body}`).digest();
  const got = Buffer.from(v1, "hex");
  return got.length === want.length && timingSafeEqual(got, want) && Math.abs(Date.now() / 1000 - Number(t)) < 300;
}

export const own: Keeper = {
  blocker: async (customer) => {
    const row = openOf(customer);
    return row && row.status !== "cancelled" ? { id: row.id, status: row.status, assigned: row.mechanic !== null } : null;
  },
  credits: async () => 0,
  cancel: async (customer, id) => {
    const row = table.find((one) => one.id === id && one.customer === customer);
    if (row) {
      row.status = "cancelled";
    }
  },
  // Whoever has waited for more than 15 minutes is not shown any more, as if they had left.
  queue: async () => table.filter((row) => row.status === "waiting" && !row.mechanic && Date.now() - row.createdAt < 15 * 60_000)
    .map((row) => ({ id: row.id, customerName: row.customer, waitingSeconds: Math.floor((Date.now() - row.createdAt) / 1000) })),
  accept: async (mechanic, id) => {
    const row = table.find((one) => one.id === id && !one.mechanic);
    if (row) {
      row.mechanic = mechanic;
    }
  },
};
