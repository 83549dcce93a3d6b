package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Queue is the mechanics' queue of requests: they read it, accept and release.
type Queue struct {
	reporter
	rules    *Rules
	settler  *settler
	sessions *Sessions
	wakeup   *wakeup
	captures captures
	store    interface {
		queueStore
		sessionStore
		checkoutStore
	}
	write changeStore
}

// Pending lists what mechanics may accept: requests that are pending and not overdue,
// oldest first, after the cursor. The call counts as a mechanic reading the queue, and
// asks a running Sweeper to settle one page of what is due. Errors: Unavailable.
func (q *Queue) Pending(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Snapshot, error) {
	q.wakeup.queueRead.Store(true)
	return q.Peek(ctx, after, limit)
}

// Peek is Pending for callers who accept nothing. It does not count as a mechanic reading
// the queue.
func (q *Queue) Peek(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Snapshot, error) {
	ctx, end := q.trace.Begin(ctx, "read the queue")
	defer end()
	q.wakeup.askForPage()
	pending, err := q.store.Pending(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	return pending, nil
}

// Accept assigns a request to a mechanic. Accepting the same request again is no error.
// Errors: AlreadyClaimed if another mechanic was first; MechanicBusy, with the blocker, if
// the mechanic's slot is truly taken; Conflict if the session has ended, was overdue (it is
// settled then), or cannot be paid for; NotFound.
func (q *Queue) Accept(ctx context.Context, requestID, mechanicID string) (curfew.Snapshot, error) {
	return q.AcceptBy(ctx, curfew.Actor{Role: curfew.Mechanic, ID: mechanicID}, requestID)
}

// AcceptBy is Accept by a mechanic for whom a service may act.
func (q *Queue) AcceptBy(ctx context.Context, by curfew.Actor, requestID string) (curfew.Snapshot, error) {
	mechanicID := by.ID
	ctx, end := q.trace.Begin(ctx, "accept")
	defer end()
	if err := curfew.CheckID("mechanic id", mechanicID); err != nil {
		return curfew.Snapshot{}, err
	}
	var err error
	for range tries {
		var s curfew.Snapshot
		if s, err = q.acceptable(ctx, requestID, mechanicID); err != nil || s.MechanicID == mechanicID {
			return s, err
		}
		var accepted curfew.Snapshot
		c := q.rules.acceptance(s, by)
		if err := q.rules.permit(ctx, c); err != nil {
			return s, err
		}
		accepted, err = q.write.Change(ctx, c)
		switch {
		case err == nil:
			return q.charge(ctx, accepted)
		case errors.Is(err, curfew.MechanicBusy):
			if err := q.freeSlot(ctx, mechanicID); err != nil {
				return s, err
			}
		case errors.Is(err, curfew.Conflict):
			if err := q.atRisk(ctx, s); err != nil {
				return s, err
			}
		default:
			return s, fmt.Errorf("accept request %s: %w", requestID, err)
		}
	}
	return curfew.Snapshot{}, fmt.Errorf("accept request %s: %w", requestID, err)
}

// acceptable returns the session of a request that is pending or that the mechanic has
// already accepted.
func (q *Queue) acceptable(ctx context.Context, requestID, mechanicID string) (curfew.Snapshot, error) {
	s, err := q.store.SessionOf(ctx, requestID)
	if err != nil {
		return s, err
	}
	if q.rules.Due(s) {
		if s, err = q.overdue(ctx, s); err != nil {
			return s, err
		}
	}
	if s.Assigned() && s.MechanicID != mechanicID && q.gone(ctx, s) {
		if s, err = q.settler.giveBackSilent(ctx, s, curfew.Admitting); missingConflict(err) != nil {
			return s, err
		}
	}
	switch {
	case s.Status.Ended() || s.Request.ID != requestID || !s.Offered():
		return s, curfew.Errorf(curfew.Conflict, "request %s is not open any more: its session is %s", requestID, s.Status)
	case s.Assigned() && s.MechanicID != mechanicID:
		return s, curfew.Errorf(curfew.AlreadyClaimed, "request %s was accepted by another mechanic", requestID)
	}
	return s, nil
}

// atRisk returns Conflict if the money of a session may be gone: then nobody can accept it,
// and it ends at its deadline.
func (q *Queue) atRisk(ctx context.Context, s curfew.Snapshot) error {
	if s.CheckoutID == "" {
		return nil
	}
	c, err := q.store.Checkout(ctx, s.CheckoutID)
	if err != nil || !c.AtRisk {
		return missing(err)
	}
	return curfew.Errorf(curfew.Conflict, "session %s cannot be accepted: its payment failed, is disputed or was given back", s.ID)
}

// charge captures the money that an acceptance makes due. If the bank refuses at once, the
// session has ended and the mechanic is free.
func (q *Queue) charge(ctx context.Context, accepted curfew.Snapshot) (curfew.Snapshot, error) {
	if !q.rules.policy.Plans[accepted.Plan].CapturesAccepted() {
		return accepted, nil
	}
	q.captures.takeNow(ctx, accepted.CheckoutID)
	now, err := q.store.Session(ctx, accepted.ID)
	switch {
	case err != nil: // the acceptance is committed
		return accepted, nil
	case now.EndReason == curfew.ByPayment:
		return now, curfew.Errorf(curfew.Conflict, "the customer's bank refused the payment: session %s has ended, and you are free", now.ID)
	}
	return now, nil
}

// overdue settles a due session that a mechanic wants to accept. If its own mechanic did
// not join, it goes back into the queue and can be accepted now; otherwise the error says
// why it cannot.
func (q *Queue) overdue(ctx context.Context, s curfew.Snapshot) (curfew.Snapshot, error) {
	if rule, _ := q.rules.RuleFor(s); rule.Name != curfew.Forgotten || q.rules.Stays(s) != "" {
		return s, q.tooLate(ctx, s)
	}
	return q.sessions.fresh(ctx, s.ID)
}

// tooLate settles a due session, and returns the error for the mechanic who wanted to accept it.
func (q *Queue) tooLate(ctx context.Context, s curfew.Snapshot) error {
	if why := q.rules.Stays(s); why != "" {
		return curfew.Errorf(curfew.Conflict, "session %s is past its deadline (%s), so it cannot be accepted, nor be ended by Curfew: %s",
			s.ID, s.ExpiresAt.Format(time.RFC3339), why)
	}
	ended, err := q.settler.settle(ctx, s, curfew.Admitting)
	err = q.settler.stuck(ctx, s, err)
	if _, stuck := isStuck(err); stuck {
		return curfew.Errorf(curfew.Conflict, "session %s is past its deadline (%s): it cannot be accepted", s.ID, s.ExpiresAt.Format(time.RFC3339))
	}
	if err != nil && !errors.Is(err, curfew.Conflict) {
		return err
	}
	q.sessions.freed(ctx, ended)
	return curfew.Errorf(curfew.Conflict, "session %s was past its deadline (%s) and has been ended",
		s.ID, s.ExpiresAt.Format(time.RFC3339))
}

func (r *Rules) acceptance(s curfew.Snapshot, by curfew.Actor) record.Change {
	return record.Change{
		From: s.Session, Guard: record.Guard{Overdue: record.No}, To: curfew.Waiting,
		Actor: by, Reason: curfew.AcceptedReason,
		Assign: by.ID, RequestTo: curfew.Accepted, Deadline: r.policy.JoinDeadline(s.Plan),
		Capture: r.policy.Plans[s.Plan].CapturesAccepted(),
	}
}

// freeSlot frees the mechanic's slot unless a session truly holds it: if its session is
// due (it is settled now, if it can be), has ended, or is not the mechanic's. Otherwise the
// error is MechanicBusy and names the session.
func (q *Queue) freeSlot(ctx context.Context, mechanicID string) error {
	slot, err := q.store.Slot(ctx, mechanicID)
	if errors.Is(err, curfew.NotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("slot of mechanic %s: %w", mechanicID, err)
	}
	s, err := q.sessions.fresh(ctx, slot.SessionID)
	_, stuck := isStuck(err) // it is due and cannot be ended, which must not hold up the mechanic
	stuck = stuck || err == nil && q.rules.Due(s) && q.rules.Stays(s) != ""
	if err != nil && !stuck && !errors.Is(err, curfew.NotFound) {
		return err
	}
	if !stuck && err == nil && !s.Status.Ended() && s.MechanicID == mechanicID {
		return &curfew.Error{
			Kind:    curfew.MechanicBusy,
			Message: fmt.Sprintf("you have session %s (%s): end or release it first", s.ID, s.Status),
			Blocker: &curfew.Blocker{Session: s.Session, ReleasesAt: s.ExpiresAt, Actions: []string{"end", "release", "wait"}},
		}
	}
	free := q.store.FreeSlot
	if stuck {
		free = q.store.AbandonSlot
	}
	if err := free(ctx, slot); err != nil && !errors.Is(err, curfew.Conflict) {
		return fmt.Errorf("free slot of mechanic %s: %w", mechanicID, err)
	}
	return nil
}

// Current returns the session that keeps a mechanic busy, or nil if none does. An overdue
// session does not. Nothing is changed. Errors: Invalid, Unavailable.
func (q *Queue) Current(ctx context.Context, mechanicID string) (*curfew.Snapshot, error) {
	if err := curfew.CheckID("mechanic id", mechanicID); err != nil {
		return nil, err
	}
	slot, err := q.store.Slot(ctx, mechanicID)
	if err != nil {
		return nil, missing(err)
	}
	s, err := q.store.Session(ctx, slot.SessionID)
	if err != nil || q.rules.Due(s) || s.Status.Ended() || s.MechanicID != mechanicID {
		return nil, missing(err)
	}
	return &s, nil
}

// missing drops a NotFound, for callers to whom a missing row is no error.
func missing(err error) error {
	if errors.Is(err, curfew.NotFound) {
		return nil
	}
	return err
}

// Release puts an accepted request back into the queue and keeps session and payment.
// Releasing a request that nobody holds changes nothing. Errors: NotFound if another
// mechanic holds it, Conflict if the session is live or has ended.
func (q *Queue) Release(ctx context.Context, requestID, mechanicID string) (curfew.Snapshot, error) {
	return q.ReleaseBy(ctx, curfew.Actor{Role: curfew.Mechanic, ID: mechanicID}, requestID)
}

// ReleaseBy is Release by a mechanic for whom a service may act.
func (q *Queue) ReleaseBy(ctx context.Context, by curfew.Actor, requestID string) (curfew.Snapshot, error) {
	mechanicID := by.ID
	if err := curfew.CheckID("mechanic id", mechanicID); err != nil {
		return curfew.Snapshot{}, err
	}
	ctx, end := q.trace.Begin(ctx, "release")
	defer end()
	found, err := q.store.SessionOf(ctx, requestID)
	if err != nil {
		return found, err
	}
	return q.sessions.move(ctx, found.ID, func(s curfew.Snapshot) (*record.Change, error) {
		switch {
		case s.Assigned() && s.MechanicID != mechanicID:
			return nil, curfew.Errorf(curfew.NotFound, "there is no request %s", requestID)
		case s.Status != curfew.Waiting:
			return nil, curfew.Errorf(curfew.Conflict, "session %s is %s: only one that is not live yet can be released", s.ID, s.Status)
		case !s.Assigned():
			return nil, nil
		}
		return q.rules.release(s, by), nil
	})
}

// Unassign is Release by an operator, on behalf of a mechanic who cannot. It needs a
// reason. A session without a mechanic stays unchanged.
func (q *Queue) Unassign(ctx context.Context, by curfew.Actor, sessionID, reason string) (curfew.Snapshot, error) {
	if reason == "" {
		return curfew.Snapshot{}, curfew.Errorf(curfew.Invalid, "releasing another's session needs a reason: it is kept in its history")
	}
	return q.sessions.move(ctx, sessionID, func(s curfew.Snapshot) (*record.Change, error) {
		switch {
		case s.Status != curfew.Waiting:
			return nil, curfew.Errorf(curfew.Conflict, "session %s is %s: only one that is not live yet can be released", s.ID, s.Status)
		case !s.Assigned():
			return nil, nil
		}
		c := q.rules.release(s, by)
		c.Reason = curfew.WithNote(c.Reason, reason)
		return c, nil
	})
}

func (r *Rules) release(s curfew.Snapshot, by curfew.Actor) *record.Change {
	return &record.Change{
		From: s.Session, To: curfew.Waiting, Actor: by, Reason: curfew.ReleasedReason, Release: true,
		RequestTo: curfew.Pending, Deadline: r.policy.WaitingDeadline(s.Plan, s.WaitsSince()),
	}
}
