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
func (env *environment) bought(customer, ref string) curfew.Checkout {
	env.Helper()
	for _, c := range must(env.OfCustomer(env.Context(), customer))(env) {
		if c.Ref == ref {
			return c
		}
	}
	env.Fatalf("there is no payment %s", ref)
	return curfew.Checkout{}
}

func TestALiveSessionIsExtendedOnceAReference(t *testing.T) {
	onEachStoreWith(t, moreTime, func(env *environment) {
		f := env.live("c", "p1", "m")
		before := must(env.Session(env.Context(), f.SessionID))(env)
		got := make([]lifecycle.Extended, 6)
		together(len(got), func(i int) { got[i] = must(env.Extend(env.Context(), shop, more(f.SessionID, "x1")))(env) })
		fresh := 0
		for _, x := range got {
			if !x.Replayed {
				fresh++
			}
			if x.Outcome != curfew.Fulfilled || x.CheckoutID != got[0].CheckoutID || x.Session.ID != f.SessionID {
				env.Errorf("one got %+v", x)
			}
		}
		s := must(env.Session(env.Context(), f.SessionID))(env)
		if fresh != 1 || s.Duration != before.Duration+15*time.Minute || !s.ExpiresAt.Equal(before.ExpiresAt.Add(15*time.Minute)) {
			env.Errorf("%d extended it to %+v", fresh, s.Session)
		}
		events := must(env.Events(env.Context(), s.Session))(env)
		if e := events[len(events)-1]; e.From != "live" || e.To != "live" || e.Reason != "extended by 15 minutes" || e.Actor != shop {
			env.Errorf("the event is %+v", e)
		}
		if c := env.bought("c", "x1"); c.Amount != 900 || c.Currency != "eur" || c.SessionID != f.SessionID {
			env.Errorf("the payment is %+v", c)
		}
		must(env.Extend(env.Context(), shop, more(f.SessionID, "x2")))(env)
		env.Age(env, f.SessionID, 74*time.Minute)
		must(env.Sweep(env.Context()))(env)
		env.is(f.SessionID, curfew.Live, "", curfew.Accepted, curfew.Fulfilled)
	})
}

func TestAKnownReferenceExtendsNothingElse(t *testing.T) {
	onEachStoreWith(t, moreTime, func(env *environment) {
		f, other := env.live("c", "p1", "m"), env.live("d", "p2", "n")
		must(env.Extend(env.Context(), shop, more(f.SessionID, "x1")))(env)
		before := env.Dump(env)
		longer := more(f.SessionID, "x1")
		longer.Plan = "more30"
		for _, x := range []lifecycle.Extension{more(other.SessionID, "x1"), longer, more(f.SessionID, "p1"), more(other.SessionID, "p1")} {
			if _, err := env.Extend(env.Context(), shop, x); !errors.Is(err, curfew.IdempotencyMismatch) {
				env.Errorf("%+v: %v", x, err)
			}
		}
		for kind, x := range map[curfew.Kind]lifecycle.Extension{
			curfew.Invalid:  {SessionID: f.SessionID, Plan: "chat10", PaymentRef: "x2"},
			curfew.NotFound: more("01a20871-e0e1-78f7-a4de-999d500d67a7", "x2"),
		} {
			if _, err := env.Extend(env.Context(), shop, x); !errors.Is(err, kind) {
				env.Errorf("%+v: %v", x, err)
			}
		}
		if before != env.Dump(env) {
			env.Error("something changed")
		}
	})
}

func TestWhatIsNotLiveAnyMoreIsNotExtendedButRefunded(t *testing.T) {
	for situation, end := range map[string]func(*environment, string){
		"ended":   func(env *environment, id string) { must(env.End(env.Context(), id, kim))(env) },
		"overdue": func(env *environment, id string) { env.Age(env, id, longAgo) },
	} {
		t.Run(situation, func(t *testing.T) {
			onEachStoreWith(t, moreTime, func(env *environment) {
				f := env.live("c", "p1", "m")
				end(env, f.SessionID)
				x := must(env.Extend(env.Context(), shop, more(f.SessionID, "x1")))(env)
				if x.Outcome != curfew.RefundDue || x.Replayed || !x.Session.Status.Ended() {
					env.Errorf("got %+v", x)
				}
				if c := env.bought("c", "x1"); c.Outcome != curfew.RefundDue || c.RefundAmount != 900 {
					env.Errorf("the payment is %+v", c)
				}
				if again := must(env.Extend(env.Context(), shop, more(f.SessionID, "x1")))(env); again.Outcome != curfew.RefundDue || !again.Replayed {
					env.Errorf("again: %+v", again)
				}
			})
		})
	}
}

func TestExtensionsOfASessionCancelledTooShortAreRefunded(t *testing.T) {
	onEachStoreWith(t, moreTime, func(env *environment) {
		f := env.live("c", "p1", "m")
		must(env.Extend(env.Context(), shop, more(f.SessionID, "x1")))(env)
		must(env.End(env.Context(), f.SessionID, kim))(env)
		env.is(f.SessionID, curfew.Cancelled, curfew.TooShort, curfew.RequestCancelled, curfew.Credited)
		if c := env.bought("c", "x1"); c.Outcome != curfew.RefundDue || c.RefundAmount != 900 {
			env.Errorf("the extension's payment is %+v", c)
		}
	})
}

func TestMoneyOfExtensionsAnotherProgramLeftIsSettled(t *testing.T) {
	onEachStoreWith(t, moreTime, func(env *environment) {
		f := env.live("c", "p1", "m")
		must(env.Extend(env.Context(), shop, more(f.SessionID, "x1")))(env)
		env.Exec(env, "UPDATE "+env.Schema+"sessions SET status = 'cancelled' WHERE id = $1", f.SessionID)
		must(env.Sweep(env.Context()))(env)
		if own, extra := env.bought("c", "p1"), env.bought("c", "x1"); own.Outcome != curfew.Credited || extra.Outcome != curfew.RefundDue {
			env.Errorf("they are %s and %s", own.Outcome, extra.Outcome)
		}
	})
}

func TestAnExtensionWhoseAnswerGetsLostHappensOnce(t *testing.T) {
	onEachStoreWith(t, moreTime, func(env *environment) {
		f := env.live("c", "p1", "m")
		lossy := env.with(storetest.NewLossy(env.Store, 7, 0.3))
		for {
			_, err := lossy.Extend(env.Context(), shop, more(f.SessionID, "x1"))
			if err == nil {
				break
			}
			if !errors.Is(err, curfew.Unavailable) {
				env.Fatal(err)
			}
		}
		if s := must(env.Session(env.Context(), f.SessionID))(env); s.Duration != 45*time.Minute {
			env.Errorf("it lasts %s", s.Duration)
		}
	})
}

// extra is a provider's payment for more time of a session.
func extra(customer, sessionID, ref string) storetest.Report {
	p := reportedPayment(customer, ref)
	p.Plan, p.Amount, p.Extends = "more15", 900, sessionID
	return p
}

func TestAProvidersMessageExtendsOnceAReference(t *testing.T) {
	onEachStoreWith(t, moreTime, func(env *environment) {
		f := env.live("c", "p1", "m")
		before := must(env.Session(env.Context(), f.SessionID))(env)
		p := extra("c", f.SessionID, "x1")
		p.Email = "kim@example.org"
		together(6, func(i int) {
			if i == 0 { // the shop's thank-you page tells it too
				must(env.Extend(env.Context(), shop, more(f.SessionID, "x1")))(env)
				return
			}
			if err := env.Receive(env.Context(), paid(p)); err != nil {
				env.Error(err)
			}
		})
		s := must(env.Session(env.Context(), f.SessionID))(env)
		if s.Duration != before.Duration+15*time.Minute || !s.ExpiresAt.Equal(before.ExpiresAt.Add(15*time.Minute)) {
			env.Errorf("it was extended to %+v", s.Session)
		}
		if c := env.outcome("x1", curfew.Fulfilled); c.PaymentID != "pi-x1" || c.Amount != 900 || c.SessionID != f.SessionID {
			env.Errorf("the payment is %+v", c)
		}
		env.receive(paid(extra("c", f.SessionID, "x2")), refunded(extra("c", f.SessionID, "x2"), 900))
		env.outcome("x2", curfew.Refunded)
		env.is(f.SessionID, curfew.Live, "", curfew.Accepted, curfew.Fulfilled)
	})
}

func TestAProvidersMessageExtendsNothingElse(t *testing.T) {
	for sentence, c := range map[string]struct {
		change  func(env *environment, p *storetest.Report)
		outcome curfew.Outcome
		note    string
	}{
		"the session has ended": {func(env *environment, p *storetest.Report) {
			must(env.End(env.Context(), p.Extends, kim))(env)
		}, curfew.RefundDue, ""},
		"the session is overdue": {func(env *environment, p *storetest.Report) {
			env.Age(env, p.Extends, longAgo)
		}, curfew.RefundDue, ""},
		"it was given back before": {func(env *environment, p *storetest.Report) {
			env.receive(refunded(*p, 900))
		}, curfew.Refunded, "given back"},
		"the session is another's": {func(_ *environment, p *storetest.Report) {
			p.CustomerID = "d"
		}, curfew.Held, "not customer d's"},
		"the session is unknown": {func(_ *environment, p *storetest.Report) {
			p.Extends = "01a20871-e0e1-78f7-a4de-999d500d67a7"
		}, curfew.Held, "no session"},
		"nobody knows whose it is": {func(_ *environment, p *storetest.Report) {
			p.CustomerID = ""
		}, curfew.Held, "whose"},
		"the plan begins a session": {func(_ *environment, p *storetest.Report) {
			p.Plan = "chat10"
		}, curfew.Held, "cannot extend"},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStoreWith(t, moreTime, func(env *environment) {
				f := env.live("c", "p1", "m")
				p := extra("c", f.SessionID, "x1")
				c.change(env, &p)
				env.receive(paid(p), paid(p))
				got := env.outcome("x1", c.outcome)
				if !strings.Contains(got.Note, c.note) || got.Version != 1 || c.outcome != curfew.Held && got.RefundAmount != 900 {
					env.Errorf("it is %+v", got)
				}
				if s := must(env.Session(env.Context(), f.SessionID))(env); s.Duration != 30*time.Minute {
					env.Errorf("the session lasts %s", s.Duration)
				}
			})
		})
	}
}

// Who was given the session's payment back is still owed the extensions'.
func TestARefundOfASessionsPaymentLeavesItsExtensionsDue(t *testing.T) {
	for how, give := range map[string]func(*environment){
		"told by the provider": func(env *environment) { env.receive(refunded(reportedPayment("c", "p1"), 2900)) },
		"closed by hand": func(env *environment) {
			must(env.CloseRefund(env.Context(), admin, "p1", "at the counter"))(env)
		},
	} {
		t.Run(how, func(t *testing.T) {
			onEachStoreWith(t, moreTime, func(env *environment) {
				f := env.live("c", "p1", "m")
				env.receive(paid(reportedPayment("c", "p1")), paid(extra("c", f.SessionID, "x1")))
				give(env)
				env.is(f.SessionID, curfew.Cancelled, curfew.ByRefund, curfew.RequestCancelled, curfew.Refunded)
				if c := env.outcome("p1", curfew.Refunded); c.RefundAmount != 2900 {
					env.Errorf("of the session's own %d were given back", c.RefundAmount)
				}
				if c := env.outcome("x1", curfew.RefundDue); c.RefundAmount != 900 {
					env.Errorf("of the extension %d are due", c.RefundAmount)
				}
			})
		})
	}
}
