package storetest

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// lossyDifferences loses answers about how the books differ.
type lossyDifferences struct{ *answers }

func (l lossyDifferences) KeepDifferences(ctx context.Context, all []record.Difference) error {
	return l.done(l.store.KeepDifferences(ctx, all))
}

func (l lossyDifferences) SettleDifference(ctx context.Context, checkoutID, kind string) error {
	return l.done(l.store.SettleDifference(ctx, checkoutID, kind))
}

func (l lossyDifferences) Differences(ctx context.Context, limit int) ([]record.Difference, error) {
	return answered[[]record.Difference](l.answers)(l.store.Differences(ctx, limit))
}

func (l lossyDifferences) Unconfirmed(ctx context.Context, age time.Duration, after string, limit int) ([]curfew.Checkout, error) {
	return answered[[]curfew.Checkout](l.answers)(l.store.Unconfirmed(ctx, age, after, limit))
}

// lossyRefused loses answers about refused messages.
type lossyRefused struct{ *answers }

func (l lossyRefused) CountRefused(ctx context.Context, provider, reason string, n int64) error {
	return l.done(l.store.CountRefused(ctx, provider, reason, n))
}

func (l lossyRefused) RefusedMessages(ctx context.Context) ([]record.RefusedMessages, error) {
	return answered[[]record.RefusedMessages](l.answers)(l.store.RefusedMessages(ctx))
}
