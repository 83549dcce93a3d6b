package postgres

import (
	"cmp"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// follow writes what follows from the moves of sessions, in the same transaction and in
// the order of locks: request, slot, checkout, events.
type follow struct {
	moved     []moved
	from, to  curfew.SessionStatus
	requestTo curfew.RequestStatus
	assign    string
	release   bool
	capture   bool
	actor     curfew.Actor
	runID     string

	// What the database said.
	requestEnded map[string]bool // by session
	settled      []event         // of the checkouts
}

// moved is one session, as it is now.
type moved struct {
	customerID, sessionID string
	checkoutID            string // empty: another program's session
	version               int64
	reason                string
	owed                  curfew.Outcome
	share                 int    // percent; 0: all
	absent                string // the mechanic who did not come; empty: nobody is to be counted
}

// whoIsAbsent is the mechanic of a session, if they are to be counted as one who did not come.
func whoIsAbsent(count bool, s curfew.Session) string {
	if !count {
		return ""
	}
	return s.MechanicID
}

// settles reports whether the move decides about money.
func (m moved) settles() bool { return m.owed != "" && m.owed != curfew.Fulfilled }

const (
	updateRequests = `UPDATE curfew.session_requests r SET
			status = $3,
			mechanic_id = CASE WHEN $4::text IS NOT NULL THEN $4 WHEN $5 THEN NULL ELSE r.mechanic_id END,
			ended_at = CASE WHEN $3 IN ('cancelled', 'expired', 'completed') THEN now() END
		FROM unnest($1::text[], $2::uuid[]) k (customer_id, session_id)
		WHERE r.customer_id = k.customer_id AND r.session_id = k.session_id AND ` + requestIsOpen + `
		RETURNING r.session_id`
	insertSlot  = `INSERT INTO curfew.mechanic_slots (mechanic_id, customer_id, session_id) VALUES ($1, $2, $3)`
	deleteSlots = `DELETE FROM curfew.mechanic_slots m
		USING unnest($1::text[], $2::uuid[]) k (customer_id, session_id)
		WHERE m.session_id = k.session_id AND m.customer_id = k.customer_id`
	insertAbsences = `INSERT INTO curfew.absences (mechanic_id, session_id, number, customer_id)
		SELECT * FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::text[])`
	// A credit for an extension could not be spent, and who was given the
	// session's payment back was not given the extensions'.
	settleExtensions = `UPDATE curfew.checkouts c SET
			outcome = ` + owedExtension + `, money_due = false, version = c.version + 1, updated_at = now(),
			refund_amount = CASE WHEN ` + owedExtension + ` = 'refund_due' THEN c.amount ELSE 0 END
		FROM unnest($1::text[], $2::uuid[], $3::text[]) k (customer_id, session_id, owed)
			JOIN curfew.sessions s ON s.customer_id = k.customer_id AND s.id = k.session_id
		WHERE c.customer_id = k.customer_id AND c.session_id = s.id AND c.id IS DISTINCT FROM s.checkout_id AND c.outcome = 'fulfilled'
		RETURNING c.id, c.version, k.session_id, c.outcome`
	owedExtension = `CASE WHEN k.owed IN ('credited', 'refunded', 'void', 'held') THEN 'refund_due' ELSE k.owed END`
)

const (
	makeDue = `UPDATE curfew.checkouts c SET capture = 'due', next_at = now(), version = c.version + 1, updated_at = now()
		WHERE c.customer_id = $1 AND c.id = $2 AND c.outcome || '' = 'fulfilled' AND c.capture = 'authorised'
		RETURNING c.id, c.version`
	// unasked: a session was cancelled before the provider was asked for its money.
	unasked = `($6 AND c.capture IN ('authorised', 'due'))`
	// kept: some of the money is kept all the same, so it is taken.
	kept = `(k.owed = 'forfeited' OR k.owed = 'refund_due' AND k.share < 100)`
)

// What is due of a checkout, in an amount that can be refunded.
var (
	refundShare     = record.RoundedUp(`(c.amount / 100 * k.share + (c.amount % 100 * k.share + 99) / 100)`, `c.currency`)
	settleCheckouts = `UPDATE curfew.checkouts c SET
			outcome = CASE WHEN ` + unasked + ` AND NOT ` + kept + ` THEN 'void' ELSE k.owed END,
			capture = CASE WHEN NOT ` + unasked + ` THEN c.capture WHEN ` + kept + ` THEN 'due' ELSE 'releasing' END,
			next_at = CASE WHEN ` + unasked + ` THEN now() ELSE c.next_at END,
			money_due = false, version = c.version + 1, updated_at = now(),
			refund_amount = CASE WHEN k.owed IN ('refund_due', 'refunded') AND (` + kept + ` OR NOT ` + unasked + `)
				THEN LEAST(c.amount, ` + refundShare + `) ELSE 0 END
		FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::int[]) k (customer_id, session_id, checkout_id, owed, share)
		WHERE c.customer_id = k.customer_id AND c.id = k.checkout_id AND c.outcome = 'fulfilled'
		RETURNING c.id, c.version, k.session_id, c.outcome`
)

// queue queues everything but the events.
func (f *follow) queue(b *pgx.Batch) {
	customers, sessions := make([]string, len(f.moved)), make([]string, len(f.moved))
	for i, m := range f.moved {
		customers[i], sessions[i] = m.customerID, m.sessionID
	}
	if f.requestTo != "" {
		b.Queue(updateRequests, customers, sessions, f.requestTo, null(f.assign), f.release).Query(f.readRequests)
	}
	if f.release || f.to.Ended() {
		b.Queue(deleteSlots, customers, sessions)
	}
	if f.assign != "" {
		b.Queue(insertSlot, f.assign, customers[0], sessions[0]).Fn = refusedAs(curfew.MechanicBusy, "mechanic %s is busy", f.assign)
	}
	f.queueAbsences(b)
	f.queueCheckouts(b)
}

func (f *follow) queueAbsences(b *pgx.Batch) {
	var mechanics, sessions, customers []string
	var numbers []int64
	for _, m := range f.moved {
		if m.absent != "" {
			mechanics, sessions, numbers, customers = append(mechanics, m.absent), append(sessions, m.sessionID), append(numbers, m.version), append(customers, m.customerID)
		}
	}
	if len(mechanics) > 0 {
		b.Queue(insertAbsences, mechanics, sessions, numbers, customers)
	}
}

func (f *follow) queueCheckouts(b *pgx.Batch) {
	if f.capture {
		b.Queue(makeDue, f.moved[0].customerID, null(f.moved[0].checkoutID)).Query(f.readDue)
	}
	var customers, sessions, owed []string
	var checkouts []*string
	var shares []int
	for _, m := range f.moved {
		if m.settles() {
			customers, sessions, owed = append(customers, m.customerID), append(sessions, m.sessionID), append(owed, string(m.owed))
			checkouts, shares = append(checkouts, null(m.checkoutID)), append(shares, cmp.Or(m.share, 100))
		}
	}
	if len(sessions) > 0 {
		b.Queue(settleCheckouts, customers, sessions, checkouts, owed, shares, f.to == curfew.Cancelled).Query(f.readCheckouts)
	}
	if len(sessions) > 0 && f.from == curfew.Live {
		b.Queue(settleExtensions, customers, sessions, owed).Query(f.readCheckouts)
	}
}

func (f *follow) readRequests(rows pgx.Rows) error {
	f.requestEnded = make(map[string]bool, len(f.moved))
	var session text
	_, err := pgx.ForEachRow(rows, []any{&session}, func() error {
		f.requestEnded[string(session)] = !f.requestTo.Open()
		return nil
	})
	return err
}

// readDue reads the checkout whose money has become due, if it was reserved.
func (f *follow) readDue(rows pgx.Rows) error {
	var id text
	var version int64
	_, err := pgx.ForEachRow(rows, []any{&id, &version}, func() error {
		f.settled = append(f.settled, event{
			subject: "checkout", customerID: f.moved[0].customerID, subjectID: string(id), number: version,
			from: string(curfew.Fulfilled), to: string(curfew.Fulfilled), actor: f.actor, reason: curfew.CaptureReason("due"), runID: f.runID,
		})
		return nil
	})
	return err
}

func (f *follow) readCheckouts(rows pgx.Rows) error {
	by := make(map[string]moved, len(f.moved))
	for _, m := range f.moved {
		by[m.sessionID] = m
	}
	var id, session, outcome text
	var version int64
	_, err := pgx.ForEachRow(rows, []any{&id, &version, &session, &outcome}, func() error {
		m := by[string(session)]
		f.settled = append(f.settled, event{
			subject: "checkout", customerID: m.customerID, subjectID: string(id), number: version,
			from: string(curfew.Fulfilled), to: string(outcome), actor: f.actor, reason: m.reason, runID: f.runID,
		})
		return nil
	})
	return err
}

// events is one a session, then one a settled checkout.
func (f *follow) events() []event {
	all := make([]event, 0, len(f.moved)+len(f.settled))
	for _, m := range f.moved {
		all = append(all, event{
			subject: "session", customerID: m.customerID, subjectID: m.sessionID, number: m.version,
			from: string(f.from), to: string(f.to), actor: f.actor, reason: m.reason, runID: f.runID,
		})
	}
	return append(all, f.settled...)
}
