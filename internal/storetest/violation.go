package storetest

// violation is a way to break an invariant by hand. The letters in its statements
// stand for the rows that placeholders writes first.
type violation struct {
	breaks     string // the checker's name
	statements []string
	// refusedUntil holds statements that remove the constraint that refuses the violation. The
	// refusal is the proof; if the violation succeeds without the constraint, it was not refused
	// because of a mistake in the statement.
	refusedUntil []string
}

const (
	copySession = `INSERT INTO {sessions} (customer_id, id, plan, kind, duration_seconds, version, created_at, starts_at, expires_at, status, checkout_id)
	               SELECT customer_id, NEW, plan, kind, duration_seconds, 1, created_at, created_at, created_at, `
	insertEvent = `INSERT INTO {events} (customer_id, subject_id, number, subject, id, from_status, to_status, actor, at)
	               SELECT customer_id, `
	cancelSession = `UPDATE {sessions} SET status = 'cancelled', ended_at = created_at, expires_at = NULL, end_reason = 'x' WHERE id = `
)

// violations starts from a waiting session W of customer w, paid by checkout C under a claim; an
// assigned session A of mechanic 'max' and customer a; and NEW, a fresh id on every use.
var violations = []violation{
	{
		breaks:       "1: at most one open session a customer",
		statements:   []string{copySession + "'waiting', NULL FROM {sessions} WHERE id = W"},
		refusedUntil: []string{cancelSession + "W"},
	},
	{
		breaks:       "1: at most one slot a mechanic",
		statements:   []string{"INSERT INTO {mechanic_slots} (mechanic_id, customer_id, session_id, created_at) SELECT 'max', customer_id, id, created_at FROM {sessions} WHERE id = W"},
		refusedUntil: []string{"DELETE FROM {mechanic_slots} WHERE mechanic_id = 'max'"},
	},
	{
		breaks:     "1: an open session with a mechanic holds the mechanic's slot",
		statements: []string{"DELETE FROM {mechanic_slots} WHERE mechanic_id = 'max'"},
	},
	{
		breaks:     "1: a slot is held by an open session of that mechanic",
		statements: []string{"UPDATE {mechanic_slots} SET session_id = NEW WHERE mechanic_id = 'max'"},
	},
	{
		breaks:     "3: an open session has exactly one open request",
		statements: []string{"UPDATE {session_requests} SET status = 'expired', ended_at = created_at WHERE session_id = W"},
	},
	{
		breaks:     "3: an open request belongs to an open session",
		statements: []string{cancelSession + "W"},
	},
	{
		breaks:     "3: an open request stands as its session does",
		statements: []string{"UPDATE {session_requests} SET mechanic_id = 'eve' WHERE session_id = A"},
	},
	{
		breaks:     "3: a request has an end exactly if it has ended",
		statements: []string{"UPDATE {session_requests} SET status = 'expired' WHERE session_id = W"},
	},
	{
		breaks:     "3: a session has a deadline exactly until it has ended",
		statements: []string{"UPDATE {sessions} SET status = 'cancelled', ended_at = created_at WHERE id = W"},
	},
	{
		breaks:     "3: a session has an end and its reason exactly if it has ended",
		statements: []string{"UPDATE {sessions} SET status = 'cancelled', ended_at = created_at, expires_at = NULL WHERE id = W"},
	},
	{
		breaks: "6: a session ends once and for ever",
		statements: []string{
			insertEvent + "subject_id, 2, subject, NEW, to_status, 'cancelled', actor, at FROM {events} WHERE subject_id = W",
			insertEvent + "subject_id, 3, subject, NEW, 'cancelled', 'cancelled', actor, at FROM {events} WHERE subject_id = W AND number = 1",
		},
	},
	{
		breaks:     "6: a revived session was cancelled, and the new one has its payment and plan",
		statements: []string{"UPDATE {sessions} SET revives = id WHERE id = W"},
	},
	{
		breaks:     "7: a reference is claimed for the checkout that it paid",
		statements: []string{"DELETE FROM {payment_refs} WHERE checkout_id = C"},
	},
	{
		breaks:     "7: a claim has its checkout",
		statements: []string{"UPDATE {payment_refs} SET checkout_id = NEW WHERE checkout_id = C"},
	},
	{
		breaks: "7: the names of a payment have one customer, one plan and one version",
		statements: []string{`INSERT INTO {payment_refs} (ref, customer_id, checkout_id, plan, version)
			SELECT 'other', customer_id, checkout_id, plan, version + 1 FROM {payment_refs} WHERE checkout_id = C`},
	},
	{
		breaks:     "7: the names of a payment are its first checkout's",
		statements: []string{"UPDATE {payment_refs} SET customer_id = 'eve' WHERE checkout_id = C"},
	},
	{
		breaks: "7: a fact is of a payment that has a name",
		statements: []string{`INSERT INTO {payment_facts} (payment, provider, account, kind, object, state, told_at)
			SELECT NEW, 'stripe', '', 'attempt', 'ch_1', 'captured', created_at FROM {checkouts} WHERE id = C`},
	},
	{
		breaks:     "7: a fulfilled checkout has a session that was not cancelled",
		statements: []string{cancelSession + "W"},
	},
	{
		breaks:     "7: a checkout with another outcome has no session that goes on, and none that was held unless it is given back or lost",
		statements: []string{"UPDATE {checkouts} SET outcome = 'credited' WHERE id = C"},
	},
	{
		breaks:     "7: the money of a checkout is taken or released as its outcome and session say",
		statements: []string{"UPDATE {checkouts} SET capture = 'releasing' WHERE id = C"},
	},
	{
		breaks:       "7: at most one unended session a checkout",
		statements:   []string{copySession + "'scheduled', checkout_id FROM {sessions} WHERE id = W"},
		refusedUntil: []string{cancelSession + "W"},
	},
	{
		breaks:     "7: a session's checkout exists",
		statements: []string{"UPDATE {sessions} SET checkout_id = NEW WHERE id = W"},
	},
	{
		breaks:     "7: a checkout names its first session",
		statements: []string{"UPDATE {checkouts} SET session_id = NEW WHERE id = C"},
	},
	{
		breaks:     "8: a session's version is the number of its events, which have no gap",
		statements: []string{"UPDATE {sessions} SET version = version + 1 WHERE id = W"},
	},
	{
		breaks:     "8: a checkout's version is the number of its events, which have no gap",
		statements: []string{"UPDATE {checkouts} SET version = version + 1 WHERE id = C"},
	},
	{
		breaks:     "8: events chain up",
		statements: []string{insertEvent + "subject_id, 2, subject, NEW, 'live', 'live', actor, at FROM {events} WHERE subject_id = W"},
	},
	{
		breaks:     "8: a session's events are legal steps",
		statements: []string{insertEvent + "subject_id, 2, subject, NEW, 'waiting', 'completed', actor, at FROM {events} WHERE subject_id = W"},
	},
	{
		breaks:     "8: a checkout's events are legal steps",
		statements: []string{insertEvent + "subject_id, 2, subject, NEW, 'fulfilled', 'deferred', actor, at FROM {events} WHERE subject_id = C"},
	},
	{
		breaks:     "8: an event has an id of its own",
		statements: []string{insertEvent + "subject_id, 2, subject, id, 'waiting', 'waiting', actor, at FROM {events} WHERE subject_id = W"},
	},
	{
		breaks:     "8: an event has its subject",
		statements: []string{insertEvent + "NEW, 1, subject, NEW, '', 'waiting', actor, at FROM {events} WHERE subject_id = W"},
	},
}
