package stripetest

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/stripe/stripe-go/v86"
)

// RefundByHand refunds in Stripe's dashboard and returns the refund's id. It panics where Stripe
// would refuse, because then the test is wrong.
func (f *Fake) RefundByHand(ref string, amount int64) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.known(ref)
	if left := c.captured - c.refunded; c.paidAt.IsZero() || amount > left {
		panic(fmt.Sprintf("stripetest: %d of %s cannot be refunded: %d are left", amount, ref, left))
	}
	return f.refund(c, amount, nil).ID
}

// GiveBack refunds a share of what is left of a payment in Stripe's dashboard, at least one unit, and returns the
// refund's id. It is empty where Stripe would refuse.
func (f *Fake) GiveBack(ref string, share float64) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.known(ref)
	left := c.captured - c.refunded
	if left == 0 || c.chargedBack() || f.refundFailed(c) {
		return ""
	}
	return f.refund(c, max(1, int64(float64(left)*share)), nil).ID
}

// SetRefunds changes the state in which refunds are created from now on, such as failed or pending,
// and the reason. Initially they succeed.
func (f *Fake) SetRefunds(status stripe.RefundStatus, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refundsBecome, f.refundReason = status, reason
}

// ChangeRefund changes the state of a refund and emits events. Money that a failed refund did not
// return is the merchant's again, but Stripe makes no second refund of that payment.
func (f *Fake) ChangeRefund(id string, status stripe.RefundStatus, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.refunds, func(r Refund) bool { return r.ID == id })
	if i < 0 {
		panic("stripetest: there is no refund " + id)
	}
	c, before := f.byRef[f.refunds[i].Ref], f.refunds[i]
	f.refunds[i].Status, f.refunds[i].Reason = status, reason
	c.refunded += counted(f.refunds[i]) - counted(before)
	f.emitRefund(stripe.EventTypeRefundUpdated, c, f.refunds[i])
	f.emitRefund(stripe.EventTypeChargeRefundUpdated, c, f.refunds[i])
	if status == stripe.RefundStatusFailed {
		f.emitRefund(stripe.EventTypeRefundFailed, c, f.refunds[i])
	}
}

// counted returns what a refund adds to the charge's amount_refunded.
func counted(r Refund) int64 {
	if r.undone() {
		return 0
	}
	return r.Amount
}

// refund makes the refund that a call requests; without a call, by hand.
func (f *Fake) refund(c *checkout, amount int64, r *http.Request) Refund {
	made := Refund{
		ID: fmt.Sprintf("re_%08d", len(f.refunds)+1), Ref: c.ref, PaymentID: c.intent,
		Amount: amount, Currency: c.Currency, Status: f.refundsBecome, Reason: f.refundReason, At: f.now(), charge: c.charge,
	}
	if r != nil {
		made.Key, made.metadata = r.Header.Get("Idempotency-Key"), metadataOf(r.PostForm)
		made.ReverseTransfer, made.RefundFee = r.PostForm.Get("reverse_transfer") == "true", r.PostForm.Get("refund_application_fee") == "true"
	}
	c.refunded += counted(made)
	c.refunds = append(c.refunds, len(f.refunds))
	f.refunds = append(f.refunds, made)
	if !made.undone() {
		f.emit(stripe.EventTypeChargeRefunded, c)
	}
	return made
}

// connectFlags refuses to take back a transfer or a fee that does not exist.
func connectFlags(r *http.Request, c *checkout) response {
	switch {
	case r.PostForm.Get("reverse_transfer") == "true" && c.Destination == "":
		return failure(http.StatusBadRequest, stripe.ErrorTypeInvalidRequest, "", "Cannot reverse a transfer: "+c.charge+" has none.")
	case r.PostForm.Get("refund_application_fee") == "true" && c.Fee == 0:
		return failure(http.StatusBadRequest, stripe.ErrorTypeInvalidRequest, "", "Cannot refund an application fee: "+c.charge+" has none.")
	}
	return response{}
}

// refundFailed reports whether a refund of a payment has failed: Stripe makes no other.
func (f *Fake) refundFailed(c *checkout) bool {
	return slices.ContainsFunc(c.refunds, func(at int) bool { return f.refunds[at].Status == stripe.RefundStatusFailed })
}
