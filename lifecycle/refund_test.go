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
	paid   []curfew.Payment
	keys   map[string]curfew.Repayment
	given  map[string][]curfew.Repayment // by payment
	asked  []curfew.RefundOrder
	looked int
	// before fails a call that has done nothing, after one that did its work.
	before, after func() error
	forgetful     bool // keys are forgotten at once
}

func newBank() *bank {
	no := func() error { return nil }
	return &bank{keys: map[string]curfew.Repayment{}, given: map[string][]curfew.Repayment{}, before: no, after: no}
}

func (b *bank) Refund(_ context.Context, o curfew.RefundOrder) (curfew.Repayment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, o)
	if err := b.before(); err != nil {
		return curfew.Repayment{}, err
	}
	r, ok := b.keys[o.Key]
	if !ok || b.forgetful {
		r = curfew.Repayment{ID: fmt.Sprint("re-", len(b.given), "-", len(b.given[o.PaymentID])), Amount: o.Amount, Currency: o.Currency}
		b.keys[o.Key] = r
		b.given[o.PaymentID] = append(b.given[o.PaymentID], r)
	}
	return r, b.after()
}

func (b *bank) Refunds(_ context.Context, paymentID string) ([]curfew.Repayment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looked++
	return b.given[paymentID], nil
}

func (b *bank) Paid(_ context.Context, since time.Time) iter.Seq2[curfew.Payment, error] {
	return func(yield func(curfew.Payment, error) bool) {
		if time.Since(since) < time.Minute {
			yield(curfew.Payment{}, fmt.Errorf("since %s is too short", since))
			return
		}
		for _, p := range b.paid {
			if !yield(p, nil) {
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

// banked is the world with a provider, over another store if one is given.
func (w *world) banked(b *bank, store lifecycle.Store) *world {
	w.Helper()
	policy := w.policy
	k := must(lifecycle.New(store, lifecycle.Options{Policy: &policy, Provider: b}))(w)
	return worldOf(w.T, w.Harness, k, policy)
}

// due is a payment of a provider whose refund is due.
func (w *world) refundDue(ref string) curfew.Checkout {
	w.Helper()
	w.receive(paid(told("c-"+ref, ref)))
	return must(w.RefundCheckout(w.Context(), admin, ref, "goodwill"))(w)
}

func (w *world) settleRefunds() {
	w.Helper()
	if err := w.SettleRefunds(w.Context()); err != nil {
		w.Fatal(err)
	}
}

// past lets the time of the worker's columns pass.
func (w *world) past(column, ref string) {
	w.Helper()
	s := w.pay("past-"+newName(), "past-"+newName())
	w.Age(w, s.SessionID, longAgo)
	w.Exec(w, fmt.Sprintf("UPDATE %[1]scheckouts SET %[2]s = (SELECT created_at FROM %[1]ssessions WHERE id = '%[3]s') WHERE ref = '%[4]s'",
		w.Schema, column, s.SessionID, ref))
}

func newName() string { return fmt.Sprint(rand.Uint64()) }

func TestARefundIsGivenBackOnce(t *testing.T) {
	worlds(t, func(w *world) {
		b := newBank()
		w = w.banked(b, w.Store)
		w.refundDue("p1")
		w.settleRefunds()
		w.settleRefunds()
		c := w.outcome("p1", curfew.Refunded)
		want := curfew.RefundOrder{Key: "refund:p1", PaymentID: "pi-p1", Amount: 2900, Currency: "eur"}
		if len(b.asked) != 1 || b.asked[0] != want || c.RefundID == "" || c.Attempts != 1 {
			w.Errorf("asked %+v; it is %+v", b.asked, c)
		}
		w.receive(refunded(told("", "p1"), 2900))
		if again := w.outcome("p1", curfew.Refunded); again.Version != c.Version {
			w.Errorf("the provider's own message of it made it %+v", again)
		}
	})
}

func TestAShareIsGivenBack(t *testing.T) {
	worlds(t, func(w *world) {
		b := newBank()
		w = w.banked(b, w.Store)
		w.refundDue("p1")
		w.Exec(w, "UPDATE "+w.Schema+"checkouts SET refund_amount = 1450 WHERE ref = 'p1'")
		w.settleRefunds()
		w.receive(refunded(told("", "p1"), 1450))
		if w.outcome("p1", curfew.Refunded); b.sum("pi-p1") != 1450 {
			w.Errorf("%d were given back", b.sum("pi-p1"))
		}
	})
}

func TestWhatWasFreeIsRefundedWithoutACall(t *testing.T) {
	worlds(t, func(w *world) {
		b := newBank()
		w = w.banked(b, w.Store)
		p := w.purchase("ada", "p1")
		p.Plan, p.Amount = "free", nil
		must(w.FulfillCheckout(w.Context(), shop, p))(w)
		none := told("bob", "p2")
		none.Amount = 0
		w.receive(paid(none))
		// Nobody has said yet what this was.
		p = w.purchase("cyd", "p3")
		p.Amount, p.Currency = nil, ""
		must(w.FulfillCheckout(w.Context(), shop, p))(w)
		for _, ref := range []string{"p1", "p2", "p3"} {
			must(w.RefundCheckout(w.Context(), admin, ref, "x"))(w)
		}
		w.settleRefunds()
		w.outcome("p1", curfew.Refunded)
		w.outcome("p2", curfew.Refunded)
		w.outcome("p3", curfew.RefundDue)
		if len(b.asked) > 0 {
			w.Errorf("asked %+v", b.asked)
		}
	})
}

func TestTheProvidersAmountIsTheOneThatCounts(t *testing.T) {
	worlds(t, func(w *world) {
		b := newBank()
		w = w.banked(b, w.Store)
		p := w.purchase("ada", "p1")
		p.Amount, p.Currency = nil, ""
		must(w.FulfillCheckout(w.Context(), shop, p))(w)
		w.receive(paid(told("ada", "p1")), paid(told("ada", "p1")))
		must(w.RefundCheckout(w.Context(), admin, "p1", "x"))(w)
		w.settleRefunds()
		if c := w.outcome("p1", curfew.Refunded); b.sum("pi-p1") != 2900 || c.Currency != "eur" {
			w.Errorf("%d were given back of %+v", b.sum("pi-p1"), c)
		}
	})
}

func TestWithoutAProviderARefundWaitsForAnOperator(t *testing.T) {
	worlds(t, func(w *world) {
		w.refundDue("p1")
		w.settleRefunds()
		w.outcome("p1", curfew.RefundDue)
		if !found(w.Report(w.Context()), lifecycle.MoneyUnsettled) {
			w.Error("health does not tell it")
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
			worlds(t, func(w *world) {
				b := newBank()
				w = w.banked(b, w.Store)
				w.refundDue("p1")
				fail(b, func() error { return curfew.Errorf(curfew.Unavailable, "no answer") })
				w.settleRefunds()
				w.settleRefunds() // not yet
				c := w.outcome("p1", curfew.Refunding)
				if wait := c.NextAt.Sub(c.UpdatedAt); len(b.asked) != 1 || wait != time.Minute {
					w.Errorf("asked %d times, and then in %s", len(b.asked), wait)
				}
				for want := 2 * time.Minute; want <= 64*time.Minute; want *= 2 {
					w.past("next_at", "p1")
					w.settleRefunds()
					c = w.outcome("p1", curfew.Refunding)
					if wait := c.NextAt.Sub(c.UpdatedAt); wait != min(want, time.Hour) {
						w.Errorf("attempt %d waits %s", c.Attempts, wait)
					}
				}
				if !found(w.Report(w.Context()), lifecycle.RefundFailing) {
					w.Error("health does not tell that it fails")
				}
				w.past("first_try_at", "p1")
				if !found(w.Report(w.Context()), lifecycle.RefundsOverdue) {
					w.Error("health does not tell that it is overdue")
				}
				b.before, b.after = newBank().before, newBank().after
				w.past("next_at", "p1")
				w.settleRefunds()
				w.outcome("p1", curfew.Refunded)
				if b.sum("pi-p1") != 2900 {
					w.Errorf("%d were given back", b.sum("pi-p1"))
				}
			})
		})
	}
}

// What was given back is looked up before the first call, for a database that
// was restored knows of no earlier one, and after a day, for the provider has
// forgotten the key by then. Between the two the key suffices.
func TestALateRetryLooksFirst(t *testing.T) {
	worlds(t, func(w *world) {
		b := newBank()
		b.forgetful = true
		b.after = func() error { return curfew.Errorf(curfew.Unavailable, "no answer") }
		w = w.banked(b, w.Store)
		w.refundDue("p1")
		w.settleRefunds()
		if b.looked != 1 {
			w.Errorf("before the first call it looked %d times", b.looked)
		}
		b.forgetful = false
		w.past("next_at", "p1")
		w.settleRefunds()
		if b.looked != 1 {
			w.Errorf("before the second call, it had looked %d times", b.looked)
		}
		b.forgetful = true
		w.past("next_at", "p1")
		w.past("first_try_at", "p1")
		w.settleRefunds()
		if w.outcome("p1", curfew.Refunded); len(b.asked) != 2 || b.looked != 2 || b.sum("pi-p1") != 2900 {
			w.Errorf("asked %d times, looked %d times, gave %d back", len(b.asked), b.looked, b.sum("pi-p1"))
		}
	})
}

func TestARefusedRefundIsDueAgainWithItsReason(t *testing.T) {
	worlds(t, func(w *world) {
		b := newBank()
		b.before = func() error { return curfew.Errorf(curfew.Invalid, "there is no such payment") }
		w = w.banked(b, w.Store)
		w.refundDue("p1")
		w.settleRefunds()
		c := w.outcome("p1", curfew.RefundDue)
		if c.Note != "there is no such payment" || c.NextAt.Sub(c.UpdatedAt) != time.Hour {
			w.Errorf("it is %+v", c)
		}
		// A payment that only the shop reported has no name to give back by.
		must(w.Cancel(w.Context(), w.pay("bob", "p2").SessionID, shop))(w)
		must(w.RefundCheckout(w.Context(), admin, "p2", "goodwill"))(w)
		w.settleRefunds()
		if c := w.outcome("p2", curfew.RefundDue); !strings.Contains(c.Note, "by hand") || len(b.asked) != 1 {
			w.Errorf("it is %+v", c)
		}
	})
}

// Many workers, a provider that fails before and after its work, a store whose
// answers get lost: nobody gets money twice, and everybody gets it.
func TestNeverTwoRefunds(t *testing.T) {
	worlds(t, func(w *world) {
		const payments = 20
		chosen := seed.New(w)
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
			w.refundDue(fmt.Sprint("p", i))
		}
		lossy := w.banked(b, storetest.NewLossy(w.Store, chosen, 0.1))
		for range 200 {
			together(3, func(int) { _ = lossy.SettleRefunds(w.Context()) })
			w.Exec(w, "UPDATE "+w.Schema+"checkouts SET next_at = NULL")
			if must(w.Store.CheckoutFigures(w.Context()))(w).ByOutcome[curfew.Refunded] == payments {
				break
			}
		}
		for i := range payments {
			ref := fmt.Sprint("p", i)
			if w.outcome(ref, curfew.Refunded); len(b.given["pi-"+ref]) != 1 || b.sum("pi-"+ref) != 2900 {
				w.Errorf("%s: given back %+v", ref, b.given["pi-"+ref])
			}
		}
	})
}

func TestReconcileLetsInWhatIsMissingAndTellsTheRest(t *testing.T) {
	worlds(t, func(w *world) {
		b := newBank()
		w = w.banked(b, w.Store)
		same, missing, back, other := told("a", "p-same"), told("b", "p-missing"), told("c", "p-back"), told("d", "p-other")
		unpaid := told("e", "p-unpaid")
		unpaid.Paid = false
		gone := told("f", "p-gone")
		w.receive(paid(same), paid(back), paid(other), paid(gone), refunded(gone, 2900))
		w.pay("g", "p-shop")
		w.pay("h", "p-alone")
		back.Refunded, other.Amount = 2900, 2500
		b.paid = []curfew.Payment{same, missing, back, other, unpaid, gone, told("g", "p-shop")}

		r := must(w.Reconcile(w.Context(), time.Hour))(w)
		got := map[string]lifecycle.DifferenceKind{}
		for _, d := range r.Differences {
			got[d.Ref] = d.Kind
		}
		want := map[string]lifecycle.DifferenceKind{
			"p-missing": lifecycle.MissingHere, "p-back": lifecycle.RefundedThereOnly, "p-other": lifecycle.AmountDiffers,
			"p-gone": lifecycle.RefundedHereOnly, "p-alone": lifecycle.NotPaidThere,
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || r.Paid != 6 {
			w.Errorf("of %d paid, the differences are %v, want %v", r.Paid, got, want)
		}
		w.outcome("p-missing", curfew.Fulfilled)
		w.outcome("p-back", curfew.Refunded)
		if c := w.outcome("p-shop", curfew.Fulfilled); c.PaymentID != "pi-p-shop" {
			w.Errorf("the shop's payment is %q", c.PaymentID)
		}
		if r := must(w.Reconcile(w.Context(), time.Hour))(w); len(r.Differences) != 3 {
			w.Errorf("what a person must see stays: %+v", r.Differences)
		}
	})
}

func TestRunSettlesAndReconciles(t *testing.T) {
	worlds(t, func(w *world) {
		b := newBank()
		w = w.banked(b, w.Store)
		w.refundDue("p1")
		b.paid = []curfew.Payment{told("new", "p2")}
		ctx, stop := context.WithCancel(w.Context())
		done := make(chan error, 1)
		go func() { done <- w.Keeper.Sweeper.Run(ctx) }()
		defer func() {
			stop()
			if err := <-done; err != nil {
				w.Error(err)
			}
		}()
		until(w, "the refund", func() bool { return must(w.Checkout(w.Context(), "p1"))(w).Outcome == curfew.Refunded })
		until(w, "the missing payment", func() bool { return second(w.Checkout(w.Context(), "p2")) == nil })
	})
}

// until waits for something that another goroutine does.
func until(w *world, what string, happened func() bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.Fatalf("%s never came", what)
		}
	}
}
