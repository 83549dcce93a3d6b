package lifecycle

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

// CleanupCustomerWaitingSessions ends a customer's unassigned waiting sessions
// that are older than maxAge; 0: that are overdue.
func (cl *Cleanups) CleanupCustomerWaitingSessions(ctx context.Context, customerID string, maxAge time.Duration) (curfew.Stats, error) {
	if err := curfew.CheckID("customer id", customerID); err != nil {
		return curfew.Stats{}, err
	}
	return cl.byLibrary(ctx, Cleanup{
		CustomerID: customerID, MaxAge: maxAge, Rules: []curfew.RuleName{curfew.OldWaiting, curfew.Orphans},
	})
}

// CleanupExpiredRequests ends requests that nobody accepted, with their
// sessions: those older than maxAge; 0: those overdue.
func (cl *Cleanups) CleanupExpiredRequests(ctx context.Context, maxAge time.Duration) (curfew.Stats, error) {
	return cl.byLibrary(ctx, Cleanup{MaxAge: maxAge, Rules: []curfew.RuleName{curfew.OldWaiting}})
}

// CleanupOrphanedSessions ends waiting sessions that are offered to nobody:
// those older than maxAge; 0: those overdue or older than the policy's OrphanTTL.
func (cl *Cleanups) CleanupOrphanedSessions(ctx context.Context, maxAge time.Duration) (curfew.Stats, error) {
	return cl.byLibrary(ctx, Cleanup{MaxAge: maxAge, Rules: []curfew.RuleName{curfew.Orphans}})
}

// RunFullCleanup ends everything that is due, by every enabled rule.
func (cl *Cleanups) RunFullCleanup(ctx context.Context) (curfew.Stats, error) {
	return cl.byLibrary(ctx, Cleanup{})
}

func (cl *Cleanups) byLibrary(ctx context.Context, c Cleanup) (curfew.Stats, error) {
	c.Trigger, c.Actor = curfew.ByLibrary, curfew.Actor{Role: curfew.System, ID: "library"}
	if c.MaxAge > 0 {
		c.Reason = fmt.Sprintf("older than %s", c.MaxAge)
	}
	run, err := cl.RunCleanup(ctx, c)
	return run.Stats, err
}
