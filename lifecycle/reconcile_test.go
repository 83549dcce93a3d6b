package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// reconciled is what a comparison of the last hour finds, by reference.
func (env *environment) reconciled() (lifecycle.Reconciliation, map[string]lifecycle.Difference) {
	env.Helper()
	r := must(env.Reconcile(env.Context(), time.Hour))(env)
	all := map[string]lifecycle.Difference{}
	for _, d := range r.Differences {
		all[d.Ref] = d
	}
	return r, all
}

// kept is the references of the differences that are kept.
func (env *environment) kept() string {
	env.Helper()
	var refs []string
	for _, d := range must(env.Differences(env.Context()))(env) {
		refs = append(refs, d.Ref+" "+d.Kind)
	}
	return strings.Join(refs, ", ")
}

// What a person must see to is kept, told by health, and forgotten once the books agree.
func TestADifferenceIsKeptUntilItIsSettled(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		env.pay("ada", "p-young")
		env.Age(env, env.pay("bob", "p-old").SessionID, 30*time.Minute)
		gone := reportedPayment("cyd", "p-gone")
		env.receive(paid(gone), refunded(gone, 2900))
		b.paid = []storetest.Report{gone, reportedPayment("dan", "p-missing")}

		_, told := env.reconciled()
		for ref, open := range map[string]bool{"p-young": false, "p-old": true, "p-gone": true, "p-missing": false} {
			d := told[ref]
			if d.Kind == "" || d.Settled == open || open == (d.Todo == "") && ref != "p-young" || !d.Since.IsZero() {
				env.Errorf("%s is %+v", ref, d)
			}
		}
		if kept := env.kept(); kept != "p-gone refunded_here_only, p-old not_paid_there" && kept != "p-old not_paid_there, p-gone refunded_here_only" {
			env.Errorf("kept are %s", kept)
		}
		r := env.Report(env.Context())
		if f := finding(r, lifecycle.BooksDiffer); f == nil || f.Count != 2 || len(f.Payments) != 2 || f.Since.IsZero() {
			env.Errorf("health says %+v", r.Findings)
		}

		// Outside the window they are told all the same, and settled when they are.
		b.paid = nil
		_, told = env.reconciled()
		if d := told["p-old"]; d.Since.IsZero() || d.Settled {
			env.Errorf("p-old is %+v", d)
		}
		must(env.CloseRefund(env.Context(), admin, "p-old", "in cash"))(env)
		env.receive(gone.Refund("re_1", "failed", 2900))
		env.reconciled()
		if kept := env.kept(); kept != "" {
			env.Errorf("kept are %s", kept)
		}
		if found(env.Report(env.Context()), lifecycle.BooksDiffer) {
			env.Error("health tells it still")
		}
	})
}

// informer is a bank that also has messages that it could not deliver, and can be asked for
// single payments.
type informer struct {
	*bank
	missed   []curfew.Notice
	payments map[string]curfew.Notice // by any name
	refuses  error
	since    []time.Duration // how far back it was asked for messages
	asked    []string        // the payments that it was asked for
}

func newInformer() *informer { return &informer{bank: newBank(), payments: map[string]curfew.Notice{}} }

func (b *informer) Missed(_ context.Context, since time.Time) iter.Seq2[curfew.Notice, error] {
	b.since = append(b.since, time.Since(since).Round(time.Minute))
	return func(yield func(curfew.Notice, error) bool) {
		for _, n := range b.missed {
			if !yield(n, nil) {
				return
			}
		}
		if b.refuses != nil {
			yield(curfew.Notice{}, b.refuses)
		}
	}
}

func (b *informer) Payment(_ context.Context, _, name string) (curfew.Notice, error) {
	b.asked = append(b.asked, name)
	n, ok := b.payments[name]
	switch {
	case b.refuses != nil:
		return n, b.refuses
	case !ok:
		return n, curfew.Errorf(curfew.NotFound, "there is no payment %s", name)
	}
	return n, nil
}

// withProvider is the environment with a provider of the test's own.
func (env *environment) withProvider(p lifecycle.Provider) *environment {
	env.Helper()
	policy := env.policy
	return environmentOf(env.T, env.Harness, must(lifecycle.New(env.Store, lifecycle.Options{Policy: &policy, Provider: p}))(env), policy)
}

// A message that never arrived is taken in: of the last month the first time, and then of
// the time since.
func TestReconcileTakesInWhatNeverArrived(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newInformer()
		env = env.withProvider(b)
		p := reportedPayment("ada", "p1")
		env.receive(paid(p))
		b.missed = []curfew.Notice{refunded(p, 2900), {ID: "evt_ping", Provider: "bank", Type: "ping"}, paid(reportedPayment("bob", "p2"))}
		r, _ := env.reconciled()
		if r.Missed != 2 {
			env.Errorf("%d messages had been missed", r.Missed)
		}
		env.outcome("p1", curfew.Refunded)
		env.outcome("p2", curfew.Fulfilled)
		env.reconciled()
		if want := []time.Duration{30 * 24 * time.Hour, time.Hour}; !slices.Equal(b.since, want) {
			env.Errorf("they were listed for %v, want %v", b.since, want)
		}
	})
}

// A message that cannot be taken in now is listed again the next time, and hides no other.
func TestAMissedMessageThatFailsIsListedAgain(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newInformer()
		env = env.withProvider(b)
		b.missed = []curfew.Notice{paid(reportedPayment("c1", "p1")), paid(reportedPayment("c2", "p2"))}
		cure := storetest.Poison(env, env.Harness, "checkouts", "INSERT", "c1")
		if _, err := env.Reconcile(env.Context(), time.Hour); err == nil {
			env.Error("nobody is told")
		}
		env.outcome("p2", curfew.Fulfilled)
		cure()
		env.reconciled()
		env.outcome("p1", curfew.Fulfilled)
		if want := []time.Duration{30 * 24 * time.Hour, 30 * 24 * time.Hour}; !slices.Equal(b.since, want) {
			env.Errorf("they were listed for %v, want %v", b.since, want)
		}
	})
}

// What the provider has not confirmed for an hour is asked for, so that what failed without
// a message is seen.
func TestReconcileAsksForWhatTheProviderHasNotConfirmed(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newInformer()
		env = env.withProvider(b)
		failing, young, coming := reportedPayment("ada", "p-failing"), reportedPayment("bob", "p-young"), reportedPayment("cyd", "p-coming")
		for _, p := range []storetest.Report{failing, young, coming} {
			env.receive(promiseOf(p, "promised"))
			b.payments[p.PaymentID] = promiseOf(p, "failed")
		}
		b.payments[coming.PaymentID] = paid(coming)
		env.past("updated_at", "p-failing")
		env.past("updated_at", "p-coming")
		env.reconciled()
		env.outcome("p-failing", curfew.Void)
		env.outcome("p-young", curfew.Promised)
		env.outcome("p-coming", curfew.Fulfilled)
	})
}

// A difference from before is looked at again where its provider can be asked.
func TestAnOldDifferenceIsLookedAtAgain(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newInformer()
		env = env.withProvider(b)
		for _, ref := range []string{"p-paid", "p-unpaid"} {
			env.Age(env, env.pay("c-"+ref, ref).SessionID, 30*time.Minute)
		}
		env.reconciled()
		if kept := env.kept(); kept != "p-paid not_paid_there, p-unpaid not_paid_there" {
			env.Fatalf("kept are %s", kept)
		}
		b.payments["p-paid"] = paid(reportedPayment("c-p-paid", "p-paid"))
		for _, ref := range []string{"p-paid", "p-unpaid"} { // out of the window
			env.Age(env, must(env.Checkout(env.Context(), ref))(env).SessionID, longAgo)
		}
		_, told := env.reconciled()
		if kept := env.kept(); kept != "p-unpaid not_paid_there" {
			env.Errorf("kept are %s", kept)
		}
		if d := told["p-unpaid"]; d.Since.IsZero() || d.Settled || d.Outcome != curfew.Fulfilled || d.Todo == "" {
			env.Errorf("it is told as %+v", d)
		}
		if c := env.outcome("p-paid", curfew.Fulfilled); c.PaymentID != "pi-p-paid" {
			env.Errorf("what the provider said is %+v", c)
		}
	})
}

// A key that may not read everything keeps nobody from comparing the rest.
func TestWhatCannotBeReadIsTold(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newInformer()
		b.refuses = curfew.Errorf(curfew.Forbidden, "the key may not read that")
		env = env.withProvider(b)
		env.receive(promiseOf(reportedPayment("ada", "p-promised"), "promised"))
		env.past("updated_at", "p-promised")
		b.paid = []storetest.Report{reportedPayment("bob", "p-missing")}
		r, told := env.reconciled()
		if len(r.Unreadable) != 2 || told["p-missing"].Kind != "missing_here" {
			env.Errorf("it is %+v", r)
		}
	})
}

// What was given back by hand, with a reason, needs nobody; it is told, and not kept.
func TestARefundByHandIsNoDifferenceForLong(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		p := reportedPayment("ada", "p1")
		env.receive(paid(p))
		must(env.RefundCheckout(env.Context(), admin, "p1", "goodwill"))(env)
		without := newEnvironment(env.T, env.Harness, nil) // who has no provider may close it
		must(without.CloseRefund(env.Context(), admin, "p1", "in cash"))(env)
		b.paid = []storetest.Report{p}
		_, told := env.reconciled()
		if d := told["p1"]; d.Kind != "refunded_here_only" || !d.Settled || d.Done == "" || d.Todo != "" {
			env.Errorf("it is told as %+v", d)
		}
		if kept := env.kept(); kept != "" {
			env.Errorf("kept are %s", kept)
		}
	})
}

// The provider's amount wins, and the difference is a finding.
func TestAnotherAmountIsADisagreement(t *testing.T) {
	for sentence, c := range map[string]struct {
		reported *int64
		price    int64
		told     bool
	}{
		"the shop said more":                {ptr(2900), 2500, true},
		"the shop said the price":           {ptr(2900), 2900, false},
		"the shop said the same":            {ptr(2500), 2500, false},
		"the shop did not say how much":     {nil, 2500, false},
		"nor did it, and a coupon was used": {nil, 2900, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				purchase := env.purchase("ada", "p1")
				if purchase.Amount = c.reported; c.reported == nil {
					purchase.Currency = ""
				}
				must(env.FulfillCheckout(env.Context(), shop, purchase))(env)
				p := reportedPayment("ada", "p1")
				p.Amount = 2500
				n := paid(p)
				n.Order.Price = c.price
				env.receive(n, n)
				checkout := env.outcome("p1", curfew.Fulfilled)
				if checkout.Amount != 2500 || (checkout.Concern == record.Disagreement) != c.told {
					env.Errorf("it is %+v", checkout)
				}
				if found(env.Report(env.Context()), lifecycle.PaymentDisagrees) != c.told {
					env.Error("health says otherwise")
				}
			})
		})
	}
}

func ptr(n int64) *int64 { return &n }

// What an operator has decided about is no disagreement.
func TestAPaymentThatAnOperatorAssignedDoesNotDisagree(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := reportedPayment("ada", "p1")
		p.Plan = "gold"
		env.receive(paid(p))
		must(env.AssignHeld(env.Context(), admin, "p1", "ada", "chat10", ""))(env)
		env.receive(paid(p))
		if c := env.outcome("p1", curfew.Fulfilled); c.Concern != "" {
			env.Errorf("it is %+v", c)
		}
	})
}

// Money that a bank took back is told for a week, whatever it had paid for, and no longer
// once the dispute is won after all.
func TestLostMoneyIsAFinding(t *testing.T) {
	for sentence, bring := range map[string]func(*environment, storetest.Report){
		"of a waiting session": func(env *environment, p storetest.Report) { env.receive(paid(p)) },
		"of a credit": func(env *environment, p storetest.Report) {
			env.receive(paid(p))
			must(env.Cancel(env.Context(), env.outcome(p.Ref, curfew.Fulfilled).SessionID, shop))(env)
		},
		"of a live session": func(env *environment, p storetest.Report) {
			env.live(p.CustomerID, p.Ref, "max")
			env.receive(paid(p))
		},
		"of one that was served": func(env *environment, p storetest.Report) {
			f := env.live(p.CustomerID, p.Ref, "max")
			env.Age(env, f.SessionID, 10*time.Minute)
			must(env.End(env.Context(), f.SessionID, admin))(env)
			env.receive(paid(p))
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				p := reportedPayment("ada", "p1")
				bring(env, p)
				env.receive(p.Disputed("lost"), p.Disputed("lost"))
				f := finding(env.Report(env.Context()), lifecycle.PaymentLost)
				if f == nil || f.Count != 1 || !slices.Equal(f.Payments, []string{"p1"}) {
					env.Errorf("the finding is %+v", f)
				}
				won := p.Disputed("won")
				won.Facts[0].At = time.Now()
				env.receive(won)
				if f := finding(env.Report(env.Context()), lifecycle.PaymentLost); f != nil {
					env.Errorf("after it was won the finding is %+v", f)
				}
			})
		})
	}
}

// A payment that never came is nobody's loss, unless a session was live for it.
func TestAFailedDebitIsAFindingIfItsSessionWasLive(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.pay("ada", "p-waiting")
		env.live("bob", "p-live", "max")
		for ref, customer := range map[string]string{"p-waiting": "ada", "p-live": "bob"} {
			env.receive(promiseOf(reportedPayment(customer, ref), "failed"))
			env.outcome(ref, curfew.Void)
		}
		if f := finding(env.Report(env.Context()), lifecycle.PaymentLost); f == nil || fmt.Sprint(f.Payments) != "[p-live]" {
			env.Errorf("the finding is %+v", f)
		}
	})
}

// Each refund that cannot be made is a finding at once.
func TestARefundThatCannotBeMadeIsFoundAtOnce(t *testing.T) {
	for sentence, c := range map[string]struct {
		told    bool // whether the provider has told the payment
		refusal error
	}{
		"the key is refused":                  {true, curfew.Errorf(curfew.Unauthenticated, "the key is revoked")},
		"the key may not do it":               {true, curfew.Errorf(curfew.Forbidden, "the key may only read")},
		"the provider refuses":                {true, curfew.Errorf(curfew.Invalid, "it was disputed")},
		"the provider never told the payment": {false, nil},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				b := newBank()
				if c.refusal != nil {
					b.before = func() error { return c.refusal }
				}
				env = env.banked(b, env.Store)
				if env.pay("ada", "p1"); c.told {
					env.receive(paid(reportedPayment("ada", "p1")))
				}
				must(env.RefundCheckout(env.Context(), admin, "p1", "goodwill"))(env)
				env.settleRefunds()
				env.outcome("p1", curfew.RefundDue)
				f := finding(env.Report(env.Context()), lifecycle.RefundFailing)
				if f == nil || !slices.Equal(f.Payments, []string{"p1"}) {
					env.Errorf("the finding is %+v", f)
				}
			})
		})
	}
}

// A refund by hand at the provider follows the setting: the live session ends, or goes on;
// and what happens to it then gives nothing back a second time.
func TestARefundByHandOfALiveSession(t *testing.T) {
	for sentence, finish := range map[string]bool{"it ends": false, "it goes on": true} {
		t.Run(sentence, func(t *testing.T) {
			onEachStoreWith(t, func(p *curfew.Policy) { p.FinishLost = finish }, func(env *environment) {
				f := env.live("ada", "p1", "max")
				p := reportedPayment("ada", "p1")
				env.receive(paid(p), refunded(p, 2900))
				if !finish {
					env.is(f.SessionID, curfew.Cancelled, curfew.ByRefund, curfew.RequestCancelled, curfew.Refunded)
					return
				}
				env.is(f.SessionID, curfew.Live, "", curfew.Accepted, curfew.Fulfilled)
				if found := finding(env.Report(env.Context()), lifecycle.PaymentLost); found == nil {
					env.Error("nobody is told")
				}
				must(env.Cancel(env.Context(), f.SessionID, admin))(env) // after less than a minute
				env.working(func() {
					until(env, "its refund", func() bool { return must(env.Checkout(env.Context(), "p1"))(env).Outcome == curfew.Refunded })
				})
				if err := env.spent("ada"); !errors.Is(err, curfew.PaymentRequired) {
					env.Errorf("spent: %v", err)
				}
			})
		})
	}
}

// working does something while the keeper does its work in the background.
func (env *environment) working(do func()) {
	env.Helper()
	ctx, stop := context.WithCancel(env.Context())
	done := make(chan error, 1)
	go func() { done <- env.Keeper.Sweeper.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			env.Error(err)
		}
	}()
	do()
}
