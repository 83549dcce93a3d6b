package lifecycle_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
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
			worlds(t, func(w *world) {
				b := newBank()
				w = w.banked(b, w.Store)
				if c.byHand > 0 {
					w.receive(refunded(told("", "p1"), c.byHand))
				}
				w.refundDue("p1")
				if c.share > 0 {
					w.Exec(w, "UPDATE "+w.Schema+"checkouts SET refund_amount = $1 WHERE ref = 'p1'", c.share)
				}
				w.settleRefunds()
				if w.outcome("p1", curfew.Refunded); len(b.asked) != c.asks || b.sum("pi-p1") != c.asked {
					w.Errorf("asked for %+v", b.asked)
				}
			})
		})
	}
}

// After a day the provider's own list says what was given back.
func TestALateRetryAsksForTheRest(t *testing.T) {
	worlds(t, func(w *world) {
		b := newBank()
		b.forgetful = true
		b.before = func() error { return curfew.Errorf(curfew.Unavailable, "no answer") }
		w = w.banked(b, w.Store)
		w.refundDue("p1")
		w.settleRefunds()
		b.before = newBank().before
		b.given["pi-p1"] = []curfew.Repayment{{ID: "re-desk", Amount: 900, Currency: "eur"}}
		w.past("next_at", "p1")
		w.past("first_try_at", "p1")
		w.settleRefunds()
		if w.outcome("p1", curfew.Refunded); b.sum("pi-p1") != 2900 {
			w.Errorf("%d were given back", b.sum("pi-p1"))
		}
	})
}

// 2900 yen are not 2900 cents.
func TestAnotherCurrencysRefundDecidesNothing(t *testing.T) {
	worlds(t, func(w *world) {
		b := newBank()
		w = w.banked(b, w.Store)
		p := told("ada", "p1")
		yen := refunded(p, 2900)
		yen.Payment.Currency = "jpy"
		w.receive(yen, paid(p), yen)
		c := w.outcome("p1", curfew.Fulfilled)
		if !strings.Contains(c.Note, "2900 jpy") || !strings.Contains(c.Note, "compare") {
			w.Errorf("it is noted as %q", c.Note)
		}
		w.is(c.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		must(w.RefundCheckout(w.Context(), admin, "p1", "goodwill"))(w)
		w.settleRefunds()
		if w.outcome("p1", curfew.Refunded); b.sum("pi-p1") != 2900 {
			w.Errorf("%d were given back", b.sum("pi-p1"))
		}
	})
}

// W2: messages come in any order, a dispute before its payment too.
func TestADisputeToldBeforeItsPaymentIsKept(t *testing.T) {
	for sentence, spoil := range map[string]func(*curfew.Payment){
		"a payment with a session": func(*curfew.Payment) {},
		"one that is held":         func(p *curfew.Payment) { p.Plan = "gold" },
	} {
		t.Run(sentence, func(t *testing.T) {
			worlds(t, func(w *world) {
				p := told("ada", "p1")
				spoil(&p)
				w.receive(curfew.Notice{ID: "d", Kind: curfew.NoticeDisputed, Payment: curfew.Payment{PaymentID: p.PaymentID}}, paid(p), paid(p))
				if c := must(w.Checkout(w.Context(), "p1"))(w); c.DisputedAt.IsZero() || c.Version != 2 {
					w.Errorf("it is %+v", c)
				}
				if !found(w.Report(w.Context()), lifecycle.PaymentsDisputed) {
					w.Error("health does not tell it")
				}
			})
		})
	}
}

// Whoever asked a provider and has no answer must not be overtaken by hand: both
// would give it back.
func TestWhatTheProviderIsAskedForIsNotClosedByHand(t *testing.T) {
	worlds(t, func(w *world) {
		b := newBank()
		b.after = func() error { return curfew.Errorf(curfew.Unavailable, "no answer") }
		with := w.banked(b, w.Store)
		with.refundDue("p1")
		with.settleRefunds()
		if _, err := with.CloseRefund(w.Context(), admin, "p1", "at the counter"); !errors.Is(err, curfew.Conflict) {
			w.Errorf("closed: %v", err)
		}
		w.outcome("p1", curfew.Refunding)
		// Who has taken the provider away answers for it.
		must(w.CloseRefund(w.Context(), admin, "p1", "at the counter"))(w)
		w.outcome("p1", curfew.Refunded)
	})
}

func TestReconcileTellsWhatWasNeverPaidWhateverBecameOfIt(t *testing.T) {
	worlds(t, func(w *world) {
		w = w.banked(newBank(), w.Store)
		w.live("ada", "p-live", "max")
		w.pay("ada", "p-deferred")
		must(w.Cancel(w.Context(), w.pay("bob", "p-credited").SessionID, shop))(w)
		w.pay("cyd", "p-due")
		must(w.RefundCheckout(w.Context(), admin, "p-due", "goodwill"))(w)
		w.pay("dan", "p-back")
		must(w.CloseRefund(w.Context(), admin, "p-back", "in cash"))(w)
		r := must(w.Reconcile(w.Context(), time.Hour))(w)
		got := map[string]curfew.Outcome{}
		for _, d := range r.Differences {
			got[d.Ref] = d.Outcome
			if d.Kind != lifecycle.NotPaidThere {
				w.Errorf("%+v", d)
			}
		}
		want := map[string]curfew.Outcome{
			"p-live": curfew.Fulfilled, "p-deferred": curfew.Deferred, "p-credited": curfew.Credited, "p-due": curfew.RefundDue,
		}
		if len(got) != len(want) {
			w.Errorf("told are %v, want %v", got, want)
		}
		for ref, outcome := range want {
			if got[ref] != outcome {
				w.Errorf("%s is told as %q", ref, got[ref])
			}
		}
	})
}

func TestAForfeitedPaymentIsCreditedByHand(t *testing.T) {
	forfeit := func(p *curfew.Policy) {
		p.Settle = map[curfew.EndReason]curfew.Settlement{curfew.NoShow: curfew.Forfeit}
	}
	worldsWith(t, forfeit, func(w *world) {
		ctx := w.Context()
		f := w.accepted("ada", "p1", "max")
		must(w.Join(ctx, f.SessionID, curfew.Actor{Role: curfew.Mechanic, ID: "max"}))(w)
		w.Age(w, f.SessionID, longAgo)
		must(w.Sweep(ctx))(w)
		w.outcome("p1", curfew.Forfeited)
		w.pay("bob", "p2")
		if _, err := w.CreditCheckout(ctx, admin, "p1", ""); !errors.Is(err, curfew.Invalid) {
			w.Errorf("without a reason: %v", err)
		}
		if _, err := w.CreditCheckout(ctx, admin, "p2", "goodwill"); !errors.Is(err, curfew.Conflict) {
			w.Errorf("a fulfilled one: %v", err)
		}
		if _, err := w.CreditCheckout(ctx, admin, "p9", "goodwill"); !errors.Is(err, curfew.NotFound) {
			w.Errorf("a missing one: %v", err)
		}
		for range 2 {
			must(w.CreditCheckout(ctx, admin, "p1", "goodwill"))(w)
		}
		c := w.outcome("p1", curfew.Credited)
		events := must(w.CheckoutEvents(ctx, c))(w)
		if last := events[len(events)-1]; last.Actor != admin || last.Reason != "goodwill" || last.From != string(curfew.Forfeited) {
			w.Errorf("the event is %+v", last)
		}
		spent := must(w.CreateSession(ctx, shop, lifecycle.NewSession{CustomerID: "ada", Plan: "chat10"}))(w)
		w.is(spent.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
	})
}
