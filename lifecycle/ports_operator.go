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
	// NextDeadline is the earliest deadline of a session or deferred checkout that lies
	// behind a moment, passed or not, and the store's now. at is zero if there is none. It
	// considers only the adopted sessions of the given tables.
	NextDeadline(ctx context.Context, after time.Time, sources []string) (at, now time.Time, err error)
	// Unaccepted lists sessions that have been in the queue for longer than the given time, are
	// not overdue, and have no event about it yet (Change.Nudge), oldest first. Adopted sessions
	// are left out.
	Unaccepted(ctx context.Context, after time.Duration, limit int) ([]curfew.Snapshot, error)
	// Silent lists waiting sessions whose mechanic has not joined, has had a stream since
	// accepting, and has had none for the given time. Adopted sessions are left out.
	Silent(ctx context.Context, since time.Duration, limit int) ([]curfew.Snapshot, error)
	// Tidy deletes refusals older than the window, previews older than a day, and unusable or
	// refused messages of providers older than record.MessagesKept.
	Tidy(ctx context.Context, window time.Duration) error
}

// runStore is the record of cleanups.
type runStore interface {
	// BeginRun writes the run with outcome RunRunning and returns it with its start. A run
	// that exists goes on: only its outcome, error and end are written, and its start and
	// figures stay.
	BeginRun(ctx context.Context, r curfew.Run) (curfew.Run, error)
	// RenewRun extends a run's lease to ttl from now. A run whose lease has ended, and that
	// began more than record.RunLease ago, is read as RunInterrupted.
	RenewRun(ctx context.Context, id string, ttl time.Duration) error
	// FinishRun writes outcome, error and stats, and returns it with its end.
	FinishRun(ctx context.Context, r curfew.Run) (curfew.Run, error)
	// Runs lists runs, newest first, after the cursor.
	Runs(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Run, error)
	// Run returns a run by its id.
	Run(ctx context.Context, id string) (curfew.Run, error)
	// RunEvents lists the events of a run in order of id, after one.
	RunEvents(ctx context.Context, runID, after string, limit int) ([]curfew.Event, error)
}

// previewStore keeps previews of cleanups for a day.
type previewStore interface {
	// SavePreview keeps a preview and returns it with its time.
	SavePreview(ctx context.Context, p curfew.Preview) (curfew.Preview, error)
	// Preview returns a stored preview. NotFound: it is older than a day, or there is none.
	Preview(ctx context.Context, id string) (curfew.Preview, error)
}

// figureStore reads the figures of health. Each is exact, cheap at millions of ended
// rows, and fails alone.
type figureStore interface {
	SessionFigures(ctx context.Context, p curfew.Policy) (curfew.SessionFigures, error)
	RequestFigures(ctx context.Context) (curfew.RequestFigures, error)
	CheckoutFigures(ctx context.Context) (curfew.CheckoutFigures, error)
	MechanicFigures(ctx context.Context) (curfew.MechanicFigures, error)
	DeliveryFigures(ctx context.Context) (curfew.DeliveryFigures, error)
	// Repeated lists customers who were refused at least the given number of times within
	// the window because of sessions that have not ended.
	Repeated(ctx context.Context, atLeast int, window time.Duration) ([]curfew.Repeated, error)
	// HealthDetails names the rows that the figures count, at most limit of each.
	HealthDetails(ctx context.Context, p curfew.Policy, limit int) (curfew.HealthDetails, error)
}

// consistencyStore compares rows that Curfew's own writes keep in step.
type consistencyStore interface {
	// TallyDifferences lists the tallies that differ from the number of their rows, all at
	// one moment. It reads every row.
	TallyDifferences(ctx context.Context) ([]curfew.TallyDifference, error)
	// Links checks up to limit rows of one of record.LinkedTables, after a key, against
	// the rows that they belong with. Each row costs one or two reads by key.
	Links(ctx context.Context, table, after string, limit int) (record.Linked, error)
}

// activityStore reads what the charts of the last hours show.
type activityStore interface {
	// Activity counts the sessions that have not ended, and those that moved within each
	// step of the window that ends now, all at one moment. It reads only the events of the
	// window.
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
	// Heartbeats returns the latest of these, and the store's time.
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

// oneTimeStore records one-time names.
type oneTimeStore interface {
	// ClaimOnce records a one-time name. Conflict: it was recorded before. Names may be
	// forgotten once ttl has passed by the store's clock.
	ClaimOnce(ctx context.Context, name string, ttl time.Duration) error
	// Claimed reports whether a one-time name was recorded, and is not forgotten.
	Claimed(ctx context.Context, name string) (bool, error)
}

// quarantineStore keeps the rows that could not be settled.
type quarantineStore interface {
	// Quarantine records a failure: the row, the step and its LastError. The row is left
	// alone for FirstQuarantine, twice as long after each further failure, and at most for
	// LongestQuarantine. The lists that begin with the oldest leave it out meanwhile:
	// Servable, Unsettled of all customers, Refundable, StaleCredits.
	Quarantine(ctx context.Context, q curfew.Quarantined) error
	// Quarantined lists the rows in quarantine that have not moved since, longest first.
	Quarantined(ctx context.Context, limit int) ([]curfew.Quarantined, error)
	// LeaveQuarantine removes rows that were settled or have moved on.
	LeaveQuarantine(ctx context.Context) error
}

// acknowledgementStore keeps the acknowledgements of findings.
type acknowledgementStore interface {
	// Acknowledge stores an acknowledgement, in place of an earlier one of the same code,
	// and returns it with its time.
	Acknowledge(ctx context.Context, a curfew.Acknowledgement) (curfew.Acknowledgement, error)
	// Acknowledgements lists those that have not ended, by code.
	Acknowledgements(ctx context.Context) ([]curfew.Acknowledgement, error)
	// WithdrawAcknowledgement removes one. NotFound: there is none.
	WithdrawAcknowledgement(ctx context.Context, code string) error
}

// historyStore is what the timeline reads of one customer, newest first.
type historyStore interface {
	// History lists the events of all the customer's sessions and checkouts before the
	// cursor.
	History(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]curfew.Event, error)
	// Refusals lists the customer's refusals before the cursor, as far as they are kept.
	Refusals(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]record.Refusal, error)
	// Notices lists the deliveries for the customer's events, sent or not, by Delivery.At,
	// before the cursor, as far as they are kept.
	Notices(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]record.Delivery, error)
	// CustomersByEmail lists the customers who paid with that address, in order; the case of
	// ASCII letters does not matter.
	CustomersByEmail(ctx context.Context, email string, limit int) ([]string, error)
}

// auditStore reads the audit log, which package audit writes.
type auditStore interface {
	// AuditLost counts the entries that could not be written within the given time.
	AuditLost(ctx context.Context, within time.Duration) (record.AuditLosses, error)
}
