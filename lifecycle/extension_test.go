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

// moreTime sells a quarter of an hour for live sessions.
func moreTime(p *curfew.Policy) {
	price := int64(900)
	p.Plans["more15"] = curfew.Plan{Kind: curfew.Chat, Duration: 15 * time.Minute, Price: &price, Currency: "EUR", Extends: true}
	p.Plans["more30"] = curfew.Plan{Kind: curfew.Chat, Duration: 30 * time.Minute, Extends: true}
}

func more(sessionID, ref string) lifecycle.Extension {
	return lifecycle.Extension{SessionID: sessionID, Plan: "more15", PaymentRef: ref}
}

// bought is the customer's checkout of a reference.
func (w *world) bought(customer, ref string) curfew.Checkout {
	w.Helper()
	for _, c := range must(w.OfCustomer(w.Context(), customer))(w) {
		if c.Ref == ref {
			return c
		}
	}
	w.Fatalf("there is no payment %s", ref)
	return curfew.Checkout{}
}

func TestALiveSessionIsExtendedOnceAReference(t *testing.T) {
	worldsWith(t, moreTime, func(w *world) {
		f := w.live("c", "p1", "m")
		before := must(w.Session(w.Context(), f.SessionID))(w)
		got := make([]lifecycle.Extended, 6)
		together(len(got), func(i int) { got[i] = must(w.Extend(w.Context(), shop, more(f.SessionID, "x1")))(w) })
		fresh := 0
		for _, x := range got {
			if !x.Replayed {
				fresh++
			}
			if x.Outcome != curfew.Fulfilled || x.CheckoutID != got[0].CheckoutID || x.Session.ID != f.SessionID {
				w.Errorf("one got %+v", x)
			}
		}
		s := must(w.Session(w.Context(), f.SessionID))(w)
		if fresh != 1 || s.Duration != before.Duration+15*time.Minute || !s.ExpiresAt.Equal(before.ExpiresAt.Add(15*time.Minute)) {
			w.Errorf("%d extended it to %+v", fresh, s.Session)
		}
		events := must(w.Events(w.Context(), s.Session))(w)
		if e := events[len(events)-1]; e.From != "live" || e.To != "live" || e.Reason != "extended by 15 minutes" || e.Actor != shop {
			w.Errorf("the event is %+v", e)
		}
		if c := w.bought("c", "x1"); c.Amount != 900 || c.Currency != "eur" || c.SessionID != f.SessionID {
			w.Errorf("the payment is %+v", c)
		}
		must(w.Extend(w.Context(), shop, more(f.SessionID, "x2")))(w)
		w.Age(w, f.SessionID, 74*time.Minute)
		must(w.Sweep(w.Context()))(w)
		w.is(f.SessionID, curfew.Live, "", curfew.Accepted, curfew.Fulfilled)
	})
}

func TestAKnownReferenceExtendsNothingElse(t *testing.T) {
	worldsWith(t, moreTime, func(w *world) {
		f, other := w.live("c", "p1", "m"), w.live("d", "p2", "n")
		must(w.Extend(w.Context(), shop, more(f.SessionID, "x1")))(w)
		before := w.dump()
		longer := more(f.SessionID, "x1")
		longer.Plan = "more30"
		for _, x := range []lifecycle.Extension{more(other.SessionID, "x1"), longer, more(f.SessionID, "p1"), more(other.SessionID, "p1")} {
			if _, err := w.Extend(w.Context(), shop, x); !errors.Is(err, curfew.IdempotencyMismatch) {
				w.Errorf("%+v: %v", x, err)
			}
		}
		for kind, x := range map[curfew.Kind]lifecycle.Extension{
			curfew.Invalid:  {SessionID: f.SessionID, Plan: "chat10", PaymentRef: "x2"},
			curfew.NotFound: more("01a20871-e0e1-78f7-a4de-999d500d67a7", "x2"),
		} {
			if _, err := w.Extend(w.Context(), shop, x); !errors.Is(err, kind) {
				w.Errorf("%+v: %v", x, err)
			}
		}
		if before != w.dump() {
			w.Error("something changed")
		}
	})
}

func TestWhatIsNotLiveAnyMoreIsNotExtendedButRefunded(t *testing.T) {
	for situation, end := range map[string]func(*world, string){
		"ended":   func(w *world, id string) { must(w.End(w.Context(), id, kim))(w) },
		"overdue": func(w *world, id string) { w.Age(w, id, longAgo) },
	} {
		t.Run(situation, func(t *testing.T) {
			worldsWith(t, moreTime, func(w *world) {
				f := w.live("c", "p1", "m")
				end(w, f.SessionID)
				x := must(w.Extend(w.Context(), shop, more(f.SessionID, "x1")))(w)
				if x.Outcome != curfew.RefundDue || x.Replayed || !x.Session.Status.Ended() {
					w.Errorf("got %+v", x)
				}
				if c := w.bought("c", "x1"); c.Outcome != curfew.RefundDue || c.RefundAmount != 900 {
					w.Errorf("the payment is %+v", c)
				}
				if again := must(w.Extend(w.Context(), shop, more(f.SessionID, "x1")))(w); again.Outcome != curfew.RefundDue || !again.Replayed {
					w.Errorf("again: %+v", again)
				}
			})
		})
	}
}

func TestExtensionsOfASessionCancelledTooShortAreRefunded(t *testing.T) {
	worldsWith(t, moreTime, func(w *world) {
		f := w.live("c", "p1", "m")
		must(w.Extend(w.Context(), shop, more(f.SessionID, "x1")))(w)
		must(w.End(w.Context(), f.SessionID, kim))(w)
		w.is(f.SessionID, curfew.Cancelled, curfew.TooShort, curfew.RequestCancelled, curfew.Credited)
		if c := w.bought("c", "x1"); c.Outcome != curfew.RefundDue || c.RefundAmount != 900 {
			w.Errorf("the extension's payment is %+v", c)
		}
	})
}

func TestMoneyOfExtensionsAnotherProgramLeftIsSettled(t *testing.T) {
	worldsWith(t, moreTime, func(w *world) {
		f := w.live("c", "p1", "m")
		must(w.Extend(w.Context(), shop, more(f.SessionID, "x1")))(w)
		w.Exec(w, "UPDATE "+w.Schema+"sessions SET status = 'cancelled' WHERE id = $1", f.SessionID)
		must(w.Sweep(w.Context()))(w)
		if own, extra := w.bought("c", "p1"), w.bought("c", "x1"); own.Outcome != curfew.Credited || extra.Outcome != curfew.RefundDue {
			w.Errorf("they are %s and %s", own.Outcome, extra.Outcome)
		}
	})
}

func TestAnExtensionWhoseAnswerGetsLostHappensOnce(t *testing.T) {
	worldsWith(t, moreTime, func(w *world) {
		f := w.live("c", "p1", "m")
		lossy := w.with(storetest.NewLossy(w.Store, 7, 0.3))
		for {
			_, err := lossy.Extend(w.Context(), shop, more(f.SessionID, "x1"))
			if err == nil {
				break
			}
			if !errors.Is(err, curfew.Unavailable) {
				w.Fatal(err)
			}
		}
		if s := must(w.Session(w.Context(), f.SessionID))(w); s.Duration != 45*time.Minute {
			w.Errorf("it lasts %s", s.Duration)
		}
	})
}

// extra is a provider's payment for more time of a session.
func extra(customer, sessionID, ref string) curfew.Payment {
	p := told(customer, ref)
	p.Plan, p.Amount, p.Extends = "more15", 900, sessionID
	return p
}

func TestAProvidersMessageExtendsOnceAReference(t *testing.T) {
	worldsWith(t, moreTime, func(w *world) {
		f := w.live("c", "p1", "m")
		before := must(w.Session(w.Context(), f.SessionID))(w)
		p := extra("c", f.SessionID, "x1")
		p.Email = "kim@example.org"
		together(6, func(i int) {
			if i == 0 { // the shop's thank-you page tells it too
				must(w.Extend(w.Context(), shop, more(f.SessionID, "x1")))(w)
				return
			}
			if err := w.Receive(w.Context(), paid(p)); err != nil {
				w.Error(err)
			}
		})
		s := must(w.Session(w.Context(), f.SessionID))(w)
		if s.Duration != before.Duration+15*time.Minute || !s.ExpiresAt.Equal(before.ExpiresAt.Add(15*time.Minute)) {
			w.Errorf("it was extended to %+v", s.Session)
		}
		if c := w.outcome("x1", curfew.Fulfilled); c.PaymentID != "pi-x1" || c.Amount != 900 || c.SessionID != f.SessionID {
			w.Errorf("the payment is %+v", c)
		}
		w.receive(paid(extra("c", f.SessionID, "x2")), refunded(extra("c", f.SessionID, "x2"), 900))
		w.outcome("x2", curfew.Refunded)
		w.is(f.SessionID, curfew.Live, "", curfew.Accepted, curfew.Fulfilled)
	})
}

func TestAProvidersMessageExtendsNothingElse(t *testing.T) {
	for sentence, c := range map[string]struct {
		change  func(w *world, p *curfew.Payment)
		outcome curfew.Outcome
		note    string
	}{
		"the session has ended": {func(w *world, p *curfew.Payment) {
			must(w.End(w.Context(), p.Extends, kim))(w)
		}, curfew.RefundDue, ""},
		"the session is overdue": {func(w *world, p *curfew.Payment) {
			w.Age(w, p.Extends, longAgo)
		}, curfew.RefundDue, ""},
		"it was given back before": {func(w *world, p *curfew.Payment) {
			w.receive(refunded(*p, 900))
		}, curfew.Refunded, "given back"},
		"the session is another's": {func(_ *world, p *curfew.Payment) {
			p.CustomerID = "d"
		}, curfew.Held, "not customer d's"},
		"the session is unknown": {func(_ *world, p *curfew.Payment) {
			p.Extends = "01a20871-e0e1-78f7-a4de-999d500d67a7"
		}, curfew.Held, "no session"},
		"nobody knows whose it is": {func(_ *world, p *curfew.Payment) {
			p.CustomerID = ""
		}, curfew.Held, "whose"},
		"the plan begins a session": {func(_ *world, p *curfew.Payment) {
			p.Plan = "chat10"
		}, curfew.Held, "cannot extend"},
	} {
		t.Run(sentence, func(t *testing.T) {
			worldsWith(t, moreTime, func(w *world) {
				f := w.live("c", "p1", "m")
				p := extra("c", f.SessionID, "x1")
				c.change(w, &p)
				w.receive(paid(p), paid(p))
				got := w.outcome("x1", c.outcome)
				if !strings.Contains(got.Note, c.note) || got.Version != 1 || c.outcome != curfew.Held && got.RefundAmount != 900 {
					w.Errorf("it is %+v", got)
				}
				if s := must(w.Session(w.Context(), f.SessionID))(w); s.Duration != 30*time.Minute {
					w.Errorf("the session lasts %s", s.Duration)
				}
			})
		})
	}
}

// Who was given the session's payment back is still owed the extensions'.
func TestARefundOfASessionsPaymentLeavesItsExtensionsDue(t *testing.T) {
	for how, give := range map[string]func(*world){
		"told by the provider": func(w *world) { w.receive(refunded(told("c", "p1"), 2900)) },
		"closed by hand": func(w *world) {
			must(w.CloseRefund(w.Context(), admin, "p1", "at the counter"))(w)
		},
	} {
		t.Run(how, func(t *testing.T) {
			worldsWith(t, moreTime, func(w *world) {
				f := w.live("c", "p1", "m")
				w.receive(paid(told("c", "p1")), paid(extra("c", f.SessionID, "x1")))
				give(w)
				w.is(f.SessionID, curfew.Cancelled, curfew.ByRefund, curfew.RequestCancelled, curfew.Refunded)
				if c := w.outcome("p1", curfew.Refunded); c.RefundAmount != 2900 {
					w.Errorf("of the session's own %d were given back", c.RefundAmount)
				}
				if c := w.outcome("x1", curfew.RefundDue); c.RefundAmount != 900 {
					w.Errorf("of the extension %d are due", c.RefundAmount)
				}
			})
		})
	}
}
