package lifecycle_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// promiseOf is the message that a bank's debit for a payment is in a state.
func promiseOf(p storetest.Report, state string) curfew.Notice {
	p.Paid = false
	n := p.Notice()
	n.Facts = []curfew.Fact{{Kind: "promise", Object: p.Ref, State: state, Amount: p.Amount, Currency: p.Currency}}
	return n
}

// spent tries to spend a credit.
func (env *environment) spent(customer string) error {
	return second(env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: customer, Plan: "chat10"}))
}

// The shop reports a payment from its thank-you page, and the bank's debit fails.
func TestAPaymentThatFailedAfterTheShopsReportIsVoid(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.pay("kim", "o1")
		p := reportedPayment("kim", "o1")
		env.receive(promiseOf(p, "promised"))
		env.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		env.receive(promiseOf(p, "failed"), promiseOf(p, "promised"), promiseOf(p, "failed"))
		env.is(f.SessionID, curfew.Cancelled, curfew.ByPayment, curfew.RequestCancelled, curfew.Void)
		must(env.Cancel(env.Context(), f.SessionID, shop))(env)
		env.outcome("o1", curfew.Void)
		if err := env.spent("kim"); !errors.Is(err, curfew.PaymentRequired) {
			env.Errorf("spent: %v", err)
		}
	})
}

// A refund that fails after it had succeeded is due again, by hand, and found at once.
func TestARefundThatFailsLaterIsDueAgain(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := reportedPayment("dan", "p1")
		env.receive(paid(p), refunded(p, 2900))
		env.outcome("p1", curfew.Refunded)
		failed := p.Refund("re_1", "failed", 2900)
		failed.Facts[0].Reason = "expired_or_canceled_card"
		env.receive(failed, failed)
		c := env.outcome("p1", curfew.RefundDue)
		if !strings.Contains(c.Note, "expired_or_canceled_card") || c.Concern != record.RefundFailed || c.NextAt.IsZero() {
			env.Errorf("it is %+v", c)
		}
	})
}

// What a bank took back buys nothing, and what it may take back waits.
func TestADisputedCreditBuysNothing(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := reportedPayment("cyd", "p1")
		credit := func() {
			env.receive(paid(p))
			must(env.Cancel(env.Context(), env.outcome("p1", curfew.Fulfilled).SessionID, shop))(env)
		}
		credit()
		env.receive(p.Disputed("needs_response"))
		if err := env.spent("cyd"); !errors.Is(err, curfew.PaymentRequired) {
			env.Errorf("spent while disputed: %v", err)
		}
		if c := env.outcome("p1", curfew.Credited); c.DisputedAt.IsZero() {
			env.Error("nobody sees the dispute")
		}
		env.receive(p.Disputed("lost"), p.Disputed("needs_response"))
		env.outcome("p1", curfew.Void)
		if err := env.spent("cyd"); !errors.Is(err, curfew.PaymentRequired) {
			env.Errorf("spent after it was lost: %v", err)
		}
		won := p.Disputed("won")
		won.Facts[0].At = time.Now()
		env.receive(won)
		if c := env.outcome("p1", curfew.Credited); !c.DisputedAt.IsZero() {
			env.Error("it is disputed still")
		}
		if err := env.spent("cyd"); err != nil {
			env.Errorf("a credit whose dispute was won: %v", err)
		}
	})
}

// The provider's name of the money is learned although it names another customer.
func TestADisagreementIsNotedAndFactsAttach(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.pay("k8", "k1x")
		env.receive(paid(reportedPayment("order_77", "k1x")))
		c := env.outcome("k1x", curfew.Fulfilled)
		if c.CustomerID != "k8" || c.PaymentID != "pi-k1x" || c.Concern != record.Disagreement || !strings.Contains(c.Note, "order_77") {
			env.Errorf("it is %+v", c)
		}
		env.receive(refunded(reportedPayment("", "k1x"), 2900))
		env.is(f.SessionID, curfew.Cancelled, curfew.ByRefund, curfew.RequestCancelled, curfew.Refunded)
	})
}

// One payment under two names, in either order and ten times at once, brings one session.
func TestOnePaymentUnderTwoNamesBringsOneSession(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for i := range 8 {
			customer, ref := newName(), newName()
			p := reportedPayment(customer, ref)
			together(10, func(n int) {
				if n%2 == 0 {
					env.pay(customer, p.PaymentID) // as the shop calls it
					return
				}
				if err := env.Receive(env.Context(), paid(p)); err != nil {
					env.Error(err)
				}
			})
			all := must(env.Store.Checkouts(env.Context(), customer))(env)
			if len(all) != 1 || all[0].Outcome != curfew.Fulfilled {
				env.Errorf("%d: the checkouts are %+v", i, all)
			}
			if s := must(env.Store.SessionsOf(env.Context(), customer, 9))(env); len(s) != 1 {
				env.Errorf("%d: there are %d sessions", i, len(s))
			}
		}
	})
}

// A checkout that is completed unpaid is undecided until the intent speaks.
func TestAPromiseIsKeptOrNot(t *testing.T) {
	onEachStore(t, func(env *environment) {
		kept, broken := reportedPayment("a27", "cs_1"), reportedPayment("a28", "cs_2")
		env.receive(promiseOf(kept, "promised"), promiseOf(broken, "promised"))
		if c := env.outcome("cs_1", curfew.Promised); c.SessionID != "" {
			env.Error("it has a session already")
		}
		captured := kept.GivenBack(0)
		captured.Facts = []curfew.Fact{{Kind: "attempt", Object: "pi-cs_1", State: "captured", Amount: 2900, Currency: "eur"}}
		env.receive(captured, captured, promiseOf(broken, "failed"))
		c := env.outcome("cs_1", curfew.Fulfilled)
		env.is(c.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		env.outcome("cs_2", curfew.Void)
	})
}

// What is for none of the plans is somebody else's, unless the policy says otherwise.
func TestAForeignPaymentIsLeftAlone(t *testing.T) {
	onEachStoreWith(t, func(p *curfew.Policy) { p.HoldForeign = false }, func(env *environment) {
		ebook, none := reportedPayment("u9", "g3"), reportedPayment("", "g1")
		ebook.Plan, none.Plan = "ebook", ""
		env.receive(paid(ebook), paid(none), paid(none))
		env.outcome("g3", curfew.Ignored)
		env.outcome("g1", curfew.Ignored)
		if r := env.Report(env.Context()); found(r, lifecycle.MoneyUnsettled) {
			env.Errorf("health says %+v", r.Findings)
		}
	})
}

// A message that cannot be read is kept, once, and changes nothing else.
func TestAnOddMessageIsKept(t *testing.T) {
	onEachStore(t, func(env *environment) {
		odd := curfew.Notice{ID: "evt_thin1", Provider: "bank", Type: "v2.core.account.created", Unread: "a thin event", Body: []byte("{}")}
		bad := paid(reportedPayment("ada", "p1"))
		bad.ID, bad.Facts[0].State = "evt_bad", "vanished"
		env.receive(odd, odd, bad)
		if kept := env.Query(env, "SELECT id FROM "+env.Schema+"provider_messages ORDER BY id"); len(kept) != 2 {
			env.Errorf("kept are %v", kept)
		}
	})
}

// A live session whose payment is lost ends, or goes on where the policy lets it; what was
// served stays so.
func TestALostPaymentOfALiveSession(t *testing.T) {
	for name, finish := range map[string]bool{"it ends": false, "it goes on": true} {
		t.Run(name, func(t *testing.T) {
			onEachStoreWith(t, func(p *curfew.Policy) { p.FinishLost = finish }, func(env *environment) {
				f := env.live("ada", "p1", "max")
				p := reportedPayment("ada", "p1")
				env.receive(paid(p), p.Disputed("lost"))
				if !finish {
					env.is(f.SessionID, curfew.Cancelled, curfew.ByPayment, curfew.RequestCancelled, curfew.Void)
					return
				}
				env.is(f.SessionID, curfew.Live, "", curfew.Accepted, curfew.Fulfilled)
				if c := env.outcome("p1", curfew.Fulfilled); c.Concern != record.PaymentLost {
					env.Errorf("nobody is told: %+v", c)
				}
			})
		})
	}
}

// A share is an amount that a provider can refund, and never more than was paid.
func TestAShareCanBeRefunded(t *testing.T) {
	for currency, want := range map[string]int64{"kwd": 5000, "eur": 4995, "isk": 5000, "jpy": 4995} {
		t.Run(currency, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				p := reportedPayment("kim", "p1")
				p.Amount, p.Currency, p.StartsAt = 9990, currency, time.Now().Add(3*time.Hour)
				env.receive(paid(p))
				must(env.Cancel(env.Context(), env.outcome("p1", curfew.Fulfilled).SessionID, shop))(env)
				if c := env.outcome("p1", curfew.RefundDue); c.Due() != want {
					env.Errorf("%d are due of %d %s, want %d", c.Due(), c.Amount, currency, want)
				}
			})
		})
	}
}

// A start that cannot be read makes no session of now: whoever assigns the payment says when.
func TestAHeldAppointmentIsAssignedWithItsStart(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := reportedPayment("k3", "d1")
		p.Flaw, p.Metadata = "starts_at has no time zone", map[string]string{"starts_at": "2026-12-20T10:00"}
		env.receive(paid(p))
		if c := env.outcome("d1", curfew.Held); !strings.Contains(c.Note, "starts_at") {
			env.Errorf("the note is %q", c.Note)
		}
		for _, err := range []error{
			second(env.AssignHeld(env.Context(), admin, "d1", "k3", "chat10", "")), second(env.FulfillHeld(env.Context(), admin, "d1", "")),
			second(env.AssignHeldAt(env.Context(), admin, "d1", "k3", "chat10", time.Now().Add(-time.Hour), "")),
		} {
			if !errors.Is(err, curfew.Invalid) {
				env.Errorf("assigned without a start that can be: %v", err)
			}
		}
		at := time.Now().Add(3 * time.Hour).UTC().Truncate(time.Second)
		f := must(env.AssignHeldAt(env.Context(), admin, "d1", "k3", "chat10", at, ""))(env)
		if s := must(env.Session(env.Context(), f.SessionID))(env); s.Status != curfew.Scheduled || !s.StartsAt.Equal(at) {
			env.Errorf("it is %+v", s.Session)
		}
	})
}
