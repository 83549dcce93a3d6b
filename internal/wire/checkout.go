package wire

import (
	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// Fulfillment converts what became of a purchase.
func Fulfillment(f lifecycle.Fulfillment) api.Fulfillment {
	out := api.Fulfillment{
		Outcome: string(f.Outcome), SessionID: f.SessionID, RequestID: f.RequestID, Type: string(f.Kind),
	}
	if f.SessionID != "" {
		out.Route = "/" + string(f.Kind) + "/" + f.SessionID
	}
	if f.Outcome != curfew.Deferred {
		return out
	}
	out.RetryUntil = f.RetryUntil.UTC()
	out.Detail = "The payment is recorded. Its session follows when the customer's slot is free."
	if f.Blocker != nil {
		out.Detail, out.BlockedBy = curfew.Refusal(*f.Blocker).Error(), Blocker(*f.Blocker)
	}
	return out
}

// CheckoutDetails converts checkouts for operators, without their history. The payments are
// by their ids, here and below.
func CheckoutDetails(checkouts []curfew.Checkout, payments map[string]record.Ledger) []api.CheckoutDetail {
	all := make([]api.CheckoutDetail, len(checkouts))
	for i, c := range checkouts {
		all[i] = CheckoutDetail(c, payments, nil)
	}
	return all
}

// CheckoutDetail converts a checkout and its history for operators.
func CheckoutDetail(c curfew.Checkout, payments map[string]record.Ledger, events []curfew.Event) api.CheckoutDetail {
	d := api.CheckoutDetail{
		Checkout: Checkout(c.Outside()), CustomerID: c.CustomerID, Email: c.Email, Name: c.Name, Metadata: c.Metadata,
		PaymentID: c.PaymentID, RefundID: c.RefundID, Attempts: c.Attempts, NextAt: c.NextAt.UTC(),
		DisputedAt: c.DisputedAt.UTC(), Note: c.Note, Events: InsideEvents(events).Events,
	}
	d.Line = line(c)
	if c.CustomerID == curfew.Nobody {
		d.CustomerID = ""
	}
	if l, ok := payments[c.Payment()]; ok {
		d.Payment = insidePayment(l, c)
	}
	return d
}

// Checkouts converts a customer's checkouts for the customer.
func Checkouts(checkouts []curfew.Checkout, payments map[string]record.Ledger) api.Checkouts {
	return checkoutsWith(checkouts, payments, payment)
}

// CheckoutsInside converts a customer's checkouts for admins and services.
func CheckoutsInside(checkouts []curfew.Checkout, payments map[string]record.Ledger) api.Checkouts {
	return checkoutsWith(checkouts, payments, insidePayment)
}

func checkoutsWith(
	checkouts []curfew.Checkout, payments map[string]record.Ledger, of func(record.Ledger, curfew.Checkout) *api.Payment,
) api.Checkouts {
	all := api.Checkouts{Checkouts: make([]api.Checkout, len(checkouts))}
	for i, c := range checkouts {
		all.Checkouts[i] = Checkout(c.Outside())
		all.Checkouts[i].Line = line(c)
		if l, ok := payments[c.Payment()]; ok {
			all.Checkouts[i].Payment = of(l, c)
		}
	}
	return all
}

// line names a further line of a payment; empty: it is none.
func line(c curfew.Checkout) string {
	if c.Line > 1 {
		return record.Title(c)
	}
	return ""
}

// Checkout converts a checkout, without its payment.
func Checkout(c curfew.OutsideCheckout) api.Checkout {
	return api.Checkout{
		ID: c.ID, PaymentRef: c.Ref, Plan: c.Plan, Amount: c.Amount, Currency: c.Currency,
		Outcome: string(c.Outcome), SessionID: c.SessionID, RetryUntil: c.RetryUntil.UTC(), RefundAmount: refund(c),
		CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(),
	}
}

// refund returns what is given back of a payment, in minor units, or nil if nothing is.
func refund(c curfew.OutsideCheckout) *int64 {
	switch c.Outcome {
	case curfew.RefundDue, curfew.Refunding, curfew.Refunded:
		return &c.RefundAmount
	}
	return nil
}
