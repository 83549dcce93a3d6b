package lifecycle

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Store is everything that lifecycle and the timeline need of a database, as one
// parameter for New and for the contract's tests. Each service takes only the
// ports it calls.
//
// One method is one transaction and one decision that has been taken by its
// caller; a missed guard is Conflict. A store knows no policy. Its clock decides,
// and every reading carries it.
//
// Errors have a kind: NotFound, Conflict, MechanicBusy (Change with Assign
// only), SessionOpen (Change with Offer only), or Unavailable where the database
// cannot say (also after a commit whose answer was lost: unknown is not failed,
// repeat it with the same key).
// Package storetest holds the contract as tests.
type Store interface {
	admissionStore
	changeStore
	customerStore
	claimStore
	sessionStore
	queueStore
	checkoutStore
	owedStore
	repaymentStore
	deadlineStore
	runStore
	previewStore
	figureStore
	consistencyStore
	activityStore
	heartbeatStore
	schemaStore
	oneTimeStore
	quarantineStore
	acknowledgementStore
	historyStore
}

// admissionStore writes checkouts and what they pay for. Every write of it is
// published.
type admissionStore interface {
	// Admit writes checkout, claim, session, request and events. On PostgreSQL a
	// fresh checkout takes one round trip.
	Admit(ctx context.Context, a record.Admission) (curfew.Snapshot, error)
	// Defer writes the checkout (outcome Deferred, retried until ttl from now), its
	// claim and its event. A reference already claimed is Conflict.
	Defer(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) (record.Receipt, error)
	// Record writes a checkout with the outcome it has, neither Fulfilled nor
	// Deferred, its claim and its event. A reference already claimed is Conflict.
	Record(ctx context.Context, c curfew.Checkout, actor curfew.Actor, reason string) (record.Receipt, error)
	// Extend writes an extension's checkout, claim and events, and moves
	// duration and deadline of the session.
	Extend(ctx context.Context, x record.Extension) (curfew.Snapshot, error)
	// Reassign makes a held checkout deferred, with its customer and plan.
	Reassign(ctx context.Context, r record.Reassignment) (curfew.Checkout, error)
}

// changeStore moves sessions and checkouts that exist. Every write of it is
// published.
type changeStore interface {
	// Change moves a session and returns it as it is now.
	Change(ctx context.Context, c record.Change) (curfew.Snapshot, error)
	// ChangeCheckout moves a checkout and clears MoneyDue.
	ChangeCheckout(ctx context.Context, c record.CheckoutChange) (curfew.Checkout, error)
	// End ends what of the batch still is as it was read, and nothing else. The
	// result has the order of the batch. The batch's rule ends something: it is
	// not Due.
	End(ctx context.Context, b record.Batch) ([]record.Ended, error)
	// Annotate writes an event of a checkout whose outcome stays.
	Annotate(ctx context.Context, r record.Annotation) (curfew.Checkout, error)
}

// customerStore is what an admission asks about one customer.
type customerStore interface {
	// Reference is the receipt of a payment's reference. NotFound: never seen.
	Reference(ctx context.Context, ref string) (record.Receipt, error)
	// Key is the receipt of a customer's idempotency key; its session is the one
	// that was admitted with the key.
	Key(ctx context.Context, customerID, key string) (record.Receipt, error)
	// Credit is the customer's oldest credited checkout of the plan.
	Credit(ctx context.Context, customerID, plan string) (curfew.Checkout, error)
	// Deferred is the customer's oldest deferred checkout.
	Deferred(ctx context.Context, customerID string) (record.Receipt, error)
	// Refuse records that a customer was refused because of this session.
	Refuse(ctx context.Context, customerID, sessionID string) error
}

// claimStore completes what lost its other half: a claim of a payment without
// its checkout, a key without its session.
type claimStore interface {
	// LostCheckout is the claim of a reference whose checkout is missing. NotFound:
	// there is no claim, or the checkout is there.
	LostCheckout(ctx context.Context, ref string) (record.PaymentClaim, error)
	// Unclaim removes a claim, unless its checkout is there by now.
	Unclaim(ctx context.Context, c record.PaymentClaim) error
	// Recover writes the missing checkout of a claim that exists, as it is; its
	// first event, too, where its Version is 0. One that is deferred is retried
	// until ttl from now. Conflict: it is there by now.
	Recover(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) error
	// ForgetKey removes a customer's idempotency key whose checkout or session is
	// missing.
	ForgetKey(ctx context.Context, customerID, key string) error
}

// sessionStore reads sessions.
type sessionStore interface {
	// Session is one by its id.
	Session(ctx context.Context, id string) (curfew.Snapshot, error)
	// SessionOf is the session of a request.
	SessionOf(ctx context.Context, requestID string) (curfew.Snapshot, error)
	// Open is the session that holds the customer's slot, overdue or not.
	Open(ctx context.Context, customerID string) (curfew.Snapshot, error)
	// Unended is every session of the customer that has not ended, oldest first.
	Unended(ctx context.Context, customerID string) ([]curfew.Snapshot, error)
	// SessionsOf is the customer's newest sessions, ended or not, newest first.
	SessionsOf(ctx context.Context, customerID string, limit int) ([]curfew.Snapshot, error)
	// Revival is the session that revives this one. NotFound: none does.
	Revival(ctx context.Context, customerID, sessionID string) (curfew.Snapshot, error)
	// Events is the history of one session or checkout, in order.
	Events(ctx context.Context, customerID, subject string) ([]curfew.Event, error)
}

// queueStore is what mechanics see and hold.
type queueStore interface {
	// Pending is the unassigned waiting sessions with a pending request that are
	// not overdue, by QueuedAt and id, behind the cursor. A page is cheap however
	// many overdue ones nobody has ended yet.
	Pending(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Snapshot, error)
	// Slot is the slot that keeps a mechanic busy. NotFound: the mechanic is free.
	Slot(ctx context.Context, mechanicID string) (record.Slot, error)
	// FreeSlot removes a slot that is exactly that and whose session has ended,
	// is missing or has another mechanic; otherwise Conflict.
	FreeSlot(ctx context.Context, s record.Slot) error
	// AbandonSlot removes a slot that is exactly that and whose session is overdue;
	// otherwise Conflict.
	AbandonSlot(ctx context.Context, s record.Slot) error
	// FreeLeaked removes the slots that MechanicFigures counts as leaked, and
	// returns how many.
	FreeLeaked(ctx context.Context) (int, error)
}

// checkoutStore reads payments.
type checkoutStore interface {
	// Checkout is one by its id alone.
	Checkout(ctx context.Context, id string) (curfew.Checkout, error)
	// Checkouts is all of a customer's, oldest first.
	Checkouts(ctx context.Context, customerID string) ([]curfew.Checkout, error)
	// PaidBy is the checkouts of a provider's payment, oldest first.
	PaidBy(ctx context.Context, paymentID string) ([]curfew.Checkout, error)
	// ListCheckouts is those that the search chooses, in its order.
	ListCheckouts(ctx context.Context, s curfew.CheckoutSearch) ([]curfew.Checkout, error)
}

// owedStore lists what is owed to customers: sessions and money.
type owedStore interface {
	// Servable is customers with a deferred checkout and no open session, those
	// who wait longest first.
	Servable(ctx context.Context, limit int) ([]string, error)
	// Unsettled is deferred checkouts past their RetryUntil, and those with
	// MoneyDue, each with the session whose end left it so; oldest first. An
	// empty customer means everybody's.
	Unsettled(ctx context.Context, customerID string, limit int) ([]record.Receipt, error)
	// Refundable is checkouts with a refund due or under way whose NextAt has
	// passed, those that wait longest first.
	Refundable(ctx context.Context, limit int) ([]curfew.Checkout, error)
}

// repaymentStore is what a provider said of money given back.
type repaymentStore interface {
	// Repaid records how much of a payment was given back in all, and returns
	// the most that was ever reported.
	Repaid(ctx context.Context, paymentID string, r curfew.Repayment) (curfew.Repayment, error)
	// Dispute records that the customer's bank asked for a payment back.
	Dispute(ctx context.Context, paymentID string) error
	// Repayment is what Repaid and Dispute recorded. NotFound: nothing.
	Repayment(ctx context.Context, paymentID string) (curfew.Repayment, error)
}

// deadlineStore finds what is due.
type deadlineStore interface {
	// Find reads without locking, ordered by deadline and id.
	Find(ctx context.Context, s record.Search) ([]curfew.Snapshot, error)
	// NextDeadline is the earliest deadline of a session or deferred checkout
	// that lies behind a moment, passed or not, and the store's now. at is zero if
	// there is none.
	NextDeadline(ctx context.Context, after time.Time) (at, now time.Time, err error)
	// Tidy forgets refusals older than the window and previews older than a day.
	Tidy(ctx context.Context, window time.Duration) error
}

// runStore is the record of cleanups.
type runStore interface {
	// BeginRun writes the run with outcome RunRunning and returns it with its
	// start.
	BeginRun(ctx context.Context, r curfew.Run) (curfew.Run, error)
	// RenewRun extends a run's lease to ttl from now. One whose lease has ended, and
	// that began more than curfew.RunLease ago, reads as RunInterrupted.
	RenewRun(ctx context.Context, id string, ttl time.Duration) error
	// FinishRun writes outcome, error and stats, and returns it with its end.
	FinishRun(ctx context.Context, r curfew.Run) (curfew.Run, error)
	// Runs is newest first, behind the cursor.
	Runs(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Run, error)
	// Run is one by its id.
	Run(ctx context.Context, id string) (curfew.Run, error)
	// RunEvents is what a run did, by the events' ids, behind one.
	RunEvents(ctx context.Context, runID, after string, limit int) ([]curfew.Event, error)
}

// previewStore keeps previews of cleanups for a day.
type previewStore interface {
	// SavePreview keeps a preview and returns it with its time.
	SavePreview(ctx context.Context, p curfew.Preview) (curfew.Preview, error)
	// Preview is NotFound once it is older than a day.
	Preview(ctx context.Context, id string) (curfew.Preview, error)
}

// figureStore is what health is made of. Each figure is exact, cheap at millions
// of ended rows, and fails alone.
type figureStore interface {
	SessionFigures(ctx context.Context, p curfew.Policy) (curfew.SessionFigures, error)
	RequestFigures(ctx context.Context) (curfew.RequestFigures, error)
	CheckoutFigures(ctx context.Context) (curfew.CheckoutFigures, error)
	MechanicFigures(ctx context.Context) (curfew.MechanicFigures, error)
	DeliveryFigures(ctx context.Context) (curfew.DeliveryFigures, error)
	// Repeated is who was refused at least so often within the window because of
	// sessions that have not ended.
	Repeated(ctx context.Context, atLeast int, window time.Duration) ([]curfew.Repeated, error)
	// HealthDetails names the rows that the figures count, at most limit of each.
	HealthDetails(ctx context.Context, p curfew.Policy, limit int) (curfew.HealthDetails, error)
}

// consistencyStore compares rows that Curfew's own writes keep in step.
type consistencyStore interface {
	// TallyDifferences is the tallies that are not what the rows say, all of one
	// moment. It reads every row, for as long as the context lets it.
	TallyDifferences(ctx context.Context) ([]curfew.TallyDifference, error)
	// Links checks up to limit rows of one of curfew.LinkedTables, behind a key,
	// against the rows they belong with. Each costs a look or two by key.
	Links(ctx context.Context, table, after string, limit int) (record.Linked, error)
}

// activityStore is what charts of the last hours are made of.
type activityStore interface {
	// Activity is how many sessions have not ended, and how many moved within each
	// step of the window that ends now, all of one moment. It reads the events of
	// the window, and no others.
	Activity(ctx context.Context, window, step time.Duration) (record.ActivitySeries, error)
}

// heartbeatStore is what processes leave for each other as a sign of life.
type heartbeatStore interface {
	// RecordSweep records a successful sweep and how late it was.
	RecordSweep(ctx context.Context, lag time.Duration) error
	// RecordQueueRead records that a mechanic looked at the queue.
	RecordQueueRead(ctx context.Context) error
	// RecordStreams records how many mechanics have a live stream of a process; it
	// counts for ttl.
	RecordStreams(ctx context.Context, process string, mechanics int, ttl time.Duration) error
	// RecordHeartbeat writes the row of a process, durably and as a payment is
	// written, so that it fails where that would: on a standby, a full disk, a
	// missing table, behind a pooler without transactions. The row counts for ttl.
	RecordHeartbeat(ctx context.Context, process string, ttl time.Duration) error
	// ForgetProcess removes the row, if it is there.
	ForgetProcess(ctx context.Context, process string) error
	// Heartbeats are the latest of these, and the store's now.
	Heartbeats(ctx context.Context) (curfew.Heartbeats, error)
}

// schemaStore checks the schema.
type schemaStore interface {
	// GuardsMissing names the guards that the database should have and has not;
	// none where they were switched off on purpose.
	GuardsMissing(ctx context.Context) ([]string, error)
	// Verify is Invalid where the schema lacks something, and names it.
	Verify(ctx context.Context) error
}

// oneTimeStore records names that count once.
type oneTimeStore interface {
	// ClaimOnce records a one-time name; the second time it is Conflict. Names
	// may be forgotten once ttl has passed by the store's clock.
	ClaimOnce(ctx context.Context, name string, ttl time.Duration) error
	// Claimed reports whether a one-time name was recorded, and is not forgotten.
	Claimed(ctx context.Context, name string) (bool, error)
}

// quarantineStore keeps what could not be settled and is set apart.
type quarantineStore interface {
	// Quarantine keeps a failure: what, at which step, and its LastError. It is
	// left alone for FirstQuarantine, twice as long after each further failure, at
	// most for LongestQuarantine. The lists that begin with the oldest leave out
	// what is set apart now: Servable, Unsettled of everybody, Refundable.
	Quarantine(ctx context.Context, q curfew.Quarantined) error
	// Quarantined is what is set apart and has not moved since, longest first.
	Quarantined(ctx context.Context, limit int) ([]curfew.Quarantined, error)
	// LeaveQuarantine forgets what was settled, or has moved on.
	LeaveQuarantine(ctx context.Context) error
}

// acknowledgementStore is what operators said of findings.
type acknowledgementStore interface {
	// Acknowledge keeps an operator's word in place of an earlier one of that code,
	// and returns it with its time.
	Acknowledge(ctx context.Context, a curfew.Acknowledgement) (curfew.Acknowledgement, error)
	// Acknowledgements is those that have not ended, by code.
	Acknowledgements(ctx context.Context) ([]curfew.Acknowledgement, error)
	// WithdrawAcknowledgement takes one back. NotFound: there is none.
	WithdrawAcknowledgement(ctx context.Context, code string) error
}

// historyStore is what the timeline reads of one customer, newest first.
type historyStore interface {
	// History is the events of all the customer's sessions and checkouts, before
	// the cursor.
	History(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]curfew.Event, error)
	// Refusals is how often the customer was refused, before the cursor, as far
	// as they are kept.
	Refusals(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]record.Refusal, error)
	// Notices is what was, or is to be, delivered because of the customer's
	// events, by Delivery.At, before the cursor, as far as it is kept.
	Notices(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]record.Delivery, error)
	// CustomersByEmail is who paid with that address, in order; letters of ASCII
	// count alike whatever their case.
	CustomersByEmail(ctx context.Context, email string, limit int) ([]string, error)
}
