package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

var blocked = flag.Int("blocked", 20, "customers whose second payment waits for the deadline of their first session; from 200 on they may wait 1 s at the 99th percentile")

// onStores runs a test on each store, with the database's URL.
func onStores(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "sqlite:curfew.db")
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		needPostgres(t)
		url := stores.PostgresMigrated(t)
		migrated(t, url)
		test(t, url)
	})
}

// Webhook, thank-you page and resolver at once, over HTTP: one session, one id
// for all three, and none for whoever comes with the reference of another.
func TestLesson09_WebhookThankYouPageAndResolverGetOneSession(t *testing.T) {
	onStores(t, func(t *testing.T, url string) {
		dir, fake := t.TempDir(), stripetest.New(t, stripetest.Options{})
		p := serving(t, dir, []string{"CURFEW_DATABASE_URL=" + url, "CURFEW_STRIPE_WEBHOOK_SECRET=" + webhookSecret}, "--auth-key-file=curfew.key")
		shop := p.client(t, dir, "service", "shop")
		for i := range 10 {
			customer := fmt.Sprint("c-", i)
			ref := fake.Pay(stripetest.Checkout{CustomerID: customer, Plan: "chat10", Amount: 2900})
			event := fake.Events()[0]
			got := reported(t, p, fake, shop, api.Purchase{PaymentRef: ref, CustomerID: customer, Plan: "chat10"})
			checkReplays(t, p, shop, customer, event, got)
		}
	})
}

// reported lets Stripe tell a payment three times while two more report it, and
// returns what there is of it then.
func reported(t *testing.T, p *process, fake *stripetest.Fake, shop *api.Client, paid api.Purchase) api.Checkout {
	t.Helper()
	var all sync.WaitGroup
	answers := make([]api.Fulfillment, 2)
	for i := range answers {
		all.Go(func() {
			var err error
			if answers[i], err = shop.FulfillCheckout(t.Context(), paid); err != nil {
				t.Error(err)
			}
		})
	}
	d := stripetest.Delivery{URL: p.url + "/api/stripe/webhook", Secret: webhookSecret, Burst: 3, Bursts: 1}
	if got := fake.Deliver(t.Context(), d); got.Accepted != 1 {
		t.Errorf("the messages: %+v", got)
	}
	all.Wait()
	have := paymentsOf(t, shop, paid.CustomerID)
	if len(have) != 1 || answers[0].SessionID == "" || have[0].SessionID != answers[0].SessionID || answers[1].SessionID != answers[0].SessionID {
		t.Fatalf("%s: answered %+v, and there is %+v", paid.PaymentRef, answers, have)
	}
	checkHistory(t, shop, have[0].SessionID, []string{" → waiting"})
	return have[0]
}

// checkReplays tells a payment again, as it was and otherwise, while its session
// is open and when it was cleared.
func checkReplays(t *testing.T, p *process, shop *api.Client, customer string, event *stripetest.Event, paid api.Checkout) {
	t.Helper()
	for _, other := range []api.Purchase{
		{PaymentRef: paid.PaymentRef, CustomerID: "somebody else", Plan: "chat10"},
		{PaymentRef: paid.PaymentRef, CustomerID: customer, Plan: "video15"},
	} {
		_, err := shop.FulfillCheckout(t.Context(), other)
		if said, ok := errors.AsType[*api.Problem](err); !ok || said.Status != http.StatusUnprocessableEntity || said.Code != "idempotency_mismatch" {
			t.Errorf("%+v is answered %v", other, err)
		}
	}
	again(t, p, event)
	if diff := cmp.Diff([]api.Checkout{paid}, paymentsOf(t, shop, customer)); diff != "" {
		t.Errorf("the second report changed it: %s", diff)
	}
	if _, err := shop.Clear(t.Context(), customer, api.Clearing{}); err != nil {
		t.Fatal(err)
	}
	cleared := paymentsOf(t, shop, customer)
	again(t, p, event)
	if diff := cmp.Diff(cleared, paymentsOf(t, shop, customer)); diff != "" || cleared[0].Outcome != "credited" {
		t.Errorf("it was %s, and the second report changed it: %s", cleared[0].Outcome, diff)
	}
	if len(paymentsOf(t, shop, "somebody else")) > 0 {
		t.Error("somebody else got the payment")
	}
}

// again sends a message that was sent long ago.
func again(t *testing.T, p *process, event *stripetest.Event) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/api/stripe/webhook", bytes.NewReader(event.Body()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Stripe-Signature", stripetest.Sign(webhookSecret, time.Now(), event.Body()))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusNoContent {
		t.Errorf("%s again is answered %s (%v)", event.ID, answer.Status, err)
	}
}

func paymentsOf(t *testing.T, shop *api.Client, customer string) []api.Checkout {
	t.Helper()
	have, err := shop.Checkouts(t.Context(), customer)
	if err != nil {
		t.Fatal(err)
	}
	return have.Checkouts
}

// A payer whose slot is taken is told so, not bounced, and gets the session soon
// after the deadline of the one in the way.
func TestLesson08_ABlockedPayerIsServedWhenTheBlockerEnds(t *testing.T) {
	onStores(t, func(t *testing.T, url string) {
		dir := t.TempDir()
		// Longer than the sweeper sleeps, as any deadline is that people live with.
		ttl := 7 * time.Second // longer than the sweeper sleeps
		p := serving(t, dir, []string{"CURFEW_DATABASE_URL=" + url}, "--auth-key-file=curfew.key", "--waiting-ttl="+ttl.String())
		shop := p.client(t, dir, "service", "shop")
		deferred := make([]api.Fulfillment, *blocked)
		var all sync.WaitGroup
		for worker := range callers {
			all.Go(func() {
				for i := worker; i < len(deferred); i += callers {
					deferred[i] = buyTwice(t, shop, fmt.Sprint("c-", i))
				}
			})
		}
		all.Wait()
		waits := make([]time.Duration, len(deferred))
		for i, d := range deferred {
			waits[i] = waited(t, shop, fmt.Sprint("c-", i), d)
		}
		slices.Sort(waits)
		half, most := waits[len(waits)/2], waits[len(waits)*99/100]
		t.Logf("%d payers waited %s at the median, %s at the 99th percentile", len(waits), half, most)
		if len(waits) >= 200 && most > time.Second {
			t.Error("that is more than a second")
		}
	})
}

// buyTwice is the answer to the second payment of a customer, who is blocked.
func buyTwice(t *testing.T, shop *api.Client, customer string) api.Fulfillment {
	t.Helper()
	first := buy(t, shop, customer, "1")
	second := buy(t, shop, customer, "2")
	if second.Outcome != "deferred" || second.BlockedBy == nil || second.BlockedBy.ID != first.SessionID {
		t.Errorf("the second payment of %s is answered %+v", customer, second)
		second.BlockedBy = &api.Blocker{}
	}
	return second
}

// waited is how long after its blocker's deadline a deferred payment had its
// session.
func waited(t *testing.T, shop *api.Client, customer string, deferred api.Fulfillment) time.Duration {
	t.Helper()
	var served api.Checkout
	until(t.Context(), t, customer+" is served", func() bool {
		have := paymentsOf(t, shop, customer)
		served = have[len(have)-1]
		return served.SessionID != ""
	})
	session, err := shop.Session(t.Context(), served.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	return session.CreatedAt.Sub(deferred.BlockedBy.ExpiresAt)
}

func buy(t *testing.T, shop *api.Client, customer, number string) api.Fulfillment {
	t.Helper()
	got, err := shop.FulfillCheckout(t.Context(), api.Purchase{PaymentRef: customer + "-" + number, CustomerID: customer, Plan: "chat10"})
	if err != nil {
		t.Error(err)
	}
	return got
}

// Without a sweeper the customer's own next call serves.
func TestLesson08_WithoutSweeperABlockedPayerIsServedAtTheNextCall(t *testing.T) {
	onStores(t, func(t *testing.T, url string) {
		dir := t.TempDir()
		p := serving(t, dir, []string{"CURFEW_DATABASE_URL=" + url}, "--auth-key-file=curfew.key", "--waiting-ttl=5s", "--sweeper=off")
		shop := p.client(t, dir, "service", "shop")
		first := buy(t, shop, "ada", "1")
		if second := buy(t, shop, "ada", "2"); second.Outcome != "deferred" {
			t.Fatalf("the second payment is answered %+v", second)
		}
		until(t.Context(), t, "the customer is not blocked any more", func() bool {
			status, err := shop.SessionStatus(t.Context(), "ada")
			return err == nil && !status.Blocked
		})
		if have := paymentsOf(t, shop, "ada"); have[1].Outcome != "deferred" {
			t.Errorf("looking served %+v", have[1])
		}
		if again := buy(t, shop, "ada", "2"); again.Outcome != "fulfilled" || again.SessionID == first.SessionID || again.SessionID == "" {
			t.Errorf("at the next call it is %+v", again)
		}
	})
}
