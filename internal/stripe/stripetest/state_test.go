package stripetest_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

func TestFake_RefundsAreInAnyState(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	api, paid := library(fake), sell(fake, 100)
	fake.SetRefunds(stripe.RefundStatusPending, "processing")
	made, err := api.V1Refunds.Create(t.Context(), refund("k1", paid.PaymentID, 40))
	if err != nil || made.Status != stripe.RefundStatusPending || made.PendingReason != "processing" {
		t.Fatalf("%+v, %v", made, err)
	}
	if left := fake.Balance()["eur"]; left != 60 {
		t.Errorf("%d are left while it is pending", left)
	}
	fake.ChangeRefund(made.ID, stripe.RefundStatusFailed, "declined")
	if left := fake.Balance()["eur"]; left != 100 || len(fake.Violations()) > 0 {
		t.Errorf("%d are left after it failed: %v", left, fake.Violations())
	}
	if _, err := api.V1Refunds.Create(t.Context(), refund("k2", paid.PaymentID, 40)); err == nil {
		t.Error("a second refund is made after one that failed")
	}
	var listed []stripe.RefundStatus
	for each, err := range api.V1Refunds.List(t.Context(), &stripe.RefundListParams{Charge: stripe.String(paid.ChargeID)}).All(t.Context()) {
		if err != nil || each.FailureReason != "declined" {
			t.Fatalf("%+v, %v", each, err)
		}
		listed = append(listed, each.Status)
	}
	if diff := cmp.Diff([]stripe.RefundStatus{"failed"}, listed); diff != "" {
		t.Error(diff)
	}
	var reported []stripe.EventType
	for _, event := range fake.Events() {
		reported = append(reported, event.Type)
	}
	want := []stripe.EventType{"checkout.session.completed", "charge.refunded", "refund.updated", "charge.refund.updated", "refund.failed"}
	if diff := cmp.Diff(want, reported); diff != "" {
		t.Error(diff)
	}
}

// What an account was paid is known in its name alone.
func TestFake_AccountsKnowTheirOwn(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	api := library(fake)
	fake.Pay(stripetest.Checkout{Plan: "chat10", Amount: 100, Account: "acct_1"})
	paid := fake.Paid()[0]
	for account, known := range map[string]bool{"": false, "acct_1": true, "acct_2": false} {
		params := &stripe.PaymentIntentRetrieveParams{}
		charge := &stripe.ChargeRetrieveParams{}
		disputes := &stripe.DisputeListParams{PaymentIntent: stripe.String(paid.PaymentID)}
		if account != "" {
			params.SetStripeAccount(account)
			charge.SetStripeAccount(account)
			disputes.SetStripeAccount(account)
		}
		if _, err := api.V1PaymentIntents.Retrieve(t.Context(), paid.PaymentID, params); (err == nil) != known {
			t.Errorf("the intent in %q: %v", account, err)
		}
		if _, err := api.V1Charges.Retrieve(t.Context(), paid.ChargeID, charge); (err == nil) != known {
			t.Errorf("the charge in %q: %v", account, err)
		}
		for _, err := range api.V1Disputes.List(t.Context(), disputes).All(t.Context()) {
			if err == nil || known {
				t.Errorf("the disputes in %q: %v", account, err)
			}
			break
		}
	}
}

func TestFake_HoldsMoney(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	api := library(fake)
	sold := stripetest.Checkout{Plan: "chat10", Amount: 100}
	holds := fake.Holds()
	captured, gone, late := holds.Authorise(sold), holds.Authorise(sold), holds.Authorise(sold)
	if len(fake.Paid()) > 0 {
		t.Error("reserved money counts as paid")
	}
	holds.Capture(captured, 80)
	holds.Release(gone)
	holds.Lapse(late)
	if diff := cmp.Diff(map[string]int64{"eur": 80}, fake.Balance()); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]stripe.PaymentIntent{
		"pi_00000001": {Status: stripe.PaymentIntentStatusSucceeded, AmountReceived: 80},
		"pi_00000002": {Status: stripe.PaymentIntentStatusCanceled, CancellationReason: "requested_by_customer"},
		"pi_00000003": {Status: stripe.PaymentIntentStatusCanceled, CancellationReason: "automatic"},
	} {
		got, err := api.V1PaymentIntents.Retrieve(t.Context(), name, nil)
		if err != nil || got.Status != want.Status || got.AmountReceived != want.AmountReceived || got.CancellationReason != want.CancellationReason {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// A bank asks before it decides. Meanwhile, and where it took the money, nothing can be given back.
func TestFake_DisputesMoveOn(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	api, paid := library(fake), sell(fake, 100)
	for _, state := range []stripe.DisputeStatus{"warning_needs_response", "needs_response"} {
		if !fake.ChangeDispute(paid.Ref, state) {
			t.Errorf("it does not become %s", state)
		}
	}
	_, err := api.V1Refunds.Create(t.Context(), refund("k1", paid.PaymentID, 40))
	if said, ok := errors.AsType[*stripe.Error](err); !ok || said.Code != "charge_disputed" || fake.GiveBack(paid.Ref, 1) != "" {
		t.Errorf("while it is disputed, it is given back: %v", err)
	}
	fake.ChangeDispute(paid.Ref, stripe.DisputeStatusWon)
	if fake.GiveBack(paid.Ref, .4) == "" || fake.Paid()[0].Refunded != 40 || fake.ChangeDispute(paid.Ref, stripe.DisputeStatusLost) {
		t.Errorf("when it was won: %+v", fake.Paid()[0])
	}
	var told []stripe.EventType
	for _, event := range fake.Events() {
		told = append(told, event.Type)
	}
	want := []stripe.EventType{
		"checkout.session.completed", "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed", "charge.refunded",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}
