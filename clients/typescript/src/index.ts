/** Client of Curfew, the session keeper of paid live-help marketplaces. */

export { Curfew, type InputOf, type OperationName, type ResultOf } from "./client.js";
export * from "./errors.js";
export { Pages } from "./pages.js";
export * from "./schema.js";
export type { StreamOptions } from "./stream.js";
export { hs256, type Signer, type SignerOptions } from "./token.js";
export type { CallOptions, Options, Person } from "./transport.js";
export { verifyWebhook, type VerifyOptions, type WebhookEvent } from "./webhook.js";
