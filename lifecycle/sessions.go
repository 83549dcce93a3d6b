package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Sessions reads sessions and moves them from state to state.
type Sessions struct {
	reporter
	rules     *Rules
	settler   *settler
	admission *Admission
	failing   *failing
	captures  captures
	store     sessionStore
	write     interface {
		admissionStore
		changeStore
	}
}

// Session reads one session by its id. Errors: NotFound, Unavailable.
func (ss *Sessions) Session(ctx context.Context, id string) (curfew.Snapshot, error) {
	return ss.store.Session(ctx, id)
}

// Events is the history of a session, oldest first.
func (ss *Sessions) Events(ctx context.Context, s curfew.Session) ([]curfew.Event, error) {
	return ss.store.Events(ctx, s.CustomerID, s.ID)
}

// Join records that one of the session's two parties has joined. The second one makes
// the session live and starts its clock. Joining again changes nothing. Errors: NotFound
// for a session of other people, Conflict if it has ended.
func (ss *Sessions) Join(ctx context.Context, id string, by curfew.Actor) (curfew.Snapshot, error) {
	ctx, end := ss.trace.Begin(ctx, "join")
	defer end()
	moved, err := ss.move(ctx, id, func(s curfew.Snapshot) (*record.Change, error) { return ss.joining(ctx, s, by) })
	if err == nil && moved.Status == curfew.Live && ss.rules.policy.Plans[moved.Plan].CapturesLive() {
		ss.captures.takeNow(ctx, moved.CheckoutID)
	}
	return moved, err
}

// joining is the change that a join makes. If the join makes a session live whose money
// is taken at acceptance, it first waits for the bank's answer.
func (ss *Sessions) joining(ctx context.Context, s curfew.Snapshot, by curfew.Actor) (*record.Change, error) {
	customer := by.Role == curfew.Customer
	switch {
	case s.Status != curfew.Waiting && s.Status != curfew.Live:
		return nil, curfew.Errorf(curfew.Conflict, "session %s is %s: it cannot be joined", s.ID, s.Status)
	case s.Status == curfew.Live, customer && !s.CustomerJoinedAt.IsZero(), !customer && !s.MechanicJoinedAt.IsZero():
		return nil, nil
	case lostBy(s, by) != nil:
		return nil, lostBy(s, by)
	}
	c := &record.Change{
		From: s.Session, Guard: record.Guard{Overdue: record.No}, To: curfew.Waiting, Actor: by,
		Reason: curfew.JoinedReason, CustomerJoins: customer, MechanicJoins: !customer,
	}
	if s.CustomerJoinedAt.IsZero() && s.MechanicJoinedAt.IsZero() {
		if !customer {
			c.Deadline = ss.rules.policy.AttendedDeadline(s.Session)
		}
		return c, nil
	}
	plan := ss.rules.policy.Plans[s.Plan]
	c.To, c.Reason, c.Deadline, c.Capture = curfew.Live, curfew.BothJoinedReason, ss.rules.policy.LiveDeadline(s.Duration), plan.CapturesLive()
	if plan.CapturesAccepted() {
		return c, ss.captures.await(ctx, s)
	}
	return c, nil
}

// lostBy returns Conflict for a mechanic who no longer has the session: it went back into
// the queue between reading and changing it.
func lostBy(s curfew.Snapshot, by curfew.Actor) error {
	if by.Role != curfew.Mechanic || s.MechanicID == by.ID {
		return nil
	}
	return curfew.Errorf(curfew.Conflict, "session %s is not yours any more: it went back into the queue", s.ID)
}

// move reads a session, settles it if it is due, and makes the change that decide
// returns. If the session has moved meanwhile it begins again. A nil change leaves the
// session as it is.
func (ss *Sessions) move(ctx context.Context, id string, decide func(curfew.Snapshot) (*record.Change, error)) (curfew.Snapshot, error) {
	var err error
	for range tries {
		var s, moved curfew.Snapshot
		if s, err = ss.fresh(ctx, id); err != nil {
			return s, err
		}
		c, err2 := decide(s)
		if err2 == nil && c != nil {
			err2 = ss.rules.permit(ctx, *c)
		}
		if err2 != nil || c == nil {
			return s, err2
		}
		if moved, err = ss.write.Change(ctx, *c); err == nil {
			ss.freed(ctx, moved)
			return moved, nil
		}
		if !errors.Is(err, curfew.Conflict) {
			break
		}
	}
	return curfew.Snapshot{}, fmt.Errorf("session %s: %w", id, err)
}

// fresh reads a session and settles it if it is due, unless Curfew may not end its adopted row.
func (ss *Sessions) fresh(ctx context.Context, id string) (curfew.Snapshot, error) {
	s, err := ss.store.Session(ctx, id)
	if err != nil || !ss.rules.Settles(s) {
		return s, err
	}
	_, err = ss.settler.settle(ctx, s, curfew.Admitting)
	if err = ss.settler.stuck(ctx, s, err); err != nil && !errors.Is(err, curfew.Conflict) {
		return s, err
	}
	s, err = ss.store.Session(ctx, id)
	if err == nil {
		ss.freed(ctx, s)
	}
	return s, err
}

// freed serves the customer's deferred payments after the session that held the slot has
// ended. The end is committed, so a failure here is only logged: the sweeper or the
// customer's next call serves them.
func (ss *Sessions) freed(ctx context.Context, s curfew.Snapshot) {
	if !s.Status.Ended() {
		return
	}
	if err := ss.admission.serve(ctx, s.CustomerID); err != nil {
		ss.log.WarnContext(ctx, "a deferred payment was not served yet", "customer", s.CustomerID, "error", err)
	}
}

// CheckCustomerSessionStatus returns what truly blocks a customer, or nil if nothing does.
// An overdue session does not block, unless it is an adopted one that Curfew may not end.
// Nothing is changed. Errors: Invalid, Unavailable.
func (ss *Sessions) CheckCustomerSessionStatus(ctx context.Context, customerID string) (*curfew.Blocker, error) {
	ctx, end := ss.trace.Begin(ctx, "check a customer")
	defer end()
	if err := curfew.CheckID("customer id", customerID); err != nil {
		return nil, err
	}
	s, err := ss.store.Open(ctx, customerID)
	if errors.Is(err, curfew.NotFound) || err == nil && ss.rules.Ends(s) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("check customer %s: %w", customerID, err)
	}
	return ss.rules.Blocker(s), nil
}

// Unended lists the customer's open and booked sessions that are not about to end, oldest
// first.
func (ss *Sessions) Unended(ctx context.Context, customerID string) ([]curfew.Snapshot, error) {
	if err := curfew.CheckID("customer id", customerID); err != nil {
		return nil, err
	}
	all, err := ss.store.Unended(ctx, customerID)
	if err != nil {
		return nil, fmt.Errorf("customer %s: %w", customerID, err)
	}
	return slices.DeleteFunc(all, ss.rules.Ends), nil
}
