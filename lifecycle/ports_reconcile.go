package lifecycle

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// differenceStore keeps the differences between a provider's books and Curfew's until they agree.
type differenceStore interface {
	// KeepDifferences stores differences, one per checkout and kind, as seen now. The
	// FirstAt of a known one stays.
	KeepDifferences(ctx context.Context, all []record.Difference) error
	// SettleDifference deletes a difference, if it is there.
	SettleDifference(ctx context.Context, checkoutID, kind string) error
	// Differences lists those that are kept, oldest first.
	Differences(ctx context.Context, limit int) ([]record.Difference, error)
	// Unconfirmed lists checkouts whose money has been promised, reserved or on its way back
	// for at least the given time, in order of id, after one.
	Unconfirmed(ctx context.Context, age time.Duration, after string, limit int) ([]curfew.Checkout, error)
}

// refusedStore counts messages that came in a provider's name and were not accepted.
type refusedStore interface {
	// CountRefused adds n messages that were refused for the same reason.
	CountRefused(ctx context.Context, provider, reason string, n int64) error
	// RefusedMessages lists the counts whose newest message came within the window of its
	// reason, by provider and reason.
	RefusedMessages(ctx context.Context) ([]record.RefusedMessages, error)
}
