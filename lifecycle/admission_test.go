package lifecycle_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/lifecycle"
)

func TestAPaidCheckoutBringsASessionAndItsRequest(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.pay("c", "p1")
		if f.Outcome != curfew.Fulfilled || f.Replayed || f.Kind != curfew.Chat {
			env.Errorf("got %+v", f)
		}
		env.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		queue := must(env.Pending(env.Context(), curfew.Cursor{}, 10))(env)
		if len(queue) != 1 || queue[0].Request.ID != f.RequestID || queue[0].Request.CustomerName != "Kim" {
			env.Errorf("the queue shows %+v", queue)
		}
	})
}

func TestLesson01_NobodyIsRefusedBecauseOfAnOverdueSession(t *testing.T) {
	for situation, begin := range map[string]struct {
		session func(*environment) lifecycle.Fulfillment
		status  curfew.SessionStatus
		reason  curfew.EndReason
		request curfew.RequestStatus
		outcome curfew.Outcome
	}{
		"waiting":  {func(env *environment) lifecycle.Fulfillment { return env.pay("c", "p1") }, curfew.Cancelled, curfew.Expired, curfew.RequestExpired, curfew.Credited},
		"assigned": {func(env *environment) lifecycle.Fulfillment { return env.accepted("c", "p1", "m") }, curfew.Cancelled, curfew.NoShow, curfew.RequestCancelled, curfew.Credited},
		"live":     {func(env *environment) lifecycle.Fulfillment { return env.live("c", "p1", "m") }, curfew.Completed, curfew.Overran, curfew.RequestCompleted, curfew.Fulfilled},
	} {
		t.Run(situation, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				old := begin.session(env)
				env.Age(env, old.SessionID, longAgo)
				before := env.Dump(env)
				if b := must(env.CheckCustomerSessionStatus(env.Context(), "c"))(env); b != nil {
					env.Errorf("an overdue session blocks: %+v", b)
				}
				if after := env.Dump(env); before != after {
					env.Error("looking at the customer changed something")
				}
				f := env.pay("c", "p2")
				if f.Outcome != curfew.Fulfilled || f.SessionID == old.SessionID {
					env.Errorf("the paying customer got %+v", f)
				}
				env.is(old.SessionID, begin.status, begin.reason, begin.request, begin.outcome)
				if s := must(env.Session(env.Context(), old.SessionID))(env); s.Status == curfew.Completed && s.EndedAt.Sub(s.StartedAt) != s.Duration {
					env.Errorf("an overrun counts %s, bought were %s", s.EndedAt.Sub(s.StartedAt), s.Duration)
				}
			})
		})
	}
}

func TestATrulyBusyCustomerIsDeferredAndServedWhenTheSlotIsFree(t *testing.T) {
	onEachStore(t, func(env *environment) {
		first := env.pay("c", "p1")
		second := env.pay("c", "p2")
		third := env.pay("c", "p3")
		if second.Outcome != curfew.Deferred || second.Blocker == nil || second.Blocker.Session.ID != first.SessionID {
			env.Fatalf("the second payment: %+v", second)
		}
		if second.RetryUntil.IsZero() || third.Outcome != curfew.Deferred {
			env.Errorf("deferred without a time, or not at all: %+v, %+v", second, third)
		}
		must(env.End(env.Context(), first.SessionID, shop))(env)
		again := env.pay("c", "p2")
		if again.Outcome != curfew.Fulfilled || again.SessionID == "" || !again.Replayed {
			env.Errorf("after the blocker's end the second payment is %+v", again)
		}
		if later := env.pay("c", "p3"); later.Outcome != curfew.Deferred {
			env.Errorf("the third payment jumped the queue: %+v", later)
		}
		env.is(again.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
	})
}

func TestADeferredPaymentIsRefundDueAfterItsTime(t *testing.T) {
	onEachStoreWith(t, func(p *curfew.Policy) { p.DeferTTL = time.Microsecond }, func(env *environment) {
		env.pay("c", "p1")
		env.pay("c", "p2")
		must(env.Sweep(env.Context()))(env)
		if f := env.pay("c", "p2"); f.Outcome != curfew.RefundDue {
			env.Errorf("got %+v", f)
		}
	})
}

func TestLesson08_TheReferenceIsLookedUpBeforeTheSlot(t *testing.T) {
	onEachStore(t, func(env *environment) {
		first := env.pay("c", "p1")
		for range 3 {
			again := env.pay("c", "p1")
			if !again.Replayed || again.Outcome != curfew.Fulfilled || again.SessionID != first.SessionID || again.RequestID != first.RequestID {
				env.Errorf("a payment's own session blocked its retry: %+v", again)
			}
		}
		must(env.Cancel(env.Context(), first.SessionID, shop))(env)
		if again := env.pay("c", "p1"); again.Outcome != curfew.Credited || again.SessionID != first.SessionID {
			env.Errorf("after its end the reference answers %+v", again)
		}
	})
}

func TestAReferenceWithOtherContentsIsAMismatchAndChangesNothing(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.pay("c", "p1")
		before := env.Dump(env)
		other := env.purchase("c", "p1")
		other.Plan = "video15"
		for _, p := range []lifecycle.Purchase{env.purchase("somebody else", "p1"), other} {
			if _, err := env.FulfillCheckout(env.Context(), shop, p); !errors.Is(err, curfew.IdempotencyMismatch) {
				env.Errorf("%+v: %v", p, err)
			}
		}
		if before != env.Dump(env) {
			env.Error("a mismatch changed something")
		}
	})
}

func TestLesson09_ThreeReportersOfOnePaymentGetOneSession(t *testing.T) {
	onEachStore(t, func(env *environment) {
		got := make([]lifecycle.Fulfillment, 3)
		errs := make([]error, 3)
		together(3, func(i int) { got[i], errs[i] = env.FulfillCheckout(env.Context(), shop, env.purchase("c", "p1")) })
		for i := range got {
			if errs[i] != nil || got[i].SessionID != got[0].SessionID || got[i].SessionID == "" {
				env.Errorf("reporter %d: %+v, %v", i, got[i], errs[i])
			}
		}
	})
}

func TestACreditIsSpentOnceOldestFirst(t *testing.T) {
	onEachStore(t, func(env *environment) {
		claim := lifecycle.NewSession{CustomerID: "c", Plan: "chat10"}
		if _, err := env.CreateSession(env.Context(), shop, claim); !errors.Is(err, curfew.PaymentRequired) {
			env.Errorf("without a credit: %v", err)
		}
		old := env.pay("c", "p1")
		must(env.Cancel(env.Context(), old.SessionID, shop))(env)
		younger := env.pay("c", "p2")
		must(env.Cancel(env.Context(), younger.SessionID, shop))(env)

		f := must(env.CreateSession(env.Context(), shop, claim))(env)
		if f.CheckoutID != old.CheckoutID {
			env.Error("the younger credit was spent first")
		}
		env.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		_, err := env.CreateSession(env.Context(), shop, claim)
		if !errors.Is(err, curfew.SessionOpen) {
			env.Errorf("with an open session: %v", err)
		}
		if replay := env.pay("c", "p1"); replay.Outcome != curfew.Fulfilled || replay.SessionID != old.SessionID {
			env.Errorf("the reference answers %+v, its first session was %s", replay, old.SessionID)
		}
	})
}

func TestAnOverdueSessionLeavesTheCreditThatTheNextOneSpends(t *testing.T) {
	onEachStore(t, func(env *environment) {
		old := env.pay("c", "p1")
		env.Age(env, old.SessionID, longAgo)
		f := must(env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: "c", Plan: "chat10"}))(env)
		if f.CheckoutID != old.CheckoutID || f.SessionID == old.SessionID {
			env.Errorf("got %+v", f)
		}
		env.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
	})
}

func TestARefusalNamesWhoBlocksUntilWhenAndWhatToDo(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.pay("c", "p1")
		_, err := env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: "c", Plan: "free"})
		var refusal *curfew.Error
		if !errors.As(err, &refusal) || refusal.Kind != curfew.SessionOpen {
			env.Fatalf("got %v", err)
		}
		want := fmt.Sprintf("Customer already has an active or pending session (ID: %s, Status: waiting). Only one session allowed at a time.", f.SessionID)
		s := must(env.Session(env.Context(), f.SessionID))(env)
		if refusal.Message != want || refusal.Blocker.Session.ID != f.SessionID || !refusal.Blocker.ReleasesAt.Equal(s.ExpiresAt) ||
			!slices.Contains(refusal.Blocker.Actions, "cancel") {
			env.Errorf("got %q, %+v", refusal.Message, refusal.Blocker)
		}
		if who := must(env.Store.Repeated(env.Context(), 1, time.Hour))(env); len(who) != 1 || who[0].CustomerID != "c" {
			env.Errorf("the refusal is recorded as %+v", who)
		}
	})
}

func TestAnIdempotencyKeyAnswersTheSameSession(t *testing.T) {
	onEachStore(t, func(env *environment) {
		claim := lifecycle.NewSession{CustomerID: "c", Plan: "free", Key: "k"}
		ids := make([]string, 8)
		together(len(ids), func(i int) {
			if f, err := env.CreateSession(env.Context(), shop, claim); err == nil {
				ids[i] = f.SessionID
			}
		})
		for _, id := range ids {
			if id == "" || id != ids[0] {
				env.Fatalf("one key, sessions %q", ids)
			}
		}
		claim.Plan = "chat10"
		if _, err := env.CreateSession(env.Context(), shop, claim); !errors.Is(err, curfew.IdempotencyMismatch) {
			env.Errorf("another plan: %v", err)
		}
		must(env.End(env.Context(), ids[0], shop))(env)
		claim.Plan = "free"
		if f := must(env.CreateSession(env.Context(), shop, claim))(env); f.SessionID != ids[0] || !f.Replayed {
			env.Errorf("after its end: %+v", f)
		}
	})
}

func TestBadPurchasesAreRefusedWithWords(t *testing.T) {
	onEachStore(t, func(env *environment) {
		before := env.Dump(env)
		for word, corrupt := range map[string]func(*lifecycle.Purchase){
			"plans are chat10": func(p *lifecycle.Purchase) { p.Plan = "gold" },
			"paymentRef":       func(p *lifecycle.Purchase) { p.PaymentRef = "" },
			"customerId":       func(p *lifecycle.Purchase) { p.CustomerID = strings.Repeat("x", 129) },
			"control":          func(p *lifecycle.Purchase) { p.CustomerID = "a\x00b" },
			"negative":         func(p *lifecycle.Purchase) { *p.Amount = -1 },
		} {
			p := env.purchase("c", "p1")
			corrupt(&p)
			_, err := env.FulfillCheckout(env.Context(), shop, p)
			if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), word) {
				env.Errorf("%s: %v", word, err)
			}
		}
		if before != env.Dump(env) {
			env.Error("bad input changed something")
		}
	})
}

func TestStormsOfOneCustomerEndInOneOpenSession(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for n := range effort.Of(*storms, 1, 5) {
			storm(env, fmt.Sprintf("c%d", n))
		}
	})
}

// storm is 100 concurrent admissions of one customer: 40 different payments,
// each reported twice, and 20 claims of a free session.
func storm(env *environment, customer string) {
	env.Helper()
	got := make([]lifecycle.Fulfillment, 100)
	errs := make([]error, 100)
	together(100, func(i int) {
		if i >= 80 {
			got[i], errs[i] = env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: customer, Plan: "free"})
			return
		}
		got[i], errs[i] = env.FulfillCheckout(env.Context(), shop, env.purchase(customer, fmt.Sprintf("%s-p%d", customer, i%40)))
	})
	sessions := map[string]bool{}
	for i, f := range got {
		switch {
		case errs[i] == nil && f.SessionID != "":
			sessions[f.SessionID] = true
		case errs[i] == nil && f.Outcome == curfew.Deferred && i < 80:
		case errors.Is(errs[i], curfew.SessionOpen) && i >= 80:
		default:
			env.Errorf("admission %d: %+v, %v", i, f, errs[i])
		}
	}
	if len(sessions) != 1 {
		env.Errorf("customer %s got %d sessions: %v", customer, len(sessions), sessions)
	}
}
