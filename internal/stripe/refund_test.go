package stripe_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gostripe "github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// given is a refund that the fake made at noon.
func given(id, state string, amount int64, reason string) curfew.Fact {
	return curfew.Fact{Kind: "refund", Object: id, State: state, Amount: amount, Currency: "eur", Reason: reason, At: noon}
}

func TestClient_RefundsOnceForAKey(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Now: atNoon})
	c, o := client(t, fake), order(paidOnce(fake))
	want := []curfew.Fact{given("re_00000001", "succeeded", 1999, "")}
	for range 3 {
		got, err := c.Refund(t.Context(), o)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatal(err, diff)
		}
	}
	if made := fake.Refunds(); len(made) != 1 || made[0].Key != o.Key {
		t.Errorf("the ledger has %+v", made)
	}
	got, err := c.Refunds(t.Context(), "", o.PaymentID)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// A payment without an intent is called by its charge.
func TestClient_RefundsACharge(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Now: atNoon})
	c, o := client(t, fake), order(paidOnce(fake))
	o.PaymentID = fake.Paid()[0].ChargeID
	want := []curfew.Fact{given("re_00000001", "succeeded", 1999, "")}
	got, err := c.Refund(t.Context(), o)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	got, err = c.Refunds(t.Context(), "", o.PaymentID)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// What Stripe leaves out of an answer is what was asked for: the money is given back all the same.
func TestClient_AnAnswerOfFewWordsIsEnough(t *testing.T) {
	t.Parallel()
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", noon.Format(http.TimeFormat))
		_, _ = w.Write([]byte(`{"id":"re_1","status":"failed","failure_reason":"expired_or_canceled_card"}`))
	})
	got, err := c.Refund(t.Context(), curfew.MoneyOrder{Key: "refund:cs_1", PaymentID: "pi_1", Amount: 5, Currency: "eur"})
	if diff := cmp.Diff([]curfew.Fact{given("re_1", "failed", 5, "expired_or_canceled_card")}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestClient_ARefundIsToldInItsState(t *testing.T) {
	t.Parallel()
	for status, reason := range map[gostripe.RefundStatus]string{
		"pending": "insufficient_funds", "requires_action": "", "failed": "expired_or_canceled_card", "canceled": "",
	} {
		fake := stripetest.New(t, stripetest.Options{Now: atNoon})
		fake.SetRefunds(status, reason)
		c, o := client(t, fake), order(paidOnce(fake))
		want := []curfew.Fact{given("re_00000001", string(status), 1999, reason)}
		got, err := c.Refund(t.Context(), o)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(status, err, diff)
		}
		got, err = c.Refunds(t.Context(), "", o.PaymentID)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(status, err, diff)
		}
	}
}

// An answer that Stripe had stored is as old as the refund.
func TestClient_AStoredAnswerSaysHowItWasThen(t *testing.T) {
	t.Parallel()
	now := noon
	fake := stripetest.New(t, stripetest.Options{Now: func() time.Time { return now }})
	fake.SetRefunds(gostripe.RefundStatusPending, "processing")
	c, o := client(t, fake), order(paidOnce(fake))
	if _, err := c.Refund(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	now = noon.Add(time.Hour)
	fake.ChangeRefund("re_00000001", gostripe.RefundStatusFailed, "declined")
	got, err := c.Refund(t.Context(), o)
	if diff := cmp.Diff([]curfew.Fact{given("re_00000001", "pending", 1999, "processing")}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	got, err = c.Refunds(t.Context(), "", o.PaymentID)
	want := given("re_00000001", "failed", 1999, "declined")
	want.At = now
	if diff := cmp.Diff([]curfew.Fact{want}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestClient_AlreadyRefundedTellsByWhom(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		before func(fake *stripetest.Fake, c *stripe.Client, o curfew.MoneyOrder)
		want   []curfew.Fact
	}{
		"by hand": {
			func(fake *stripetest.Fake, _ *stripe.Client, o curfew.MoneyOrder) { fake.RefundByHand(refOf(o), 1999) },
			[]curfew.Fact{given("re_00000001", "succeeded", 1999, "")},
		},
		"by this order, whose key Stripe has forgotten": {
			func(fake *stripetest.Fake, c *stripe.Client, o curfew.MoneyOrder) {
				_, _ = c.Refund(context.Background(), o)
				fake.ForgetKeys()
			},
			[]curfew.Fact{given("re_00000001", "succeeded", 1999, "")},
		},
		"by this order, after a part by hand": {
			func(fake *stripetest.Fake, c *stripe.Client, o curfew.MoneyOrder) {
				fake.RefundByHand(refOf(o), 499)
				o.Amount = 1500
				_, _ = c.Refund(context.Background(), o)
				fake.ForgetKeys()
			},
			[]curfew.Fact{given("re_00000002", "succeeded", 1500, "")},
		},
		"by hand in parts: all are told": {
			func(fake *stripetest.Fake, _ *stripe.Client, o curfew.MoneyOrder) {
				fake.RefundByHand(refOf(o), 500)
				fake.RefundByHand(refOf(o), 1499)
			},
			[]curfew.Fact{given("re_00000002", "succeeded", 1499, ""), given("re_00000001", "succeeded", 500, "")},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{Now: atNoon})
			c, o := client(t, fake), order(paidOnce(fake))
			row.before(fake, c, o)
			before := len(fake.Refunds())
			got, err := c.Refund(t.Context(), o)
			if diff := cmp.Diff(row.want, got); diff != "" || err != nil {
				t.Error(err, diff)
			}
			if after := len(fake.Refunds()); after != before {
				t.Errorf("%d refunds, there were %d", after, before)
			}
		})
	}
}

// Stripe gives back no money whose refund failed: somebody has to.
func TestClient_AFailedRefundIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Now: atNoon})
	c, o := client(t, fake), order(paidOnce(fake))
	if _, err := c.Refund(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	fake.ChangeRefund("re_00000001", gostripe.RefundStatusFailed, "expired_or_canceled_card")
	o.Key += ":2"
	got, err := c.Refund(t.Context(), o)
	if diff := cmp.Diff([]curfew.Fact{given("re_00000001", "failed", 1999, "expired_or_canceled_card")}, got); diff != "" {
		t.Error(diff)
	}
	const says = "Stripe cannot give pi_00000001 back again: refund re_00000001 of it is failed, expired_or_canceled_card; give the money back by hand"
	if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), says) {
		t.Errorf("it says %v", err)
	}
}

// In places Stripe says of the same that it is refunded.
func TestClient_OnlyFailedRefundsAreNone(t *testing.T) {
	t.Parallel()
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":{"type":"invalid_request_error","code":"charge_already_refunded"}}`))
			return
		}
		_, _ = w.Write([]byte(`{"object":"list","data":[{"id":"re_1","object":"refund","amount":5,"currency":"eur","status":"failed","created":1795435200,"metadata":{"curfew_key":"refund:cs_1"}}]}`))
	})
	got, err := c.Refund(t.Context(), curfew.MoneyOrder{Key: "refund:cs_1", PaymentID: "pi_1", Amount: 5, Currency: "eur"})
	if len(got) != 1 || got[0].State != "failed" || !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), "by hand") {
		t.Errorf("it says %+v, %v", got, err)
	}
}

// What somebody gave back meanwhile is told with the refusal to give more back.
func TestClient_ARefusalTellsWhatWasGivenBack(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Now: atNoon})
	c, o := client(t, fake), order(paidOnce(fake))
	fake.RefundByHand(refOf(o), 500)
	got, err := c.Refund(t.Context(), o)
	if diff := cmp.Diff([]curfew.Fact{given("re_00000001", "succeeded", 500, "")}, got); diff != "" {
		t.Error(diff)
	}
	if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), "greater than unrefunded amount") || strings.Contains(err.Error(), "by hand") {
		t.Errorf("it says %v", err)
	}
}

// answering is a client of a Stripe that answers as it is told.
func answering(t *testing.T, answer http.HandlerFunc) *stripe.Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	c, err := stripe.NewClient(stripe.ClientOptions{APIKey: "sk", BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func refOf(o curfew.MoneyOrder) string { return strings.TrimPrefix(o.Key, "refund:") }

func TestClient_AFailureKeptUnderTheKeyIsLookedBehind(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		faults stripetest.Faults
		calls  int
	}{
		"the money went before it failed": {stripetest.Faults{FailedAfter: 1}, 1},
		"nothing was done":                {stripetest.Faults{Failed: 1}, 1},
		"nothing was done for an hour":    {stripetest.Faults{Failed: 1}, 3},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{Faults: row.faults})
			c, o := client(t, fake), order(paidOnce(fake))
			for n := range row.calls {
				if _, err := c.Refund(t.Context(), o); !errors.Is(err, curfew.Unavailable) {
					t.Fatalf("the time %d: %v", n+1, err)
				}
			}
			fake.SetFaults(stripetest.Faults{})
			for range 2 {
				got, err := c.Refund(t.Context(), o)
				if err != nil || len(got) != 1 || got[0].Object != fake.Refunds()[0].ID {
					t.Errorf("again: %+v, %v", got, err)
				}
			}
			// A day later the key is free, and what is there has been looked at.
			fake.ForgetKeys()
			if _, err := c.Refund(t.Context(), o); err != nil || len(fake.Refunds()) != 1 {
				t.Errorf("a day later: %v, the ledger has %+v", err, fake.Refunds())
			}
			if wrong := fake.Violations(); len(wrong) > 0 {
				t.Error(wrong)
			}
		})
	}
}

// A refund that is under way is in its charge's sum from its beginning on, whenever it is
// listed: otherwise it would count twice.
func TestRefunds_AreDatedByTheirBeginning(t *testing.T) {
	t.Parallel()
	var now atomic.Pointer[time.Time]
	set := func(at time.Time) { now.Store(&at) }
	set(noon)
	fake := stripetest.New(t, stripetest.Options{Now: func() time.Time { return *now.Load() }})
	paid := paidOnce(fake)
	for _, state := range []gostripe.RefundStatus{"pending", "requires_action", "succeeded"} {
		fake.SetRefunds(state, "")
		fake.RefundByHand(paid.Ref, 5)
	}
	set(noon.Add(time.Hour))
	got, err := client(t, fake).Refunds(t.Context(), "", paid.PaymentID)
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	for _, f := range got {
		if !f.At.Equal(noon) {
			t.Errorf("%s is of %s", f.State, f.At)
		}
	}
}
