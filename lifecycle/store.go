package lifecycle

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
)

// Store is what lifecycle needs of a database. One method is one transaction
// and one decision that has been taken here; a missed guard is Conflict. A
// store knows no policy. Its clock decides, and every reading carries it.
//
// Errors have a kind: NotFound, Conflict, MechanicBusy (Change with Assign
// only), SessionOpen (Change with Offer only), or Unavailable where the database
// cannot say (after a commit whose answer was lost, too: unknown is not failed,
// repeat with the same key).
// Package storetest holds the contract as tests.
type Store interface {
	Admissions
	Sessions
	Queue
	Checkouts
	Payments
	Refunds
	Cleaning
	Runs
	Stories
	Figures
	Consistency
	Charts
	Signals
	Heartbeats
	OneTimes
	Quarantine
	Acknowledgements
}

// Admissions is how sessions come to be.
type Admissions interface {
	// Admit writes checkout, claim, session, request and events. On PostgreSQL a
	// fresh checkout takes one round trip.
	Admit(ctx context.Context, a curfew.Admission) (curfew.Standing, error)
	// Defer writes the checkout (outcome Deferred, retried until so much from
	// now), its claim and its event. A reference already claimed is Conflict.
	Defer(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) (curfew.Receipt, error)
	// Extend writes an extension's checkout, claim and events, and moves
	// duration and deadline of the session.
	Extend(ctx context.Context, x curfew.Extension) (curfew.Standing, error)
	// Record writes a checkout with the outcome it has, neither Fulfilled nor
	// Deferred, its claim and its event. A reference already claimed is Conflict.
	Record(ctx context.Context, c curfew.Checkout, actor curfew.Actor, reason string) (curfew.Receipt, error)
	// Reference is the receipt of a payment's reference. NotFound: never seen.
	Reference(ctx context.Context, ref string) (curfew.Receipt, error)
	// LostCheckout is the claim of a reference whose checkout is missing. NotFound:
	// there is no claim, or the checkout is there.
	LostCheckout(ctx context.Context, ref string) (curfew.PaymentClaim, error)
	// Unclaim removes a claim, unless its checkout is there by now.
	Unclaim(ctx context.Context, c curfew.PaymentClaim) error
	// Recover writes the missing checkout of a claim that exists, as it is; its
	// first event, too, where its Version is 0. One that is deferred is retried
	// until so much from now. Conflict: it is there by now.
	Recover(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) error
	// ForgetKey removes a customer's idempotency key whose checkout or session is
	// missing.
	ForgetKey(ctx context.Context, customerID, key string) error
	// Key is the receipt of a customer's idempotency key; its session is the one
	// that was admitted with the key.
	Key(ctx context.Context, customerID, key string) (curfew.Receipt, error)
	// Refuse records that a customer was refused because of this session.
	Refuse(ctx context.Context, customerID, sessionID string) error
}

// Sessions is reading and moving one session.
type Sessions interface {
	Session(ctx context.Context, id string) (curfew.Standing, error)
	// SessionOf is the session of a request.
	SessionOf(ctx context.Context, requestID string) (curfew.Standing, error)
	// Open is the session that holds the customer's slot, overdue or not.
	Open(ctx context.Context, customerID string) (curfew.Standing, error)
	// Unended is every session of the customer that has not ended, oldest first.
	Unended(ctx context.Context, customerID string) ([]curfew.Standing, error)
	// Change moves a session and returns it as it is now.
	Change(ctx context.Context, c curfew.Change) (curfew.Standing, error)
	// Events is the history of one session or checkout, in order.
	Events(ctx context.Context, customerID, subject string) ([]curfew.Event, error)
}

// Queue is what mechanics see and hold.
type Queue interface {
	// Pending is the unassigned waiting sessions with a pending request that are
	// not overdue, by QueuedAt and id, behind the cursor. A page is cheap however
	// many overdue ones nobody has ended yet.
	Pending(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Standing, error)
	Slot(ctx context.Context, mechanicID string) (curfew.Slot, error)
	// FreeSlot removes a slot that is exactly that and whose session has ended,
	// is missing or has another mechanic; otherwise Conflict.
	FreeSlot(ctx context.Context, s curfew.Slot) error
	// AbandonSlot removes a slot that is exactly that and whose session is overdue;
	// otherwise Conflict.
	AbandonSlot(ctx context.Context, s curfew.Slot) error
}

// Checkouts is reading and moving payments.
type Checkouts interface {
	// Checkouts is all of a customer's, oldest first.
	Checkouts(ctx context.Context, customerID string) ([]curfew.Checkout, error)
	// Credit is the customer's oldest credited checkout of the plan.
	Credit(ctx context.Context, customerID, plan string) (curfew.Checkout, error)
	// Deferred is the customer's oldest deferred checkout.
	Deferred(ctx context.Context, customerID string) (curfew.Receipt, error)
	// Servable is customers with a deferred checkout and no open session, those
	// who wait longest first.
	Servable(ctx context.Context, limit int) ([]string, error)
	// Unsettled is deferred checkouts past their RetryUntil, and those with
	// MoneyDue, each with the session whose ending left it so; oldest first. An
	// empty customer means everybody's.
	Unsettled(ctx context.Context, customerID string, limit int) ([]curfew.Receipt, error)
	// ChangeCheckout moves a checkout and clears MoneyDue.
	ChangeCheckout(ctx context.Context, c curfew.CheckoutChange) (curfew.Checkout, error)
}

// Payments is what providers and operators do with payments.
type Payments interface {
	// Checkout is one by its id alone.
	Checkout(ctx context.Context, id string) (curfew.Checkout, error)
	// PaidBy is the checkouts of a provider's payment, oldest first.
	PaidBy(ctx context.Context, paymentID string) ([]curfew.Checkout, error)
	// ListCheckouts is those that the search chooses, in its order.
	ListCheckouts(ctx context.Context, s curfew.CheckoutSearch) ([]curfew.Checkout, error)
	// Remark writes an event of a checkout whose outcome stays.
	Remark(ctx context.Context, r curfew.Remark) (curfew.Checkout, error)
	// Repair makes a held checkout deferred, with its customer and plan.
	Repair(ctx context.Context, r curfew.Repair) (curfew.Checkout, error)
}

// Refunds is what the worker does, and what providers told of money given back.
type Refunds interface {
	// Refundable is checkouts with a refund due or under way whose NextAt has
	// passed, those that wait longest first.
	Refundable(ctx context.Context, limit int) ([]curfew.Checkout, error)
	// Repaid keeps that so much of a payment was given back, in all, and returns
	// the most that was ever told.
	Repaid(ctx context.Context, paymentID string, r curfew.Repayment) (curfew.Repayment, error)
	// Dispute keeps that the customer's bank asked for a payment back.
	Dispute(ctx context.Context, paymentID string) error
	// Repayment is what Repaid and Dispute kept. NotFound: nothing.
	Repayment(ctx context.Context, paymentID string) (curfew.Repayment, error)
}

// Cleaning finds what is due and ends it in batches.
type Cleaning interface {
	// Find reads without locking, ordered by deadline and id.
	Find(ctx context.Context, s curfew.Search) ([]curfew.Standing, error)
	// End ends what of the batch still is as it was read, and nothing else. The
	// result has the order of the batch. The batch's rule ends something: it is
	// not Due.
	End(ctx context.Context, b curfew.Batch) ([]curfew.Ended, error)
	// NextDeadline is the earliest deadline of a session or deferred checkout
	// that lies behind a moment, passed or not, and the store's now. at is zero if
	// there is none.
	NextDeadline(ctx context.Context, after time.Time) (at, now time.Time, err error)
}

// Runs is the record of cleanups.
type Runs interface {
	// BeginRun writes the run with outcome RunRunning and returns it with its
	// start.
	BeginRun(ctx context.Context, r curfew.Run) (curfew.Run, error)
	// BeatRun says that a run goes on for so long. One that has not said so, and
	// began more than curfew.RunLease ago, reads as RunInterrupted.
	BeatRun(ctx context.Context, id string, ttl time.Duration) error
	// FinishRun writes outcome, error and stats, and returns it with its end.
	FinishRun(ctx context.Context, r curfew.Run) (curfew.Run, error)
	// Runs is newest first, behind the cursor.
	Runs(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Run, error)
	// Run is one by its id.
	Run(ctx context.Context, id string) (curfew.Run, error)
	// RunEvents is what a run did, by the events' ids, behind one.
	RunEvents(ctx context.Context, runID, after string, limit int) ([]curfew.Event, error)
	SavePreview(ctx context.Context, p curfew.Preview) (curfew.Preview, error)
	// Preview is NotFound once it is older than a day.
	Preview(ctx context.Context, id string) (curfew.Preview, error)
}

// Stories is what is known of one customer, newest first.
type Stories interface {
	// SessionsOf is the customer's newest sessions, ended or not.
	SessionsOf(ctx context.Context, customerID string, limit int) ([]curfew.Standing, error)
	// Revival is the session that revives this one. NotFound: none does.
	Revival(ctx context.Context, customerID, sessionID string) (curfew.Standing, error)
	// History is the events of all the customer's sessions and checkouts, before
	// the cursor.
	History(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]curfew.Event, error)
	// Refusals is how often the customer was refused, before the cursor, as far
	// as they are kept.
	Refusals(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]curfew.Refused, error)
	// Notices is what was, or is to be, delivered because of the customer's
	// events, by Delivery.At, before the cursor, as far as it is kept.
	Notices(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]curfew.Delivery, error)
	// CustomersByEmail is who paid with that address, in order; letters of ASCII
	// count alike whatever their case.
	CustomersByEmail(ctx context.Context, email string, limit int) ([]string, error)
}

// Figures is what health is made of. Each is exact, cheap at millions of ended
// rows, and fails alone.
type Figures interface {
	SessionFigures(ctx context.Context, p curfew.Policy) (curfew.SessionFigures, error)
	RequestFigures(ctx context.Context) (curfew.RequestFigures, error)
	CheckoutFigures(ctx context.Context) (curfew.CheckoutFigures, error)
	MechanicFigures(ctx context.Context) (curfew.MechanicFigures, error)
	DeliveryFigures(ctx context.Context) (curfew.DeliveryFigures, error)
	// Repeated is who was refused at least so often within the window because of
	// sessions that have not ended.
	Repeated(ctx context.Context, atLeast int, window time.Duration) ([]curfew.Repeated, error)
	HealthDetails(ctx context.Context, p curfew.Policy, limit int) (curfew.HealthDetails, error)
	// FreeLeaked removes the slots that MechanicFigures counts as leaked.
	FreeLeaked(ctx context.Context) (int, error)
}

// Consistency is whether rows agree with each other, which Curfew's own writes
// keep.
type Consistency interface {
	// TallyDifferences is the tallies that are not what the rows say, all of one
	// moment. It reads every row, for as long as the context lets it.
	TallyDifferences(ctx context.Context) ([]curfew.TallyDifference, error)
	// Links holds so many rows of one of curfew.LinkedTables, behind a key, against
	// the rows they belong with. Each costs a look or two by key.
	Links(ctx context.Context, table, after string, limit int) (curfew.Linked, error)
}

// Charts is what pictures of the last hours are made of.
type Charts interface {
	// Tide is how many sessions have not ended, and how many moved within each
	// step of the window that ends now, all of one moment. It reads the events of
	// the window, and no others.
	Tide(ctx context.Context, window, step time.Duration) (curfew.Tide, error)
}

// Signals is what processes leave for each other.
type Signals interface {
	// BeatSweep records a successful sweep and how late it was.
	BeatSweep(ctx context.Context, lag time.Duration) error
	// BeatQueue records that a mechanic looked at the queue.
	BeatQueue(ctx context.Context) error
	// BeatStreams records how many mechanics have a live stream of a process; it
	// counts for so long.
	BeatStreams(ctx context.Context, process string, mechanics int, ttl time.Duration) error
	Pulse(ctx context.Context) (curfew.Pulse, error)
	// GuardsMissing names the guards that the database should have and has not;
	// none where they were switched off on purpose.
	GuardsMissing(ctx context.Context) ([]string, error)
	// Verify is Invalid where the schema lacks something, and names it.
	Verify(ctx context.Context) error
	// Tidy forgets refusals older than the window and previews older than a day.
	Tidy(ctx context.Context, window time.Duration) error
}

// Heartbeats is how a process tries whether it can write.
type Heartbeats interface {
	// BeatProcess writes the row of a process, durably and as a payment is
	// written, so that it fails where that would: on a standby, a full disk, a
	// missing table, behind a pooler without transactions. The row counts for so
	// long.
	BeatProcess(ctx context.Context, process string, ttl time.Duration) error
	// ForgetProcess removes the row, if it is there.
	ForgetProcess(ctx context.Context, process string) error
}

// OneTimes is names that count once.
type OneTimes interface {
	// ClaimOnce records a one-time name; the second time it is Conflict. Names
	// may be forgotten once until has passed by the store's clock.
	ClaimOnce(ctx context.Context, name string, ttl time.Duration) error
	// Claimed reports whether a one-time name was recorded, and is not forgotten.
	Claimed(ctx context.Context, name string) (bool, error)
}

// Quarantine is what could not be settled and is set apart.
type Quarantine interface {
	// Quarantine keeps a failure: what, at which step, and its LastError. It is
	// left alone for FirstQuarantine, twice as long after each further failure, at
	// most for LongestQuarantine. The lists that begin with the oldest leave out
	// what is set apart now: Servable, Unsettled of everybody, Refundable.
	Quarantine(ctx context.Context, q curfew.Quarantined) error
	// Quarantined is what is set apart and still stands as it did, longest first.
	Quarantined(ctx context.Context, limit int) ([]curfew.Quarantined, error)
	// LeaveQuarantine forgets what was settled, or has moved on.
	LeaveQuarantine(ctx context.Context) error
}

// Acknowledgements is what operators said of findings.
type Acknowledgements interface {
	// Acknowledge keeps an operator's word in place of an earlier one of that code,
	// and returns it with its time.
	Acknowledge(ctx context.Context, a curfew.Acknowledgement) (curfew.Acknowledgement, error)
	// Acknowledgements is those that have not ended, by code.
	Acknowledgements(ctx context.Context) ([]curfew.Acknowledgement, error)
	// WithdrawAcknowledgement takes one back. NotFound: there is none.
	WithdrawAcknowledgement(ctx context.Context, code string) error
}
