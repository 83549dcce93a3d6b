package lifecycle

import (
	"context"
	"errors"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Transfer gives a request that a mechanic has accepted to a colleague, who has as long to
// join as if they had accepted it. Session and payment are kept, and so is the customer's
// join. Repeating it changes nothing. Errors: Invalid; NotFound if another mechanic holds
// the request; MechanicBusy if the colleague does not have a free slot; Conflict if the
// session is live or has ended, or has waited for the policy's MaxWait.
func (q *Queue) Transfer(ctx context.Context, requestID, mechanicID, to string) (curfew.Snapshot, error) {
	return q.TransferBy(ctx, curfew.Actor{Role: curfew.Mechanic, ID: mechanicID}, requestID, to)
}

// TransferBy is Transfer by a mechanic for whom a service may act.
func (q *Queue) TransferBy(ctx context.Context, by curfew.Actor, requestID, to string) (curfew.Snapshot, error) {
	ctx, end := q.trace.Begin(ctx, "transfer")
	defer end()
	for what, id := range map[string]string{"mechanic id": by.ID, "mechanicId": to} {
		if err := curfew.CheckID(what, id); err != nil {
			return curfew.Snapshot{}, err
		}
	}
	if to == by.ID {
		return curfew.Snapshot{}, curfew.Errorf(curfew.Invalid, "mechanicId is your own: name a colleague")
	}
	found, err := q.store.SessionOf(ctx, requestID)
	if err != nil {
		return found, err
	}
	var moved curfew.Snapshot
	for range tries {
		moved, err = q.sessions.move(ctx, found.ID, func(s curfew.Snapshot) (*record.Change, error) {
			return q.transferring(ctx, s, by, requestID, to)
		})
		if !errors.Is(err, curfew.MechanicBusy) {
			return moved, err
		}
		switch busy := q.freeSlot(ctx, to); {
		case errors.Is(busy, curfew.MechanicBusy): // it names a session that the caller may not see
			return moved, curfew.Errorf(curfew.MechanicBusy, "mechanic %s is busy: choose another colleague, or release the request", to)
		case busy != nil:
			return moved, busy
		}
	}
	return moved, err
}

// transferring is the change that a transfer makes, or nil if it was made before.
func (q *Queue) transferring(ctx context.Context, s curfew.Snapshot, by curfew.Actor, requestID, to string) (*record.Change, error) {
	switch {
	case s.MechanicID == to && q.transferred(ctx, s, by.ID):
		return nil, nil
	case s.MechanicID != by.ID:
		return nil, curfew.Errorf(curfew.NotFound, "there is no request %s", requestID)
	case s.Status != curfew.Waiting:
		return nil, curfew.Errorf(curfew.Conflict, "session %s is %s: only one that is not live yet can be transferred", s.ID, s.Status)
	case s.Now.After(s.WaitsSince().Add(q.rules.policy.MaxWait)):
		return nil, curfew.Errorf(curfew.Conflict, "the customer of session %s has waited for too long: join it, or release it", s.ID)
	}
	return q.rules.transfer(s, by, to), nil
}

// transferred reports whether a mechanic gave the session to the one who has it.
func (q *Queue) transferred(ctx context.Context, s curfew.Snapshot, mechanicID string) bool {
	events, err := q.store.Events(ctx, s.CustomerID, s.ID)
	return err == nil && slices.ContainsFunc(events, func(e curfew.Event) bool {
		return e.Actor.Role == curfew.Mechanic && e.Actor.ID == mechanicID && e.Reason == curfew.WithNote(curfew.TransferredReason, s.MechanicID)
	})
}

func (r *Rules) transfer(s curfew.Snapshot, by curfew.Actor, to string) *record.Change {
	return &record.Change{
		From: s.Session, Guard: record.Guard{Overdue: record.No}, To: curfew.Waiting,
		Actor: by, Reason: curfew.WithNote(curfew.TransferredReason, to),
		Release: true, Assign: to, RequestTo: curfew.Accepted, Deadline: r.policy.JoinDeadline(s.Plan),
	}
}
