// Package invariant holds the invariants that can be checked on the rows, as
// portable SQL. It knows no driver; the caller runs the statements. Tests run
// them after every test, and `curfew restore` after a restore.
package invariant

import (
	"fmt"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Check is one statement that finds the rows that break an invariant. It
// returns none if the invariant holds. Table names are in braces.
type Check struct {
	Name string // with the invariant's number
	SQL  string
}

// Checks returns all of them.
func Checks() []Check { return checks }

var checks = []Check{
	{
		"1: at most one open session a customer",
		`SELECT customer_id FROM {sessions} WHERE status IN ('waiting', 'live') GROUP BY customer_id HAVING count(*) > 1`,
	},
	{
		"1: at most one slot a mechanic",
		`SELECT mechanic_id FROM {mechanic_slots} GROUP BY mechanic_id HAVING count(*) > 1`,
	},
	{
		"1: an open session with a mechanic holds the mechanic's slot",
		`SELECT s.id FROM {sessions} s LEFT JOIN {mechanic_slots} m
		   ON m.mechanic_id = s.mechanic_id AND m.customer_id = s.customer_id AND m.session_id = s.id
		 WHERE s.status IN ('waiting', 'live') AND s.mechanic_id IS NOT NULL AND s.adopted_from = '' AND m.mechanic_id IS NULL`,
	},
	{
		"1: a slot is held by an open session of that mechanic",
		`SELECT m.mechanic_id FROM {mechanic_slots} m LEFT JOIN {sessions} s
		   ON s.customer_id = m.customer_id AND s.id = m.session_id AND s.mechanic_id = m.mechanic_id AND s.status IN ('waiting', 'live')
		 WHERE s.id IS NULL`,
	},
	{
		"3: an open session has exactly one open request",
		`SELECT s.id FROM {sessions} s LEFT JOIN {session_requests} r
		   ON r.customer_id = s.customer_id AND r.session_id = s.id AND r.status IN ('pending', 'accepted')
		 WHERE s.status IN ('waiting', 'live') AND NOT (s.adopted_from <> '' AND s.status = 'live' AND s.mechanic_id IS NULL)
		 GROUP BY s.customer_id, s.id HAVING count(r.id) <> 1`,
	},
	{
		"3: an open request belongs to an open session",
		`SELECT r.id FROM {session_requests} r LEFT JOIN {sessions} s
		   ON s.customer_id = r.customer_id AND s.id = r.session_id AND s.status IN ('waiting', 'live')
		 WHERE r.status IN ('pending', 'accepted') AND s.id IS NULL`,
	},
	{
		"3: an open request stands as its session does",
		`SELECT r.id FROM {session_requests} r JOIN {sessions} s ON s.customer_id = r.customer_id AND s.id = r.session_id
		 WHERE r.status = 'pending' AND (s.mechanic_id IS NOT NULL OR r.mechanic_id IS NOT NULL)
		    OR r.status = 'accepted' AND (s.mechanic_id IS NULL OR s.mechanic_id <> r.mechanic_id)`,
	},
	{
		"3: a request has an end exactly if it has ended",
		`SELECT id FROM {session_requests} WHERE (status IN ('pending', 'accepted')) <> (ended_at IS NULL)`,
	},
	{
		"3: a session has a deadline exactly until it has ended",
		`SELECT id FROM {sessions} WHERE (status IN ('completed', 'cancelled')) <> (expires_at IS NULL)`,
	},
	{
		"3: a session has an end and its reason exactly if it has ended",
		`SELECT id FROM {sessions}
		 WHERE (status IN ('completed', 'cancelled')) <> (ended_at IS NOT NULL)
		    OR (status IN ('completed', 'cancelled')) <> (coalesce(end_reason, '') <> '')`,
	},
	{
		"6: a session ends once and for ever",
		`SELECT e.subject_id FROM {events} e JOIN {events} later
		   ON later.customer_id = e.customer_id AND later.subject_id = e.subject_id AND later.number > e.number
		 WHERE e.subject = 'session' AND e.to_status IN ('completed', 'cancelled')`,
	},
	{
		"6: a revived session was cancelled, and the new one has its payment and plan",
		`SELECT s.id FROM {sessions} s LEFT JOIN {sessions} was ON was.customer_id = s.customer_id AND was.id = s.revives
		 WHERE s.revives IS NOT NULL
		   AND (was.id IS NULL OR was.status <> 'cancelled' OR was.checkout_id <> s.checkout_id OR was.plan <> s.plan)`,
	},
	{
		"7: a reference is claimed for the checkout that it paid",
		`SELECT c.id FROM {checkouts} c LEFT JOIN {payment_refs} p
		   ON p.ref = c.ref AND (p.customer_id = c.customer_id AND p.checkout_id = c.id AND p.plan = c.plan OR p.checkout_id = c.line_of)
		 WHERE c.ref <> '' AND p.ref IS NULL`,
	},
	{
		"7: a claim has its checkout",
		`SELECT p.ref FROM {payment_refs} p LEFT JOIN {checkouts} c ON c.customer_id = p.customer_id AND c.id = p.checkout_id AND c.ref = p.ref
		 WHERE c.id IS NULL AND p.version = 0`,
	},
	{
		"7: the names of a payment have one customer, one plan and one version",
		`SELECT checkout_id FROM {payment_refs} GROUP BY checkout_id
		 HAVING min(customer_id) <> max(customer_id) OR min(plan) <> max(plan) OR min(version) <> max(version)`,
	},
	{
		"7: the names of a payment are its first checkout's",
		`SELECT p.ref FROM {payment_refs} p JOIN {checkouts} c ON c.id = p.checkout_id
		 WHERE c.customer_id <> p.customer_id OR c.plan <> p.plan OR c.line_of IS NOT NULL`,
	},
	{
		"7: a fact is of a payment that has a name",
		`SELECT f.object FROM {payment_facts} f LEFT JOIN {payment_refs} p ON p.checkout_id = f.payment WHERE p.ref IS NULL`,
	},
	{
		"7: a fulfilled checkout has a session that was not cancelled",
		`SELECT c.id FROM {checkouts} c
		 WHERE c.outcome = 'fulfilled' AND NOT c.money_due AND NOT EXISTS (
		   SELECT 1 FROM {sessions} s WHERE s.customer_id = c.customer_id AND (s.checkout_id = c.id OR s.id = c.session_id) AND s.status <> 'cancelled')`,
	},
	{
		"7: a checkout with another outcome has no session that goes on, and none that was held unless it is given back or lost",
		`SELECT c.id FROM {checkouts} c JOIN {sessions} s ON s.customer_id = c.customer_id AND s.checkout_id = c.id
		 WHERE c.outcome <> 'fulfilled' AND s.status <> 'cancelled'
		   AND NOT (s.status = 'completed' AND c.outcome IN ('refund_due', 'refunding', 'refunded', 'void'))`,
	},
	{
		"7: the money of a checkout is taken or released as its outcome and session say",
		`SELECT c.id FROM {checkouts} c WHERE ` + record.WrongCapture("c", "{checkouts}") + `
		    OR c.capture = 'authorised' AND EXISTS (
		   SELECT 1 FROM {sessions} s WHERE s.customer_id = c.customer_id AND s.checkout_id = c.id AND s.status IN ('live', 'completed'))`,
	},
	{
		"7: at most one unended session a checkout",
		`SELECT checkout_id FROM {sessions} WHERE checkout_id IS NOT NULL AND status IN ('scheduled', 'waiting', 'live')
		 GROUP BY customer_id, checkout_id HAVING count(*) > 1`,
	},
	{
		"7: a session's checkout exists",
		`SELECT s.id FROM {sessions} s LEFT JOIN {checkouts} c ON c.customer_id = s.customer_id AND c.id = s.checkout_id
		 WHERE s.checkout_id IS NOT NULL AND c.id IS NULL`,
	},
	{
		"7: a checkout names its first session",
		`SELECT c.id FROM {checkouts} c JOIN {sessions} s ON s.customer_id = c.customer_id AND s.checkout_id = c.id
		 WHERE c.session_id IS NULL OR NOT EXISTS (
		   SELECT 1 FROM {sessions} first WHERE first.customer_id = c.customer_id AND first.id = c.session_id AND first.checkout_id = c.id)`,
	},
	{
		"8: a session's version is the number of its events, which have no gap",
		versionChecker("sessions", "session", "status"),
	},
	{
		"8: a checkout's version is the number of its events, which have no gap",
		versionChecker("checkouts", "checkout", "outcome"),
	},
	{
		"8: events chain up",
		`SELECT subject_id, number FROM (
		   SELECT subject_id, number, from_status,
		          coalesce(lag(to_status) OVER (PARTITION BY customer_id, subject_id ORDER BY number), '') AS before
		     FROM {events}) chain
		 WHERE from_status <> before`,
	},
	{
		"8: a session's events are legal steps",
		`SELECT subject_id, number, from_status, to_status FROM {events} e WHERE subject = 'session' AND NOT (` + legalSteps() + `)
		   AND NOT (from_status = '' AND EXISTS (SELECT 1 FROM {sessions} s
		     WHERE s.customer_id = e.customer_id AND s.id = e.subject_id AND s.adopted_from <> ''))`,
	},
	{
		"8: a checkout's events are legal steps",
		`SELECT subject_id, number, from_status, to_status FROM {events}
		 WHERE subject = 'checkout' AND from_status <> to_status AND NOT (` + legalOutcomes() + `)`,
	},
	{
		"8: an event has an id of its own",
		`SELECT id FROM {events} GROUP BY id HAVING count(*) > 1`,
	},
	{
		"8: an event has its subject",
		`SELECT e.subject_id, e.number FROM {events} e
		   LEFT JOIN {sessions} s ON e.subject = 'session' AND s.customer_id = e.customer_id AND s.id = e.subject_id
		   LEFT JOIN {checkouts} c ON e.subject = 'checkout' AND c.customer_id = e.customer_id AND c.id = e.subject_id
		 WHERE s.id IS NULL AND c.id IS NULL`,
	},
}

// versionChecker compares the rows of a table with their events.
func versionChecker(table, subject, status string) string {
	return fmt.Sprintf(`SELECT s.id FROM {%s} s LEFT JOIN {events} e
		   ON e.customer_id = s.customer_id AND e.subject_id = s.id AND e.subject = '%s'
		 GROUP BY s.customer_id, s.id, s.version, s.%[3]s
		 HAVING count(e.number) <> s.version OR coalesce(min(e.number), 0) <> 1 OR coalesce(max(e.number), 0) <> s.version
		     OR count(CASE WHEN e.number = s.version AND e.to_status = s.%[3]s THEN 1 END) <> 1`, table, subject, status)
}

// legalSteps returns Go's table of transitions as a condition on an event.
func legalSteps() string {
	var steps []string
	for _, t := range curfew.Transitions() {
		steps = append(steps, fmt.Sprintf("from_status = '%s' AND to_status = '%s'", t.From, t.To))
	}
	return strings.Join(steps, " OR ")
}

// legalOutcomes is the same for checkouts.
func legalOutcomes() string {
	var steps []string
	for _, t := range curfew.OutcomeSteps() {
		steps = append(steps, fmt.Sprintf("from_status = '%s' AND to_status = '%s'", t.From, t.To))
	}
	return strings.Join(steps, " OR ")
}
