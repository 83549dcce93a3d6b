// Translates what Paddle (Billing) tells by its webhooks into Curfew's events of payments. It stores nothing and calls
// nobody: the same message always becomes the same event, so messages may come in any order, and again and again.

// PaymentEvent is what POST /api/payments/events takes. docs/payments-door.md describes every field.
export type PaymentEvent = {
  id: string;
  type: "paid" | "declined" | "failed" | "refund" | "dispute";
  provider: "paddle";
  references: string[];
  object?: string;
  state?: string;
  amount?: number;
  currency?: string;
  reason?: string;
  at: string;
  order?: { customerId?: string; plan?: string; price?: number; metadata?: Record<string, string> };
};

// Notification is a message of Paddle, as far as it is read here.
export type Notification = {
  event_id: string;
  event_type: string;
  occurred_at: string;
  data: Transaction & Adjustment;
};

type Transaction = {
  id: string;
  currency_code: string;
  // What the shop's page gave to Paddle.js as customData.
  custom_data?: { customer_id?: string; plan?: string; order_id?: string } | null;
  details?: { totals: { subtotal: string; grand_total: string } };
  payments?: { payment_attempt_id: string; error_code: string | null }[]; // the newest first
};

type Adjustment = {
  id: string;
  action: string;
  transaction_id: string;
  currency_code: string;
  reason: string;
  status: "pending_approval" | "approved" | "rejected" | "reversed";
  totals: { total: string };
};

// translate returns undefined for a message that says nothing of a payment's money. It throws for one that should, and
// does not.
export function translate(n: Notification): PaymentEvent | undefined {
  switch (n.event_type) {
    case "transaction.paid":
    case "transaction.completed": // the same again, with Paddle's fees
      return paid(n);
    case "transaction.payment_failed":
      return declined(n);
    case "transaction.canceled":
      return { ...event(n, n.data.id), type: "failed" };
    case "adjustment.created":
    case "adjustment.updated":
      return adjusted(n);
  }
  return undefined;
}

// event is what all events have. The time is that of what happened, not of this message: of two events about the same
// thing, the later one holds.
function event(n: Notification, transaction: string): Omit<PaymentEvent, "type"> {
  return { id: n.event_id, provider: "paddle", references: [transaction], at: n.occurred_at };
}

function paid(n: Notification): PaymentEvent {
  const t = n.data;
  const totals = t.details?.totals;
  if (!totals) {
    throw new Error(`${n.event_type} ${n.event_id} has no totals`);
  }
  const e: PaymentEvent = {
    ...event(n, t.id),
    type: "paid",
    amount: minor(totals.grand_total),
    currency: t.currency_code,
    // Curfew compares the price of the plan with what was paid before discounts and tax.
    order: { price: minor(totals.subtotal) },
  };
  const { customer_id, plan, order_id } = t.custom_data ?? {};
  if (customer_id) e.order!.customerId = customer_id;
  if (plan) e.order!.plan = plan;
  if (order_id) e.references.push(order_id); // the shop may report the payment by it, too
  return e;
}

// declined tells of one card or account that was refused. The customer may try another, so the payment is not over.
function declined(n: Notification): PaymentEvent {
  const attempt = n.data.payments?.[0];
  return { ...event(n, n.data.id), type: "declined", object: attempt?.payment_attempt_id, reason: attempt?.error_code ?? undefined };
}

// adjusted reads what changes a payment afterwards. Credits are on the customer's balance at Paddle: no money moves.
function adjusted(n: Notification): PaymentEvent | undefined {
  const a = n.data;
  const e = {
    ...event(n, a.transaction_id),
    amount: minor(a.totals.total),
    currency: a.currency_code,
    reason: a.reason,
  };
  switch (a.action) {
    case "refund":
      return { ...e, type: "refund", object: a.id, state: refundState(a.status) };
    // A chargeback takes the money at once. If Paddle wins it back, that is an adjustment of its own, which names the
    // transaction but not the chargeback: both are told as one dispute of that transaction.
    case "chargeback":
      return { ...e, type: "dispute", object: `chargeback of ${a.transaction_id}`, state: a.status === "approved" ? "lost" : "won" };
    case "chargeback_reverse":
      return { ...e, type: "dispute", object: `chargeback of ${a.transaction_id}`, state: "won" };
    case "chargeback_warning": // the bank asks, and takes nothing yet
      return { ...e, type: "dispute", object: `warning of ${a.transaction_id}`, state: a.status === "approved" ? "warning" : "closed" };
  }
  return undefined;
}

function refundState(status: Adjustment["status"]): string {
  switch (status) {
    case "pending_approval":
      return "pending";
    case "approved":
      return "succeeded";
    case "rejected":
    case "reversed":
      return "failed";
  }
}

// minor reads Paddle's amounts: whole numbers of the currency's minor unit, as text.
function minor(amount: string): number {
  if (!/^\d{1,15}$/.test(amount)) {
    throw new Error(`${amount} is no amount`);
  }
  return Number(amount);
}
