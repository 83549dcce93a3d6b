package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// loses takes rows away behind everybody's back, as a restore of some tables
// does.
func (w *world) loses(statements ...string) {
	w.Helper()
	if g, ok := w.Store.(interface {
		SetGuards(ctx context.Context, on bool) error
	}); ok {
		w.done(g.SetGuards(w.Context(), false))
		defer func() { w.done(g.SetGuards(w.Context(), true)) }()
	}
	for _, s := range statements {
		w.Exec(w.T, strings.NewReplacer("{", w.Schema, "}", "").Replace(s))
	}
}

// claims plants the claim of a reference, and nothing else of it.
func (w *world) claims(ref, customer, plan string) (checkoutID string) {
	w.Helper()
	checkoutID = uuid.Must(uuid.NewV7()).String()
	w.Exec(w.T, fmt.Sprintf("INSERT INTO %spayment_refs (ref, customer_id, checkout_id, plan) VALUES ('%s', '%s', '%s', '%s')",
		w.Schema, ref, customer, checkoutID, plan))
	return checkoutID
}

func (w *world) done(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func TestAClaimWithoutItsCheckoutIsCompletedByTheReplay(t *testing.T) {
	worlds(t, func(w *world) {
		id := w.claims("pi_1", "ada", "chat10")
		f := w.pay("ada", "pi_1")
		if f.Outcome != curfew.Fulfilled || f.CheckoutID != id || f.SessionID == "" {
			w.Errorf("the replay is answered %+v, the claim was of checkout %s", f, id)
		}
		if again := w.pay("ada", "pi_1"); !again.Replayed || again.SessionID != f.SessionID {
			w.Errorf("the second replay is answered %+v", again)
		}
		w.claims("pi_2", "ada", "chat10") // her slot is taken
		if f := w.pay("ada", "pi_2"); f.Outcome != curfew.Deferred {
			w.Errorf("beside an open session the replay is answered %+v", f)
		}
	})
}

func TestAClaimOfAnotherCustomerOrPlanStaysAMismatch(t *testing.T) {
	onBoth(t, nil, func(w *world) {
		w.claims("pi_1", "ada", "chat10")
		w.claims("pi_2", "bob", "video15")
		for ref, customer := range map[string]string{"pi_1": "bob", "pi_2": "bob"} {
			_, err := w.FulfillCheckout(w.Context(), shop, w.purchase(customer, ref))
			if !errors.Is(err, curfew.IdempotencyMismatch) {
				w.Errorf("%s for %s: %v", ref, customer, err)
			}
		}
		// A provider is no shop that could mend its call: the payment is held, in
		// its claim's name.
		w.done(w.Receive(w.Context(), curfew.Notice{ID: "evt", Kind: curfew.NoticePaid, Payment: curfew.Payment{
			Ref: "pi_1", CustomerID: "bob", Plan: "chat10", Paid: true, Amount: 2900, Currency: "eur", PaymentID: "pay_1",
		}}))
		c := must(w.Checkout(w.Context(), "pi_1"))(w)
		if c.Outcome != curfew.Held || c.CustomerID != "ada" || c.Note == "" {
			w.Errorf("the payment is %+v", c)
		}
	})
}

func TestTwoReplaysCompleteAClaimOnce(t *testing.T) {
	worlds(t, func(w *world) {
		for i := range 10 {
			customer, ref := fmt.Sprint("ada-", i), fmt.Sprint("pi_", i)
			w.claims(ref, customer, "chat10")
			got := make([]lifecycle.Fulfillment, 4)
			var all sync.WaitGroup
			for n := range got {
				all.Go(func() { got[n] = w.pay(customer, ref) })
			}
			all.Wait()
			for _, f := range got[1:] {
				if f.SessionID != got[0].SessionID || f.CheckoutID != got[0].CheckoutID || f.Outcome != curfew.Fulfilled {
					w.Errorf("one replay is answered %+v, another %+v", got[0], f)
				}
			}
		}
	})
}

func TestALostCheckoutIsMadeAnewFromWhatIsLeft(t *testing.T) {
	const checkouts, both = "DELETE FROM {checkouts}", "DELETE FROM {events}"
	for sentence, c := range map[string]struct {
		until func(w *world, f lifecycle.Fulfillment)
		lost  []string
		want  curfew.Outcome
	}{
		"its events say fulfilled":          {func(*world, lifecycle.Fulfillment) {}, []string{checkouts}, curfew.Fulfilled},
		"its events say credited":           {isCancelled, []string{checkouts}, curfew.Credited},
		"its events say refund due":         {isRefundDue, []string{checkouts}, curfew.RefundDue},
		"its events say refunding":          {isRefunding, []string{checkouts}, curfew.Refunding},
		"no events, and its session stands": {func(*world, lifecycle.Fulfillment) {}, []string{checkouts, both}, curfew.Fulfilled},
		"no events, and its session ended":  {isCancelled, []string{checkouts, both}, curfew.Held},
	} {
		t.Run(sentence, func(t *testing.T) {
			onBoth(t, nil, func(w *world) {
				f := w.pay("ada", "pi_1")
				c.until(w, f)
				w.loses(c.lost...)
				if _, err := w.Checkout(w.Context(), "pi_1"); !errors.Is(err, curfew.NotFound) {
					w.Fatalf("the checkout is not lost: %v", err)
				}
				got := w.pay("ada", "pi_1")
				if got.Outcome != c.want || got.SessionID != f.SessionID || got.CheckoutID != f.CheckoutID {
					w.Errorf("the replay is answered %+v, before it was %+v", got, f)
				}
				now := must(w.Checkout(w.Context(), "pi_1"))(w)
				events := must(w.CheckoutEvents(w.Context(), now))(w)
				if last := events[len(events)-1]; last.Number != now.Version || last.To != string(c.want) {
					w.Errorf("version %d, outcome %s, the last event is %+v", now.Version, now.Outcome, last)
				}
				if again := w.pay("ada", "pi_1"); again.Outcome != c.want || again.SessionID != f.SessionID {
					w.Errorf("the second replay is answered %+v", again)
				}
				if len(c.lost) == 1 {
					w.counted()
				}
			})
		})
	}
}

func isCancelled(w *world, f lifecycle.Fulfillment) {
	must(w.Cancel(w.Context(), f.SessionID, shop))(w)
}

func isRefundDue(w *world, f lifecycle.Fulfillment) {
	must(w.RefundCheckout(w.Context(), admin, f.CheckoutID, "goodwill"))(w)
}

func isRefunding(w *world, f lifecycle.Fulfillment) {
	isRefundDue(w, f)
	c := must(w.Checkout(w.Context(), f.CheckoutID))(w)
	must(w.Store.ChangeCheckout(w.Context(), record.CheckoutChange{From: c, To: curfew.Refunding, Reason: "claimed", Actor: curfew.Sweeper, Wait: time.Hour}))(w)
}

// counted compares the exact figures of payments with the rows.
func (w *world) counted() {
	w.Helper()
	figures := must(w.Store.CheckoutFigures(w.Context()))(w)
	rows := map[curfew.Outcome]int{}
	for _, row := range w.Query(w.T, "SELECT outcome FROM "+w.Schema+"checkouts") {
		rows[curfew.Outcome(row[0])]++
	}
	for outcome, n := range figures.ByOutcome {
		if rows[outcome] != n {
			w.Errorf("%d payments are %s, and %d are counted", rows[outcome], outcome, n)
		}
	}
}

func TestAnExtensionsClaimWithoutItsCheckoutIsCompletedByTheReplay(t *testing.T) {
	worldsWith(t, moreTime, func(w *world) {
		f := w.live("ada", "pi_1", "max")
		id := w.claims("pi_2", "ada", "more15")
		x := must(w.Extend(w.Context(), shop, lifecycle.Extension{SessionID: f.SessionID, Plan: "more15", PaymentRef: "pi_2"}))(w)
		if x.Outcome != curfew.Fulfilled || x.Replayed || x.CheckoutID != id {
			w.Errorf("the extension is answered %+v", x)
		}
	})
}

func TestAKeyWhoseCheckoutIsLostCanBeUsedAgain(t *testing.T) {
	worlds(t, func(w *world) {
		w.Exec(w.T, fmt.Sprintf(`INSERT INTO %sidempotency_keys (customer_id, key, checkout_id, session_id, created_at)
			SELECT 'ada', 'key', '%s', '%s', at FROM %[1]sevents LIMIT 1`, w.Schema, w.pay("bob", "pi_0").CheckoutID, uuid.Must(uuid.NewV7()).String()))
		must(w.Cancel(w.Context(), w.pay("ada", "pi_1").SessionID, shop))(w) // a credit
		f := must(w.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: "ada", Plan: "chat10", Key: "key"}))(w)
		if f.Replayed || f.SessionID == "" {
			w.Errorf("it is answered %+v", f)
		}
	})
}
