// Written by scripts/generate.mjs from what `curfew openapi` prints. Do not edit.

export interface APIKey {
  createdAt: string;
  createdBy: string;
  /** The currency of maxAmount; absent: any, for a key that an earlier release created */
  currency?: string;
  /** Absent: it reaches every customer */
  customerPrefix?: string;
  /** Absent: never */
  expiresAt?: string;
  id: string;
  /** The key itself, sent as a bearer token; returned only when it is created or rotated */
  key?: string;
  /** To the minute; absent: never used */
  lastUsedAt?: string;
  /** Absent: any */
  maxAmount?: number;
  name: string;
  /** Until when the previous secret is still accepted */
  oldUntil?: string;
  revokedAt?: string;
  revokedBy?: string;
  role: string;
  rotatedAt?: string;
  /** Absent: every route of its role */
  routes?: string[];
  state: "active" | "expired" | "revoked";
}

export interface APIKeys {
  keys: APIKey[];
}

export interface Acknowledging {
  /** Why it is left as it is; shown to operators */
  reason: string;
  /** From then on the finding counts again; at most 90 days ahead */
  until: string;
}

export interface Action {
  body?: Record<string, unknown>;
  /** Everything that the call would do */
  consequence: string;
  label: string;
  method: string;
  name: "clear" | "force_clear" | "release" | "refund" | "credit" | "fulfil" | "undo";
  path: string;
}

export interface Adopted {
  /** The name of the table's mapping in the settings */
  from: string;
  /** The row's id */
  id: string;
}

export interface Aged {
  /** The row, in one of the marketplace's own tables, that the session mirrors */
  adopted?: Adopted;
  /** For people: 31 minutes */
  age: string;
  ageSeconds: number;
  customerId: string;
  expiresAt: string;
  id: string;
}

export interface Approval {
  /** The operationId of the requested action */
  action: string;
  askedAt: string;
  askedBy: string;
  customerId?: string;
  decidedAt?: string;
  decidedBy?: string;
  /** Until when it can be approved */
  expiresAt: string;
  id: string;
  /** Why it was rejected, or why it failed */
  note?: string;
  /** Why somebody asked for it */
  reason?: string;
  /** If it stays executing for more than two minutes, its process has stopped, and a service will finish it */
  state: "pending" | "expired" | "executing" | "done" | "failed" | "rejected";
  /** What it does, in a sentence */
  summary: string;
  /** The {id} in the path of the requested action */
  target: string;
}

export interface ApprovalPending {
  approval: Approval;
  code: "approval_pending";
  detail: string;
}

export interface ApprovalRejection {
  /** Recorded with the approval */
  reason?: string | undefined;
}

export interface Approvals {
  approvals: Approval[];
  nextCursor?: string;
}

export interface Assignment {
  /** The marketplace's own id */
  customerId: string;
  plan: string;
  /** Kept in the payment's history */
  reason: string;
  /** Start of an appointment, at most a year ahead */
  startsAt?: string | undefined;
}

export interface AuditEntry {
  /** An operationId, page: and a page's name, or command: and the words of a command */
  action: string;
  /** As role:id; for customers, the role alone */
  actor: string;
  at: string;
  detail?: string;
  /** Whether subject, object and detail were erased */
  erased?: boolean;
  /** From 1, without a gap */
  number: number;
  /** The id of the session, payment or other object that it is about */
  object?: string;
  requestId?: string;
  /** The status of the response; for a command that failed, its exit code */
  status?: number;
  /** The customer whom it is about */
  subject?: string;
  via: "api" | "page" | "command" | "system";
}

export interface AuditPage {
  entries: AuditEntry[];
  nextCursor?: string;
}

export interface Blocker {
  /** The row, in one of the marketplace's own tables, that the session mirrors */
  adopted?: Adopted;
  /** Whether a mechanic has accepted it */
  assigned: boolean;
  createdAt: string;
  expiresAt: string;
  id: string;
  status: "waiting" | "live";
  /** Why Curfew does not end it at its deadline; absent if it does */
  why?: string;
}

/** What a caller can do about the session that blocks */
export type BlockerAction = "cancel" | "end" | "release" | "wait";

export interface Bye {
  reason: "stopping" | "expired";
}

/** The role of a caller */
export type CallerRole = "customer" | "mechanic" | "admin" | "service";

export interface Checkout {
  /** In the currency's minor unit */
  amount: number;
  createdAt: string;
  currency?: string;
  id: string;
  /** Which of several sessions of one payment it is, in words; absent for the first: cs_1 line 2 of 3 */
  line?: string;
  outcome: CheckoutOutcome;
  /** What is known of the money; absent for free sessions */
  payment?: Payment;
  /** Absent for free sessions, and for further sessions that one payment bought */
  paymentRef?: string;
  plan: string;
  /** What is or was refunded: for an appointment cancelled late, a share */
  refundAmount?: number;
  retryUntil?: string;
  /** The first session it paid for */
  sessionId?: string;
  updatedAt: string;
}

export interface CheckoutChange {
  at: string;
  checkoutId: string;
  number: number;
  outcome: CheckoutOutcome;
  /** The first session it paid for */
  sessionId?: string;
}

export interface CheckoutDetail {
  /** In the currency's minor unit */
  amount: number;
  /** How often the refund was requested */
  attempts?: number;
  createdAt: string;
  currency?: string;
  /** Absent if unknown */
  customerId?: string;
  /** When the customer's bank disputed it */
  disputedAt?: string;
  email?: string;
  /** Its history; only for a single payment */
  events?: HistoryEvent[];
  id: string;
  /** Which of several sessions of one payment it is, in words; absent for the first: cs_1 line 2 of 3 */
  line?: string;
  metadata?: Record<string, string>;
  name?: string;
  /** When the refund is requested again */
  nextAt?: string;
  /** Why it has this outcome */
  note?: string;
  outcome: CheckoutOutcome;
  /** What is known of the money; absent for free sessions */
  payment?: Payment;
  /** The provider's id of the payment */
  paymentId?: string;
  /** Absent for free sessions, and for further sessions that one payment bought */
  paymentRef?: string;
  plan: string;
  /** What is or was refunded: for an appointment cancelled late, a share */
  refundAmount?: number;
  /** The provider's id of the refund */
  refundId?: string;
  retryUntil?: string;
  /** The first session it paid for */
  sessionId?: string;
  updatedAt: string;
}

export interface CheckoutHealth {
  byOutcome: Record<string, number> | null;
  oldestUnsettledSeconds: number | null;
  /** The sum of the payments that need attention, by currency, in minor units; those of unknown amount are in totals only */
  owed: Record<string, number> | null;
  /** Payments that need attention or are credited, by outcome and currency */
  totals: CheckoutTotal[] | null;
}

/** What became of a payment */
export type CheckoutOutcome = "promised" | "fulfilled" | "deferred" | "held" | "credited" | "refund_due" | "refunding" | "refunded" | "forfeited" | "void" | "ignored";

export interface CheckoutPage {
  checkouts: CheckoutDetail[];
  /** Where the next page begins; null on the last */
  nextCursor: string | null;
}

export interface CheckoutTotal {
  /** In the currency's minor unit; for refunds, what is due; without a currency it is unknown, and 0 */
  amount: number;
  count: number;
  /** Empty if unknown */
  currency: string;
  outcome: "deferred" | "held" | "credited" | "refund_due" | "refunding";
}

export interface Checkouts {
  checkouts: Checkout[];
}

export interface Cleanup {
  /** Only this customer's sessions */
  customerId?: string | undefined;
  /** Store a preview instead of cleaning */
  dryRun?: boolean | undefined;
  /** Of the preview, all but these sessions */
  except?: string[] | undefined;
  /** Unassigned sessions are due at this age, whatever their deadline */
  maxAgeMinutes?: number | undefined;
  /** Of the preview, only these sessions */
  only?: string[] | undefined;
  /** Execute exactly this preview */
  previewId?: string | undefined;
  /** Kept in the run and the history */
  reason?: string | undefined;
  /** Only these rules */
  rules?: string[] | undefined;
}

export interface CleanupResult {
  /** Rows that have changed since the preview and were left alone */
  drifted: Drift[];
  message: string;
  runId: string;
  stats: CleanupStats;
  success: boolean;
}

export interface CleanupStats {
  expiredRequests: number;
  /** Sessions that went back into the queue, because their mechanic did not come; not in the total */
  forgotten?: number;
  noShows: number;
  oldWaitingSessions: number;
  orphanedSessions: number;
  overran: number;
  /** Sessions that an undo revived; not in the total */
  revived?: number;
  scheduledMissed: number;
  /** Rows that could not be settled: they are in quarantine and are tried again later; not in the total */
  setApart?: number;
  totalCleaned: number;
  unattended: number;
}

export interface Cleared {
  ended: Session[];
  kept: Kept[];
}

export interface Clearing {
  /** Report what would be ended; change nothing */
  dryRun?: boolean | undefined;
  /** End live sessions too; for admins only, with a reason */
  force?: boolean | undefined;
  /** Kept in the history */
  reason?: string | undefined;
}

export interface ClockAdvance {
  /** How far to move it, with a unit: 90s, 15m, 24h */
  by: string;
}

export interface Contact {
  email?: string;
  name?: string;
}

export interface CustomerErasing {
  /** Previews, and keeps the preview for a day */
  dryRun?: boolean | undefined;
  /** Carries out this preview */
  previewId?: string | undefined;
  /** With dryRun: the customer's id is itself personal data, so replace it everywhere */
  pseudonym?: boolean | undefined;
  /** The reason. It outlives the erasure, so it should not name anybody */
  reason?: string | undefined;
  /** The preview's version */
  version?: number | undefined;
}

export interface CustomerErasure {
  /** What prevents it for now */
  blockedBy: ErasureObstacle[];
  /** After the erasure: the pseudonym that replaced the id */
  customerId: string;
  /** Absent if it was not carried out */
  erasedAt?: string;
  goes: ErasurePart[];
  previewId: string;
  /** The pseudonym that replaces the customer's id; absent if the id stays */
  pseudonym?: string;
  stays: ErasurePart[];
  /** How many events the customer had at the time of the preview */
  version: number;
}

export interface CustomerExport {
  /** Addresses and names that came with payments */
  contacts: Contact[];
  customerId: string;
  exportedAt: string;
  /** The rows by kind, such as sessions, checkouts or events, each with all its fields */
  held: Record<string, (Record<string, unknown>)[] | null>;
}

export interface CustomerHealth {
  blockedRepeatedly: RepeatedlyBlocked[] | null;
  /** The period in which refusals are counted */
  windowSeconds: number;
}

export interface CustomerStatus {
  /** What can be done about it: cancel, end, wait */
  actions: BlockerAction[];
  blocked: boolean;
  /** Unspent credits, oldest first, at most 100 */
  credits: UnspentCredit[];
  /** When the slot becomes free by itself, at the latest; null also if that is not known */
  releasesAt: string | null;
  /** The session that holds the slot; null if the slot is free */
  session: Blocker | null;
}

export interface DeadOf {
  endpoint: string;
}

export interface Deliveries {
  deliveries: Delivery[];
  /** The after parameter of the next page; null on the last page */
  nextCursor: string | null;
}

export interface Delivery {
  attempts: number;
  channel: string;
  createdAt: string;
  customerId?: string;
  /** The endpoint's id; for mail, the masked address */
  destination: string;
  /** The last error */
  error?: string;
  /** Absent for a test */
  eventId?: string;
  /** The webhook-id of every attempt */
  id: string;
  /** Pending: when it is tried next, or when the present attempt gives up */
  nextAt?: string;
  /** The event's number */
  number?: number;
  state: "pending" | "delivered" | "dead";
  /** The receiver's last status */
  status?: number;
  /** The session or checkout */
  subjectId?: string;
  type: EventKind | "test";
  updatedAt: string;
}

export interface Difference {
  checkoutId: string;
  detail: string;
  /** What was done about it */
  done?: string;
  kind: "missing_here" | "not_paid_there" | "amount_differs" | "refunded_there_only" | "refunded_here_only";
  /** What became of the payment, now */
  outcome: string;
  ref: string;
  /** Nothing is left to do */
  settled: boolean;
  /** When an earlier reconciliation found it; absent if this one did */
  since?: string;
  /** What is left for a person */
  todo?: string;
}

export interface Drift {
  customerId?: string;
  sessionId: string;
  why: string;
}

/** Why a session ended */
export type EndReason = "expired" | "orphaned" | "unattended" | "no_show" | "overran" | "missed" | "cleared" | "cancelled" | "too_short" | "finished" | "refunded" | "payment_failed" | "duplicate" | "foreign";

export interface Endpoint {
  createdAt: string;
  description: string;
  disabledAt?: string;
  /** Absent if a person disabled it */
  disabledReason?: string;
  enabled: boolean;
  events: EventKind[];
  id: string;
  /** The signing secret; returned only when it is created or rotated */
  secret?: string;
  updatedAt: string;
  url: string;
}

export interface EndpointChange {
  description?: string | undefined;
  /** A disabled endpoint receives nothing. Once enabled, it receives what is still pending, and new events */
  enabled?: boolean | undefined;
  /** Replaces the types of events that are sent; empty: all events */
  events?: string[] | undefined;
  url?: string | undefined;
}

export interface Endpoints {
  endpoints: Endpoint[];
}

export interface Entry {
  /** role:id; empty for deadlines and notices */
  actor: string;
  at: string;
  /** The customer, in the timeline of a run */
  customerId?: string;
  /** For a notice: the message that was sent or will be */
  delivery?: Delivery;
  from?: string;
  /** The id of the session (also for its request, refusals and notices), the checkout or the run */
  id: string;
  kind: "session" | "request" | "payment" | "refusal" | "run" | "notice" | "deadline";
  /** For an event of a session or checkout */
  number?: number;
  reason?: string;
  sentence: string;
  to?: string;
}

export interface ErasureObstacle {
  id: string;
  kind: "session" | "payment";
  state: string;
}

export interface ErasurePart {
  rows: number;
  what: string;
}

/** Who did something, as outsiders see it */
export type EventActor = "customer" | "mechanic" | "operator" | "service" | "system";

/** What happened, as the type of a webhook */
export type EventKind = "session.scheduled" | "session.waiting" | "session.live" | "session.completed" | "session.cancelled" | "session.accepted" | "session.released" | "session.transferred" | "session.forgotten" | "session.joined" | "session.extended" | "session.prolonged" | "session.unaccepted" | "session.postponed" | "session.changed" | "checkout.promised" | "checkout.fulfilled" | "checkout.deferred" | "checkout.held" | "checkout.credited" | "checkout.refund_due" | "checkout.refunding" | "checkout.refunded" | "checkout.forfeited" | "checkout.void" | "checkout.ignored" | "checkout.changed";

/** Why something happened, as a code */
export type EventReason = "admitted" | "booked" | "credit_spent" | "slot_free" | "revived" | "due" | "slot_taken" | "accepted" | "released" | "transferred" | "prolonged" | "unaccepted" | "forgotten" | "joined" | "both_joined" | "extended" | "too_late" | "held" | "repaired" | "refund_decided" | "credit_decided" | "credit_over" | "refund_asked" | "refund_refused" | "nothing_to_refund" | "refund_reported" | "not_ours" | "payment_awaited" | "payment_arrived" | "payment_reduced" | "payment_due" | "payment_captured" | "payment_refused" | "payment_released" | "disputed" | "noted" | "other" | "expired" | "orphaned" | "unattended" | "no_show" | "overran" | "missed" | "cleared" | "cancelled" | "too_short" | "finished" | "refunded" | "payment_failed" | "duplicate" | "foreign";

export type EventReceipt = EventReceiptRecorded | EventReceiptKept;

/** The event is stored unchanged, and had no effect */
export interface EventReceiptKept {
  outcome: "kept";
  /** For kept: what is wrong with the event */
  why: string;
}

/** The event is recorded */
export interface EventReceiptRecorded {
  /** What it pays for, oldest first; absent until an order or the shop says what was bought */
  checkouts?: ReceiptCheckout[];
  currency?: string;
  outcome: "recorded";
  /** The payment's state, by everything that is known about it. Absent while no payment has been reported */
  state?: "reported" | "promised" | "authorised" | "captured" | "failed";
  /** What the payment can pay for now, in the currency's minor unit. Money that is only reserved does not count yet */
  worth?: number;
}

export interface Events {
  events: HistoryEvent[];
}

export interface Evidence {
  /** When the customer and the mechanic joined the session, and how long it was live */
  access_activity_log?: string;
  customer_email_address?: string;
  customer_name?: string;
  /** What was bought, and for how much */
  product_description?: string;
  /** When the session went live */
  service_date?: string;
  /** The history of the payment and its sessions, in sentences */
  uncategorized_text?: string;
}

export type Extended = ExtendedPromised | ExtendedFulfilled | ExtendedDeferred | ExtendedHeld | ExtendedCredited | ExtendedRefundDue | ExtendedRefunding | ExtendedRefunded | ExtendedForfeited | ExtendedVoid | ExtendedIgnored;

/** The customer can spend the payment on another session */
export interface ExtendedCredited {
  /** The session's deadline; absent once it has ended */
  expiresAt?: string;
  outcome: "credited";
  sessionId: string;
  /** The session's status */
  status: SessionStatus;
}

/** The payment is recorded. Its session follows when the customer's slot is free */
export interface ExtendedDeferred {
  /** The session's deadline; absent once it has ended */
  expiresAt?: string;
  outcome: "deferred";
  sessionId: string;
  /** The session's status */
  status: SessionStatus;
}

/** The session ended without the customer, and the payment is kept */
export interface ExtendedForfeited {
  /** The session's deadline; absent once it has ended */
  expiresAt?: string;
  outcome: "forfeited";
  sessionId: string;
  /** The session's status */
  status: SessionStatus;
}

/** The payment has its session */
export interface ExtendedFulfilled {
  /** The session's deadline; absent once it has ended */
  expiresAt?: string;
  outcome: "fulfilled";
  sessionId: string;
  /** The session's status */
  status: SessionStatus;
}

/** The payment cannot be used as it is. An operator decides */
export interface ExtendedHeld {
  /** The session's deadline; absent once it has ended */
  expiresAt?: string;
  outcome: "held";
  sessionId: string;
  /** The session's status */
  status: SessionStatus;
}

/** The payment is for something that is not sold here */
export interface ExtendedIgnored {
  /** The session's deadline; absent once it has ended */
  expiresAt?: string;
  outcome: "ignored";
  sessionId: string;
  /** The session's status */
  status: SessionStatus;
}

/** The money has not come yet. The session follows when it does */
export interface ExtendedPromised {
  /** The session's deadline; absent once it has ended */
  expiresAt?: string;
  outcome: "promised";
  sessionId: string;
  /** The session's status */
  status: SessionStatus;
}

/** The payment is to be refunded */
export interface ExtendedRefundDue {
  /** The session's deadline; absent once it has ended */
  expiresAt?: string;
  outcome: "refund_due";
  sessionId: string;
  /** The session's status */
  status: SessionStatus;
}

/** The payment was refunded */
export interface ExtendedRefunded {
  /** The session's deadline; absent once it has ended */
  expiresAt?: string;
  outcome: "refunded";
  sessionId: string;
  /** The session's status */
  status: SessionStatus;
}

/** The provider is being asked for the refund */
export interface ExtendedRefunding {
  /** The session's deadline; absent once it has ended */
  expiresAt?: string;
  outcome: "refunding";
  sessionId: string;
  /** The session's status */
  status: SessionStatus;
}

/** The payment was never made, or was taken back. Nothing is owed */
export interface ExtendedVoid {
  /** The session's deadline; absent once it has ended */
  expiresAt?: string;
  outcome: "void";
  sessionId: string;
  /** The session's status */
  status: SessionStatus;
}

export interface Extension {
  /** In the currency's minor unit */
  amount?: number | undefined;
  /** ISO 4217; required with an amount if the plan has no currency */
  currency?: string | undefined;
  /** The payment's reference at its provider. The same reference is always the same payment */
  paymentRef: string;
  /** A plan that extends */
  plan: string;
}

export interface FindingAcknowledgement {
  at: string;
  /** Who did it: role and id */
  by: string;
  reason: string;
  /** From then on the finding counts again */
  until: string;
}

/** What is wrong, as a code */
export type FindingCode = "unreadable" | "not_writable" | "admissions_failing" | "schema_lacking" | "very_stale_sessions" | "stuck_rows" | "cleanup_failed" | "sweeper_silent" | "keys_unreachable" | "rows_inconsistent" | "money_unsettled" | "refund_failing" | "refunds_overdue" | "capture_failing" | "payments_disputed" | "payment_lost" | "payment_disagrees" | "books_differ" | "messages_refused" | "messages_unusable" | "deliveries_dying" | "deliveries_overdue" | "endpoint_disabled" | "stale_sessions" | "stale_requests" | "orphaned_sessions" | "overdue_assigned" | "overdue_live" | "overdue_scheduled" | "leaked_slots" | "blocked_repeatedly" | "queue_unwatched" | "guards_missing" | "audit_lost" | "tallies_wrong" | "clock_skew";

export interface Forecast {
  /** How many customers are served before this one; 1000 means 1000 or more */
  ahead: number;
  at: string;
  /** How many of them have a session now */
  busy: number;
  /** How many mechanics seem to be at work: as many as had a session at once within the last 20 minutes */
  mechanics: number;
  /** Half of the customers in this place wait at most this long from now; null if too little is known */
  p50Seconds: number | null;
  /** Nine in ten wait at most this long from now; null if too little is known */
  p90Seconds: number | null;
  /** The customer waits for a mechanic; otherwise the forecast is of a session that would begin now */
  waiting: boolean;
}

export type Fulfillment = FulfillmentPromised | FulfillmentFulfilled | FulfillmentDeferred | FulfillmentHeld | FulfillmentCredited | FulfillmentRefundDue | FulfillmentRefunding | FulfillmentRefunded | FulfillmentForfeited | FulfillmentVoid | FulfillmentIgnored;

/** The customer can spend the payment on another session */
export interface FulfillmentCredited {
  outcome: "credited";
  requestId?: string;
  /** Where the customer goes: /chat/<id> */
  route?: string;
  /** The first session it paid for */
  sessionId?: string;
  type: SessionType;
}

/** The payment is recorded. Its session follows when the customer's slot is free */
export interface FulfillmentDeferred {
  /** Deferred: the session that holds the slot */
  blockedBy?: Blocker;
  /** Deferred: why */
  detail: string;
  outcome: "deferred";
  requestId?: string;
  /** Deferred: when a refund becomes due */
  retryUntil: string;
  /** Where the customer goes: /chat/<id> */
  route?: string;
  /** The first session it paid for */
  sessionId?: string;
  type: SessionType;
}

/** The session ended without the customer, and the payment is kept */
export interface FulfillmentForfeited {
  outcome: "forfeited";
  requestId?: string;
  /** Where the customer goes: /chat/<id> */
  route?: string;
  /** The first session it paid for */
  sessionId?: string;
  type: SessionType;
}

/** The payment has its session */
export interface FulfillmentFulfilled {
  outcome: "fulfilled";
  requestId?: string;
  /** Where the customer goes: /chat/<id> */
  route: string;
  /** The first session it paid for */
  sessionId: string;
  type: SessionType;
}

/** The payment cannot be used as it is. An operator decides */
export interface FulfillmentHeld {
  outcome: "held";
  requestId?: string;
  /** Where the customer goes: /chat/<id> */
  route?: string;
  /** The first session it paid for */
  sessionId?: string;
  type: SessionType;
}

/** The payment is for something that is not sold here */
export interface FulfillmentIgnored {
  outcome: "ignored";
  requestId?: string;
  /** Where the customer goes: /chat/<id> */
  route?: string;
  /** The first session it paid for */
  sessionId?: string;
  type: SessionType;
}

/** The money has not come yet. The session follows when it does */
export interface FulfillmentPromised {
  outcome: "promised";
  requestId?: string;
  /** Where the customer goes: /chat/<id> */
  route?: string;
  /** The first session it paid for */
  sessionId?: string;
  type: SessionType;
}

/** The payment is to be refunded */
export interface FulfillmentRefundDue {
  outcome: "refund_due";
  requestId?: string;
  /** Where the customer goes: /chat/<id> */
  route?: string;
  /** The first session it paid for */
  sessionId?: string;
  type: SessionType;
}

/** The payment was refunded */
export interface FulfillmentRefunded {
  outcome: "refunded";
  requestId?: string;
  /** Where the customer goes: /chat/<id> */
  route?: string;
  /** The first session it paid for */
  sessionId?: string;
  type: SessionType;
}

/** The provider is being asked for the refund */
export interface FulfillmentRefunding {
  outcome: "refunding";
  requestId?: string;
  /** Where the customer goes: /chat/<id> */
  route?: string;
  /** The first session it paid for */
  sessionId?: string;
  type: SessionType;
}

/** The payment was never made, or was taken back. Nothing is owed */
export interface FulfillmentVoid {
  outcome: "void";
  requestId?: string;
  /** Where the customer goes: /chat/<id> */
  route?: string;
  /** The first session it paid for */
  sessionId?: string;
  type: SessionType;
}

export interface Health {
  checkouts: CheckoutHealth;
  customers: CustomerHealth;
  /** The oldest 100 */
  details: HealthDetails;
  /** The same problems for programs, in the same order */
  findings: HealthFinding[];
  health: "healthy" | "issues_detected" | "error";
  mechanics: MechanicHealth;
  /** What is wrong, in sentences */
  problems: string[];
  /** Commands to paste */
  recommendations: string[];
  requests: RequestHealth;
  sessions: SessionHealth;
  startedAt: string;
  sweeper: SweeperHealth;
  /** By the database's clock, if the database answered */
  timestamp: string;
  version: string;
  /** Whether the database accepts this process's writes; null: unknown */
  writable: boolean | null;
}

export interface HealthDetails {
  orphanedSessions: Aged[] | null;
  stalePendingRequests: Aged[] | null;
  staleWaitingSessions: Aged[] | null;
}

export interface HealthFinding {
  /** Null if it is not acknowledged, or has become worse since */
  acknowledged: FindingAcknowledgement | null;
  code: FindingCode;
  count: number;
  /** Ids, oldest first */
  customers: string[];
  fix: string;
  /** References, or checkout ids for payments without one */
  payments: string[];
  /** Ids, oldest first */
  sessions: string[];
  severity: "critical" | "warning";
  /** Since when the oldest of them has been wrong; null: unknown */
  since: string | null;
}

export interface HealthHistory {
  /** Unix times */
  at: number[];
  /** The interval between samples; those from before this process started are a minute apart, without stale and lagSeconds */
  everySeconds: number;
  /** How long the most overdue session was past its deadline */
  lagSeconds: (number | null)[];
  live: (number | null)[];
  scheduled: (number | null)[];
  stale: (number | null)[];
  waiting: (number | null)[];
}

export interface Hello {
  at: string;
  role: CallerRole;
}

export interface HistoryEvent {
  actor: EventActor | (string & {});
  at: string;
  from: SessionStatus | CheckoutOutcome | "";
  number: number;
  reason: EventReason | (string & {});
  to: SessionStatus | CheckoutOutcome;
}

export interface Job {
  /** Who started it: role:id */
  actor: string;
  /** Who asked it to stop: role:id */
  cancelledBy?: string;
  /** Sessions or payments processed so far */
  done: number;
  /** Why it failed */
  error?: string;
  /** Null while it runs */
  finishedAt: string | null;
  jobId: string;
  kind: "cleanup" | "undo" | "reconcile";
  /** What it is doing; once it has ended, the last thing it did */
  phase: string;
  /** The full result, once it has ended */
  result?: unknown;
  /** The run that records it; a reconciliation has none */
  runId?: string;
  startedAt: string;
  state: "running" | "succeeded" | "failed" | "cancelled";
  /** Null while it is unknown */
  total: number | null;
}

export interface Jobs {
  jobs: Job[];
  /** Where the next page begins; null on the last */
  nextCursor: string | null;
}

export interface Kept {
  sessionId: string;
  status: SessionStatus;
  why: string;
}

export interface KeyRotation {
  /** How long the previous secret stays valid; 0: not at all; absent: a day */
  graceSeconds?: number | undefined;
}

export interface Mechanic {
  busy: boolean;
  /** How many accepted sessions they did not join */
  forgotten: number;
  /** How many of those in the last 30 days */
  forgottenLately: number;
  id: string;
  /** Null: never */
  lastForgottenAt: string | null;
  /** The session that keeps them busy; null if there is none, or if the caller's key may not see it */
  session: Session | null;
  /** When they accepted it */
  since: string | null;
}

export interface MechanicHealth {
  busy: number | null;
  /** Mechanics with an open stream, on all processes */
  connected: number | null;
  /** Null: never */
  lastQueueRead: string | null;
}

export interface NewAPIKey {
  /** The currency of maxAmount, required with it; payments in another currency are refused */
  currency?: string | undefined;
  /** Restricts the key to customers whose id begins with this; absent: not restricted */
  customerPrefix?: string | undefined;
  /** When the key expires; either this or neverExpires is required */
  expiresAt?: string | undefined;
  /** The largest payment that the key may make, in the smallest unit of its currency; absent: any amount */
  maxAmount?: number | undefined;
  /** The name of the service that uses the key, as it appears in events and logs */
  name: string;
  neverExpires?: boolean | undefined;
  /** Restricts the key to these routes, by operationId or by group, such as sessions; absent: not restricted */
  routes?: string[] | undefined;
}

export interface NewEndpoint {
  description?: string | undefined;
  /** Only events of these types; absent or empty: all events */
  events?: string[] | undefined;
  /** https; the receiver answers 2xx within 15 seconds */
  url: string;
}

export interface NewSession {
  /** The customer; required of services, optional for customers */
  customerId?: string | undefined;
  /** A free plan, or one that the customer has a credit for */
  plan: string;
}

export interface NotRevived {
  customerId?: string;
  sessionId: string;
  why: string;
}

export interface Offer {
  createdAt: string;
  customerName: string;
  expiresAt: string;
  id: string;
  plan: string;
  sessionId: string;
  type: SessionType;
  waitingSeconds: number;
}

export interface Offered {
  request: SessionRequest;
  session: Session;
}

export interface Payment {
  /** The connected account that received it */
  account?: string;
  /** Reserved at the bank, and not charged */
  authorised?: number;
  /** When the reservation lapses, if the provider says so */
  authorisedUntil?: string;
  /** How far the charging of reserved money is; absent if the plan charges at payment */
  capture?: "authorised" | "due" | "capturing" | "captured" | "failed" | "releasing" | "released";
  /** Charged, or reported by the shop while no provider has spoken */
  captured: number;
  currency?: string;
  /** In disputes that the bank has not decided. This field and those below are for admins and services */
  disputed?: number;
  /** The provider's id that refunds and captures use */
  id?: string;
  /** Taken back by the bank in disputes that the customer won */
  lost?: number;
  /** Absent while no provider has spoken */
  provider?: string;
  /** All references of the payment */
  references?: string[];
  /** Refunded */
  refunded: number;
  /** Refunds under way */
  refunding?: number;
  /** Why the most recent failed refund failed */
  refusal?: string;
  /** The difference in words */
  sentence: string;
  /** reported: by the shop alone; promised: a bank sends the money later; authorised: reserved at the bank, not charged; captured: charged; failed: the money will not come; unpaid: no payment was reported */
  state: "reported" | "promised" | "authorised" | "captured" | "failed" | "unpaid";
  /** What the payment can pay for: what was captured, less what was, or may soon be, taken or given back */
  worth?: number;
}

export interface PaymentEvent {
  /** The provider's account that received the money, if you have several */
  account?: string | undefined;
  /** In the currency's minor unit: what was reserved or taken; for refund, what it gives back; for refund_total, everything given back so far; for dispute, what is claimed (absent: all of it). Required for authorised, paid, refund and refund_total */
  amount?: number | undefined;
  /** When it happened, by the provider's clock, with a time zone. Of two events about the same thing the later one counts, so do not use the time of sending */
  at: string;
  /** ISO 4217; required with an amount */
  currency?: string | undefined;
  /** The event's own id, the same when the event is sent again */
  id: string;
  /** The provider's id of the refund or the dispute, required for these; for other types the id of the attempt to collect the money, if it differs from the payment's reference */
  object?: string | undefined;
  /** What was bought; allowed with authorised, paid and promised. The first event with an order creates the checkout */
  order?: PaymentOrder | undefined;
  /** Which of the references refunds at the provider use; absent: the first */
  paymentName?: string | undefined;
  /** Who holds the money: paypal, mollie, bank. Not stripe, which has a route of its own */
  provider: string;
  /** Why, in the provider's words, for operators */
  reason?: string | undefined;
  /** The names of the payment: the provider's, and the shop's own. The first becomes the reference of its checkout. Never a customer, a subscription or anything else that has several payments */
  references: string[];
  /** For a refund: requires_action, pending, succeeded, canceled, failed. For a dispute: warning, closed, unknown, needs_response, under_review, prevented, won, lost. Absent for everything else */
  state?: "requires_action" | "pending" | "succeeded" | "canceled" | "failed" | "warning" | "closed" | "unknown" | "needs_response" | "under_review" | "prevented" | "won" | "lost" | undefined;
  /** What happened. authorised: the money is reserved; paid: it was taken; declined: one attempt failed, and another may follow; promised: a bank sends the money later; failed: the payment will not be made; expired, voided: the authorization or the payment ended unused; refund: the state of one refund; refund_total: everything given back so far, where the provider reports only the sum; dispute: the state of one chargeback or claim; named: nothing happened, but all references name the same payment */
  type: "authorised" | "paid" | "declined" | "promised" | "failed" | "expired" | "voided" | "refund" | "refund_total" | "dispute" | "named";
  /** When an authorization lapses */
  until?: string | undefined;
}

export interface PaymentOrder {
  /** What is paid for it, in the currency's minor unit; the event's amount if absent */
  amount?: number | undefined;
  /** Absent: the event's currency */
  currency?: string | undefined;
  /** The marketplace's own id. Absent if it is not known whose payment it is: the payment is then held for an operator */
  customerId?: string | undefined;
  email?: string | undefined;
  /** The live session for which it buys more time */
  extends?: string | undefined;
  metadata?: Record<string, string> | undefined;
  /** Shown to mechanics */
  name?: string | undefined;
  /** One of Curfew's plans. A payment for any other plan is ignored or held, depending on stripe.ignore_foreign */
  plan?: string | undefined;
  /** The amount before discounts, tax and shipping, which is compared with the plan's price; absent: the amount */
  price?: number | undefined;
  /** How many are bought; absent: 1 */
  quantity?: number | undefined;
  /** It pays for a later period of a subscription, so it becomes a credit for its plan: nobody is asking for a session at that moment */
  renewal?: boolean | undefined;
  /** Start of an appointment, with a time zone */
  startsAt?: string | undefined;
}

export interface PendingHealth {
  stale: number | null;
  total: number | null;
}

export interface Preview {
  items: PreviewItem[];
  /** Null if it was not stored */
  previewId: string | null;
  tip: string;
  /** More would end than is listed */
  truncated?: boolean;
  wouldClean: WouldClean;
}

export interface PreviewItem {
  /** The row, in one of the marketplace's own tables, that would be ended */
  adopted?: Adopted;
  ageSeconds: number;
  customerId: string;
  /** What its payment would become; empty if the session is adopted */
  owed: string;
  /** Why it would end; cleared if it is not overdue yet */
  reason: string;
  requestId?: string;
  rule: string;
  sessionId: string;
  version: number;
}

export type Problem = ProblemInvalid | ProblemUnauthenticated | ProblemPaymentRequired | ProblemForbidden | ProblemNotFound | ProblemSessionOpen | ProblemAlreadyClaimed | ProblemMechanicBusy | ProblemConflict | ProblemTooLarge | ProblemUnsupportedMediaType | ProblemIdempotencyMismatch | ProblemRateLimited | ProblemUnavailable | ProblemInternal | ProblemMethodNotAllowed;

/** Another mechanic was first */
export interface ProblemAlreadyClaimed {
  code: "already_claimed";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** The HTTP status */
  status: 409;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** Its state forbids that */
export interface ProblemConflict {
  code: "conflict";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** The HTTP status */
  status: 409;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** This role may not do that */
export interface ProblemForbidden {
  code: "forbidden";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** The HTTP status */
  status: 403;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** Known with other contents */
export interface ProblemIdempotencyMismatch {
  code: "idempotency_mismatch";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** The HTTP status */
  status: 422;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** Something went wrong inside Curfew. A failed cleanup adds what it had committed */
export interface ProblemInternal {
  code: "internal";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** Rows that have changed since the preview and were left alone */
  drifted?: Drift[];
  message?: string;
  /** The id of the request in the log */
  requestId: string;
  runId?: string;
  stats?: CleanupStats;
  /** The HTTP status */
  status: 500;
  success?: boolean;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** The input cannot be accepted */
export interface ProblemInvalid {
  code: "invalid";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** The HTTP status */
  status: 400 | 422;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** The mechanic has an open session */
export interface ProblemMechanicBusy {
  /** What the caller can do about it */
  actions: BlockerAction[];
  code: "mechanic_busy";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** When the slot becomes free by itself, at the latest */
  releasesAt?: string;
  /** The blocking session */
  session: Blocker;
  /** The HTTP status */
  status: 409;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** Another method */
export interface ProblemMethodNotAllowed {
  code: "method_not_allowed";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** The HTTP status */
  status: 405;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** There is no such thing */
export interface ProblemNotFound {
  code: "not_found";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** The HTTP status */
  status: 404;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** Neither a free plan nor a credit */
export interface ProblemPaymentRequired {
  code: "payment_required";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** The HTTP status */
  status: 402;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** Too many calls */
export interface ProblemRateLimited {
  code: "rate_limited";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** The HTTP status */
  status: 429;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** The customer has an open session */
export interface ProblemSessionOpen {
  /** What the caller can do about it */
  actions: BlockerAction[];
  code: "session_open";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** When the slot becomes free by itself, at the latest */
  releasesAt?: string;
  /** The blocking session */
  session: Blocker;
  /** The HTTP status */
  status: 409;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** The body is too large */
export interface ProblemTooLarge {
  code: "too_large";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** The HTTP status */
  status: 413;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** Nobody is signed in */
export interface ProblemUnauthenticated {
  code: "unauthenticated";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** The HTTP status */
  status: 401;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** The database cannot answer now */
export interface ProblemUnavailable {
  code: "unavailable";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** The id of the request in the log */
  requestId?: string;
  /** The HTTP status */
  status: 503;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

/** The body is not declared as JSON */
export interface ProblemUnsupportedMediaType {
  code: "unsupported_media_type";
  /** What is wrong in this case, and what to do */
  detail: string;
  /** The HTTP status */
  status: 415;
  /** What the code means */
  title: string;
  /** Where the code is explained */
  type: string;
}

export interface Prolongation {
  /** How much later it ends by itself */
  minutes: number;
  /** Kept in the history */
  reason: string;
}

export interface Purchase {
  /** In the currency's minor unit */
  amount?: number | undefined;
  /** ISO 4217; required with an amount if the plan has no currency */
  currency?: string | undefined;
  /** The marketplace's own id */
  customerId: string;
  email?: string | undefined;
  metadata?: Record<string, string> | undefined;
  /** Shown to mechanics */
  name?: string | undefined;
  /** The payment's reference at its provider. The same reference is always the same payment */
  paymentRef: string;
  plan: string;
  /** Start of an appointment, at most a year ahead */
  startsAt?: string | undefined;
}

export interface Queue {
  /** Where the next page begins; null on the last */
  nextCursor: string | null;
  requests: Offer[];
}

export interface Reason {
  /** Kept in the history */
  reason: string;
}

export interface ReceiptCheckout {
  id: string;
  outcome: CheckoutOutcome;
}

export interface Reconcile {
  /** How far back to compare; absent: 72 hours */
  sinceHours?: number | undefined;
}

export interface Reconciliation {
  differences: Difference[];
  /** Messages that the provider could not deliver and that were recorded now */
  missed: number;
  /** Payments that the provider lists */
  paid: number;
  since: string;
  /** What could not be checked, and why */
  unreadable?: string[];
}

export interface Refund {
  /** It has already been refunded outside Curfew, so the provider is not asked */
  byHand?: boolean | undefined;
  /** Kept in the payment's history */
  reason: string;
}

export interface Removed {
  id: string;
}

export interface Repair {
  /** Kept in the payment's history */
  reason?: string | undefined;
}

export interface RepeatedlyBlocked {
  count: number;
  customerId: string;
  lastAt: string;
}

export interface Replayed {
  replayed: number;
}

export interface RequestAdded {
  change: "added";
  request: Offer;
}

export interface RequestHealth {
  byStatus: Record<string, number> | null;
  pending: PendingHealth;
  total: number | null;
}

export interface RequestRef {
  id: string;
  sessionId: string;
}

export interface RequestRemoved {
  change: "removed";
  request: RequestRef;
}

/** The status of a request */
export type RequestStatus = "pending" | "accepted" | "cancelled" | "expired" | "completed";

export interface Revived {
  customerId?: string;
  newSessionId: string;
  sessionId: string;
}

export interface Run {
  /** role:id */
  actor: string;
  /** Of a failed or interrupted run; the details are in the log */
  error?: string;
  /** Null while it runs, and if its process died (it is then interrupted) */
  finishedAt: string | null;
  id: string;
  outcome: "running" | "succeeded" | "failed" | "interrupted";
  reason: string;
  startedAt: string;
  stats: CleanupStats;
  trigger: string;
  /** It ended sessions that an undo may revive, and has not been undone */
  undoable?: boolean;
  /** The run that this one undid */
  undoes?: string;
  /** The first run that undid this one completely */
  undoneBy?: string;
}

export interface Runs {
  /** Where the next page begins; null on the last */
  nextCursor: string | null;
  runs: Run[];
}

export interface SearchHit {
  customerId?: string;
  email?: string;
  id: string;
  kind: "customer" | "session" | "request" | "payment" | "run" | "mechanic";
  name?: string;
  /** The console's page about it */
  page: string;
  /** Of a session or payment */
  plan?: string;
  /** The payment's page at its provider */
  reference?: string;
  /** The status of a session or request; the outcome of a payment or run */
  status?: string;
}

export interface SearchHits {
  /** Best matches first */
  hits: SearchHit[];
  /** Whether the search for parts of words was cut short because it took too long: there may be more results */
  partial: boolean;
}

export interface Session {
  /** The row, in one of the marketplace's own tables, that the session mirrors */
  adopted?: Adopted;
  createdAt: string;
  customerId: string;
  endReason?: EndReason | (string & {});
  endedAt?: string;
  /** The deadline; absent once it has ended */
  expiresAt?: string;
  id: string;
  mechanicId?: string;
  plan: string;
  /** The ended session that this one replaces, because an admin undid a cleanup */
  revives?: string;
  /** When both parties had joined */
  startedAt?: string;
  /** Start of an appointment */
  startsAt?: string;
  status: SessionStatus;
  type: SessionType;
}

export interface SessionChange {
  /** customer, mechanic, operator, service or system; for admins role:id */
  actor: string;
  at: string;
  /** Empty for the first event */
  from: string;
  number: number;
  /** A code; for admins, with what operators noted */
  reason: string;
  session: Session;
  sessionId: string;
  to: string;
}

export interface SessionHealth {
  byStatus: Record<string, number> | null;
  orphaned: number | null;
  overdueAssigned: number | null;
  overdueLive: number | null;
  total: number | null;
  waiting: WaitingHealth;
}

export interface SessionList {
  /** Null on the last page. A page of a filtered list may hold fewer sessions than its limit, or none, and still have a next one */
  nextCursor: string | null;
  sessions: Session[];
}

export interface SessionRequest {
  createdAt: string;
  customerName: string;
  id: string;
  mechanicId?: string;
  sessionId: string;
  status: RequestStatus;
}

/** The status of a session */
export type SessionStatus = "scheduled" | "waiting" | "live" | "completed" | "cancelled";

/** The kind of a session */
export type SessionType = "chat" | "video" | "diagnostic";

export interface Setting {
  default?: string;
  help: string;
  key: string;
  source: "flag" | "environment" | "file" | "default";
  /** For a secret, only whether it is set */
  value: string;
  /** The flag, the variable, or the file with its line */
  where?: string;
}

export interface Settings {
  settings: Setting[];
}

export interface SignIn {
  /** The browser's own name for itself */
  browser?: string;
  createdAt: string;
  id: string;
  /** Accurate to 15 seconds */
  lastSeenAt: string;
  role: CallerRole;
  subject: string;
}

export interface SignIns {
  signIns: SignIn[];
}

export interface SignInsEnded {
  ended: number;
}

/** A server-sent event of GET /api/stream: its event field, its id, and its data read as JSON. A comment is a heartbeat */
export type StreamEvent = StreamEventHello | StreamEventSession | StreamEventRequest | StreamEventCheckout | StreamEventFigures | StreamEventChanged | StreamEventJob | StreamEventReset | StreamEventBye;

/** Always the last event */
export interface StreamEventBye {
  data: Bye;
  event: "bye";
  /** A time by the database's clock, for Last-Event-ID; absent: the previous id still applies */
  id?: string;
}

/** Something changed, on a brief stream */
export interface StreamEventChanged {
  data: Record<string, unknown>;
  event: "changed";
  /** A time by the database's clock, for Last-Event-ID; absent: the previous id still applies */
  id?: string;
}

/** A payment has a new outcome */
export interface StreamEventCheckout {
  data: CheckoutChange;
  event: "checkout";
  /** A time by the database's clock, for Last-Event-ID; absent: the previous id still applies */
  id?: string;
}

/** The health report, for admins */
export interface StreamEventFigures {
  data: Health;
  event: "figures";
  /** A time by the database's clock, for Last-Event-ID; absent: the previous id still applies */
  id?: string;
}

/** Always the first event. Whatever was committed before its time is in the lists */
export interface StreamEventHello {
  data: Hello;
  event: "hello";
  /** A time by the database's clock, for Last-Event-ID; absent: the previous id still applies */
  id?: string;
}

/** How far a job has come, or that it has ended, without its result; for admins */
export interface StreamEventJob {
  data: Job;
  event: "job";
  /** A time by the database's clock, for Last-Event-ID; absent: the previous id still applies */
  id?: string;
}

/** A request entered the queue or left it */
export interface StreamEventRequest {
  data: RequestAdded | RequestRemoved;
  event: "request";
  /** A time by the database's clock, for Last-Event-ID; absent: the previous id still applies */
  id?: string;
}

/** Something was missed: read the lists again */
export interface StreamEventReset {
  data: Record<string, unknown>;
  event: "reset";
  /** A time by the database's clock, for Last-Event-ID; absent: the previous id still applies */
  id?: string;
}

/** An event of a session's history, with the session as it is now */
export interface StreamEventSession {
  data: SessionChange;
  event: "session";
  /** A time by the database's clock, for Last-Event-ID; absent: the previous id still applies */
  id?: string;
}

export interface StreamTicket {
  expiresAt: string;
  /** For GET /api/stream?ticket=… */
  ticket: string;
}

export interface Subject {
  id: string;
  kind: "customer" | "session" | "request" | "checkout" | "reference" | "run" | "email";
}

export interface SweeperHealth {
  alive: boolean | null;
  /** Whether this process sweeps */
  enabled: boolean;
  /** How late the last sweep was */
  lagSeconds: number | null;
  /** Null: never */
  lastSuccess: string | null;
}

export interface TestClock {
  /** How far the clock is ahead of real time */
  ahead: string;
  /** The time on the test clock */
  now: string;
}

export interface Timeline {
  /** What can be done now, as calls */
  actions: Action[];
  blocked: boolean;
  /** The most recent, newest first */
  checkouts: Checkout[];
  /** Empty for a run, for a payment without a known customer, and for an address of several customers */
  customerId: string;
  /** The customers who paid with the e-mail address, if there are several: ask for one of them */
  customers?: string[];
  /** In chronological order; future deadlines come last */
  entries: Entry[];
  /** Whether there are older entries (for a run: later ones) */
  more: boolean;
  /** The cursor of the next page */
  nextCursor?: string;
  /** When the slot becomes free by itself, at the latest */
  releasesAt?: string;
  /** Whether the customer is blocked, by what, until when, and what can be done */
  sentence: string;
  /** The session that holds the slot */
  session?: Blocker;
  /** The most recent, newest first */
  sessions: Session[];
  subject: Subject;
}

export interface TokenRevocation {
  role?: CallerRole | undefined;
  /** Revokes what was issued to it until now: tokens, sign-in links and browsers */
  subject?: string | undefined;
  /** The token's jti; give either this, or role and subject */
  tokenId?: string | undefined;
}

export interface Transfer {
  /** The colleague's id */
  mechanicId: string;
}

export interface Undo {
  /** Kept in the record and in the new sessions' history */
  reason?: string | undefined;
}

export interface Undone {
  notRevived: NotRevived[];
  /** Sessions that were replaced by a new one */
  revived: Revived[];
  /** The undo's own run */
  runId: string;
}

export interface UnspentCredit {
  /** What was paid for it, in the currency's minor unit */
  amount: number;
  checkoutId: string;
  currency?: string;
  /** When the credit expires if unspent, and its payment becomes due for refund; absent: never */
  expiresAt?: string;
  /** The plan that it can be spent on */
  plan: string;
  since: string;
  spendable: boolean;
  /** Why it cannot be spent now */
  why?: string;
}

export interface WaitingHealth {
  stale: number | null;
  total: number | null;
  veryStale: number | null;
}

export interface WebhookAdopted {
  from: string;
  id: string;
}

export interface WebhookCheckout {
  amount: number;
  currency?: string;
  customerId?: string;
  id: string;
  outcome: CheckoutOutcome;
  payment?: WebhookPayment;
  plan: string;
  refundAmount?: number;
  sessionId?: string;
  version: number;
}

export interface WebhookCheckoutChange {
  actor: EventActor;
  /** The payment when the message was made: its version shows whether it has changed since */
  checkout: WebhookCheckout;
  /** Absent for the first event */
  from?: CheckoutOutcome;
  /** The event's id */
  id: string;
  /** The numbers of a session, or of a payment, have no gap */
  number: number;
  reason: EventReason;
  to: CheckoutOutcome;
}

/** A webhook of type checkout.changed */
export interface WebhookMessageCheckoutChanged {
  data: WebhookCheckoutChange;
  timestamp: string;
  type: "checkout.changed";
}

/** A webhook of type checkout.credited */
export interface WebhookMessageCheckoutCredited {
  data: WebhookCheckoutChange;
  timestamp: string;
  type: "checkout.credited";
}

/** A webhook of type checkout.deferred */
export interface WebhookMessageCheckoutDeferred {
  data: WebhookCheckoutChange;
  timestamp: string;
  type: "checkout.deferred";
}

/** A webhook of type checkout.forfeited */
export interface WebhookMessageCheckoutForfeited {
  data: WebhookCheckoutChange;
  timestamp: string;
  type: "checkout.forfeited";
}

/** A webhook of type checkout.fulfilled */
export interface WebhookMessageCheckoutFulfilled {
  data: WebhookCheckoutChange;
  timestamp: string;
  type: "checkout.fulfilled";
}

/** A webhook of type checkout.held */
export interface WebhookMessageCheckoutHeld {
  data: WebhookCheckoutChange;
  timestamp: string;
  type: "checkout.held";
}

/** A webhook of type checkout.ignored */
export interface WebhookMessageCheckoutIgnored {
  data: WebhookCheckoutChange;
  timestamp: string;
  type: "checkout.ignored";
}

/** A webhook of type checkout.promised */
export interface WebhookMessageCheckoutPromised {
  data: WebhookCheckoutChange;
  timestamp: string;
  type: "checkout.promised";
}

/** A webhook of type checkout.refund_due */
export interface WebhookMessageCheckoutRefundDue {
  data: WebhookCheckoutChange;
  timestamp: string;
  type: "checkout.refund_due";
}

/** A webhook of type checkout.refunded */
export interface WebhookMessageCheckoutRefunded {
  data: WebhookCheckoutChange;
  timestamp: string;
  type: "checkout.refunded";
}

/** A webhook of type checkout.refunding */
export interface WebhookMessageCheckoutRefunding {
  data: WebhookCheckoutChange;
  timestamp: string;
  type: "checkout.refunding";
}

/** A webhook of type checkout.void */
export interface WebhookMessageCheckoutVoid {
  data: WebhookCheckoutChange;
  timestamp: string;
  type: "checkout.void";
}

/** A webhook of type session.accepted */
export interface WebhookMessageSessionAccepted {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.accepted";
}

/** A webhook of type session.cancelled */
export interface WebhookMessageSessionCancelled {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.cancelled";
}

/** A webhook of type session.changed */
export interface WebhookMessageSessionChanged {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.changed";
}

/** A webhook of type session.completed */
export interface WebhookMessageSessionCompleted {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.completed";
}

/** A webhook of type session.extended */
export interface WebhookMessageSessionExtended {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.extended";
}

/** A webhook of type session.forgotten */
export interface WebhookMessageSessionForgotten {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.forgotten";
}

/** A webhook of type session.joined */
export interface WebhookMessageSessionJoined {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.joined";
}

/** A webhook of type session.live */
export interface WebhookMessageSessionLive {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.live";
}

/** A webhook of type session.postponed */
export interface WebhookMessageSessionPostponed {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.postponed";
}

/** A webhook of type session.prolonged */
export interface WebhookMessageSessionProlonged {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.prolonged";
}

/** A webhook of type session.released */
export interface WebhookMessageSessionReleased {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.released";
}

/** A webhook of type session.scheduled */
export interface WebhookMessageSessionScheduled {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.scheduled";
}

/** A webhook of type session.transferred */
export interface WebhookMessageSessionTransferred {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.transferred";
}

/** A webhook of type session.unaccepted */
export interface WebhookMessageSessionUnaccepted {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.unaccepted";
}

/** A webhook of type session.waiting */
export interface WebhookMessageSessionWaiting {
  data: WebhookSessionChange;
  timestamp: string;
  type: "session.waiting";
}

/** A webhook of type test */
export interface WebhookMessageTest {
  data: WebhookTest;
  timestamp: string;
  type: "test";
}

export interface WebhookPayment {
  authorised?: number;
  authorisedUntil?: string;
  capture?: string;
  captured: number;
  currency?: string;
  disputed: number;
  lost: number;
  refundFailed?: boolean;
  refunded: number;
  refunding?: number;
  state: string;
  worth: number;
}

export interface WebhookSession {
  adopted?: WebhookAdopted;
  createdAt: string;
  customerId: string;
  endReason?: EndReason;
  endedAt?: string;
  expiresAt?: string;
  id: string;
  mechanicId?: string;
  plan: string;
  revives?: string;
  startedAt?: string;
  startsAt?: string;
  status: SessionStatus;
  type: SessionType;
  version: number;
}

export interface WebhookSessionChange {
  actor: EventActor;
  /** Absent for the first event */
  from?: SessionStatus;
  /** The event's id */
  id: string;
  /** The numbers of a session, or of a payment, have no gap */
  number: number;
  reason: EventReason;
  /** The session when the message was made: its version shows whether it has changed since */
  session: WebhookSession;
  to: SessionStatus;
}

export interface WebhookTest {
  endpointId: string;
}

export interface Withdrawn {
  code: FindingCode;
}

export interface WouldClean {
  expiredRequests: number;
  /** Sessions that would go back into the queue, because their mechanic did not come; not in the total */
  forgotten?: number;
  noShows: number;
  oldWaitingSessions: number;
  overran: number;
  potentialOrphans: number;
  scheduledMissed: number;
  total: number;
  unattended: number;
}

/** What endpoints of webhooks receive. */
export type WebhookMessage = WebhookMessageCheckoutChanged | WebhookMessageCheckoutCredited | WebhookMessageCheckoutDeferred | WebhookMessageCheckoutForfeited | WebhookMessageCheckoutFulfilled | WebhookMessageCheckoutHeld | WebhookMessageCheckoutIgnored | WebhookMessageCheckoutPromised | WebhookMessageCheckoutRefundDue | WebhookMessageCheckoutRefunded | WebhookMessageCheckoutRefunding | WebhookMessageCheckoutVoid | WebhookMessageSessionAccepted | WebhookMessageSessionCancelled | WebhookMessageSessionChanged | WebhookMessageSessionCompleted | WebhookMessageSessionExtended | WebhookMessageSessionForgotten | WebhookMessageSessionJoined | WebhookMessageSessionLive | WebhookMessageSessionPostponed | WebhookMessageSessionProlonged | WebhookMessageSessionReleased | WebhookMessageSessionScheduled | WebhookMessageSessionTransferred | WebhookMessageSessionUnaccepted | WebhookMessageSessionWaiting | WebhookMessageTest;

/** What each operation takes and answers. */
export interface Operations {
  /** List actions that need a second admin's approval, and what became of them */
  listApprovals: { input: { query?: {
      /** Only what somebody can still decide */
      pending?: boolean | undefined;
      /** Only what is about this customer */
      customerId?: string | undefined;
      /** The nextCursor of the previous page */
      cursor?: string | undefined;
      /** How many to return on a page */
      limit?: number | undefined;
    } | undefined }; result: Approvals };
  /** Approve what another admin asked for, and carry it out */
  approve: { input: { id: string }; result: Approval };
  /** Reject what another admin asked for */
  reject: { input: { id: string; body?: ApprovalRejection | undefined }; result: Approval };
  /** List what staff did and looked at, newest first */
  listAudit: { input: { query?: {
      /** Only what this actor did, as role:id */
      actor?: string | undefined;
      /** Only what is about this customer */
      subject?: string | undefined;
      /** Only this action: an operationId, page: and a page's name, or command: and its words */
      action?: string | undefined;
      /** Only what happened at this moment or later */
      since?: string | undefined;
      /** The nextCursor of the previous page */
      cursor?: string | undefined;
      /** How many to return on a page */
      limit?: number | undefined;
    } | undefined }; result: AuditPage };
  /** List payments, newest first */
  listPayments: { input: { query?: {
      /** Only payments with this outcome */
      outcome?: CheckoutOutcome | undefined;
      /** Only those of this plan */
      plan?: string | undefined;
      /** Only this customer's */
      customerId?: string | undefined;
      /** Only those of one of these amounts, in minor units, separated by commas */
      amount?: number[] | undefined;
      /** Only those made at this moment or later */
      from?: string | undefined;
      /** Only those made before this moment */
      to?: string | undefined;
      /** The nextCursor of the previous page */
      after?: string | undefined;
      /** How many to return on a page */
      limit?: number | undefined;
    } | undefined }; result: CheckoutPage };
  /** Fulfill a paid checkout */
  fulfillCheckout: { input: { body: Purchase }; result: Fulfillment };
  /** Export all matching payments as CSV */
  exportPayments: { input: { query?: {
      /** Only payments with this outcome */
      outcome?: CheckoutOutcome | undefined;
      /** Only those of this plan */
      plan?: string | undefined;
      /** Only this customer's */
      customerId?: string | undefined;
      /** Only those of one of these amounts, in minor units, separated by commas */
      amount?: number[] | undefined;
      /** Only those made at this moment or later */
      from?: string | undefined;
      /** Only those made before this moment */
      to?: string | undefined;
    } | undefined }; result: string };
  /** List a customer's payments */
  listCheckouts: { input: { id: string }; result: Checkouts };
  /** End what a customer has open */
  clearCustomer: { input: { id: string; body?: Clearing | undefined }; result: Cleared };
  /** Preview the erasure of a customer's personal data, or carry it out */
  eraseCustomer: { input: { id: string; body?: CustomerErasing | undefined }; result: CustomerErasure };
  /** Export everything that is held about a customer */
  exportCustomer: { input: { id: string }; result: CustomerExport };
  /** Forecast how long a customer waits for a mechanic */
  forecast: { input: { id: string }; result: Forecast };
  /** Report what blocks a customer */
  sessionStatus: { input: { id: string }; result: CustomerStatus };
  /** Read the books of a month as CSV, by currency or payment by payment */
  readBooks: { input: { query: {
      /** The month, in UTC: 2026-11 */
      month: string;
      /** A row for each payment, not for each currency */
      lines?: boolean | undefined;
    } }; result: string };
  /** List payments, oldest first */
  findCheckouts: { input: { query?: {
      /** Only payments with this outcome */
      outcome?: CheckoutOutcome | undefined;
      /** Only this customer's */
      customerId?: string | undefined;
      /** Only those paid with this e-mail address, ignoring case */
      email?: string | undefined;
      /** The nextCursor of the previous page */
      after?: string | undefined;
      /** How many to return on a page */
      limit?: number | undefined;
    } | undefined }; result: CheckoutPage };
  /** Read a payment with its history, by id or reference */
  readCheckout: { input: { id: string }; result: CheckoutDetail };
  /** Assign a held payment to a customer, and fulfill it */
  assignHeld: { input: { id: string; body: Assignment }; result: Fulfillment };
  /** Credit a forfeited payment */
  creditCheckout: { input: { id: string; body: Reason }; result: CheckoutDetail };
  /** Read what is known about a disputed payment, in the fields of Stripe's dispute evidence */
  checkoutEvidence: { input: { id: string }; result: Evidence };
  /** Fulfill a held payment */
  fulfillHeld: { input: { id: string; body?: Repair | undefined }; result: Fulfillment };
  /** Mark a held payment as being for something not sold here */
  ignoreCheckout: { input: { id: string; body: Reason }; result: CheckoutDetail };
  /** Refund a payment, or record a refund made by hand */
  refundCheckout: { input: { id: string; body: Refund }; result: CheckoutDetail };
  /** Hold an ignored payment after all */
  restoreCheckout: { input: { id: string; body: Reason }; result: CheckoutDetail };
  /** List cleanup runs */
  listRuns: { input: { query?: {
      /** How many to return on a page */
      limit?: number | undefined;
      /** The nextCursor of the previous page */
      cursor?: string | undefined;
    } | undefined }; result: Runs };
  /** Undo a cleanup run */
  undoRun: { input: { id: string; body?: Undo | undefined }; result: Undone | Job };
  /** Preview what a cleanup would change */
  previewCleanup: { input: { query?: {
      /** Only this customer's sessions */
      customerId?: string | undefined;
      /** Only these rules */
      rules?: string[] | undefined;
      /** Replaces the deadline of unassigned sessions by their creation + this age */
      maxAgeMinutes?: number | undefined;
    } | undefined }; result: Preview };
  /** Run a cleanup, or store a preview */
  runCleanup: { input: { body?: Cleanup | undefined }; result: CleanupResult | Preview | Job };
  /** Explain what happened to a customer */
  explain: { input: { query: {
      /** A customer, session, request, checkout, run, payment reference or e-mail address */
      subject: string;
      /** The nextCursor of the previous page */
      cursor?: string | undefined;
    } }; result: Timeline };
  /** Acknowledge a finding until a given time */
  acknowledgeFinding: { input: { id: string; body: Acknowledging }; result: FindingAcknowledgement };
  /** Withdraw an acknowledgement */
  withdrawAcknowledgement: { input: { id: string }; result: Withdrawn };
  /** Read the health history of the last hours */
  readHistory: { input: { query?: {
      /** Only what happened after this Unix time, in seconds */
      since?: number | undefined;
    } | undefined }; result: HealthHistory };
  /** List jobs, newest first */
  listJobs: { input: { query?: {
      /** How many to return on a page */
      limit?: number | undefined;
      /** The nextCursor of the previous page */
      cursor?: string | undefined;
    } | undefined }; result: Jobs };
  /** Read a job's progress and result */
  readJob: { input: { id: string }; result: Job };
  /** Stop a job between two steps; what it has done stays done */
  cancelJob: { input: { id: string }; result: Job };
  /** Compare payments with the provider's books, and record what is missing */
  reconcile: { input: { body?: Reconcile | undefined }; result: Reconciliation | Job };
  /** Report health */
  sessionHealth: { input: Record<string, never>; result: Health };
  /** Move a session's deadline */
  prolongSession: { input: { id: string; body: Prolongation }; result: Session };
  /** Take a session from its mechanic and put it back into the queue */
  unassignSession: { input: { id: string; body: Reason }; result: Session };
  /** List the settings of this process */
  listSettings: { input: Record<string, never>; result: Settings };
  /** Send the test checkout: a payment of nothing by test-customer, once, into an empty database */
  sendTestCheckout: { input: Record<string, never>; result: Fulfillment };
  /** List deliveries */
  listDeliveries: { input: { query?: {
      /** Only deliveries in this state */
      state?: "pending" | "delivered" | "dead" | undefined;
      /** Only this endpoint's */
      endpoint?: string | undefined;
      /** The nextCursor of the previous page */
      after?: string | undefined;
      /** How many to return on a page */
      limit?: number | undefined;
    } | undefined }; result: Deliveries };
  /** Export deliveries as CSV, newest first, without their bodies */
  exportDeliveries: { input: { query?: {
      /** Only deliveries in this state */
      state?: "pending" | "delivered" | "dead" | undefined;
      /** Only this endpoint's */
      endpoint?: string | undefined;
      /** Only those about this customer */
      customerId?: string | undefined;
      /** Only those made at this moment or later */
      from?: string | undefined;
      /** Only those made before this moment */
      to?: string | undefined;
    } | undefined }; result: string };
  /** Replay all dead deliveries of an endpoint */
  replayDead: { input: { body: DeadOf }; result: Replayed };
  /** Read a delivery */
  readDelivery: { input: { id: string }; result: Delivery };
  /** Replay a delivery */
  replayDelivery: { input: { id: string }; result: Delivery };
  /** List API keys */
  listKeys: { input: Record<string, never>; result: APIKeys };
  /** Create an API key for a service */
  createKey: { input: { body: NewAPIKey }; result: APIKey };
  /** Revoke an API key */
  revokeKey: { input: { id: string }; result: APIKey };
  /** Replace an API key's secret */
  rotateKey: { input: { id: string; body?: KeyRotation | undefined }; result: APIKey };
  /** List the requests that mechanics may accept */
  listQueue: { input: { query?: {
      /** How many to return on a page */
      limit?: number | undefined;
      /** The nextCursor of the previous page */
      cursor?: string | undefined;
    } | undefined }; result: Queue };
  /** Accept a request */
  acceptRequest: { input: { id: string }; result: Offered };
  /** Release an accepted request back into the queue */
  releaseRequest: { input: { id: string }; result: Offered };
  /** Give a request to a colleague */
  transferRequest: { input: { id: string; body: Transfer }; result: Offered };
  /** Read what keeps a mechanic busy, and how often they did not join */
  readMechanic: { input: { id: string }; result: Mechanic };
  /** Find a customer, session, request, payment, run or mechanic by an id or a part of it, a name, an address or a reference */
  search: { input: { query: {
      /** An id or part of one, a name, an e-mail address or a payment's reference; upper and lower case are the same */
      text: string;
    } }; result: SearchHits };
  /** List sessions, newest first or by deadline */
  listSessions: { input: { query?: {
      /** Only sessions with this status */
      status?: SessionStatus | undefined;
      /** Only those of this plan */
      plan?: string | undefined;
      /** Only those that this mechanic has or has had */
      mechanicId?: string | undefined;
      /** Only this customer's */
      customerId?: string | undefined;
      /** Only those made at this moment or later */
      from?: string | undefined;
      /** Only those made before this moment */
      to?: string | undefined;
      /** Only those past their deadline */
      overdue?: boolean | undefined;
      /** Newest first; or those that have not ended, earliest deadline first */
      sort?: "newest" | "deadline" | undefined;
      /** How many to return on a page */
      limit?: number | undefined;
      /** The nextCursor of the previous page */
      cursor?: string | undefined;
    } | undefined }; result: SessionList };
  /** Create a session with a free plan or a credit */
  createSession: { input: { body: NewSession }; result: Fulfillment };
  /** Export all matching sessions as CSV */
  exportSessions: { input: { query?: {
      /** Only sessions with this status */
      status?: SessionStatus | undefined;
      /** Only those of this plan */
      plan?: string | undefined;
      /** Only those that this mechanic has or has had */
      mechanicId?: string | undefined;
      /** Only this customer's */
      customerId?: string | undefined;
      /** Only those made at this moment or later */
      from?: string | undefined;
      /** Only those made before this moment */
      to?: string | undefined;
      /** Only those past their deadline */
      overdue?: boolean | undefined;
      /** Newest first; or those that have not ended, earliest deadline first */
      sort?: "newest" | "deadline" | undefined;
    } | undefined }; result: string };
  /** Read a session */
  readSession: { input: { id: string }; result: Session };
  /** Cancel a session, or release it */
  cancelSession: { input: { id: string }; result: Session };
  /** End a session */
  endSession: { input: { id: string }; result: Session };
  /** List a session's events */
  listEvents: { input: { id: string }; result: Events };
  /** Extend a live session with paid time */
  extendSession: { input: { id: string; body: Extension }; result: Extended };
  /** Join a session; the second party makes it live */
  joinSession: { input: { id: string }; result: Session };
  /** List the browsers that are signed in */
  listSignIns: { input: Record<string, never>; result: SignIns };
  /** Sign every browser out */
  endSignIns: { input: Record<string, never>; result: SignInsEnded };
  /** Sign a browser out */
  endSignIn: { input: { id: string }; result: Removed };
  /** Get a ticket that opens a stream once, for an EventSource */
  createStreamTicket: { input: Record<string, never>; result: StreamTicket };
  /** Move the test clock forward, and do everything that is due by then */
  advanceTestClock: { input: { body: ClockAdvance }; result: TestClock };
  /** Revoke one token of the local key, or all tokens of a subject */
  revokeTokens: { input: { body?: TokenRevocation | undefined }; result: TokenRevocation };
  /** List webhook endpoints */
  listEndpoints: { input: Record<string, never>; result: Endpoints };
  /** Add a webhook endpoint */
  addEndpoint: { input: { body: NewEndpoint }; result: Endpoint };
  /** Read an endpoint */
  readEndpoint: { input: { id: string }; result: Endpoint };
  /** Change, disable or enable an endpoint */
  changeEndpoint: { input: { id: string; body?: EndpointChange | undefined }; result: Endpoint };
  /** Remove an endpoint */
  removeEndpoint: { input: { id: string }; result: Removed };
  /** Replace an endpoint's secret */
  rotateEndpoint: { input: { id: string }; result: Endpoint };
  /** Send a test event to an endpoint */
  testEndpoint: { input: { id: string }; result: Delivery };
}

/** Where each operation is. */
export const routes = {
  listApprovals: "GET /api/approvals",
  approve: "POST /api/approvals/{id}/approve",
  reject: "POST /api/approvals/{id}/reject",
  listAudit: "GET /api/audit",
  listPayments: "GET /api/checkouts",
  fulfillCheckout: "POST /api/checkouts",
  exportPayments: "GET /api/checkouts.csv",
  listCheckouts: "GET /api/customers/{id}/checkouts",
  clearCustomer: "POST /api/customers/{id}/clear",
  eraseCustomer: "POST /api/customers/{id}/erase",
  exportCustomer: "GET /api/customers/{id}/export",
  forecast: "GET /api/customers/{id}/forecast",
  sessionStatus: "GET /api/customers/{id}/session-status",
  readBooks: "GET /api/debug/books",
  findCheckouts: "GET /api/debug/checkouts",
  readCheckout: "GET /api/debug/checkouts/{id}",
  assignHeld: "POST /api/debug/checkouts/{id}/assign",
  creditCheckout: "POST /api/debug/checkouts/{id}/credit",
  checkoutEvidence: "GET /api/debug/checkouts/{id}/evidence",
  fulfillHeld: "POST /api/debug/checkouts/{id}/fulfil",
  ignoreCheckout: "POST /api/debug/checkouts/{id}/ignore",
  refundCheckout: "POST /api/debug/checkouts/{id}/refund",
  restoreCheckout: "POST /api/debug/checkouts/{id}/restore",
  listRuns: "GET /api/debug/cleanup-runs",
  undoRun: "POST /api/debug/cleanup-runs/{id}/undo",
  previewCleanup: "GET /api/debug/cleanup-sessions",
  runCleanup: "POST /api/debug/cleanup-sessions",
  explain: "GET /api/debug/explain",
  acknowledgeFinding: "POST /api/debug/findings/{id}/acknowledge",
  withdrawAcknowledgement: "DELETE /api/debug/findings/{id}/acknowledge",
  readHistory: "GET /api/debug/history",
  listJobs: "GET /api/debug/jobs",
  readJob: "GET /api/debug/jobs/{id}",
  cancelJob: "POST /api/debug/jobs/{id}/cancel",
  reconcile: "POST /api/debug/reconcile",
  sessionHealth: "GET /api/debug/session-health",
  prolongSession: "POST /api/debug/sessions/{id}/prolong",
  unassignSession: "POST /api/debug/sessions/{id}/release",
  listSettings: "GET /api/debug/settings",
  sendTestCheckout: "POST /api/debug/test-checkout",
  listDeliveries: "GET /api/deliveries",
  exportDeliveries: "GET /api/deliveries.csv",
  replayDead: "POST /api/deliveries/replay",
  readDelivery: "GET /api/deliveries/{id}",
  replayDelivery: "POST /api/deliveries/{id}/replay",
  listKeys: "GET /api/keys",
  createKey: "POST /api/keys",
  revokeKey: "DELETE /api/keys/{id}",
  rotateKey: "POST /api/keys/{id}/rotate",
  listQueue: "GET /api/mechanics/requests",
  acceptRequest: "POST /api/mechanics/requests/{id}/accept",
  releaseRequest: "POST /api/mechanics/requests/{id}/release",
  transferRequest: "POST /api/mechanics/requests/{id}/transfer",
  readMechanic: "GET /api/mechanics/{id}",
  receivePaymentEvent: "POST /api/payments/events",
  search: "GET /api/search",
  listSessions: "GET /api/sessions",
  createSession: "POST /api/sessions",
  exportSessions: "GET /api/sessions.csv",
  readSession: "GET /api/sessions/{id}",
  cancelSession: "POST /api/sessions/{id}/cancel",
  endSession: "POST /api/sessions/{id}/end",
  listEvents: "GET /api/sessions/{id}/events",
  extendSession: "POST /api/sessions/{id}/extend",
  joinSession: "POST /api/sessions/{id}/join",
  listSignIns: "GET /api/sign-ins",
  endSignIns: "DELETE /api/sign-ins",
  endSignIn: "DELETE /api/sign-ins/{id}",
  stream: "GET /api/stream",
  createStreamTicket: "POST /api/stream/tickets",
  receiveNotice: "POST /api/stripe/webhook",
  advanceTestClock: "POST /api/test/clock/advance",
  revokeTokens: "POST /api/tokens/revoke",
  listEndpoints: "GET /api/webhook-endpoints",
  addEndpoint: "POST /api/webhook-endpoints",
  readEndpoint: "GET /api/webhook-endpoints/{id}",
  changeEndpoint: "PATCH /api/webhook-endpoints/{id}",
  removeEndpoint: "DELETE /api/webhook-endpoints/{id}",
  rotateEndpoint: "POST /api/webhook-endpoints/{id}/rotate",
  testEndpoint: "POST /api/webhook-endpoints/{id}/test",
} as const;
