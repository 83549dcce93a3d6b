package sqlite

import (
	"cmp"
	"context"
	"errors"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// step is a session that was just moved in this transaction, and the changes
// that follow.
type step struct {
	session   curfew.Session // as it is now
	from      curfew.SessionStatus
	requestTo curfew.RequestStatus
	assign    string
	release   bool
	capture   bool
	owed      curfew.Outcome
	share     int    // percent; 0: all
	absent    string // the mechanic who did not come; empty: nobody is to be counted
	actor     curfew.Actor
	reason    string
	runID     string
}

// whoIsAbsent is the mechanic of a session, if they are to be counted as one who did not come.
func whoIsAbsent(count bool, s curfew.Session) string {
	if !count {
		return ""
	}
	return s.MechanicID
}

// follow writes request, slot, checkout and, last, the events, and reports
// whether an open request was moved.
func (tx *transaction) follow(ctx context.Context, s step) (request bool, err error) {
	if request, err = tx.followRequest(ctx, s); err != nil {
		return false, err
	}
	if err := tx.followSlot(ctx, s); err != nil {
		return false, err
	}
	if err := tx.countAbsence(ctx, s); err != nil {
		return false, err
	}
	due, err := tx.makeDue(ctx, s)
	if err != nil {
		return false, err
	}
	settled, err := tx.settle(ctx, s)
	if err != nil {
		return false, err
	}
	return request, tx.recordAll(ctx, append(append(due, settled...), event{"session", curfew.Event{
		CustomerID: s.session.CustomerID, Subject: s.session.ID, Number: s.session.Version,
		From: string(s.from), To: string(s.session.Status), Actor: s.actor, Reason: s.reason, RunID: s.runID,
	}}))
}

// An open request has its session's mechanic; one that ends keeps its own.
const updateRequest = `
UPDATE session_requests
SET status = $3,
    mechanic_id = CASE WHEN $3 IN ('pending', 'accepted') THEN $4 ELSE mechanic_id END,
    ended_at = CASE WHEN $3 IN ('pending', 'accepted') THEN NULL ELSE $5 END
WHERE customer_id = $1 AND session_id = $2 AND status IN ('pending', 'accepted')`

func (tx *transaction) followRequest(ctx context.Context, s step) (bool, error) {
	if s.requestTo == "" {
		return false, nil
	}
	n, err := tx.exec(ctx, updateRequest, s.session.CustomerID, s.session.ID, string(s.requestTo), null(s.session.MechanicID), micros(tx.now))
	return n > 0, err
}

const insertSlot = `INSERT INTO mechanic_slots (mechanic_id, customer_id, session_id, created_at) VALUES ($1, $2, $3, $4)`

const deleteSlot = `DELETE FROM mechanic_slots WHERE session_id = $1 AND customer_id = $2`

func (tx *transaction) followSlot(ctx context.Context, s step) error {
	if s.release || s.session.Status.Ended() {
		if _, err := tx.exec(ctx, deleteSlot, s.session.ID, s.session.CustomerID); err != nil {
			return err
		}
	}
	if s.assign == "" {
		return nil
	}
	_, err := tx.exec(ctx, insertSlot, s.assign, s.session.CustomerID, s.session.ID, micros(tx.now))
	if errors.Is(err, curfew.Conflict) {
		return curfew.Errorf(curfew.MechanicBusy, "mechanic %s is busy", s.assign)
	}
	return err
}

const insertAbsence = `INSERT INTO absences (mechanic_id, session_id, number, customer_id, at) VALUES ($1, $2, $3, $4, $5)`

func (tx *transaction) countAbsence(ctx context.Context, s step) error {
	if s.absent == "" {
		return nil
	}
	_, err := tx.exec(ctx, insertAbsence, s.absent, s.session.ID, s.session.Version, s.session.CustomerID, micros(tx.now))
	return err
}

const (
	makeDue = `
UPDATE checkouts SET capture = 'due', next_at = $3, version = version + 1, updated_at = $3
WHERE customer_id = $1 AND id = $2 AND outcome = 'fulfilled' AND capture = 'authorised'
RETURNING id, version, outcome`
	// unasked: a session was cancelled before the provider was asked for its money.
	unasked = `($6 AND capture IN ('authorised', 'due'))`
	// kept: some of the money is kept all the same, so it is taken.
	kept = `($3 = 'forfeited' OR $3 = 'refund_due' AND $5 < 100)`
)

// makeDue makes the money due that is reserved for a session, and returns the events of it.
func (tx *transaction) makeDue(ctx context.Context, s step) ([]event, error) {
	if !s.capture {
		return nil, nil
	}
	due, err := many(ctx, tx, scanSettled, makeDue, s.session.CustomerID, null(s.session.CheckoutID), micros(tx.now))
	s.reason = curfew.CaptureReason("due")
	return s.settled(due), err
}

// What is due of a checkout, in an amount that can be refunded.
var (
	refundShare    = record.RoundedUp(`(amount / 100 * $5 + (amount % 100 * $5 + 99) / 100)`, `currency`)
	settleCheckout = `
UPDATE checkouts SET money_due = FALSE, version = version + 1, updated_at = $4,
    outcome = CASE WHEN ` + unasked + ` AND NOT ` + kept + ` THEN 'void' ELSE $3 END,
    capture = CASE WHEN NOT ` + unasked + ` THEN capture WHEN ` + kept + ` THEN 'due' ELSE 'releasing' END,
    next_at = CASE WHEN ` + unasked + ` THEN $4 ELSE next_at END,
    refund_amount = CASE WHEN $3 IN ('refund_due', 'refunded') AND (` + kept + ` OR NOT ` + unasked + `) THEN min(amount, ` + refundShare + `) ELSE 0 END
WHERE customer_id = $1 AND id = $2 AND outcome = 'fulfilled'
RETURNING id, version, outcome`
)

// A credit for an extension could not be spent, and giving back the session's
// payment did not give back those of its extensions.
const settleExtensions = `
UPDATE checkouts SET outcome = CASE WHEN $4 IN ('credited', 'refunded', 'void', 'held') THEN 'refund_due' ELSE $4 END, money_due = FALSE,
    version = version + 1, updated_at = $5,
    refund_amount = CASE WHEN $4 IN ('credited', 'refund_due', 'refunded', 'void', 'held') THEN amount ELSE 0 END
WHERE customer_id = $1 AND session_id = $3 AND id IS NOT $2 AND outcome = 'fulfilled'
RETURNING id, version, outcome`

// settle sets the outcome of the session's checkout, and of those of its
// extensions, if they are fulfilled. It returns the events of them.
func (tx *transaction) settle(ctx context.Context, s step) ([]event, error) {
	if s.owed == "" || s.owed == curfew.Fulfilled {
		return nil, nil
	}
	customer, checkout := s.session.CustomerID, null(s.session.CheckoutID)
	settled, err := many(ctx, tx, scanSettled, settleCheckout, customer, checkout, string(s.owed), micros(tx.now), cmp.Or(s.share, 100),
		s.session.Status == curfew.Cancelled)
	if err == nil && s.from == curfew.Live {
		var more []curfew.Checkout
		more, err = many(ctx, tx, scanSettled, settleExtensions, customer, checkout, s.session.ID, string(s.owed), micros(tx.now))
		settled = append(settled, more...)
	}
	return s.settled(settled), err
}

// settled returns the events of checkouts that were fulfilled.
func (s step) settled(checkouts []curfew.Checkout) (all []event) {
	for _, c := range checkouts {
		all = append(all, event{"checkout", curfew.Event{
			CustomerID: s.session.CustomerID, Subject: c.ID, Number: c.Version,
			From: string(curfew.Fulfilled), To: string(c.Outcome), Actor: s.actor, Reason: s.reason, RunID: s.runID,
		}})
	}
	return all
}

func scanSettled(r row) (c curfew.Checkout, err error) {
	err = r.Scan(text(&c.ID), number(&c.Version), text(&c.Outcome))
	return c, err
}
