package stripetest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

func capture(key string, amount int64) *stripe.PaymentIntentCaptureParams {
	p := &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(amount)}
	p.SetIdempotencyKey(key)
	return p
}

func cancel(key string) *stripe.PaymentIntentCancelParams {
	p := &stripe.PaymentIntentCancelParams{CancellationReason: stripe.String("abandoned")}
	p.SetIdempotencyKey(key)
	return p
}

func TestHolds_AreCapturedAndReleasedAsAtStripe(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	api, holds := library(fake), fake.Holds()
	for range 5 {
		holds.Authorise(stripetest.Checkout{Plan: "chat10", Amount: 100})
	}
	holds.DeclineCapture("cs_test_00000003", "do_not_honor")
	holds.DelayCapture("cs_test_00000004")
	holds.Lapse("cs_test_00000005")
	took, err := api.V1PaymentIntents.Capture(t.Context(), "pi_00000001", capture("a", 80))
	if err != nil || took.Status != stripe.PaymentIntentStatusSucceeded || took.AmountReceived != 80 || took.AmountCapturable != 0 || took.LatestCharge.ID == "" {
		t.Errorf("captured: %+v, %v", took, err)
	}
	gave, err := api.V1PaymentIntents.Cancel(t.Context(), "pi_00000002", cancel("b"))
	if err != nil || gave.Status != stripe.PaymentIntentStatusCanceled || gave.CancellationReason != "abandoned" {
		t.Errorf("released: %+v, %v", gave, err)
	}
	slow, err := api.V1PaymentIntents.Capture(t.Context(), "pi_00000004", capture("c", 100))
	if err != nil || slow.Status != stripe.PaymentIntentStatusProcessing {
		t.Errorf("delayed: %+v, %v", slow, err)
	}
	_, declined := api.V1PaymentIntents.Capture(t.Context(), "pi_00000003", capture("d", 100))
	_, ended := api.V1PaymentIntents.Capture(t.Context(), "pi_00000005", capture("e", 100))
	_, endedToo := api.V1PaymentIntents.Cancel(t.Context(), "pi_00000005", cancel("f"))
	_, most := api.V1PaymentIntents.Capture(t.Context(), "pi_00000003", capture("g", 101))
	_, none := api.V1PaymentIntents.Capture(t.Context(), "pi_none", capture("h", 1))
	for sentence, row := range map[string]struct {
		err    error
		status int
		code   stripe.ErrorCode
		intent stripe.PaymentIntentStatus
	}{
		"the bank refuses":         {declined, http.StatusPaymentRequired, stripe.ErrorCodeCardDeclined, stripe.PaymentIntentStatusRequiresCapture},
		"it has lapsed":            {ended, http.StatusBadRequest, stripe.ErrorCodePaymentIntentUnexpectedState, stripe.PaymentIntentStatusCanceled},
		"it has lapsed by itself":  {endedToo, http.StatusBadRequest, stripe.ErrorCodePaymentIntentUnexpectedState, stripe.PaymentIntentStatusCanceled},
		"more than is reserved":    {most, http.StatusBadRequest, stripe.ErrorCodeAmountTooLarge, ""},
		"there is no such payment": {none, http.StatusNotFound, stripe.ErrorCodeResourceMissing, ""},
	} {
		said, ok := errors.AsType[*stripe.Error](row.err)
		if !ok || said.HTTPStatusCode != row.status || said.Code != row.code {
			t.Errorf("%s: %v", sentence, row.err)
		} else if row.intent != "" && (said.PaymentIntent == nil || said.PaymentIntent.Status != row.intent) {
			t.Errorf("%s: the error holds %+v", sentence, said.PaymentIntent)
		}
	}
	if said, _ := errors.AsType[*stripe.Error](declined); said.DeclineCode != "do_not_honor" || said.ChargeID != "ch_00000003" {
		t.Errorf("the bank refuses: %+v", said)
	}
	if wrong := fake.Violations(); len(wrong) > 0 {
		t.Error(wrong)
	}
}

// A failure is kept under its key, like a success.
func TestHolds_KeepAnswersUnderTheirKey(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	api, ref := library(fake), fake.Holds().Authorise(stripetest.Checkout{Amount: 100})
	fake.Holds().DeclineCapture(ref, "do_not_honor")
	for _, replayed := range []string{"", "true"} {
		_, err := api.V1PaymentIntents.Capture(t.Context(), "pi_00000001", capture("a", 100))
		said, ok := errors.AsType[*stripe.Error](err)
		if !ok || said.HTTPStatusCode != http.StatusPaymentRequired || said.LastResponse.Header.Get("Idempotent-Replayed") != replayed {
			t.Errorf("replayed %q: %v", replayed, err)
		}
		fake.Holds().DeclineCapture(ref, "")
	}
	if _, err := api.V1PaymentIntents.Capture(t.Context(), "pi_00000001", capture("b", 100)); err != nil {
		t.Error(err)
	}
}

func TestHolds_TellTheirAge(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	now := noon
	fake := stripetest.New(t, stripetest.Options{Now: func() time.Time { return now }})
	holds := fake.Holds()
	captured := holds.Authorise(stripetest.Checkout{CustomerID: "kim", Plan: "chat10", Amount: 100})
	holds.Authorise(stripetest.Checkout{Amount: 50, Account: "acct_1", HoldFor: 90 * time.Minute})
	open := holds.Authorise(stripetest.Checkout{Amount: 70})
	fake.Pay(stripetest.Checkout{Amount: 1})
	now = noon.Add(time.Hour)
	holds.Capture(captured, 90)
	now = noon.Add(2 * time.Hour)
	if n := holds.LapseOverdue(); n != 1 {
		t.Errorf("%d lapsed", n)
	}
	now = noon.Add(3 * time.Hour)
	want := []stripetest.Hold{
		{
			Ref: captured, PaymentID: "pi_00000001", CustomerID: "kim", Plan: "chat10", Amount: 100, Captured: 90, Currency: "eur",
			State: "captured", At: noon, EndedAt: noon.Add(time.Hour), Age: time.Hour,
		},
		{
			Ref: "cs_test_00000002", Account: "acct_1", PaymentID: "pi_00000002", Amount: 50, Currency: "eur",
			State: "lapsed", At: noon, EndedAt: noon.Add(2 * time.Hour), Age: 2 * time.Hour,
		},
		{Ref: open, PaymentID: "pi_00000003", Amount: 70, Currency: "eur", State: "held", At: noon, Age: 3 * time.Hour},
	}
	if diff := cmp.Diff(want, holds.List()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[2:], holds.Open()); diff != "" {
		t.Error(diff)
	}
}

func TestHolds_TellWhatIsWrong(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	api := library(fake)
	for range 3 {
		fake.Holds().Authorise(stripetest.Checkout{Amount: 100})
	}
	_, _ = api.V1PaymentIntents.Capture(t.Context(), "pi_00000001", capture("a", 100))
	_, _ = api.V1PaymentIntents.Capture(t.Context(), "pi_00000001", capture("a", 100)) // a replay
	_, _ = api.V1PaymentIntents.Capture(t.Context(), "pi_00000001", capture("a2", 100))
	_, _ = api.V1PaymentIntents.Cancel(t.Context(), "pi_00000001", cancel("a3"))
	_, _ = api.V1PaymentIntents.Cancel(t.Context(), "pi_00000002", cancel("b"))
	_, _ = api.V1PaymentIntents.Cancel(t.Context(), "pi_00000002", cancel("b2")) // harmless
	_, _ = api.V1PaymentIntents.Capture(t.Context(), "pi_00000002", capture("b3", 100))
	fake.ForgetKeys()
	_, _ = api.V1PaymentIntents.Capture(t.Context(), "pi_00000003", capture("b3", 100))
	want := []string{
		"the hold of pi_00000001 was to be captured by key a2, after key a had captured it",
		"the hold of pi_00000001 was to be released by key a3, after key a had captured it",
		"the hold of pi_00000002 was to be captured by key b3, after key b had released it",
		"key b3 came with two bodies: /v1/payment_intents/pi_00000002/capture?amount_to_capture=100 and /v1/payment_intents/pi_00000003/capture?amount_to_capture=100",
	}
	if diff := cmp.Diff(want, fake.Violations()); diff != "" {
		t.Error(diff)
	}
}

// What happens to a hold is told by its events, in Stripe's order.
func TestHolds_TellWhatHappens(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		ends func(h stripetest.Holds, ref string)
		want string
	}{
		"it is captured":    {func(h stripetest.Holds, ref string) { h.Capture(ref, 100) }, "charge.captured payment_intent.succeeded"},
		"it is released":    {stripetest.Holds.Release, "charge.refunded payment_intent.canceled"},
		"it lapses":         {stripetest.Holds.Lapse, "charge.expired payment_intent.canceled"},
		"it takes its time": {func(h stripetest.Holds, ref string) { h.DelayCapture(ref); h.Capture(ref, 100) }, "payment_intent.processing"},
		"it succeeds later": {
			func(h stripetest.Holds, ref string) { h.DelayCapture(ref); h.Capture(ref, 100); h.SucceedCapture(ref) },
			"payment_intent.processing charge.captured payment_intent.succeeded",
		},
		"it fails later": {
			func(h stripetest.Holds, ref string) {
				h.DelayCapture(ref)
				h.Capture(ref, 100)
				h.FailCapture(ref, "expired_card")
			},
			"payment_intent.processing charge.failed payment_intent.payment_failed",
		},
	} {
		fake := stripetest.New(t, stripetest.Options{})
		row.ends(fake.Holds(), fake.Holds().Authorise(stripetest.Checkout{Amount: 100}))
		var reported []string
		for _, event := range fake.Events() {
			reported = append(reported, string(event.Type))
		}
		want := "charge.succeeded payment_intent.amount_capturable_updated checkout.session.completed " + row.want
		if got := strings.Join(reported, " "); got != want {
			t.Errorf("%s: %s, want %s", sentence, got, want)
		}
	}
}
