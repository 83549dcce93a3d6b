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
func (ps *Payments) settleAlone(ctx context.Context, l record.Ledger) (bool, error) {
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
