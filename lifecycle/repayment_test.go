package lifecycle_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// What somebody gave back at the provider counts towards what is due: the rest
// is asked for, not the whole a second time.
func TestOnlyTheRestIsGivenBack(t *testing.T) {
	for sentence, c := range map[string]struct {
		share, byHand, asked int64
		asks                 int
	}{
		"part of a whole":            {0, 500, 2400, 1},
		"part of a share":            {1450, 500, 950, 1},
		"all of a share":             {1450, 1450, 0, 0},
		"more than a share":          {1450, 2000, 0, 0},
		"nothing, which is the rule": {0, 0, 2900, 1},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				b := newBank()
				env = env.banked(b, env.Store)
				if c.byHand > 0 {
					env.receive(refunded(reportedPayment("", "p1"), c.byHand))
				}
				env.refundDue("p1")
				if c.share > 0 {
					env.Exec(env, "UPDATE "+env.Schema+"checkouts SET refund_amount = $1 WHERE ref = 'p1'", c.share)
				}
				env.settleRefunds()
				if env.outcome("p1", curfew.Refunded); len(b.asked) != c.asks || b.sum("pi-p1") != c.asked {
					env.Errorf("asked for %+v", b.asked)
				}
			})
		})
	}
}

// Where a part of a payment was given back, and the rest is to follow, all of it is back in
// the end.
func TestTheRestOfAPartIsGivenBack(t *testing.T) {
	refundPart := func(p *curfew.Policy) { p.RefundPart = true }
	onEachStoreWith(t, refundPart, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		p := reportedPayment("ada", "p1")
		env.receive(paid(p), refunded(p, 900))
		env.outcome("p1", curfew.RefundDue)
		env.settleRefunds()
		if env.outcome("p1", curfew.Refunded); b.sum("pi-p1") != 2000 {
			env.Errorf("%d of the other 2000 were given back: %+v", b.sum("pi-p1"), b.asked)
		}
	})
}

// The shop need not say how much was paid, nor the message that says that it was.
func TestWhatNobodyHasNamedAnAmountForIsGivenBack(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		p := reportedPayment("ada", "p1")
		purchase := env.purchase("ada", p.PaymentID)
		purchase.Amount, purchase.Currency = nil, ""
		must(env.FulfillCheckout(env.Context(), shop, purchase))(env)
		captured := p.GivenBack(0)
		captured.Facts = []curfew.Fact{{Kind: "attempt", Object: p.PaymentID, State: "captured", Amount: 2900, Currency: "eur"}}
		env.receive(captured)
		must(env.RefundCheckout(env.Context(), admin, p.PaymentID, "goodwill"))(env)
		env.settleRefunds()
		if env.outcome(p.PaymentID, curfew.Refunded); b.sum(p.PaymentID) != 2900 {
			env.Errorf("%d were given back: %+v", b.sum(p.PaymentID), b.asked)
		}
	})
}

// The bank may take a payment back while a refund of it is asked for, and nobody answers.
func TestARefundThatTheBankForestallsIsVoid(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		b.before = func() error { return curfew.Errorf(curfew.Unavailable, "no answer") }
		env = env.banked(b, env.Store)
		env.refundDue("p1")
		env.settleRefunds()
		env.outcome("p1", curfew.Refunding)
		env.receive(reportedPayment("", "p1").Disputed("lost"))
		env.past("next_at", "p1")
		env.settleRefunds()
		env.outcome("p1", curfew.Void)
	})
}

// After a day the provider's own list says what was given back.
func TestALateRetryAsksForTheRest(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		b.forgetful = true
		b.before = func() error { return curfew.Errorf(curfew.Unavailable, "no answer") }
		env = env.banked(b, env.Store)
		env.refundDue("p1")
		env.settleRefunds()
		b.before = newBank().before
		b.given["pi-p1"] = []curfew.Fact{refundMade("re-desk", 900, "eur")}
		env.past("next_at", "p1")
		env.past("first_try_at", "p1")
		env.settleRefunds()
		if env.outcome("p1", curfew.Refunded); b.sum("pi-p1") != 2900 {
			env.Errorf("%d were given back", b.sum("pi-p1"))
		}
	})
}

// 2900 yen are not 2900 cents.
func TestAnotherCurrencysRefundDecidesNothing(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		p := reportedPayment("ada", "p1")
		inYen := p
		inYen.Currency = "jpy"
		yen := refunded(inYen, 2900)
		env.receive(yen, paid(p), yen)
		c := env.outcome("p1", curfew.Fulfilled)
		if !strings.Contains(c.Note, "2,900 JPY") || !strings.Contains(c.Note, "compare") {
			env.Errorf("it is noted as %q", c.Note)
		}
		env.is(c.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		must(env.RefundCheckout(env.Context(), admin, "p1", "goodwill"))(env)
		env.settleRefunds()
		if env.outcome("p1", curfew.Refunded); b.sum("pi-p1") != 2900 {
			env.Errorf("%d were given back", b.sum("pi-p1"))
		}
	})
}

// W2: messages come in any order, a dispute before its payment too.
func TestADisputeToldBeforeItsPaymentIsKept(t *testing.T) {
	for sentence, corrupt := range map[string]func(*storetest.Report){
		"a payment with a session": func(*storetest.Report) {},
		"one that is held":         func(p *storetest.Report) { p.Plan = "gold" },
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				p := reportedPayment("ada", "p1")
				corrupt(&p)
				env.receive(p.Disputed("needs_response"), paid(p), paid(p))
				if c := must(env.Checkout(env.Context(), "p1"))(env); c.DisputedAt.IsZero() || c.Version != 2 {
					env.Errorf("it is %+v", c)
				}
				if !found(env.Report(env.Context()), lifecycle.PaymentsDisputed) {
					env.Error("health does not tell it")
				}
			})
		})
	}
}

// Whoever asked a provider and has no answer must not be overtaken by hand: both
// would give it back.
func TestWhatTheProviderIsAskedForIsNotClosedByHand(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		b.after = func() error { return curfew.Errorf(curfew.Unavailable, "no answer") }
		with := env.banked(b, env.Store)
		with.refundDue("p1")
		with.settleRefunds()
		if _, err := with.CloseRefund(env.Context(), admin, "p1", "at the counter"); !errors.Is(err, curfew.Conflict) {
			env.Errorf("closed: %v", err)
		}
		env.outcome("p1", curfew.Refunding)
		// Who has taken the provider away answers for it.
		must(env.CloseRefund(env.Context(), admin, "p1", "at the counter"))(env)
		env.outcome("p1", curfew.Refunded)
	})
}

func TestReconcileTellsWhatWasNeverPaidWhateverBecameOfIt(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env = env.banked(newBank(), env.Store)
		env.live("ada", "p-live", "max")
		env.pay("ada", "p-deferred")
		must(env.Cancel(env.Context(), env.pay("bob", "p-credited").SessionID, shop))(env)
		env.pay("cyd", "p-due")
		must(env.RefundCheckout(env.Context(), admin, "p-due", "goodwill"))(env)
		env.pay("dan", "p-back")
		must(env.CloseRefund(env.Context(), admin, "p-back", "in cash"))(env)
		r := must(env.Reconcile(env.Context(), time.Hour))(env)
		got := map[string]curfew.Outcome{}
		for _, d := range r.Differences {
			got[d.Ref] = d.Outcome
			if d.Kind != "not_paid_there" {
				env.Errorf("%+v", d)
			}
		}
		want := map[string]curfew.Outcome{
			"p-live": curfew.Fulfilled, "p-deferred": curfew.Deferred, "p-credited": curfew.Credited, "p-due": curfew.RefundDue,
		}
		if len(got) != len(want) {
			env.Errorf("told are %v, want %v", got, want)
		}
		for ref, outcome := range want {
			if got[ref] != outcome {
				env.Errorf("%s is told as %q", ref, got[ref])
			}
		}
	})
}

func TestAForfeitedPaymentIsCreditedByHand(t *testing.T) {
	forfeit := func(p *curfew.Policy) {
		p.Settle = map[curfew.EndReason]curfew.Settlement{curfew.NoShow: curfew.Forfeit}
	}
	onEachStoreWith(t, forfeit, func(env *environment) {
		ctx := env.Context()
		f := env.accepted("ada", "p1", "max")
		must(env.Join(ctx, f.SessionID, curfew.Actor{Role: curfew.Mechanic, ID: "max"}))(env)
		env.Age(env, f.SessionID, longAgo)
		must(env.Sweep(ctx))(env)
		env.outcome("p1", curfew.Forfeited)
		env.pay("bob", "p2")
		if _, err := env.CreditCheckout(ctx, admin, "p1", ""); !errors.Is(err, curfew.Invalid) {
			env.Errorf("without a reason: %v", err)
		}
		if _, err := env.CreditCheckout(ctx, admin, "p2", "goodwill"); !errors.Is(err, curfew.Conflict) {
			env.Errorf("a fulfilled one: %v", err)
		}
		if _, err := env.CreditCheckout(ctx, admin, "p9", "goodwill"); !errors.Is(err, curfew.NotFound) {
			env.Errorf("a missing one: %v", err)
		}
		for range 2 {
			must(env.CreditCheckout(ctx, admin, "p1", "goodwill"))(env)
		}
		c := env.outcome("p1", curfew.Credited)
		events := must(env.CheckoutEvents(ctx, c))(env)
		if last := events[len(events)-1]; last.Actor != admin || last.Reason != "goodwill" || last.From != string(curfew.Forfeited) {
			env.Errorf("the event is %+v", last)
		}
		spent := must(env.CreateSession(ctx, shop, lifecycle.NewSession{CustomerID: "ada", Plan: "chat10"}))(env)
		env.is(spent.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
	})
}
