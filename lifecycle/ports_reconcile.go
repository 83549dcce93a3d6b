package lifecycle

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// differenceStore keeps how the books of a provider and Curfew's differ, until they agree.
type differenceStore interface {
	// KeepDifferences keeps differences, each once per checkout and kind, and that they are
	// there now. FirstAt stays.
	KeepDifferences(ctx context.Context, all []record.Difference) error
	// SettleDifference forgets one, if it is there.
	SettleDifference(ctx context.Context, checkoutID, kind string) error
	// Differences is those that are kept, oldest first.
	Differences(ctx context.Context, limit int) ([]record.Difference, error)
	// Unconfirmed is checkouts whose money is promised, reserved or on its way back, and that
	// have stayed so for at least that long: by id, behind one.
	Unconfirmed(ctx context.Context, age time.Duration, after string, limit int) ([]curfew.Checkout, error)
}

// refusedStore counts messages that came in a provider's name and were not accepted.
type refusedStore interface {
	// CountRefused adds n messages that were refused for one reason.
	CountRefused(ctx context.Context, provider, reason string, n int64) error
	// RefusedMessages is those of which one came within the window of their reason, by provider
	// and reason.
	RefusedMessages(ctx context.Context) ([]record.RefusedMessages, error)
}
