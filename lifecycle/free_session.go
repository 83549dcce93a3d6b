package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

// freeLookup is how many of a customer's newest sessions are searched for free ones that were
// cancelled. A customer with more sessions within the window has paid for many of them.
const freeLookup = 200

// checkFree is RateLimited for a customer who has cancelled as many free sessions as the policy
// allows. It says when the next one can begin. Concurrent calls may all pass this check, but
// only one of them gets the slot.
func (ad *Admission) checkFree(ctx context.Context, customerID string) error {
	policy := ad.rules.policy
	if policy.FreeCancels == 0 {
		return nil
	}
	newest, err := ad.store.SessionsOf(ctx, customerID, freeLookup)
	if err != nil {
		return err
	}
	ends := ad.rules.freeCancels(newest)
	if len(ends) < policy.FreeCancels {
		return nil
	}
	next := ends[policy.FreeCancels-1].Add(policy.FreeCancelsWindow)
	wait := next.Sub(newest[0].Now)
	if wait <= 0 {
		return nil
	}
	return &curfew.Error{
		Kind: curfew.RateLimited, RetryAfter: wait,
		Message: fmt.Sprintf("the customer has cancelled %d free sessions within %s: the next one can begin at %s",
			policy.FreeCancels, policy.FreeCancelsWindow, next.UTC().Format(time.RFC3339)),
	}
}

// freeCancels is when sessions of free plans ended that were cancelled by hand, newest first.
func (r *Rules) freeCancels(all []curfew.Snapshot) (ends []time.Time) {
	byHand := []curfew.EndReason{curfew.ByRequest, curfew.TooShort, curfew.Cleared}
	for _, s := range all {
		if s.Status == curfew.Cancelled && slices.Contains(byHand, s.EndReason) && r.policy.Plans[s.Plan].Free() {
			ends = append(ends, s.EndedAt)
		}
	}
	slices.SortFunc(ends, func(a, b time.Time) int { return b.Compare(a) })
	return ends
}
