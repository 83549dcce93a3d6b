package notify

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// rowsOwn reports whether one row caused a failure.
func rowsOwn(ctx context.Context, err error) bool { return ctx.Err() == nil && record.OfOneRow(err) }

// setApart quarantines an event or a delivery that cannot be processed, so that nothing else waits for it.
// The error is that of writing the quarantine.
func (w *Worker) setApart(ctx context.Context, q curfew.Quarantined, cause error) error {
	q.LastError = record.SafeText(cause)
	w.log.WarnContext(ctx, "quarantined: it could not be published or delivered, and is retried later", "what", string(q.Noun), "id", q.ID,
		"customer", q.CustomerID, "error", cause)
	return w.store.Quarantine(ctx, q)
}
