package lifecycle_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/lifecycle"
)

// bank is a provider with a ledger of its own. It remembers keys as providers
// do, and fails as it is told to.
type bank struct {
	mu     sync.Mutex
	paid   []storetest.Report
	keys   map[string]curfew.Fact
	given  map[string][]curfew.Fact // by payment
	asked  []curfew.MoneyOrder
	looked int
	// before fails a call that has done nothing, after one that did its work.
	before, after func() error
	forgetful     bool   // keys are forgotten at once
	elsewhere     string // the provider that is not this bank
}

func newBank() *bank {
	no := func() error { return nil }
	return &bank{keys: map[string]curfew.Fact{}, given: map[string][]curfew.Fact{}, before: no, after: no}
}

func refundMade(id string, amount int64, currency string) curfew.Fact {
	return curfew.Fact{Kind: "refund", Object: id, State: "succeeded", Amount: amount, Currency: currency, At: time.Now()}
}

func (b *bank) Refund(_ context.Context, o curfew.MoneyOrder) ([]curfew.Fact, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, o)
	if err := b.before(); err != nil {
		return nil, err
	}
	r, ok := b.keys[o.Key]
	if !ok || b.forgetful {
		r = refundMade(fmt.Sprint("re-", o.PaymentID, "-", len(b.given[o.PaymentID])), o.Amount, o.Currency)
		b.keys[o.Key] = r
		b.given[o.PaymentID] = append(b.given[o.PaymentID], r)
	}
	if err := b.after(); err != nil {
		return nil, err
	}
	return []curfew.Fact{r}, nil
}

func (b *bank) Serves(provider string) bool { return provider != b.elsewhere }

func (b *bank) Refunds(_ context.Context, _, name string) ([]curfew.Fact, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looked++
	return b.given[name], nil
}

func (b *bank) Paid(_ context.Context, since time.Time) iter.Seq2[curfew.Notice, error] {
	return func(yield func(curfew.Notice, error) bool) {
		if time.Since(since) < time.Minute {
			yield(curfew.Notice{}, fmt.Errorf("since %s is too short", since))
			return
		}
		for _, p := range b.paid {
			if !yield(p.Notice(), nil) {
				return
			}
		}
	}
}

// sum is what was given back of a payment.
func (b *bank) sum(paymentID string) (sum int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.given[paymentID] {
		sum += r.Amount
	}
	return sum
}

// banked is the environment with a provider, over another store if one is given.
func (env *environment) banked(b lifecycle.Provider, store lifecycle.Store) *environment {
	env.Helper()
	policy := env.policy
	k := must(lifecycle.New(store, lifecycle.Options{Policy: &policy, Provider: b}))(env)
	return environmentOf(env.T, env.Harness, k, policy)
}

// due is a payment of a provider whose refund is due.
func (env *environment) refundDue(ref string) curfew.Checkout {
	env.Helper()
	env.receive(paid(reportedPayment("c-"+ref, ref)))
	return must(env.RefundCheckout(env.Context(), admin, ref, "goodwill"))(env)
}

func (env *environment) settleRefunds() {
	env.Helper()
	if err := env.SettleRefunds(env.Context()); err != nil {
		env.Fatal(err)
	}
}

// past lets the time of the worker's columns pass.
func (env *environment) past(column, ref string) {
	env.Helper()
	s := env.pay("past-"+newName(), "past-"+newName())
	env.Age(env, s.SessionID, longAgo)
	env.Exec(env, fmt.Sprintf("UPDATE %[1]scheckouts SET %[2]s = (SELECT created_at FROM %[1]ssessions WHERE id = '%[3]s') WHERE ref = '%[4]s'",
		env.Schema, column, s.SessionID, ref))
}

func newName() string { return fmt.Sprint(rand.Uint64()) }

func TestARefundIsGivenBackOnce(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		env.refundDue("p1")
		env.settleRefunds()
		env.settleRefunds()
		c := env.outcome("p1", curfew.Refunded)
		want := curfew.MoneyOrder{Key: "refund:p1", PaymentID: "pi-p1", Amount: 2900, Currency: "eur"}
		if len(b.asked) != 1 || b.asked[0] != want || c.RefundID == "" || c.Attempts != 1 {
			env.Errorf("asked %+v; it is %+v", b.asked, c)
		}
		env.receive(refunded(reportedPayment("", "p1"), 2900))
		if again := env.outcome("p1", curfew.Refunded); again.RefundID != c.RefundID || len(b.asked) != 1 {
			env.Errorf("the provider's own message of it made it %+v", again)
		}
	})
}

func TestAShareIsGivenBack(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		env.refundDue("p1")
		env.Exec(env, "UPDATE "+env.Schema+"checkouts SET refund_amount = 1450 WHERE ref = 'p1'")
		env.settleRefunds()
		env.receive(refunded(reportedPayment("", "p1"), 1450))
		if env.outcome("p1", curfew.Refunded); b.sum("pi-p1") != 1450 {
			env.Errorf("%d were given back", b.sum("pi-p1"))
		}
	})
}

func TestWhatWasFreeIsRefundedWithoutACall(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		p := env.purchase("ada", "p1")
		p.Plan, p.Amount = "free", nil
		must(env.FulfillCheckout(env.Context(), shop, p))(env)
		none := reportedPayment("bob", "p2")
		none.Amount = 0
		env.receive(paid(none))
		// Nobody has said yet what this was.
		p = env.purchase("cyd", "p3")
		p.Amount, p.Currency = nil, ""
		must(env.FulfillCheckout(env.Context(), shop, p))(env)
		for _, ref := range []string{"p1", "p2", "p3"} {
			must(env.RefundCheckout(env.Context(), admin, ref, "x"))(env)
		}
		env.settleRefunds()
		env.outcome("p1", curfew.Refunded)
		env.outcome("p2", curfew.Refunded)
		env.outcome("p3", curfew.RefundDue)
		if len(b.asked) > 0 {
			env.Errorf("asked %+v", b.asked)
		}
	})
}

func TestTheProvidersAmountIsTheOneThatCounts(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		p := env.purchase("ada", "p1")
		p.Amount, p.Currency = nil, ""
		must(env.FulfillCheckout(env.Context(), shop, p))(env)
		env.receive(paid(reportedPayment("ada", "p1")), paid(reportedPayment("ada", "p1")))
		must(env.RefundCheckout(env.Context(), admin, "p1", "x"))(env)
		env.settleRefunds()
		if c := env.outcome("p1", curfew.Refunded); b.sum("pi-p1") != 2900 || c.Currency != "eur" {
			env.Errorf("%d were given back of %+v", b.sum("pi-p1"), c)
		}
	})
}

func TestWithoutAProviderARefundWaitsForAnOperator(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.refundDue("p1")
		env.settleRefunds()
		env.outcome("p1", curfew.RefundDue)
		if !found(env.Report(env.Context()), lifecycle.MoneyUnsettled) {
			env.Error("health does not tell it")
		}
	})
}

// Timeouts before and after doing the work look the same.
func TestARefundOfUnknownFateIsAskedForWithTheSameKey(t *testing.T) {
	for name, fail := range map[string]func(*bank, func() error){
		"before the work": func(b *bank, f func() error) { b.before = f },
		"after the work":  func(b *bank, f func() error) { b.after = f },
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				b := newBank()
				env = env.banked(b, env.Store)
				env.refundDue("p1")
				fail(b, func() error { return curfew.Errorf(curfew.Unavailable, "no answer") })
				env.settleRefunds()
				env.settleRefunds() // not yet
				c := env.outcome("p1", curfew.Refunding)
				if wait := c.NextAt.Sub(c.UpdatedAt); len(b.asked) != 1 || wait != time.Minute {
					env.Errorf("asked %d times, and then in %s", len(b.asked), wait)
				}
				for want := 2 * time.Minute; want <= 64*time.Minute; want *= 2 {
					env.past("next_at", "p1")
					env.settleRefunds()
					c = env.outcome("p1", curfew.Refunding)
					if wait := c.NextAt.Sub(c.UpdatedAt); wait != min(want, time.Hour) {
						env.Errorf("attempt %d waits %s", c.Attempts, wait)
					}
				}
				if !found(env.Report(env.Context()), lifecycle.RefundFailing) {
					env.Error("health does not tell that it fails")
				}
				env.past("first_try_at", "p1")
				if !found(env.Report(env.Context()), lifecycle.RefundsOverdue) {
					env.Error("health does not tell that it is overdue")
				}
				b.before, b.after = newBank().before, newBank().after
				env.past("next_at", "p1")
				env.settleRefunds()
				env.outcome("p1", curfew.Refunded)
				if b.sum("pi-p1") != 2900 {
					env.Errorf("%d were given back", b.sum("pi-p1"))
				}
			})
		})
	}
}

// What was given back is looked up before the first call, for a database that
// was restored knows of no earlier one, and after a day, for the provider has
// forgotten the key by then. Between the two the key suffices.
func TestALateRetryLooksFirst(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		b.forgetful = true
		b.after = func() error { return curfew.Errorf(curfew.Unavailable, "no answer") }
		env = env.banked(b, env.Store)
		env.refundDue("p1")
		env.settleRefunds()
		if b.looked != 1 {
			env.Errorf("before the first call it looked %d times", b.looked)
		}
		b.forgetful = false
		env.past("next_at", "p1")
		env.settleRefunds()
		if b.looked != 1 {
			env.Errorf("before the second call, it had looked %d times", b.looked)
		}
		b.forgetful = true
		env.past("next_at", "p1")
		env.past("first_try_at", "p1")
		env.settleRefunds()
		if env.outcome("p1", curfew.Refunded); len(b.asked) != 2 || b.looked != 2 || b.sum("pi-p1") != 2900 {
			env.Errorf("asked %d times, looked %d times, gave %d back", len(b.asked), b.looked, b.sum("pi-p1"))
		}
	})
}

func TestARefusedRefundIsDueAgainWithItsReason(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		b.before = func() error { return curfew.Errorf(curfew.Invalid, "there is no such payment") }
		env = env.banked(b, env.Store)
		env.refundDue("p1")
		env.settleRefunds()
		c := env.outcome("p1", curfew.RefundDue)
		if c.Note != "there is no such payment" || c.NextAt.Sub(c.UpdatedAt) != time.Hour {
			env.Errorf("it is %+v", c)
		}
		// A payment that only the shop reported has no name to give back by.
		must(env.Cancel(env.Context(), env.pay("bob", "p2").SessionID, shop))(env)
		must(env.RefundCheckout(env.Context(), admin, "p2", "goodwill"))(env)
		env.settleRefunds()
		if c := env.outcome("p2", curfew.RefundDue); !strings.Contains(c.Note, "by hand") || len(b.asked) != 1 {
			env.Errorf("it is %+v", c)
		}
	})
}

// Many workers, a provider that fails before and after its work, a store whose
// answers get lost: nobody gets money twice, and everybody gets it.
func TestNeverTwoRefunds(t *testing.T) {
	onEachStore(t, func(env *environment) {
		const payments = 20
		chosen := seed.New(env)
		chances := seed.NewChances(chosen) // under the bank's lock
		b := newBank()
		fail := func() error {
			if chances.Of(b.asked[len(b.asked)-1].Key) < 1./3 {
				return curfew.Errorf(curfew.Unavailable, "no answer")
			}
			return nil
		}
		b.before, b.after = fail, fail
		for i := range payments {
			env.refundDue(fmt.Sprint("p", i))
		}
		lossy := env.banked(b, storetest.NewLossy(env.Store, chosen, 0.1))
		for range 200 {
			together(3, func(int) { _ = lossy.SettleRefunds(env.Context()) })
			env.Exec(env, "UPDATE "+env.Schema+"checkouts SET next_at = NULL")
			if must(env.Store.CheckoutFigures(env.Context()))(env).ByOutcome[curfew.Refunded] == payments {
				break
			}
		}
		for i := range payments {
			ref := fmt.Sprint("p", i)
			if env.outcome(ref, curfew.Refunded); len(b.given["pi-"+ref]) != 1 || b.sum("pi-"+ref) != 2900 {
				env.Errorf("%s: given back %+v", ref, b.given["pi-"+ref])
			}
		}
	})
}

func TestReconcileLetsInWhatIsMissingAndTellsTheRest(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		same, missing, back, other := reportedPayment("a", "p-same"), reportedPayment("b", "p-missing"), reportedPayment("c", "p-back"), reportedPayment("d", "p-other")
		unpaid := reportedPayment("e", "p-unpaid")
		unpaid.Paid = false
		gone := reportedPayment("f", "p-gone")
		env.receive(paid(same), paid(back), paid(other), paid(gone), refunded(gone, 2900))
		env.pay("g", "p-shop")
		env.pay("h", "p-alone")
		back.Refunded, other.Amount = 2900, 2500
		b.paid = []storetest.Report{same, missing, back, other, unpaid, gone, reportedPayment("g", "p-shop")}

		r := must(env.Reconcile(env.Context(), time.Hour))(env)
		got := map[string]string{}
		for _, d := range r.Differences {
			got[d.Ref] = d.Kind
		}
		want := map[string]string{
			"p-missing": "missing_here", "p-back": "refunded_there_only", "p-other": "amount_differs",
			"p-gone": "refunded_here_only", "p-alone": "not_paid_there",
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || r.Paid != 6 {
			env.Errorf("of %d paid, the differences are %v, want %v", r.Paid, got, want)
		}
		env.outcome("p-missing", curfew.Fulfilled)
		env.outcome("p-back", curfew.Refunded)
		if c := env.outcome("p-shop", curfew.Fulfilled); c.PaymentID != "pi-p-shop" {
			env.Errorf("the shop's payment is %q", c.PaymentID)
		}
		if r := must(env.Reconcile(env.Context(), time.Hour))(env); len(r.Differences) != 3 {
			env.Errorf("what a person must see stays: %+v", r.Differences)
		}
	})
}

func TestRunSettlesAndReconciles(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		env.refundDue("p1")
		b.paid = []storetest.Report{reportedPayment("new", "p2")}
		ctx, stop := context.WithCancel(env.Context())
		done := make(chan error, 1)
		go func() { done <- env.Keeper.Sweeper.Run(ctx) }()
		defer func() {
			stop()
			if err := <-done; err != nil {
				env.Error(err)
			}
		}()
		until(env, "the refund", func() bool { return must(env.Checkout(env.Context(), "p1"))(env).Outcome == curfew.Refunded })
		until(env, "the missing payment", func() bool { return second(env.Checkout(env.Context(), "p2")) == nil })
	})
}

// until waits for something that another goroutine does.
func until(env *environment, what string, happened func() bool) {
	env.Helper()
	ctx, cancel := context.WithTimeout(env.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			env.Fatalf("%s never came", what)
		}
	}
}

func (b *bank) Capture(context.Context, curfew.MoneyOrder) ([]curfew.Fact, error) {
	return nil, curfew.Errorf(curfew.Conflict, "it reserves nothing")
}

func (b *bank) Release(context.Context, curfew.MoneyOrder) ([]curfew.Fact, error) {
	return nil, curfew.Errorf(curfew.Conflict, "it reserves nothing")
}

func (b *bank) Payment(_ context.Context, _, name string) (curfew.Notice, error) {
	return curfew.Notice{}, curfew.Errorf(curfew.NotFound, "there is no payment %s", name)
}

func (b *bank) Missed(context.Context, time.Time) iter.Seq2[curfew.Notice, error] {
	return func(func(curfew.Notice, error) bool) {}
}
