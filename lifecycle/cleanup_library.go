package lifecycle

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

// CleanupCustomerWaitingSessions ends a customer's unassigned waiting sessions that are
// older than maxAge, or, if that is 0, overdue. Errors: Invalid for an empty customer id,
// Unavailable; the stats count what was committed.
func (cl *Cleanups) CleanupCustomerWaitingSessions(ctx context.Context, customerID string, maxAge time.Duration) (curfew.Stats, error) {
	if err := curfew.CheckID("customer id", customerID); err != nil {
		return curfew.Stats{}, err
	}
	return cl.byLibrary(ctx, Cleanup{
		CustomerID: customerID, MaxAge: maxAge, Rules: []curfew.RuleName{curfew.OldWaiting, curfew.Orphans},
	})
}

// CleanupExpiredRequests ends requests that nobody accepted, with their sessions, if they
// are older than maxAge, or, if that is 0, overdue. Errors: Invalid, Unavailable.
func (cl *Cleanups) CleanupExpiredRequests(ctx context.Context, maxAge time.Duration) (curfew.Stats, error) {
	return cl.byLibrary(ctx, Cleanup{MaxAge: maxAge, Rules: []curfew.RuleName{curfew.OldWaiting}})
}

// CleanupOrphanedSessions ends waiting sessions without an open request that are older than
// maxAge, or, if that is 0, overdue or older than the policy's OrphanTTL. Errors: Invalid,
// Unavailable.
func (cl *Cleanups) CleanupOrphanedSessions(ctx context.Context, maxAge time.Duration) (curfew.Stats, error) {
	return cl.byLibrary(ctx, Cleanup{MaxAge: maxAge, Rules: []curfew.RuleName{curfew.Orphans}})
}

// RunFullCleanup ends everything that is due, by every enabled rule. Errors: Unavailable;
// the stats count what was committed.
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
