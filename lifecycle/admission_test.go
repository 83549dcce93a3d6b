package lifecycle_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

func TestAPaidCheckoutBringsASessionAndItsRequest(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.pay("c", "p1")
		if f.Outcome != curfew.Fulfilled || f.Replayed || f.Kind != curfew.Chat {
			w.Errorf("got %+v", f)
		}
		w.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		queue := must(w.Pending(w.Context(), curfew.Cursor{}, 10))(w)
		if len(queue) != 1 || queue[0].Request.ID != f.RequestID || queue[0].Request.CustomerName != "Kim" {
			w.Errorf("the queue shows %+v", queue)
		}
	})
}

func TestLesson01_NobodyIsRefusedBecauseOfAnOverdueSession(t *testing.T) {
	for situation, begin := range map[string]struct {
		session func(*world) lifecycle.Fulfillment
		status  curfew.SessionStatus
		reason  curfew.EndReason
		request curfew.RequestStatus
		outcome curfew.Outcome
	}{
		"waiting":  {func(w *world) lifecycle.Fulfillment { return w.pay("c", "p1") }, curfew.Cancelled, curfew.Expired, curfew.RequestExpired, curfew.Credited},
		"assigned": {func(w *world) lifecycle.Fulfillment { return w.accepted("c", "p1", "m") }, curfew.Cancelled, curfew.NoShow, curfew.RequestCancelled, curfew.Credited},
		"live":     {func(w *world) lifecycle.Fulfillment { return w.live("c", "p1", "m") }, curfew.Completed, curfew.Overran, curfew.RequestCompleted, curfew.Fulfilled},
	} {
		t.Run(situation, func(t *testing.T) {
			worlds(t, func(w *world) {
				old := begin.session(w)
				w.Age(w, old.SessionID, longAgo)
				before := w.dump()
				if b := must(w.CheckCustomerSessionStatus(w.Context(), "c"))(w); b != nil {
					w.Errorf("an overdue session blocks: %+v", b)
				}
				if after := w.dump(); before != after {
					w.Error("looking at the customer changed something")
				}
				f := w.pay("c", "p2")
				if f.Outcome != curfew.Fulfilled || f.SessionID == old.SessionID {
					w.Errorf("the paying customer got %+v", f)
				}
				w.is(old.SessionID, begin.status, begin.reason, begin.request, begin.outcome)
				if s := must(w.Session(w.Context(), old.SessionID))(w); s.Status == curfew.Completed && s.EndedAt.Sub(s.StartedAt) != s.Duration {
					w.Errorf("an overrun counts %s, bought were %s", s.EndedAt.Sub(s.StartedAt), s.Duration)
				}
			})
		})
	}
}

func TestATrulyBusyCustomerIsDeferredAndServedWhenTheSlotIsFree(t *testing.T) {
	worlds(t, func(w *world) {
		first := w.pay("c", "p1")
		second := w.pay("c", "p2")
		third := w.pay("c", "p3")
		if second.Outcome != curfew.Deferred || second.Blocker == nil || second.Blocker.Session.ID != first.SessionID {
			w.Fatalf("the second payment: %+v", second)
		}
		if second.RetryUntil.IsZero() || third.Outcome != curfew.Deferred {
			w.Errorf("deferred without a time, or not at all: %+v, %+v", second, third)
		}
		must(w.End(w.Context(), first.SessionID, shop))(w)
		again := w.pay("c", "p2")
		if again.Outcome != curfew.Fulfilled || again.SessionID == "" || !again.Replayed {
			w.Errorf("after the blocker's end the second payment is %+v", again)
		}
		if later := w.pay("c", "p3"); later.Outcome != curfew.Deferred {
			w.Errorf("the third payment jumped the queue: %+v", later)
		}
		w.is(again.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
	})
}

func TestADeferredPaymentIsRefundDueAfterItsTime(t *testing.T) {
	worldsWith(t, func(p *curfew.Policy) { p.DeferTTL = time.Microsecond }, func(w *world) {
		w.pay("c", "p1")
		w.pay("c", "p2")
		must(w.Sweep(w.Context()))(w)
		if f := w.pay("c", "p2"); f.Outcome != curfew.RefundDue {
			w.Errorf("got %+v", f)
		}
	})
}

func TestLesson08_TheReferenceIsLookedUpBeforeTheSlot(t *testing.T) {
	worlds(t, func(w *world) {
		first := w.pay("c", "p1")
		for range 3 {
			again := w.pay("c", "p1")
			if !again.Replayed || again.Outcome != curfew.Fulfilled || again.SessionID != first.SessionID || again.RequestID != first.RequestID {
				w.Errorf("a payment's own session blocked its retry: %+v", again)
			}
		}
		must(w.Cancel(w.Context(), first.SessionID, shop))(w)
		if again := w.pay("c", "p1"); again.Outcome != curfew.Credited || again.SessionID != first.SessionID {
			w.Errorf("after its end the reference answers %+v", again)
		}
	})
}

func TestAReferenceWithOtherContentsIsAMismatchAndChangesNothing(t *testing.T) {
	worlds(t, func(w *world) {
		w.pay("c", "p1")
		before := w.dump()
		other := w.purchase("c", "p1")
		other.Plan = "video15"
		for _, p := range []lifecycle.Purchase{w.purchase("somebody else", "p1"), other} {
			if _, err := w.FulfillCheckout(w.Context(), shop, p); !errors.Is(err, curfew.IdempotencyMismatch) {
				w.Errorf("%+v: %v", p, err)
			}
		}
		if before != w.dump() {
			w.Error("a mismatch changed something")
		}
	})
}

func TestLesson09_ThreeReportersOfOnePaymentGetOneSession(t *testing.T) {
	worlds(t, func(w *world) {
		got := make([]lifecycle.Fulfillment, 3)
		errs := make([]error, 3)
		together(3, func(i int) { got[i], errs[i] = w.FulfillCheckout(w.Context(), shop, w.purchase("c", "p1")) })
		for i := range got {
			if errs[i] != nil || got[i].SessionID != got[0].SessionID || got[i].SessionID == "" {
				w.Errorf("reporter %d: %+v, %v", i, got[i], errs[i])
			}
		}
	})
}

func TestACreditIsSpentOnceOldestFirst(t *testing.T) {
	worlds(t, func(w *world) {
		claim := lifecycle.NewSession{CustomerID: "c", Plan: "chat10"}
		if _, err := w.CreateSession(w.Context(), shop, claim); !errors.Is(err, curfew.PaymentRequired) {
			w.Errorf("without a credit: %v", err)
		}
		old := w.pay("c", "p1")
		must(w.Cancel(w.Context(), old.SessionID, shop))(w)
		younger := w.pay("c", "p2")
		must(w.Cancel(w.Context(), younger.SessionID, shop))(w)

		f := must(w.CreateSession(w.Context(), shop, claim))(w)
		if f.CheckoutID != old.CheckoutID {
			w.Error("the younger credit was spent first")
		}
		w.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		_, err := w.CreateSession(w.Context(), shop, claim)
		if !errors.Is(err, curfew.SessionOpen) {
			w.Errorf("with an open session: %v", err)
		}
		if replay := w.pay("c", "p1"); replay.Outcome != curfew.Fulfilled || replay.SessionID != old.SessionID {
			w.Errorf("the reference answers %+v, its first session was %s", replay, old.SessionID)
		}
	})
}

func TestAnOverdueSessionLeavesTheCreditThatTheNextOneSpends(t *testing.T) {
	worlds(t, func(w *world) {
		old := w.pay("c", "p1")
		w.Age(w, old.SessionID, longAgo)
		f := must(w.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: "c", Plan: "chat10"}))(w)
		if f.CheckoutID != old.CheckoutID || f.SessionID == old.SessionID {
			w.Errorf("got %+v", f)
		}
		w.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
	})
}

func TestARefusalNamesWhoBlocksUntilWhenAndWhatToDo(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.pay("c", "p1")
		_, err := w.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: "c", Plan: "free"})
		var refusal *curfew.Error
		if !errors.As(err, &refusal) || refusal.Kind != curfew.SessionOpen {
			w.Fatalf("got %v", err)
		}
		want := fmt.Sprintf("Customer already has an active or pending session (ID: %s, Status: waiting). Only one session allowed at a time.", f.SessionID)
		s := must(w.Session(w.Context(), f.SessionID))(w)
		if refusal.Message != want || refusal.Blocker.Session.ID != f.SessionID || !refusal.Blocker.ReleasesAt.Equal(s.ExpiresAt) ||
			!slices.Contains(refusal.Blocker.Actions, "cancel") {
			w.Errorf("got %q, %+v", refusal.Message, refusal.Blocker)
		}
		if who := must(w.Store.Repeated(w.Context(), 1, time.Hour))(w); len(who) != 1 || who[0].CustomerID != "c" {
			w.Errorf("the refusal is recorded as %+v", who)
		}
	})
}

func TestAnIdempotencyKeyAnswersTheSameSession(t *testing.T) {
	worlds(t, func(w *world) {
		claim := lifecycle.NewSession{CustomerID: "c", Plan: "free", Key: "k"}
		ids := make([]string, 8)
		together(len(ids), func(i int) {
			if f, err := w.CreateSession(w.Context(), shop, claim); err == nil {
				ids[i] = f.SessionID
			}
		})
		for _, id := range ids {
			if id == "" || id != ids[0] {
				w.Fatalf("one key, sessions %q", ids)
			}
		}
		claim.Plan = "chat10"
		if _, err := w.CreateSession(w.Context(), shop, claim); !errors.Is(err, curfew.IdempotencyMismatch) {
			w.Errorf("another plan: %v", err)
		}
		must(w.End(w.Context(), ids[0], shop))(w)
		claim.Plan = "free"
		if f := must(w.CreateSession(w.Context(), shop, claim))(w); f.SessionID != ids[0] || !f.Replayed {
			w.Errorf("after its end: %+v", f)
		}
	})
}

func TestBadPurchasesAreRefusedWithWords(t *testing.T) {
	worlds(t, func(w *world) {
		before := w.dump()
		for word, spoil := range map[string]func(*lifecycle.Purchase){
			"plans are chat10": func(p *lifecycle.Purchase) { p.Plan = "gold" },
			"paymentRef":       func(p *lifecycle.Purchase) { p.PaymentRef = "" },
			"customerId":       func(p *lifecycle.Purchase) { p.CustomerID = strings.Repeat("x", 129) },
			"control":          func(p *lifecycle.Purchase) { p.CustomerID = "a\x00b" },
			"negative":         func(p *lifecycle.Purchase) { *p.Amount = -1 },
		} {
			p := w.purchase("c", "p1")
			spoil(&p)
			_, err := w.FulfillCheckout(w.Context(), shop, p)
			if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), word) {
				w.Errorf("%s: %v", word, err)
			}
		}
		if before != w.dump() {
			w.Error("bad input changed something")
		}
	})
}

func TestStormsOfOneCustomerEndInOneOpenSession(t *testing.T) {
	worlds(t, func(w *world) {
		for n := range *storms {
			storm(w, fmt.Sprintf("c%d", n))
		}
	})
}

// storm is 100 concurrent admissions of one customer: 40 different payments,
// each reported twice, and 20 claims of a free session.
func storm(w *world, customer string) {
	w.Helper()
	got := make([]lifecycle.Fulfillment, 100)
	errs := make([]error, 100)
	together(100, func(i int) {
		if i >= 80 {
			got[i], errs[i] = w.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: customer, Plan: "free"})
			return
		}
		got[i], errs[i] = w.FulfillCheckout(w.Context(), shop, w.purchase(customer, fmt.Sprintf("%s-p%d", customer, i%40)))
	})
	sessions := map[string]bool{}
	for i, f := range got {
		switch {
		case errs[i] == nil && f.SessionID != "":
			sessions[f.SessionID] = true
		case errs[i] == nil && f.Outcome == curfew.Deferred && i < 80:
		case errors.Is(errs[i], curfew.SessionOpen) && i >= 80:
		default:
			w.Errorf("admission %d: %+v, %v", i, f, errs[i])
		}
	}
	if len(sessions) != 1 {
		w.Errorf("customer %s got %d sessions: %v", customer, len(sessions), sessions)
	}
}
