package lifecycle

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

// CatchUp does everything that is due now, whatever Run's schedule says, and returns when
// something is due next; zero if nothing is. It is for a test clock that was moved. With
// the sweeper off, it sweeps no sessions. Errors: Unavailable.
func (sw *Sweeper) CatchUp(ctx context.Context) (next time.Duration, err error) {
	if sw.sweeps {
		if err := sw.inTurn(func() error { return sw.catchUp(ctx) }); err != nil {
			return 0, fmt.Errorf("catch up: %w", err)
		}
	}
	sw.payments.settle(ctx)
	sources, err := sw.rules.enforced(ctx)
	if err != nil {
		return 0, fmt.Errorf("catch up: %w", err)
	}
	at, now, err := sw.store.NextDeadline(ctx, time.Time{}, sources)
	if err == nil && !at.After(now) { // the deadline of a session that Curfew may not end
		at, _, err = sw.store.NextDeadline(ctx, now, sources)
	}
	if err != nil || at.IsZero() {
		return 0, err
	}
	next = at.Sub(now)
	if soon := sw.rules.policy.NudgeAfter; soon > 0 && next <= sw.rules.policy.MaxWait {
		next = min(next, soon) // the event for a session that nobody accepts comes before its deadline
	}
	sw.Wake(next)
	return next, nil
}

// catchUp sweeps with every slower job. It tidies nothing away.
func (sw *Sweeper) catchUp(ctx context.Context) error {
	r := &schedule{tidied: time.Now()}
	if err := sw.runOnce(ctx, r, &sweepPages{}); err != nil || r.credit == (curfew.Cursor{}) {
		return err
	}
	return sw.SweepCredits(ctx)
}

func (sw *Sweeper) inTurn(do func() error) error {
	sw.turn.Lock()
	defer sw.turn.Unlock()
	return do()
}
