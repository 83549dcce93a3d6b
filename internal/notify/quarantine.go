package notify

import (
	"context"
	"log/slog"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// rowsOwn reports whether a single row caused a failure.
func rowsOwn(ctx context.Context, err error) bool { return ctx.Err() == nil && record.OfOneRow(err) }

// quarantine sets aside events and deliveries that cannot be processed, so that nothing else waits
// for them.
type quarantine struct {
	store QuarantineStore
	log   *slog.Logger
}

// add quarantines an event or a delivery. It returns an error if the quarantine cannot be written.
func (s quarantine) add(ctx context.Context, q curfew.Quarantined, cause error) error {
	q.LastError = record.SafeText(cause)
	s.log.WarnContext(ctx, "quarantined: it could not be published or delivered, and is retried later", "what", string(q.Noun), "id", q.ID,
		"customer", q.CustomerID, "error", cause)
	return s.store.Quarantine(ctx, q)
}
