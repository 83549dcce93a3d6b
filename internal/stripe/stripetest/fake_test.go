package stripetest_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v86"
	"github.com/stripe/stripe-go/v86/webhook"

	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// library is Stripe's own client of a fake, with nothing of Curfew's between.
func library(fake *stripetest.Fake) *stripe.Client {
	return stripe.NewClient(fake.APIKey, stripe.WithBackends(&stripe.Backends{API: stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(fake.URL), MaxNetworkRetries: stripe.Int64(0), LeveledLogger: &stripe.LeveledLogger{},
	})}))
}

func sell(fake *stripetest.Fake, amount int64) stripetest.Paid {
	fake.Pay(stripetest.Checkout{CustomerID: "cus-1", Plan: "chat10", Amount: amount})
	paid := fake.Paid()
	return paid[len(paid)-1]
}

func refund(key, payment string, amount int64) *stripe.RefundCreateParams {
	p := &stripe.RefundCreateParams{PaymentIntent: stripe.String(payment), Amount: stripe.Int64(amount)}
	p.SetIdempotencyKey(key)
	return p
}

func TestFake_KeepsIdempotencyKeysAsStripeDoes(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	api, paid := library(fake), sell(fake, 100)

	first, err := api.V1Refunds.Create(t.Context(), refund("k1", paid.PaymentID, 40))
	if err != nil {
		t.Fatal(err)
	}
	if first.LastResponse.Header.Get("Idempotent-Replayed") != "" {
		t.Error("the first answer says that it is a replay")
	}
	again, err := api.V1Refunds.Create(t.Context(), refund("k1", paid.PaymentID, 40))
	if err != nil || again.ID != first.ID || again.LastResponse.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	for sentence, row := range map[string]struct {
		params *stripe.RefundCreateParams
		status int
		kind   stripe.ErrorType
		code   stripe.ErrorCode
	}{
		"the key with other parameters": {refund("k1", paid.PaymentID, 41), 400, stripe.ErrorTypeIdempotency, ""},
		"more than is left":             {refund("k2", paid.PaymentID, 61), 400, stripe.ErrorTypeInvalidRequest, ""},
		"a payment that is none":        {refund("k3", "pi_none", 1), 404, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeResourceMissing},
	} {
		_, err := api.V1Refunds.Create(t.Context(), row.params)
		said, ok := errors.AsType[*stripe.Error](err)
		if !ok || said.HTTPStatusCode != row.status || said.Type != row.kind || said.Code != row.code {
			t.Errorf("%s: %v", sentence, err)
		}
	}
	if got := fake.Refunds(); len(got) != 1 || got[0].Amount != 40 {
		t.Errorf("the ledger has %+v", got)
	}
	bodies := "/v1/refunds?amount=40&payment_intent=pi_00000001 and /v1/refunds?amount=41&payment_intent=pi_00000001"
	if diff := cmp.Diff([]string{"key k1 came with two bodies: " + bodies}, fake.Violations()); diff != "" {
		t.Error(diff)
	}
}

func TestFake_OneCallAtATimeForAKey(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Faults: stripetest.Faults{Hang: 1}})
	api, paid := library(fake), sell(fake, 100)
	var hanging sync.WaitGroup
	hanging.Go(func() {
		params := refund("k1", paid.PaymentID, 100)
		_, _ = api.V1Refunds.Create(t.Context(), params) // until the fake stops
	})
	for len(fake.Refunds()) == 0 {
		_, _ = http.Get(fake.URL) //nolint:bodyclose // it hangs, or is refused; it only makes time pass
	}
	_, err := api.V1Refunds.Create(t.Context(), refund("k1", paid.PaymentID, 100))
	if said, ok := errors.AsType[*stripe.Error](err); !ok || said.Code != stripe.ErrorCodeIdempotencyKeyInUse || said.HTTPStatusCode != http.StatusConflict {
		t.Errorf("it says %v", err)
	}
	t.Cleanup(hanging.Wait)
}

func TestFake_TellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	api, paid := library(fake), sell(fake, 100)
	for range 2 {
		if _, err := api.V1Refunds.Create(t.Context(), refund("k1", paid.PaymentID, 40)); err != nil {
			t.Fatal(err)
		}
		fake.ForgetKeys() // and nobody looked first
	}
	want := []string{"key k1 gave money back twice", "payment " + paid.PaymentID + " was refunded twice"}
	if diff := cmp.Diff(want, fake.Violations()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int64{"eur": 20}, fake.Balance()); diff != "" {
		t.Error(diff)
	}
}

func TestFake_AnswersForOneCheckoutAndOnePayment(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	api, paid := library(fake), sell(fake, 100)
	fake.RefundByHand(paid.Ref, 30)
	params := &stripe.CheckoutSessionRetrieveParams{}
	params.AddExpand("payment_intent.latest_charge")
	session, err := api.V1CheckoutSessions.Retrieve(t.Context(), paid.Ref, params)
	if err != nil || session.AmountTotal != 100 || session.PaymentIntent.LatestCharge.AmountRefunded != 30 || session.Metadata["plan"] != "chat10" {
		t.Errorf("%+v, %v", session, err)
	}
	intent, err := api.V1PaymentIntents.Retrieve(t.Context(), paid.PaymentID, nil)
	if err != nil || intent.Status != stripe.PaymentIntentStatusSucceeded || intent.LatestCharge.ID == "" || intent.LatestCharge.Amount != 0 {
		t.Errorf("%+v, %v", intent, err)
	}
	for sentence, path := range map[string]string{"no such checkout": "/v1/checkout/sessions/cs_none", "no such payment": "/v1/payment_intents/pi_none", "no such call": "/v1/charges"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fake.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+fake.APIKey)
		if status := statusOf(t, request); status != http.StatusNotFound {
			t.Errorf("%s: status %d", sentence, status)
		}
		request.Header.Set("Authorization", "Bearer sk_test_other")
		if status := statusOf(t, request); status != http.StatusUnauthorized {
			t.Errorf("%s, by a stranger: status %d", sentence, status)
		}
	}
}

func statusOf(t *testing.T, request *http.Request) int {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// A list is asked for since some time, at an address that no other run has.
func TestFake_TheTimeDecidesNothing(t *testing.T) {
	t.Parallel()
	faultsOf := func(since time.Time) (found []stripetest.Fault) {
		fake := stripetest.New(t, stripetest.Options{Seed: 1, Faults: stripetest.Faults{Busy: .25, Down: .25, Failed: .25}})
		before := map[stripetest.Fault]int{}
		for range 30 {
			list := &stripe.CheckoutSessionListParams{CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()}}
			for _, err := range library(fake).V1CheckoutSessions.List(t.Context(), list).All(t.Context()) {
				if err == nil {
					t.Error("a list of nothing has something")
				}
				break
			}
			var fault stripetest.Fault
			after := fake.InjectedFaults()
			for kind, n := range after {
				if n > before[kind] {
					fault = kind
				}
			}
			found, before = append(found, fault), after
		}
		return found
	}
	one, later := faultsOf(time.Now().Add(-time.Hour)), faultsOf(time.Now())
	if !slices.Equal(one, later) {
		t.Errorf("an hour ago: %v\nnow: %v", one, later)
	}
	if !slices.Contains(one, stripetest.Busy) || !slices.Contains(one, "") {
		t.Errorf("too few faults to tell: %v", one)
	}
}

// Package net/http repeats a call by itself when a connection that it has used
// before ends without an answer. Whether it has one to use again is a matter of
// moments, and must not decide how often a call is made.
func TestFake_ACutIsSeenByTheCallerEachTime(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Seed: 1})
	list := func() error {
		for _, err := range library(fake).V1CheckoutSessions.List(t.Context(), nil).All(t.Context()) {
			return err
		}
		return nil
	}
	for range 10 {
		fake.SetFaults(stripetest.Faults{})
		if err := list(); err != nil { // leaves a connection, if one is kept
			t.Fatal(err)
		}
		fake.SetFaults(stripetest.Faults{Cut: 1})
		before := fake.InjectedFaults()[stripetest.Cut]
		if err := list(); err == nil || fake.InjectedFaults()[stripetest.Cut] != before+1 {
			t.Errorf("one call was cut %d times: %v", fake.InjectedFaults()[stripetest.Cut]-before, err)
		}
	}
}

func TestFake_TheSeedDecidesWhatGoesWrong(t *testing.T) {
	t.Parallel()
	faultsOf := func(seed uint64) (found []string) {
		fake := stripetest.New(t, stripetest.Options{Seed: seed, Faults: stripetest.Faults{Busy: .2, Down: .2, Failed: .2, FailedAfter: .2}})
		api := library(fake)
		for i := range 20 {
			_, err := api.V1Refunds.Create(t.Context(), refund(fmt.Sprint("k", i), sell(fake, 100).PaymentID, 100))
			said, _ := errors.AsType[*stripe.Error](err)
			if said == nil {
				said = &stripe.Error{}
			}
			found = append(found, fmt.Sprint(said.HTTPStatusCode))
		}
		return found
	}
	one, again, other := faultsOf(1), faultsOf(1), faultsOf(2)
	if !slices.Equal(one, again) || slices.Equal(one, other) {
		t.Errorf("seed 1: %v\nagain:  %v\nseed 2: %v", one, again, other)
	}
	if kinds := maps.Collect(func(yield func(string, bool) bool) {
		for _, status := range one {
			if !yield(status, true) {
				return
			}
		}
	}); len(kinds) < 4 {
		t.Errorf("of all faults there were only %v", kinds)
	}
}

// receiver counts the events that it gets, by id, and answers as it is told.
type receiver struct {
	mu     sync.Mutex
	order  []string
	got    map[string]int
	forged int
	status int
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	event, err := webhook.ConstructEvent(body, request.Header.Get("Stripe-Signature"), "whsec_1")
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.forged++
	}
	if r.got[event.ID]++; r.got[event.ID] == 1 {
		r.order = append(r.order, event.ID)
	}
	w.WriteHeader(r.status)
}

func TestFake_DeliversBadlyOnPurpose(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Seed: 7})
	for range 100 {
		sell(fake, 100)
	}
	r := &receiver{got: map[string]int{}, status: http.StatusOK}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	d := stripetest.Delivery{
		URL: server.URL, Secret: "whsec_1", Copies: 3, Burst: 10, Bursts: .2, Workers: 4, Shuffle: true, Late: .3, Never: .1,
	}

	first := fake.Deliver(t.Context(), d)
	if first.Accepted == 0 || first.Late == 0 || first.Never == 0 || first.Accepted+first.Late+first.Never != 100 {
		t.Fatalf("the first round: %+v", first)
	}
	if slices.IsSorted(r.order) {
		t.Error("the order was kept")
	}
	r.status = http.StatusServiceUnavailable
	if refused := fake.Deliver(t.Context(), d); refused.Accepted != 0 || refused.Refused == 0 {
		t.Errorf("the second round: %+v", refused)
	}
	r.status, d.Late = http.StatusNoContent, 0
	if last := fake.Deliver(t.Context(), d); last.Accepted != first.Late || len(fake.Events()) != 0 {
		t.Errorf("the last round: %+v, %d wait", last, len(fake.Events()))
	}
	if len(r.got) != 100-first.Never || r.forged != 0 || len(fake.Paid()) != 100 {
		t.Errorf("%d events came, %d forged", len(r.got), r.forged)
	}
	bursts := 0
	for id, n := range r.got {
		if n%3 != 0 { // not three a round
			bursts++
		}
		if n < 3 || n%3 != 0 && n%10 != 0 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	if bursts == 0 || bursts > 40 {
		t.Errorf("%d of 100 came in bursts", bursts)
	}
}

func TestFake_AnEventSaysWhatWasSoThen(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	now := noon
	fake := stripetest.New(t, stripetest.Options{Now: func() time.Time { return now }})
	paid := sell(fake, 100)
	fake.RefundByHand(paid.Ref, 10)
	fake.Dispute(paid.Ref)
	var before []string
	for _, event := range fake.Events() {
		before = append(before, string(event.Body()))
	}
	now = noon.AddDate(0, 0, 30)
	fake.RefundByHand(paid.Ref, 90)
	for i, event := range fake.Events()[:len(before)] {
		if string(event.Body()) != before[i] {
			t.Errorf("the message %s has changed a month later", event.Type)
		}
	}
	if !strings.Contains(before[1], `"amount_refunded": 10`) {
		t.Errorf("the partial refund's event is %s", before[1])
	}
}
