package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// adoptedTurn is how long a sweep works on adopted tables before it returns to Curfew's own
// sessions and payments.
const adoptedTurn = maxSleep

// sweepAdopted settles what Curfew may end of adopted tables, after its own sessions and
// payments, and in runs of its own: a failure there holds up nothing else. It reports whether
// there is more to do.
func (sw *Sweeper) sweepAdopted(ctx context.Context, own *sweepPages) (more bool, err error) {
	sources, err := sw.rules.enforced(ctx)
	if err != nil {
		return false, err
	}
	var failed []error
	for _, source := range sources {
		w := &sweepPages{search: record.Search{Source: source, After: own.start}, throttled: own.throttled}
		if w.throttled {
			w.until = time.Now().Add(adoptedTurn)
		}
		stats, err := sw.sweepSource(ctx, w)
		own.adopted.Add(stats)
		more = more || w.cut || w.held > 0
		if err != nil {
			failed = append(failed, fmt.Errorf("adopted table %s: %w", source, err))
		}
	}
	if own.adopted.TotalCleaned > 0 { // a payment may have waited for a slot
		failed = append(failed, sw.cleanups.settlePayments(ctx))
	}
	return more, errors.Join(failed...)
}

// settleAdoptedPages settles one page of each adopted table, after the queue was read.
func (sw *Sweeper) settleAdoptedPages(ctx context.Context, after curfew.Cursor) error {
	sources, err := sw.rules.enforced(ctx)
	for _, source := range sources {
		err = errors.Join(err, sw.settlePage(ctx, record.Search{Source: source, Limit: pageSize, After: after}))
	}
	return err
}
