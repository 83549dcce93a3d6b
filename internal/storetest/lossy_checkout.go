package storetest

import (
	"context"

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

func (l lossyCheckouts) PaidBy(ctx context.Context, paymentID string) ([]curfew.Checkout, error) {
	return answered[[]curfew.Checkout](l.answers)(l.store.PaidBy(ctx, paymentID))
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

// lossyRepayments loses answers about repayments.
type lossyRepayments struct{ *answers }

func (l lossyRepayments) Repaid(ctx context.Context, paymentID string, r curfew.Repayment) (curfew.Repayment, error) {
	return answered[curfew.Repayment](l.answers)(l.store.Repaid(ctx, paymentID, r))
}

func (l lossyRepayments) Dispute(ctx context.Context, paymentID string) error {
	return l.done(l.store.Dispute(ctx, paymentID))
}

func (l lossyRepayments) Repayment(ctx context.Context, paymentID string) (curfew.Repayment, error) {
	return answered[curfew.Repayment](l.answers)(l.store.Repayment(ctx, paymentID))
}
