import { stripeForward } from "@curfew/client/next";

import { paid } from "@/lib/own";

// Before: this app keeps its own sessions, and has the bug. After: each payment goes to Curfew.
export const POST = process.env.KEEPER === "own" ? paid : stripeForward();
