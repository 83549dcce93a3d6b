package lifecycle

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Store is everything that lifecycle and the timeline need from a database, as one
// parameter for New and for the contract's tests. Each service takes only the ports that
// it calls.
//
// A method is one transaction, for one decision that its caller has made. A guard that
// does not hold is Conflict. A store knows no policy. Its clock decides, and every reading
// carries its time.
//
// Errors have a kind: NotFound, Conflict, MechanicBusy (Change with Assign only),
// SessionOpen (Change with Offer only), or Unavailable if the database cannot answer. After
// a commit whose response was lost, the outcome is unknown, not failed: repeat the call
// with the same key. Package storetest holds the contract as tests.
type Store interface {
	admissionStore
	changeStore
	customerStore
	claimStore
	sessionStore
	queueStore
	checkoutStore
	owedStore
	ledgerStore
	bookStore
	differenceStore
	refusedStore
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
	auditStore
}

// admissionStore writes checkouts and what they pay for. Every write of it is
// published.
type admissionStore interface {
	// Admit writes checkout, claim, session, request and events. On PostgreSQL a new
	// checkout takes one round trip. Here and below, a new checkout whose payment its
	// provider reported earlier has that payment's id and, as its own version, the version
	// of the payment that was judged. Conflict if the payment has another version by now, or
	// a checkout.
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
	// End ends the sessions of the batch that are still as they were read, and nothing
	// else. The result has the order of the batch. The batch's rule is not Due, which
	// ends nothing.
	End(ctx context.Context, b record.Batch) ([]record.Ended, error)
	// Annotate writes an event of a checkout whose outcome stays.
	Annotate(ctx context.Context, r record.Annotation) (curfew.Checkout, error)
}

// customerStore reads what an admission needs to know about a customer.
type customerStore interface {
	// Reference returns the receipt of a payment's reference. NotFound: never seen.
	Reference(ctx context.Context, ref string) (record.Receipt, error)
	// Key returns the receipt of a customer's idempotency key; its session is the one that
	// was admitted with the key.
	Key(ctx context.Context, customerID, key string) (record.Receipt, error)
	// Credit returns the customer's oldest credited checkout of the plan.
	Credit(ctx context.Context, customerID, plan string) (curfew.Checkout, error)
	// Deferred returns the customer's oldest deferred checkout.
	Deferred(ctx context.Context, customerID string) (record.Receipt, error)
	// Refuse records that a customer was refused because of this session.
	Refuse(ctx context.Context, customerID, sessionID string) error
}

// claimStore repairs rows that lost their counterpart: a claim without its checkout, a key
// without its session.
type claimStore interface {
	// LostCheckout returns the claim of a reference whose checkout is missing. NotFound:
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
	// Session returns a session by its id.
	Session(ctx context.Context, id string) (curfew.Snapshot, error)
	// SessionOf returns the session of a request.
	SessionOf(ctx context.Context, requestID string) (curfew.Snapshot, error)
	// Open returns the session that holds the customer's slot, overdue or not.
	Open(ctx context.Context, customerID string) (curfew.Snapshot, error)
	// Unended lists the customer's sessions that have not ended, oldest first.
	Unended(ctx context.Context, customerID string) ([]curfew.Snapshot, error)
	// SessionsOf lists the customer's newest sessions, ended or not, newest first.
	SessionsOf(ctx context.Context, customerID string, limit int) ([]curfew.Snapshot, error)
	// Revival returns the session that revives this one. NotFound: none does.
	Revival(ctx context.Context, customerID, sessionID string) (curfew.Snapshot, error)
	// Events returns the history of one session or checkout, in order.
	Events(ctx context.Context, customerID, subject string) ([]curfew.Event, error)
}

// queueStore reads the queue, and the slots of mechanics.
type queueStore interface {
	// Pending lists the unassigned waiting sessions that have a pending request and are not
	// overdue, by QueuedAt and id, after the cursor. A page is cheap however many overdue
	// ones have not been ended yet.
	Pending(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Snapshot, error)
	// Slot returns the slot that keeps a mechanic busy. NotFound: the mechanic is free.
	Slot(ctx context.Context, mechanicID string) (record.Slot, error)
	// SeeMechanics records that the busy ones among these mechanics have a live stream now.
	SeeMechanics(ctx context.Context, mechanicIDs []string) error
	// Absences counts how often the mechanic accepted a session and did not join.
	Absences(ctx context.Context, mechanicID string, within time.Duration) (record.Absences, error)
	// FreeSlot removes exactly this slot if its session has ended, is missing or has another
	// mechanic; otherwise Conflict.
	FreeSlot(ctx context.Context, s record.Slot) error
	// AbandonSlot removes exactly this slot if its session is overdue; otherwise Conflict.
	AbandonSlot(ctx context.Context, s record.Slot) error
	// FreeLeaked removes the slots that MechanicFigures counts as leaked, and
	// returns how many.
	FreeLeaked(ctx context.Context) (int, error)
}

// checkoutStore reads payments.
type checkoutStore interface {
	// Checkout returns a checkout by its id alone.
	Checkout(ctx context.Context, id string) (curfew.Checkout, error)
	// Checkouts lists all checkouts of a customer, oldest first.
	Checkouts(ctx context.Context, customerID string) ([]curfew.Checkout, error)
	// ListCheckouts lists the checkouts that match the search, in its order.
	ListCheckouts(ctx context.Context, s curfew.CheckoutSearch) ([]curfew.Checkout, error)
}

// owedStore lists what is owed to customers: sessions and money.
type owedStore interface {
	// Servable lists customers with a deferred checkout and no open session, longest wait
	// first.
	Servable(ctx context.Context, limit int) ([]string, error)
	// Unsettled lists deferred checkouts past their RetryUntil, and checkouts with MoneyDue,
	// each with the session whose end left it so; oldest first. An empty customer means all
	// customers.
	Unsettled(ctx context.Context, customerID string, limit int) ([]record.Receipt, error)
	// Refundable lists checkouts with a refund due or under way whose NextAt has passed,
	// longest wait first, but none that is still to be captured.
	Refundable(ctx context.Context, limit int) ([]curfew.Checkout, error)
	// StaleCredits lists credits older than the given age, after a cursor of UpdatedAt and
	// id, oldest first.
	StaleCredits(ctx context.Context, olderThan time.Duration, after curfew.Cursor, limit int) ([]curfew.Checkout, error)
	// Capturable lists checkouts whose reserved money is to be taken, is being taken, or is
	// to be released, and whose NextAt has passed, longest wait first.
	Capturable(ctx context.Context, limit int) ([]curfew.Checkout, error)
}

// ledgerStore keeps payments and their facts.
type ledgerStore interface {
	// Report records what was reported of a payment under any of its names. If these names
	// belonged to several payments, they are merged into one: the oldest that has a checkout. If
	// anything is new, the payment's version rises, and so does the version of each of its
	// checkouts, with an event; and a refund that is due may be asked for.
	Report(ctx context.Context, t record.PaymentReport) (record.Ledger, error)
	// Ledger returns a payment by its id, which is that of its first checkout. The payment
	// may have facts, a checkout, or both. NotFound: neither.
	Ledger(ctx context.Context, paymentID string) (record.Ledger, error)
	// LedgerOf returns a payment by any of its names. NotFound: no payment has the name.
	LedgerOf(ctx context.Context, ref string) (record.Ledger, error)
	// Payments returns the payments with the given ids, without their checkouts, in the same order.
	Payments(ctx context.Context, ids []string) ([]curfew.Payment, error)
	// Unjudged lists payments with a version that has not been judged yet, except those with
	// a checkout in quarantine.
	Unjudged(ctx context.Context, limit int) ([]string, error)
	// Judged records that a payment was settled in that version.
	Judged(ctx context.Context, paymentID string, version int64) error
	// KeepMessage stores a message that could not be used, once per provider, account and
	// id.
	KeepMessage(ctx context.Context, m record.ProviderMessage) error
}

// bookStore reads the books.
type bookStore interface {
	// Booked reads at most limit checkouts, in order of id, after one. It returns the
	// payments among them that had a movement between two moments, or may have been open at
	// the second, each with its first checkout; there may be none. Next is where the next
	// part begins; empty: this was the last. The span includes its first moment, and not its
	// second.
	Booked(ctx context.Context, from, to time.Time, after string, limit int) (all []record.Booked, next string, err error)
}
