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
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// loses takes rows away behind everybody's back, as a restore of some tables
// does.
func (env *environment) loses(statements ...string) {
	env.Helper()
	if g, ok := env.Store.(interface {
		SetGuards(ctx context.Context, on bool) error
	}); ok {
		env.done(g.SetGuards(env.Context(), false))
		defer func() { env.done(g.SetGuards(env.Context(), true)) }()
	}
	for _, s := range statements {
		env.Exec(env.T, strings.NewReplacer("{", env.Schema, "}", "").Replace(s))
	}
}

// claims plants the claim of a reference, and nothing else of it.
func (env *environment) claims(ref, customer, plan string) (checkoutID string) {
	env.Helper()
	checkoutID = uuid.Must(uuid.NewV7()).String()
	env.Exec(env.T, fmt.Sprintf("INSERT INTO %spayment_refs (ref, customer_id, checkout_id, plan) VALUES ('%s', '%s', '%s', '%s')",
		env.Schema, ref, customer, checkoutID, plan))
	return checkoutID
}

func (env *environment) done(err error) {
	env.Helper()
	if err != nil {
		env.Fatal(err)
	}
}

func TestAClaimWithoutItsCheckoutIsCompletedByTheReplay(t *testing.T) {
	onEachStore(t, func(env *environment) {
		id := env.claims("pi_1", "ada", "chat10")
		f := env.pay("ada", "pi_1")
		if f.Outcome != curfew.Fulfilled || f.CheckoutID != id || f.SessionID == "" {
			env.Errorf("the replay is answered %+v, the claim was of checkout %s", f, id)
		}
		if again := env.pay("ada", "pi_1"); !again.Replayed || again.SessionID != f.SessionID {
			env.Errorf("the second replay is answered %+v", again)
		}
		env.claims("pi_2", "ada", "chat10") // her slot is taken
		if f := env.pay("ada", "pi_2"); f.Outcome != curfew.Deferred {
			env.Errorf("beside an open session the replay is answered %+v", f)
		}
	})
}

func TestAClaimOfAnotherCustomerOrPlanStaysAMismatch(t *testing.T) {
	onBoth(t, nil, func(env *environment) {
		env.claims("pi_1", "ada", "chat10")
		env.claims("pi_2", "bob", "video15")
		for ref, customer := range map[string]string{"pi_1": "bob", "pi_2": "bob"} {
			_, err := env.FulfillCheckout(env.Context(), shop, env.purchase(customer, ref))
			if !errors.Is(err, curfew.IdempotencyMismatch) {
				env.Errorf("%s for %s: %v", ref, customer, err)
			}
		}
		// A provider is no shop that could mend its call: the payment is held, in
		// its claim's name.
		env.done(env.Receive(env.Context(), storetest.Report{
			Ref: "pi_1", CustomerID: "bob", Plan: "chat10", Paid: true, Amount: 2900, Currency: "eur", PaymentID: "pay_1",
		}.Notice()))
		c := must(env.Checkout(env.Context(), "pi_1"))(env)
		if c.Outcome != curfew.Held || c.CustomerID != "ada" || c.Note == "" {
			env.Errorf("the payment is %+v", c)
		}
	})
}

func TestTwoReplaysCompleteAClaimOnce(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for i := range 10 {
			customer, ref := fmt.Sprint("ada-", i), fmt.Sprint("pi_", i)
			env.claims(ref, customer, "chat10")
			got := make([]lifecycle.Fulfillment, 4)
			var all sync.WaitGroup
			for n := range got {
				all.Go(func() { got[n] = env.pay(customer, ref) })
			}
			all.Wait()
			for _, f := range got[1:] {
				if f.SessionID != got[0].SessionID || f.CheckoutID != got[0].CheckoutID || f.Outcome != curfew.Fulfilled {
					env.Errorf("one replay is answered %+v, another %+v", got[0], f)
				}
			}
		}
	})
}

func TestALostCheckoutIsMadeAnewFromWhatIsLeft(t *testing.T) {
	const checkouts, both = "DELETE FROM {checkouts}", "DELETE FROM {events}"
	for sentence, c := range map[string]struct {
		until func(env *environment, f lifecycle.Fulfillment)
		lost  []string
		want  curfew.Outcome
	}{
		"its events say fulfilled":          {func(*environment, lifecycle.Fulfillment) {}, []string{checkouts}, curfew.Fulfilled},
		"its events say credited":           {isCancelled, []string{checkouts}, curfew.Credited},
		"its events say refund due":         {isRefundDue, []string{checkouts}, curfew.RefundDue},
		"its events say refunding":          {isRefunding, []string{checkouts}, curfew.Refunding},
		"no events, and its session stands": {func(*environment, lifecycle.Fulfillment) {}, []string{checkouts, both}, curfew.Fulfilled},
		"no events, and its session ended":  {isCancelled, []string{checkouts, both}, curfew.Held},
	} {
		t.Run(sentence, func(t *testing.T) {
			onBoth(t, nil, func(env *environment) {
				f := env.pay("ada", "pi_1")
				c.until(env, f)
				env.loses(c.lost...)
				if _, err := env.Checkout(env.Context(), "pi_1"); !errors.Is(err, curfew.NotFound) {
					env.Fatalf("the checkout is not lost: %v", err)
				}
				got := env.pay("ada", "pi_1")
				if got.Outcome != c.want || got.SessionID != f.SessionID || got.CheckoutID != f.CheckoutID {
					env.Errorf("the replay is answered %+v, before it was %+v", got, f)
				}
				now := must(env.Checkout(env.Context(), "pi_1"))(env)
				events := must(env.CheckoutEvents(env.Context(), now))(env)
				if last := events[len(events)-1]; last.Number != now.Version || last.To != string(c.want) {
					env.Errorf("version %d, outcome %s, the last event is %+v", now.Version, now.Outcome, last)
				}
				if again := env.pay("ada", "pi_1"); again.Outcome != c.want || again.SessionID != f.SessionID {
					env.Errorf("the second replay is answered %+v", again)
				}
				if len(c.lost) == 1 {
					env.counted()
				}
			})
		})
	}
}

func isCancelled(env *environment, f lifecycle.Fulfillment) {
	must(env.Cancel(env.Context(), f.SessionID, shop))(env)
}

func isRefundDue(env *environment, f lifecycle.Fulfillment) {
	must(env.RefundCheckout(env.Context(), admin, f.CheckoutID, "goodwill"))(env)
}

func isRefunding(env *environment, f lifecycle.Fulfillment) {
	isRefundDue(env, f)
	c := must(env.Checkout(env.Context(), f.CheckoutID))(env)
	must(env.Store.ChangeCheckout(env.Context(), record.CheckoutChange{From: c, To: curfew.Refunding, Reason: "claimed", Actor: curfew.Sweeper, Wait: time.Hour}))(env)
}

// counted compares the exact figures of payments with the rows.
func (env *environment) counted() {
	env.Helper()
	figures := must(env.Store.CheckoutFigures(env.Context()))(env)
	rows := map[curfew.Outcome]int{}
	for _, row := range env.Query(env.T, "SELECT outcome FROM "+env.Schema+"checkouts") {
		rows[curfew.Outcome(row[0])]++
	}
	for outcome, n := range figures.ByOutcome {
		if rows[outcome] != n {
			env.Errorf("%d payments are %s, and %d are counted", rows[outcome], outcome, n)
		}
	}
}

func TestAnExtensionsClaimWithoutItsCheckoutIsCompletedByTheReplay(t *testing.T) {
	onEachStoreWith(t, moreTime, func(env *environment) {
		f := env.live("ada", "pi_1", "max")
		id := env.claims("pi_2", "ada", "more15")
		x := must(env.Extend(env.Context(), shop, lifecycle.Extension{SessionID: f.SessionID, Plan: "more15", PaymentRef: "pi_2"}))(env)
		if x.Outcome != curfew.Fulfilled || x.Replayed || x.CheckoutID != id {
			env.Errorf("the extension is answered %+v", x)
		}
	})
}

func TestAKeyWhoseCheckoutIsLostCanBeUsedAgain(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.Exec(env.T, fmt.Sprintf(`INSERT INTO %sidempotency_keys (customer_id, key, checkout_id, session_id, created_at)
			SELECT 'ada', 'key', '%s', '%s', at FROM %[1]sevents LIMIT 1`, env.Schema, env.pay("bob", "pi_0").CheckoutID, uuid.Must(uuid.NewV7()).String()))
		must(env.Cancel(env.Context(), env.pay("ada", "pi_1").SessionID, shop))(env) // a credit
		f := must(env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: "ada", Plan: "chat10", Key: "key"}))(env)
		if f.Replayed || f.SessionID == "" {
			env.Errorf("it is answered %+v", f)
		}
	})
}
