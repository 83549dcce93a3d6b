// What a generator made of the description must be a union that the compiler can tell apart.

import type { Fulfillment, Problem } from "./build/hey-api";
import type { components } from "./build/openapi-typescript";

type Schemas = components["schemas"];

export const until = (answer: Schemas["Fulfillment"]): string | undefined => (answer.outcome === "deferred" ? answer.retryUntil : undefined);
export const blocker = (problem: Schemas["Problem"]): string | undefined => (problem.code === "session_open" ? problem.session.id : undefined);
export const number = (event: Schemas["StreamEvent"]): number | undefined => (event.event === "session" ? event.data.number : undefined);
export const route = (answer: Fulfillment): string | undefined => (answer.outcome === "fulfilled" ? answer.route : undefined);
export const busy = (problem: Problem): string | undefined => (problem.code === "mechanic_busy" ? problem.session.status : undefined);
