package stripe_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// reserve is an order about money that is reserved.
func reserve(fake *stripetest.Fake, key string) (ref string, o curfew.MoneyOrder) {
	ref = fake.Holds().Authorise(stripetest.Checkout{CustomerID: "cus-1", Plan: "chat10", Amount: 2900})
	all := fake.Holds().List()
	return ref, curfew.MoneyOrder{Key: key + ":" + ref, PaymentID: all[len(all)-1].PaymentID, Amount: 2900, Currency: "eur"}
}

// taken is what is told of money that was captured at noon.
func taken(amount int64) []curfew.Fact {
	return []curfew.Fact{
		eur("attempt", "pi_00000001", "captured", amount), eur("attempt", "ch_00000001", "captured", amount), eur("refund_total", "ch_00000001", "total", 0),
	}
}

func TestCapture_TakesWhatIsReserved(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		name   string
		amount int64
	}{
		"all of it":                   {"pi_00000001", 2900},
		"a part: the rest is free":    {"pi_00000001", 2000},
		"under its charge's name":     {"ch_00000001", 2900},
		"under the checkout's name":   {"cs_test_00000001", 2900},
		"a part, by the charge's one": {"ch_00000001", 1},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{Now: atNoon})
			ref, o := reserve(fake, "capture")
			o.PaymentID, o.Amount = row.name, row.amount
			for range 3 {
				got, err := client(t, fake).Capture(t.Context(), o)
				if diff := cmp.Diff(taken(row.amount), got); diff != "" || err != nil {
					t.Fatal(err, diff)
				}
			}
			if paid := fake.Paid(); len(paid) != 1 || paid[0].Ref != ref || paid[0].Amount != row.amount {
				t.Errorf("the ledger has %+v", paid)
			}
			if wrong, open := fake.Violations(), fake.Holds().Open(); len(wrong) > 0 || len(open) > 0 {
				t.Errorf("%v, still reserved: %+v", wrong, open)
			}
		})
	}
}

// What a capture answers is as new as the capture, and a stored answer is not.
func TestCapture_SaysWhen(t *testing.T) {
	t.Parallel()
	now := noon
	fake := stripetest.New(t, stripetest.Options{Now: func() time.Time { return now }})
	_, o := reserve(fake, "capture")
	now = noon.Add(time.Hour)
	for _, want := range []time.Time{now, noon} {
		got, err := client(t, fake).Capture(t.Context(), o)
		if err != nil || !got[0].At.Equal(want) {
			t.Errorf("%+v, %v, want %s", got, err, want)
		}
	}
}

func TestCapture_WhatStandsInItsWay(t *testing.T) {
	t.Parallel()
	const unexpected = "could not be captured because it has a status of"
	for sentence, row := range map[string]struct {
		before func(holds stripetest.Holds, ref string)
		change func(*curfew.MoneyOrder)
		kind   curfew.Kind // empty: the facts say it all
		says   string
		money  string
		took   int64
	}{
		"it was captured by hand":           {before: func(h stripetest.Holds, ref string) { h.Capture(ref, 2900) }, money: "captured", took: 2900},
		"a part was captured by hand":       {before: func(h stripetest.Holds, ref string) { h.Capture(ref, 1000) }, money: "captured", took: 1000},
		"it was released by hand":           {before: stripetest.Holds.Release, money: "failed"},
		"it lapsed":                         {before: stripetest.Holds.Lapse, money: "failed"},
		"the bank refuses":                  {before: func(h stripetest.Holds, ref string) { h.DeclineCapture(ref, "do_not_honor") }, kind: curfew.PaymentRequired, says: "do_not_honor", money: "authorised"},
		"more than is reserved":             {change: func(o *curfew.MoneyOrder) { o.Amount++ }, kind: curfew.Invalid, says: "greater than", money: "authorised"},
		"the capture takes time":            {before: stripetest.Holds.DelayCapture, money: "promised"},
		"another capture is under way":      {before: underWay, kind: curfew.Conflict, says: unexpected + " processing", money: "promised"},
		"another capture failed":            {before: func(h stripetest.Holds, ref string) { underWay(h, ref); h.FailCapture(ref, "expired_card") }, money: ""},
		"nobody knows the payment":          {change: func(o *curfew.MoneyOrder) { o.PaymentID = "pi_none" }, kind: curfew.NotFound, money: "reported"},
		"nobody knows the checkout":         {change: func(o *curfew.MoneyOrder) { o.PaymentID = "cs_none" }, kind: curfew.NotFound, says: "read cs_none", money: "reported"},
		"nobody knows the account":          {change: func(o *curfew.MoneyOrder) { o.Account = "acct_9" }, kind: curfew.NotFound, money: "reported"},
		"nothing is to be taken":            {change: func(o *curfew.MoneyOrder) { o.Amount = 0 }, kind: curfew.Invalid, money: "reported"},
		"there is no key":                   {change: func(o *curfew.MoneyOrder) { o.Key = "" }, kind: curfew.Invalid, money: "reported"},
		"there is no payment":               {change: func(o *curfew.MoneyOrder) { o.PaymentID = "" }, kind: curfew.Invalid, money: "reported"},
		"the account is none":               {change: func(o *curfew.MoneyOrder) { o.Account = "me" }, kind: curfew.Invalid, money: "reported"},
		"a charge of an unknown connection": {change: func(o *curfew.MoneyOrder) { o.PaymentID, o.Account = "ch_00000001", "acct_9" }, kind: curfew.NotFound, money: "reported"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{})
			ref, o := reserve(fake, "capture")
			if row.before != nil {
				row.before(fake.Holds(), ref)
			}
			if row.change != nil {
				row.change(&o)
			}
			got, err := client(t, fake).Capture(t.Context(), o)
			if (row.kind == "") != (err == nil) || err != nil && (!errors.Is(err, row.kind) || !strings.Contains(err.Error(), row.says)) {
				t.Errorf("it says %v, want %q %q", err, row.kind, row.says)
			}
			b := (curfew.Payment{Facts: got}).Balance(0, "")
			if b.State != row.money || b.Captured != row.took {
				t.Errorf("the money is %+v: %+v", b, got)
			}
			if wrong := fake.Violations(); len(wrong) > 0 {
				t.Error(wrong)
			}
		})
	}
}

// underWay captures by hand, which takes its time.
func underWay(h stripetest.Holds, ref string) {
	h.DelayCapture(ref)
	h.Capture(ref, 2900)
}

// The bank gives the money up, and Stripe has not noticed yet.
func TestCapture_AnExpiredReservationIsNone(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"charge_expired_for_capture", "capture_charge_authorization_expired"} {
		c := answering(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", noon.Format(http.TimeFormat))
			switch {
			case r.Method == http.MethodPost:
				w.WriteHeader(http.StatusBadRequest)
				_, _ = fmt.Fprintf(w, `{"error":{"type":"invalid_request_error","code":%q,"message":"too late"}}`, code)
			case r.URL.Path == "/v1/refunds":
				_, _ = w.Write([]byte(`{"object":"list","data":[]}`))
			default:
				_, _ = w.Write([]byte(`{"id":"pi_1",` + intent + `"status":"requires_capture","amount_capturable":2900,"latest_charge":"ch_1"}`))
			}
		})
		got, err := c.Capture(t.Context(), curfew.MoneyOrder{Key: "capture:1", PaymentID: "pi_1", Amount: 2900, Currency: "eur"})
		want := []curfew.Fact{eur("attempt", "pi_1", "authorised", 2900), because(eur("attempt", "pi_1", "expired", 2900), "the authorization has expired")}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(code, err, diff)
		}
	}
	now := noon
	fake := stripetest.New(t, stripetest.Options{Now: func() time.Time { return now }})
	_, o := reserve(fake, "capture")
	now = noon.AddDate(0, 0, 7).Add(time.Second)
	got, err := client(t, fake).Capture(t.Context(), o)
	if b := (curfew.Payment{Facts: got}).Balance(0, ""); err != nil || b.State != "failed" {
		t.Errorf("a week later: %+v, %v", got, err)
	}
}

// A capture under way is told as it is now, although Stripe has stored what it answered at first.
func TestCapture_UnderWayIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		ends  func(h stripetest.Holds, ref string)
		state string
	}{
		"it goes on":  {func(stripetest.Holds, string) {}, "pending"},
		"it succeeds": {stripetest.Holds.SucceedCapture, "captured"},
		"it fails":    {func(h stripetest.Holds, ref string) { h.FailCapture(ref, "expired_card") }, "failed"},
	} {
		fake := stripetest.New(t, stripetest.Options{})
		ref, o := reserve(fake, "capture")
		fake.Holds().DelayCapture(ref)
		c := client(t, fake)
		if got, err := c.Capture(t.Context(), o); err != nil || got[0].State != "pending" {
			t.Fatalf("%s: at first %+v, %v", sentence, got, err)
		}
		row.ends(fake.Holds(), ref)
		if got, err := c.Capture(t.Context(), o); err != nil || got[0].State != row.state {
			t.Errorf("%s: %+v, %v", sentence, got, err)
		}
	}
}

// What the bank says is told, whatever Stripe makes of the intent.
func TestCapture_TheBanksReasonIsTold(t *testing.T) {
	t.Parallel()
	for status, money := range map[string]string{
		`"requires_capture","amount_capturable":2900`:                                                                 "authorised",
		`"requires_payment_method","last_payment_error":{"type":"card_error","code":"card_declined","charge":"ch_1"}`: "",
		`"canceled"`:                         "failed",
		`"succeeded","amount_received":2900`: "captured",
	} {
		c := answering(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", noon.Format(http.TimeFormat))
			switch {
			case r.Method == http.MethodPost:
				w.WriteHeader(http.StatusPaymentRequired)
				_, _ = w.Write([]byte(`{"error":{"type":"card_error","code":"card_declined","decline_code":"lost_card","message":"No."}}`))
			case r.URL.Path == "/v1/refunds":
				_, _ = w.Write([]byte(`{"object":"list","data":[]}`))
			default:
				_, _ = w.Write([]byte(`{"id":"pi_1",` + intent + `"latest_charge":"ch_1","status":` + status + `}`))
			}
		})
		got, err := c.Capture(t.Context(), curfew.MoneyOrder{Key: "capture:1", PaymentID: "pi_1", Amount: 2900, Currency: "eur"})
		if b := (curfew.Payment{Facts: got}).Balance(0, ""); b.State != money {
			t.Errorf("%s: the money is %+v", status, b)
		}
		reported := errors.Is(err, curfew.PaymentRequired) && strings.Contains(err.Error(), "lost_card: No.")
		if reported != (money != "captured") || !reported && err != nil {
			t.Errorf("%s: it says %v", status, err)
		}
	}
}

// A charge without an intent can be captured only by hand.
func TestCapture_NeedsAnIntent(t *testing.T) {
	t.Parallel()
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"id":"ch_1","object":"charge","amount":2900,"captured":false,"currency":"eur","status":"succeeded","payment_intent":null}`))
	})
	o := curfew.MoneyOrder{Key: "capture:1", PaymentID: "ch_1", Amount: 2900, Currency: "eur"}
	if _, err := c.Capture(t.Context(), o); !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), "by hand") {
		t.Errorf("it says %v", err)
	}
}

func TestRelease_GivesUpWhatIsReserved(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		before func(holds stripetest.Holds, ref string)
		change func(*curfew.MoneyOrder)
		kind   curfew.Kind
		says   string
		money  string
	}{
		"it is reserved":            {money: "failed"},
		"by the charge's name":      {change: func(o *curfew.MoneyOrder) { o.PaymentID = "ch_00000001" }, money: "failed"},
		"by the checkout's name":    {change: func(o *curfew.MoneyOrder) { o.PaymentID = "cs_test_00000001" }, money: "failed"},
		"no amount is named":        {change: func(o *curfew.MoneyOrder) { o.Amount = 0 }, money: "failed"},
		"it was released by hand":   {before: stripetest.Holds.Release, money: "failed"},
		"it lapsed":                 {before: stripetest.Holds.Lapse, money: "failed"},
		"the bank refused it":       {before: func(h stripetest.Holds, ref string) { h.DeclineCapture(ref, "do_not_honor") }, money: "failed"},
		"a capture failed":          {before: func(h stripetest.Holds, ref string) { underWay(h, ref); h.FailCapture(ref, "expired_card") }, money: ""},
		"it was captured":           {before: func(h stripetest.Holds, ref string) { h.Capture(ref, 2900) }, kind: curfew.Conflict, says: "the money has been captured", money: "captured"},
		"a capture is under way":    {before: underWay, kind: curfew.Conflict, says: "status of processing", money: "promised"},
		"nobody knows the payment":  {change: func(o *curfew.MoneyOrder) { o.PaymentID = "pi_none" }, kind: curfew.NotFound, money: "reported"},
		"nobody knows the checkout": {change: func(o *curfew.MoneyOrder) { o.PaymentID = "cs_none" }, kind: curfew.NotFound, money: "reported"},
		"there is no key":           {change: func(o *curfew.MoneyOrder) { o.Key = "" }, kind: curfew.Invalid, money: "reported"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{})
			ref, o := reserve(fake, "release")
			if row.before != nil {
				row.before(fake.Holds(), ref)
			}
			if row.change != nil {
				row.change(&o)
			}
			for range 2 {
				got, err := client(t, fake).Release(t.Context(), o)
				if (row.kind == "") != (err == nil) || err != nil && (!errors.Is(err, row.kind) || !strings.Contains(err.Error(), row.says)) {
					t.Errorf("it says %v, want %q %q", err, row.kind, row.says)
				}
				if b := (curfew.Payment{Facts: got}).Balance(0, ""); b.State != row.money || b.Refunded > 0 {
					t.Errorf("the money is %+v: %+v", b, got)
				}
			}
			if wrong := fake.Violations(); len(wrong) > 0 {
				t.Error(wrong)
			}
			if row.kind == "" && len(fake.Holds().Open()) > 0 {
				t.Errorf("still reserved: %+v", fake.Holds().Open())
			}
		})
	}
}

// A failure that Stripe keeps under the key would be replayed for a day. What became of the money is looked up, and what is
// still reserved is asked for under the next key, once.
func TestHolds_AFailureKeptUnderTheKeyIsLookedBehind(t *testing.T) {
	t.Parallel()
	type call func(*stripe.Client, context.Context, curfew.MoneyOrder) ([]curfew.Fact, error)
	for sentence, row := range map[string]struct {
		call   call
		faults stripetest.Faults
		calls  int
		money  string
	}{
		"captured before it failed":        {(*stripe.Client).Capture, stripetest.Faults{FailedAfter: 1}, 1, "captured"},
		"nothing was captured":             {(*stripe.Client).Capture, stripetest.Faults{Failed: 1}, 1, "captured"},
		"nothing was captured for an hour": {(*stripe.Client).Capture, stripetest.Faults{Failed: 1}, 3, "captured"},
		"released before it failed":        {(*stripe.Client).Release, stripetest.Faults{FailedAfter: 1}, 1, "failed"},
		"nothing was released":             {(*stripe.Client).Release, stripetest.Faults{Failed: 1}, 1, "failed"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{Faults: row.faults})
			c := client(t, fake)
			_, o := reserve(fake, "k")
			for n := range row.calls {
				if got, err := row.call(c, t.Context(), o); !errors.Is(err, curfew.Unavailable) || got != nil {
					t.Fatalf("the time %d: %+v, %v", n+1, got, err)
				}
			}
			fake.SetFaults(stripetest.Faults{})
			for range 2 {
				got, err := row.call(c, t.Context(), o)
				if b := (curfew.Payment{Facts: got}).Balance(0, ""); err != nil || b.State != row.money {
					t.Errorf("again: %v, the money is %+v", err, b)
				}
			}
			if wrong := fake.Violations(); len(wrong) > 0 {
				t.Error(wrong)
			}
		})
	}
}

// Nothing is known after a call that was lost, and the same key again does it once.
func TestHolds_LostAnswersAreUnknown(t *testing.T) {
	t.Parallel()
	for sentence, faults := range map[string]stripetest.Faults{
		"the line is cut": {Cut: 1}, "no answer comes": {Hang: 1}, "too many calls": {Busy: 1}, "Stripe is down": {Down: 1},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{Now: atNoon, Faults: faults})
			hasty := client(t, fake, func(o *stripe.ClientOptions) { o.Timeout = 300 * time.Millisecond })
			_, o := reserve(fake, "capture")
			if got, err := hasty.Capture(t.Context(), o); !errors.Is(err, curfew.Unavailable) || got != nil {
				t.Errorf("%+v, %v", got, err)
			}
			fake.SetFaults(stripetest.Faults{})
			got, err := client(t, fake).Capture(t.Context(), o)
			for errors.Is(err, curfew.Unavailable) && t.Context().Err() == nil { // the first call may still hold the key
				got, err = client(t, fake).Capture(t.Context(), o)
			}
			if diff := cmp.Diff(taken(2900), got); diff != "" || err != nil || len(fake.Violations()) > 0 {
				t.Error(err, diff, fake.Violations())
			}
		})
	}
}

// A key that may do nothing, or not that, says so, whoever asks.
func TestHolds_AKeyThatMayNot(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]curfew.Kind{http.StatusUnauthorized: curfew.Unauthenticated, http.StatusForbidden: curfew.Forbidden} {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error":{"type":"invalid_request_error"}}`))
		})
		o := curfew.MoneyOrder{Key: "k", PaymentID: "pi_1", Amount: 1, Currency: "eur"}
		if _, err := c.Capture(t.Context(), o); !errors.Is(err, kind) {
			t.Errorf("%d: %v", status, err)
		}
		if _, err := c.Release(t.Context(), o); !errors.Is(err, kind) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// What the bank refuses to be captured is released by the same order.
func TestHolds_OneOrderHasTwoKeys(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	ref, o := reserve(fake, "capture")
	fake.Holds().DeclineCapture(ref, "do_not_honor")
	c := client(t, fake)
	if _, err := c.Capture(t.Context(), o); !errors.Is(err, curfew.PaymentRequired) {
		t.Errorf("it says %v", err)
	}
	if _, err := c.Release(t.Context(), o); err != nil || len(fake.Holds().Open()) > 0 || len(fake.Violations()) > 0 {
		t.Errorf("%v, %+v, %v", err, fake.Holds().Open(), fake.Violations())
	}
}

// Reserved money is captured and released in the account that it was paid to.
func TestHolds_InTheAccountsName(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"", "acct_1"} {
		fake := stripetest.New(t, stripetest.Options{})
		at, names := named(t, fake)
		c := client(t, fake, func(o *stripe.ClientOptions) { o.BaseURL, o.Accounts = at, []string{"acct_1", "acct_2"} })
		for range 2 {
			fake.Holds().Authorise(stripetest.Checkout{Amount: 2900, Account: account})
		}
		if _, err := c.Capture(t.Context(), curfew.MoneyOrder{Key: "a", Account: account, PaymentID: "pi_00000001", Amount: 2900, Currency: "eur"}); err != nil {
			t.Error(err)
		}
		if _, err := c.Release(t.Context(), curfew.MoneyOrder{Key: "b", Account: account, PaymentID: "cs_test_00000002"}); err != nil {
			t.Error(err)
		}
		want := []string{
			"POST /v1/payment_intents/pi_00000001/capture " + account,
			"GET /v1/checkout/sessions/cs_test_00000002 " + account, "POST /v1/payment_intents/pi_00000002/cancel " + account,
		}
		if diff := cmp.Diff(want, names()); diff != "" {
			t.Error(diff)
		}
	}
}
