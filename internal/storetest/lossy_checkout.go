package storetest

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// lossyCheckouts loses answers about checkouts.
type lossyCheckouts struct{ *answers }

func (l lossyCheckouts) Checkout(ctx context.Context, id string) (curfew.Checkout, error) {
	return answered[curfew.Checkout](l.answers)(l.store.Checkout(ctx, id))
}

func (l lossyCheckouts) Checkouts(ctx context.Context, customerID string) ([]curfew.Checkout, error) {
	return answered[[]curfew.Checkout](l.answers)(l.store.Checkouts(ctx, customerID))
}

func (l lossyCheckouts) ListCheckouts(ctx context.Context, s curfew.CheckoutSearch) ([]curfew.Checkout, error) {
	return answered[[]curfew.Checkout](l.answers)(l.store.ListCheckouts(ctx, s))
}

// lossyOwed loses answers about what is owed.
type lossyOwed struct{ *answers }

func (l lossyOwed) Servable(ctx context.Context, limit int) ([]string, error) {
	return answered[[]string](l.answers)(l.store.Servable(ctx, limit))
}

func (l lossyOwed) Unsettled(ctx context.Context, customerID string, limit int) ([]record.Receipt, error) {
	return answered[[]record.Receipt](l.answers)(l.store.Unsettled(ctx, customerID, limit))
}

func (l lossyOwed) Refundable(ctx context.Context, limit int) ([]curfew.Checkout, error) {
	return answered[[]curfew.Checkout](l.answers)(l.store.Refundable(ctx, limit))
}

func (l lossyOwed) StaleCredits(ctx context.Context, olderThan time.Duration, after curfew.Cursor, limit int) ([]curfew.Checkout, error) {
	return answered[[]curfew.Checkout](l.answers)(l.store.StaleCredits(ctx, olderThan, after, limit))
}

func (l lossyOwed) Capturable(ctx context.Context, limit int) ([]curfew.Checkout, error) {
	return answered[[]curfew.Checkout](l.answers)(l.store.Capturable(ctx, limit))
}

// lossyLedgers loses answers about what is known of payments.
type lossyLedgers struct{ *answers }

func (l lossyLedgers) Report(ctx context.Context, t record.PaymentReport) (record.Ledger, error) {
	return answered[record.Ledger](l.answers)(l.store.Report(ctx, t))
}

func (l lossyLedgers) Ledger(ctx context.Context, paymentID string) (record.Ledger, error) {
	return answered[record.Ledger](l.answers)(l.store.Ledger(ctx, paymentID))
}

func (l lossyLedgers) LedgerOf(ctx context.Context, ref string) (record.Ledger, error) {
	return answered[record.Ledger](l.answers)(l.store.LedgerOf(ctx, ref))
}

func (l lossyLedgers) Payments(ctx context.Context, ids []string) ([]curfew.Payment, error) {
	return answered[[]curfew.Payment](l.answers)(l.store.Payments(ctx, ids))
}

func (l lossyLedgers) Unjudged(ctx context.Context, limit int) ([]string, error) {
	return answered[[]string](l.answers)(l.store.Unjudged(ctx, limit))
}

func (l lossyLedgers) Judged(ctx context.Context, paymentID string, version int64) error {
	return l.done(l.store.Judged(ctx, paymentID, version))
}

func (l lossyLedgers) KeepMessage(ctx context.Context, m record.ProviderMessage) error {
	return l.done(l.store.KeepMessage(ctx, m))
}

// lossyBooks loses answers about the books.
type lossyBooks struct{ *answers }

func (l lossyBooks) Booked(ctx context.Context, from, to time.Time, after string, limit int) (all []record.Booked, next string, err error) {
	all, next, err = l.store.Booked(ctx, from, to, after, limit)
	if _, err = answered[[]record.Booked](l.answers)(all, err); err != nil {
		return nil, "", err
	}
	return all, next, nil
}
