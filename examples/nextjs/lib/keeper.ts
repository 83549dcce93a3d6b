import type { Blocker, Offer } from "@curfew/client";

import { curfew } from "./curfew";
import { own } from "./own";

/** What the pages need of whoever keeps the sessions. */
export interface Keeper {
  /** What holds the customer's slot. */
  blocker(customerId: string): Promise<Pick<Blocker, "id" | "status" | "assigned"> | null>;
  /** What the customer has paid for and can still use. */
  credits(customerId: string): Promise<number>;
  cancel(customerId: string, sessionId: string): Promise<void>;
  queue(mechanicId: string): Promise<Pick<Offer, "id" | "customerName" | "waitingSeconds">[]>;
  accept(mechanicId: string, requestId: string): Promise<void>;
}

const cured: Keeper = {
  blocker: async (id) => (await curfew.as("customer", id).customers.status(id)).session,
  credits: async (id) => (await curfew.as("customer", id).customers.status(id)).credits.filter((credit) => credit.spendable).length,
  cancel: async (id, session) => void (await curfew.as("customer", id).sessions.cancel(session)),
  queue: async (id) => (await curfew.as("mechanic", id).queue.list()).requests,
  accept: async (id, request) => void (await curfew.as("mechanic", id).queue.accept(request)),
};

export const keeper: Keeper = process.env.KEEPER === "own" ? own : cured;
