package lifecycle

import (
	"context"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Clearing asks to end what a customer has open.
type Clearing struct {
	CustomerID string
	DryRun     bool   // report what would end; change nothing
	Force      bool   // end live sessions, too; needs a Reason
	Reason     string // kept in the events
}

// Cleared is what a clearing ended, or would have ended, and what it kept.
type Cleared struct {
	Ended []curfew.Session
	Kept  []kept
}

// kept is a session that a clearing did not end, and why.
type kept struct {
	SessionID string
	Status    curfew.SessionStatus
	Why       string
}

// Clear ends what a customer has open, by the same transitions as everything else: nothing
// is deleted, payments are settled, and a live session is ended only by force and with a
// reason. Errors: Invalid; Conflict if a session changed meanwhile; Unavailable. Sessions
// returned together with an error have ended.
func (ss *Sessions) Clear(ctx context.Context, by curfew.Actor, c Clearing) (Cleared, error) {
	ctx, end := ss.trace.Begin(ctx, "clear")
	defer end()
	if err := curfew.CheckID("customer id", c.CustomerID); err != nil {
		return Cleared{}, err
	}
	if c.Force && c.Reason == "" {
		return Cleared{}, curfew.Errorf(curfew.Invalid, "force needs a reason: it is kept in the session's history")
	}
	sessions, err := ss.store.Unended(ctx, c.CustomerID)
	if err != nil {
		return Cleared{}, fmt.Errorf("clear customer %s: %w", c.CustomerID, err)
	}
	var cleared Cleared
	for _, s := range sessions {
		if why := ss.rules.keep(s, c); why != "" {
			cleared.Kept = append(cleared.Kept, kept{s.ID, s.Status, why})
			continue
		}
		if s, err = ss.clearOne(ctx, s, by, c); err != nil {
			return cleared, fmt.Errorf("clear customer %s: %w", c.CustomerID, err)
		}
		cleared.Ended = append(cleared.Ended, s.Session)
	}
	return cleared, nil
}

// keep says why a session is kept; it is empty for one that is cleared.
func (r *Rules) keep(s curfew.Snapshot, c Clearing) string {
	switch {
	case s.Status == curfew.Scheduled:
		return "an appointment does not hold the slot: cancel it by its id"
	case r.Ends(s):
		return ""
	case r.mayNotEnd(s.Session, curfew.Cleared) != "":
		return r.mayNotEnd(s.Session, curfew.Cleared)
	case s.Status == curfew.Live && !c.Force:
		return "it is live: end it, or let an admin force it with a reason"
	}
	return ""
}

func (ss *Sessions) clearOne(ctx context.Context, s curfew.Snapshot, by curfew.Actor, c Clearing) (curfew.Snapshot, error) {
	if c.DryRun {
		return s, nil
	}
	return ss.move(ctx, s.ID, func(s curfew.Snapshot) (*record.Change, error) {
		if s.Status.Ended() {
			return nil, nil
		}
		if why := ss.rules.keep(s, c); why != "" {
			return nil, curfew.Errorf(curfew.Conflict, "session %s changed meanwhile: %s", s.ID, why)
		}
		change := ss.rules.byHand(s, by)
		change.EndedBy, change.Reason = curfew.Cleared, curfew.WithNote(string(curfew.Cleared), c.Reason)
		change.Owed = ss.rules.owed(s.Session, change.To, change.EndedBy)
		return &change, nil
	})
}
