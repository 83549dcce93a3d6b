package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// creditPage is how many credits one sweep gives back at most. When the policy first limits
// them there may be many, and no session should wait for them.
const creditPage = 100

// settleCredits ends a page of the credits that are older than the policy allows. It returns
// where the next page begins; zero: this was the last. What cannot be settled is set apart.
func (st *settler) settleCredits(ctx context.Context, after curfew.Cursor) (next curfew.Cursor, err error) {
	ttl := st.rules.policy.CreditTTL
	if ttl == 0 {
		return next, nil
	}
	stale, err := st.store.StaleCredits(ctx, ttl, after, creditPage)
	if err != nil {
		return after, fmt.Errorf("settle credits: %w", err)
	}
	for _, c := range stale {
		err := st.settleCredit(ctx, c)
		if st.quarantine.rowsOwn(ctx, err) {
			err = st.quarantine.setApart(ctx, apartPayment(c, "credit"), err)
		}
		if err != nil {
			return after, fmt.Errorf("settle credit %s: %w", c.ID, err)
		}
		after = curfew.Cursor{At: c.UpdatedAt, ID: c.ID}
	}
	if len(stale) < creditPage {
		return next, nil
	}
	return after, nil
}

// settleCredit ends a credit whose time is over. What was paid for it is owed, whether a
// provider or only a person can give it back. A credit whose money may still be taken back
// stays until that is decided.
func (st *settler) settleCredit(ctx context.Context, c curfew.Checkout) error {
	change := record.CheckoutChange{From: c, To: curfew.Void, Reason: record.CreditOver, Actor: curfew.Sweeper}
	if !c.Free() {
		l, err := st.ledgers.store.Ledger(ctx, c.Payment())
		switch {
		case err != nil:
			return fmt.Errorf("look at the payment of checkout %s: %w", c.ID, err)
		case st.rules.funds(l, c) != spendable:
			return nil
		case st.rules.wasFree(c, l):
			change.To, change.Reason = curfew.Refunded, curfew.WithNote(record.CreditOver, curfew.NothingPaidReason)
		default:
			change.To = curfew.RefundDue
		}
	}
	_, err := st.write.ChangeCheckout(ctx, change)
	if errors.Is(err, curfew.Conflict) { // spent, or its payment was reported on, meanwhile
		return nil
	}
	return err
}

// SweepCredits ends every credit that is older than the policy's CreditTTL: a refund is due of
// what was paid, and a credit that cost nothing is void. Errors: Unavailable.
func (sw *Sweeper) SweepCredits(ctx context.Context) error {
	var after curfew.Cursor
	for {
		next, err := sw.cleanups.settler.settleCredits(ctx, after)
		if err != nil || next == (curfew.Cursor{}) {
			return err
		}
		after = next
	}
}

// sweepCredits is one page of SweepCredits, if it is time: once a minute, and with every
// sweep until all are done.
func (sw *Sweeper) sweepCredits(ctx context.Context, r *schedule) (err error) {
	if r.credit == (curfew.Cursor{}) && time.Since(r.credits) < orphanEvery {
		return nil
	}
	r.credits = time.Now()
	r.credit, err = sw.cleanups.settler.settleCredits(ctx, r.credit)
	return err
}
