package lifecycle

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// deadlineStore finds what is due.
type deadlineStore interface {
	// Find reads without locking, ordered by deadline and id.
	Find(ctx context.Context, s record.Search) ([]curfew.Snapshot, error)
	// NextDeadline is the earliest deadline of a session or deferred checkout
	// that lies behind a moment, passed or not, and the store's now. at is zero if
	// there is none. Of adopted sessions it looks at
	// those of these tables.
	NextDeadline(ctx context.Context, after time.Time, sources []string) (at, now time.Time, err error)
	// Unaccepted is the sessions that have been in the queue for longer than that, are not
	// overdue, and of which nobody was told (Change.Nudge), oldest first. Adopted ones are none.
	Unaccepted(ctx context.Context, after time.Duration, limit int) ([]curfew.Snapshot, error)
	// Silent is the waiting sessions whose mechanic has not joined, has had a stream since
	// accepting, and none for that long. Adopted ones are none.
	Silent(ctx context.Context, since time.Duration, limit int) ([]curfew.Snapshot, error)
	// Tidy forgets refusals older than the window, previews older than a day, and messages of
	// providers that were of no use, or refused, longer than record.MessagesKept ago.
	Tidy(ctx context.Context, window time.Duration) error
}

// runStore is the record of cleanups.
type runStore interface {
	// BeginRun writes the run with outcome RunRunning and returns it with its
	// start. One that exists goes on: only its outcome, error and end are written, and
	// its start and figures stay.
	BeginRun(ctx context.Context, r curfew.Run) (curfew.Run, error)
	// RenewRun extends a run's lease to ttl from now. One whose lease has ended, and
	// that began more than record.RunLease ago, reads as RunInterrupted.
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
	// Links checks up to limit rows of one of record.LinkedTables, after a key, against
	// the rows that they belong with. Each row costs one or two reads by key.
	Links(ctx context.Context, table, after string, limit int) (record.Linked, error)
}

// activityStore is what charts of the last hours are made of.
type activityStore interface {
	// Activity is how many sessions have not ended, and how many moved within each
	// step of the window that ends now, all of one moment. It reads the events of
	// the window, and no others.
	Activity(ctx context.Context, window, step time.Duration) (record.ActivitySeries, error)
}

// heartbeatStore records the signs of life of all processes.
type heartbeatStore interface {
	// RecordSweep records a successful sweep and how late it was.
	RecordSweep(ctx context.Context, lag time.Duration) error
	// RecordQueueRead records that a mechanic has read the queue.
	RecordQueueRead(ctx context.Context) error
	// RecordStreams records how many mechanics have a live stream of a process; it
	// counts for ttl.
	RecordStreams(ctx context.Context, process string, mechanics int, ttl time.Duration) error
	// RecordHeartbeat writes the row of a process durably and in the same way as a
	// payment, so that it fails where a payment would: on a standby, a full disk, a missing
	// table, or behind a pooler without transactions. The row counts for ttl.
	RecordHeartbeat(ctx context.Context, process string, ttl time.Duration) error
	// ForgetProcess removes the row, if it is there.
	ForgetProcess(ctx context.Context, process string) error
	// Heartbeats are the latest of these, and the store's now.
	Heartbeats(ctx context.Context) (curfew.Heartbeats, error)
}

// schemaStore checks the schema.
type schemaStore interface {
	// GuardsMissing names the guards that the database lacks; none if they were switched
	// off on purpose.
	GuardsMissing(ctx context.Context) ([]string, error)
	// Verify returns an Invalid error that names what the schema lacks.
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
	// what is set apart now: Servable, Unsettled of everybody, Refundable, StaleCredits.
	Quarantine(ctx context.Context, q curfew.Quarantined) error
	// Quarantined is what is set apart and has not moved since, longest first.
	Quarantined(ctx context.Context, limit int) ([]curfew.Quarantined, error)
	// LeaveQuarantine forgets what was settled, or has moved on.
	LeaveQuarantine(ctx context.Context) error
}

// acknowledgementStore keeps the acknowledgements of findings.
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

// auditStore tells of the audit log, which others write.
type auditStore interface {
	// AuditLost is how many entries could not be written within a time.
	AuditLost(ctx context.Context, within time.Duration) (record.AuditLosses, error)
}
