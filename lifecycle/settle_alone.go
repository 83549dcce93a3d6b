package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// settleAlone settles a payment with a single checkout as it was just read, and reports false
// where that has to be read again.
func settleAlone(ctx context.Context, ps *Payments, l record.Ledger) (bool, error) {
	if len(l.Checkouts) != 1 || record.LinesOf(l.Checkouts[0]).Count > 1 {
		return false, nil
	}
	c := l.Checkouts[0]
	err := ps.settleByFunds(ctx, c, l)
	if errors.Is(err, curfew.Conflict) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("settle %s: %w", cmp.Or(record.Title(c), c.ID), err)
	}
	if goesOn, err := ps.finishing(ctx, l); err != nil || goesOn {
		return true, err
	}
	return true, ps.store.Judged(ctx, l.ID, l.Version)
}

// settleAssigned takes the money of a payment that an operator has assigned before anybody
// said that it is reserved, and serves it. Otherwise it would wait until the reservation
// lapses.
func settleAssigned(ctx context.Context, ps *Payments, c curfew.Checkout, l record.Ledger) error {
	if c.Outcome != curfew.Deferred || c.Capture != "" || l.Money().State != "authorised" {
		return nil
	}
	if repaired, err := ps.repaired(ctx, c); err != nil || !repaired {
		return err
	}
	_, err := ps.write.Annotate(ctx, record.Annotation{
		From: c, Capture: cmp.Or(ps.rules.captureOf(l, c), "due"), Reason: curfew.CaptureReason("due"), Actor: curfew.Provider,
	})
	if err != nil {
		return err
	}
	return failed(ps.admission.serveAndPresent(ctx, c.CustomerID, c.ID))
}
