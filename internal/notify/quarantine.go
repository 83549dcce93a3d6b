package notify

import (
	"context"

	"github.com/curfewhq/curfew"
)

// rowsOwn reports whether a failure is one row's own.
func rowsOwn(ctx context.Context, err error) bool { return ctx.Err() == nil && curfew.OfOneRow(err) }

// setApart keeps that something could not be told or delivered, so that nothing
// else waits for it. The error is that of keeping it.
func (w *Worker) setApart(ctx context.Context, q curfew.Quarantined, cause error) error {
	q.LastError = curfew.SafeText(cause)
	w.log.Warn("set apart: it could not be told or delivered, and is tried again later", "what", string(q.Noun), "id", q.ID,
		"customer", q.CustomerID, "error", cause)
	return w.store.Quarantine(ctx, q)
}
