package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/lifecycle"
)

// offering is a policy in which a mechanic who accepts has three minutes to come.
func offering(p *curfew.Policy) { p.JoinOffer = 3 * time.Minute }

func mechanic(id string) curfew.Actor { return curfew.Actor{Role: curfew.Mechanic, ID: id} }

func customer(id string) curfew.Actor { return curfew.Actor{Role: curfew.Customer, ID: id} }

// backInQueue checks that a session waits on at its place, and that its mechanic is free.
func (env *environment) backInQueue(before curfew.Snapshot) {
	env.Helper()
	now := must(env.Session(env.Context(), before.ID))(env)
	if now.Status != curfew.Waiting || now.Assigned() || now.Request.ID != before.Request.ID || now.Request.Status != curfew.Pending {
		env.Errorf("it is %s with mechanic %q, and its request %s", now.Status, now.MechanicID, now.Request.Status)
	}
	if !now.CreatedAt.Equal(before.CreatedAt) || now.ExpiresAt.After(now.CreatedAt.Add(time.Hour)) {
		env.Errorf("it was created at %s and waits until %s: its place is not kept, or it may wait too long", now.CreatedAt, now.ExpiresAt)
	}
	if _, err := env.Store.Slot(env.Context(), before.MechanicID); !errors.Is(err, curfew.NotFound) {
		env.Errorf("the mechanic is still busy: %v", err)
	}
	queue := must(env.Peek(env.Context(), curfew.Cursor{}, 100))(env)
	if len(queue) == 0 || queue[0].ID != before.ID {
		env.Errorf("it is not the first in the queue: %v", queue)
	}
}

// forgets is how often a mechanic accepted a session and did not come.
func (env *environment) forgets(mechanic string, want int) {
	env.Helper()
	_, got, err := env.Mechanic(env.Context(), mechanic)
	if err != nil || got.Total != want || got.Lately != want || got.Last.IsZero() != (want == 0) {
		env.Errorf("mechanic %s has forgotten %+v (%v), want %d", mechanic, got, err, want)
	}
}

// Whoever meets a session first whose mechanic did not come gives it back: no background job is needed for the one in front
// of them.
func TestAForgottenSessionGoesBackIntoTheQueue(t *testing.T) {
	for who, meets := range map[string]func(env *environment, f lifecycle.Fulfillment){
		"the sweeper": func(env *environment, _ lifecycle.Fulfillment) {
			if stats := must(env.Sweep(env.Context()))(env); stats != (curfew.Stats{Forgotten: 1}) {
				env.Errorf("the sweep counts %+v", stats)
			}
		},
		"a cleanup by hand": func(env *environment, _ lifecycle.Fulfillment) {
			p := must(env.StorePreview(env.Context(), lifecycle.Cleanup{Actor: admin}))(env)
			if len(p.Items) != 1 || p.Items[0].Rule != curfew.Forgotten || p.Stats() != (curfew.Stats{Forgotten: 1}) {
				env.Errorf("the preview is %+v", p)
			}
			run, drifted, err := env.ExecutePreview(env.Context(), p.ID, lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin})
			if err != nil || len(drifted) != 0 || run.Stats != (curfew.Stats{Forgotten: 1}) {
				env.Errorf("the run is %+v, drifted %v, %v", run, drifted, err)
			}
		},
		"the customer's next payment": func(env *environment, f lifecycle.Fulfillment) {
			got := must(env.FulfillCheckout(env.Context(), shop, env.purchase("c", "p2")))(env)
			if got.Outcome != curfew.Deferred || got.Blocker == nil || got.Blocker.Session.ID != f.SessionID || got.Blocker.Session.Assigned() {
				env.Errorf("the payment is %+v", got)
			}
		},
		"the customer who joins": func(env *environment, f lifecycle.Fulfillment) {
			must(env.Join(env.Context(), f.SessionID, customer("c")))(env)
		},
		"the mechanic's next acceptance": func(env *environment, _ lifecycle.Fulfillment) {
			other := env.pay("d", "p2")
			must(env.Accept(env.Context(), other.RequestID, "m"))(env)
			must(env.Release(env.Context(), other.RequestID, "m"))(env)
		},
	} {
		t.Run(who, func(t *testing.T) {
			onEachStoreWith(t, offering, func(env *environment) {
				f := env.accepted("c", "p1", "m")
				env.Age(env, f.SessionID, 4*time.Minute)
				before := must(env.Session(env.Context(), f.SessionID))(env)
				env.forgets("m", 0)
				meets(env, f)
				env.backInQueue(before)
				env.forgets("m", 1)
				events := must(env.Events(env.Context(), before.Session))(env)
				e := events[2]
				if e.Reason != "forgotten: m" || e.Code() != "forgotten" || e.From != "waiting" || e.To != "waiting" {
					env.Errorf("the event is %+v", e)
				}
			})
		})
	}
}

// The next mechanic need not wait for anybody: the overdue offer of another is given back within the acceptance.
func TestAForgottenRequestCanBeAcceptedAtOnce(t *testing.T) {
	onEachStoreWith(t, offering, func(env *environment) {
		f := env.accepted("c", "p1", "m1")
		if _, err := env.Accept(env.Context(), f.RequestID, "m2"); !errors.Is(err, curfew.AlreadyClaimed) {
			env.Errorf("in time: %v", err)
		}
		env.Age(env, f.SessionID, 4*time.Minute)
		if _, err := env.Join(env.Context(), f.SessionID, mechanic("m1")); !errors.Is(err, curfew.Conflict) {
			env.Errorf("who comes too late: %v", err)
		}
		if s := must(env.Accept(env.Context(), f.RequestID, "m2"))(env); s.MechanicID != "m2" {
			env.Errorf("it is %+v", s.Session)
		}
		for what, do := range map[string]func(context.Context, string, curfew.Actor) (curfew.Snapshot, error){"end": env.End, "cancel": env.Cancel} {
			if _, err := do(env.Context(), f.SessionID, mechanic("m1")); !errors.Is(err, curfew.Conflict) {
				env.Errorf("%s by who has lost it: %v", what, err)
			}
		}
		if _, err := env.Join(env.Context(), f.SessionID, mechanic("m1")); !errors.Is(err, curfew.Conflict) {
			env.Errorf("who has lost it: %v", err)
		}
		must(env.Join(env.Context(), f.SessionID, customer("c")))(env)
		if s := must(env.Join(env.Context(), f.SessionID, mechanic("m2")))(env); s.Status != curfew.Live {
			env.Errorf("both are in, and it is %s", s.Status)
		}
		env.forgets("m1", 1)
		env.forgets("m2", 0)
	})
}

// The offer counts the mechanic's join alone, and the customer has the whole JoinTTL once the mechanic is in.
func TestWhoseJoinCounts(t *testing.T) {
	onEachStoreWith(t, offering, func(env *environment) {
		came := env.accepted("a", "pa", "m1")
		env.Age(env, came.SessionID, 2*time.Minute)
		s := must(env.Join(env.Context(), came.SessionID, mechanic("m1")))(env)
		if want := s.AcceptedAt.Add(30 * time.Minute); !s.ExpiresAt.Equal(want) {
			env.Errorf("after the mechanic's join the customer has until %s, want %s", s.ExpiresAt, want)
		}
		absent := env.accepted("b", "pb", "m2")
		must(env.Join(env.Context(), absent.SessionID, customer("b")))(env)
		env.Age(env, came.SessionID, 4*time.Minute)
		env.Age(env, absent.SessionID, 4*time.Minute)
		if stats := must(env.Sweep(env.Context()))(env); stats != (curfew.Stats{Forgotten: 1}) {
			env.Errorf("the sweep counts %+v", stats)
		}
		waits := must(env.Session(env.Context(), absent.SessionID))(env)
		if waits.Assigned() || waits.CustomerJoinedAt.IsZero() {
			env.Errorf("the customer who waits inside is %+v", waits.Session)
		}
		env.Age(env, came.SessionID, 25*time.Minute)
		must(env.Sweep(env.Context()))(env)
		env.is(came.SessionID, curfew.Cancelled, curfew.NoShow, curfew.RequestCancelled, curfew.Credited)
		env.forgets("m1", 0)
	})
}

func TestAfterMaxWaitAForgottenSessionEnds(t *testing.T) {
	for who, settle := range map[string]func(env *environment){
		"by the sweeper": func(env *environment) {
			if stats := must(env.Sweep(env.Context()))(env); stats != (curfew.Stats{Unattended: 2, TotalCleaned: 2}) {
				env.Errorf("the sweep counts %+v", stats)
			}
		},
		"by the customer's next call": func(env *environment) {
			if f := env.pay("c", "p2"); f.Outcome != curfew.Fulfilled {
				env.Errorf("the next payment is %+v", f)
			}
		},
	} {
		t.Run(who, func(t *testing.T) {
			onEachStoreWith(t, func(p *curfew.Policy) {
				offering(p)
				p.Settle = map[curfew.EndReason]curfew.Settlement{curfew.Unattended: curfew.Refund, curfew.NoShow: curfew.Forfeit}
			}, func(env *environment) {
				f := env.accepted("c", "p1", "m")
				env.Age(env, f.SessionID, 61*time.Minute)
				settle(env)
				env.is(f.SessionID, curfew.Cancelled, curfew.Unattended, curfew.RequestCancelled, curfew.RefundDue)
				env.forgets("m", 1)
			})
		})
	}
}

// A plan may have its own time, and a policy without one is as before: who never came is a no-show.
func TestTheTimeToJoinIsThePlans(t *testing.T) {
	onEachStoreWith(t, func(p *curfew.Policy) {
		p.Plans = curfew.BuiltinPlans()
		slow := p.Plans["video15"]
		slow.JoinOffer = 10 * time.Minute
		p.Plans["chat10"] = slow
	}, func(env *environment) {
		own := env.accepted("c", "p1", "m")
		s := must(env.Session(env.Context(), own.SessionID))(env)
		if got := s.ExpiresAt.Sub(s.AcceptedAt); got != 10*time.Minute {
			env.Errorf("the mechanic has %s", got)
		}
		free := must(env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: "d", Plan: "free"}))(env)
		must(env.Accept(env.Context(), free.RequestID, "m2"))(env)
		env.Age(env, free.SessionID, 31*time.Minute)
		must(env.Sweep(env.Context()))(env)
		env.is(free.SessionID, curfew.Cancelled, curfew.NoShow, curfew.RequestCancelled, curfew.Credited)
	})
}

// What is read of an overdue offer is what will be, before anybody has settled it.
func TestAForgottenSessionBlocksAsOneThatWaits(t *testing.T) {
	onEachStoreWith(t, offering, func(env *environment) {
		f := env.accepted("c", "p1", "m")
		env.Age(env, f.SessionID, 4*time.Minute)
		before := env.Dump(env)
		b := must(env.CheckCustomerSessionStatus(env.Context(), "c"))(env)
		if b == nil || b.Session.ID != f.SessionID || b.Session.Assigned() || time.Until(b.ReleasesAt) < 10*time.Minute {
			env.Errorf("the customer is blocked by %+v", b)
		}
		if open := must(env.Unended(env.Context(), "c"))(env); len(open) != 1 {
			env.Errorf("the customer has %v open", open)
		}
		if busy := must(env.Current(env.Context(), "m"))(env); busy != nil {
			env.Errorf("the mechanic is busy with %+v", busy)
		}
		if before != env.Dump(env) {
			env.Error("reading changed something")
		}
	})
}

// Money that was taken when the first mechanic accepted stays taken, and is given back if nobody ever comes.
func TestAReofferKeepsWhatWasCaptured(t *testing.T) {
	for ends, row := range map[string]struct {
		outcome curfew.Outcome
		end     func(env *environment, s curfew.Snapshot)
	}{
		"nobody accepts it again": {curfew.RefundDue, func(env *environment, s curfew.Snapshot) {
			env.Age(env, s.ID, 20*time.Minute)
			must(env.Sweep(env.Context()))(env)
		}},
		"the next one does not come either, and it may wait no longer": {curfew.RefundDue, func(env *environment, s curfew.Snapshot) {
			must(env.Accept(env.Context(), s.Request.ID, "m2"))(env)
			env.Age(env, s.ID, time.Hour)
			must(env.Sweep(env.Context()))(env)
		}},
		"another mechanic comes": {curfew.Fulfilled, func(env *environment, s curfew.Snapshot) {
			must(env.Accept(env.Context(), s.Request.ID, "m2"))(env)
			must(env.Join(env.Context(), s.ID, customer("kim")))(env)
			must(env.Join(env.Context(), s.ID, mechanic("m2")))(env)
		}},
	} {
		t.Run(ends, func(t *testing.T) {
			onEachStoreWith(t, func(p *curfew.Policy) { takesLater("at_acceptance", false)(p); offering(p) }, func(env *environment) {
				v := newVault()
				env = env.banked(v, env.Store)
				env.receive(v.reserve(reportedPayment("kim", "p1"), 7*24*time.Hour))
				must(env.Accept(env.Context(), env.sessionOf("p1").Request.ID, "m1"))(env)
				env.taken("p1", curfew.Fulfilled, "captured")
				s := env.sessionOf("p1")
				env.Age(env, s.ID, 4*time.Minute)
				must(env.Sweep(env.Context()))(env)
				env.taken("p1", curfew.Fulfilled, "captured")
				row.end(env, env.sessionOf("p1"))
				env.taken("p1", row.outcome, "captured")
				if len(v.keys()) != 1 {
					env.Errorf("the bank was asked for %v", v.keys())
				}
			})
		})
	}
}

func TestTransferring(t *testing.T) {
	onEachStoreWith(t, offering, func(env *environment) {
		f := env.accepted("c", "p1", "m1")
		must(env.Join(env.Context(), f.SessionID, mechanic("m1")))(env)
		env.accepted("d", "p2", "busy")
		for what, to := range map[string]struct {
			to   string
			kind curfew.Kind
		}{
			"to oneself": {"m1", curfew.Invalid}, "to nobody": {"", curfew.Invalid}, "to one who is busy": {"busy", curfew.MechanicBusy},
		} {
			var e *curfew.Error
			if _, err := env.Transfer(env.Context(), f.RequestID, "m1", to.to); !errors.As(err, &e) || e.Kind != to.kind || e.Blocker != nil {
				env.Errorf("%s: %v", what, err)
			}
		}
		if _, err := env.Transfer(env.Context(), f.RequestID, "m3", "m2"); !errors.Is(err, curfew.NotFound) {
			env.Errorf("by another: %v", err)
		}
		for range 2 { // repeated, it is the same
			s := must(env.Transfer(env.Context(), f.RequestID, "m1", "m2"))(env)
			if s.MechanicID != "m2" || s.Request.MechanicID != "m2" || s.Request.Status != curfew.Accepted || s.Version != 4 ||
				!s.MechanicJoinedAt.IsZero() || s.ExpiresAt.Sub(s.AcceptedAt) != 3*time.Minute {
				env.Errorf("it is %+v", s)
			}
		}
		if slot := must(env.Store.Slot(env.Context(), "m2"))(env); slot.SessionID != f.SessionID {
			env.Errorf("the colleague's slot is %+v", slot)
		}
		if _, err := env.Store.Slot(env.Context(), "m1"); !errors.Is(err, curfew.NotFound) {
			env.Errorf("who gave it away is busy: %v", err)
		}
		env.Age(env, f.SessionID, 4*time.Minute) // the colleague does not come
		must(env.Sweep(env.Context()))(env)
		if s := must(env.Session(env.Context(), f.SessionID))(env); s.Assigned() {
			env.Errorf("it is %+v", s.Session)
		}
	})
}

func TestProlonging(t *testing.T) {
	onEachStoreWith(t, offering, func(env *environment) {
		waiting, accepted, live := env.pay("a", "pa"), env.accepted("b", "pb", "m1"), env.live("c", "pc", "m2")
		for _, id := range []string{waiting.SessionID, accepted.SessionID, live.SessionID} {
			before := must(env.Session(env.Context(), id))(env)
			after := must(env.Prolong(env.Context(), admin, id, 90*time.Minute, "the road is closed"))(env)
			if got := after.ExpiresAt.Sub(before.ExpiresAt); got != 90*time.Minute || after.Version != before.Version+1 || after.Status != before.Status ||
				after.Duration != before.Duration || after.MechanicID != before.MechanicID {
				env.Errorf("%s became %+v", before.Status, after.Session)
			}
			events := must(env.Events(env.Context(), after.Session))(env)
			if e := events[len(events)-1]; e.Reason != "prolonged by 90 minutes: the road is closed" || e.Code() != "prolonged" || e.Actor != admin {
				env.Errorf("the event is %+v", e)
			}
		}
		for what, row := range map[string]struct {
			id, why string
			longer  time.Duration
			kind    curfew.Kind
		}{
			"without a reason": {waiting.SessionID, "", time.Minute, curfew.Invalid},
			"by nothing":       {waiting.SessionID, "x", 0, curfew.Invalid},
			"by a week":        {waiting.SessionID, "x", 7 * 24 * time.Hour, curfew.Invalid},
			"what is missing":  {"018f0000-0000-7000-8000-000000000000", "x", time.Minute, curfew.NotFound},
		} {
			if _, err := env.Prolong(env.Context(), admin, row.id, row.longer, row.why); !errors.Is(err, row.kind) {
				env.Errorf("%s: %v", what, err)
			}
		}
		env.Age(env, waiting.SessionID, 3*time.Hour) // past the new deadline too
		if _, err := env.Prolong(env.Context(), admin, waiting.SessionID, time.Minute, "x"); !errors.Is(err, curfew.Conflict) {
			env.Errorf("what is overdue: %v", err)
		}
		env.is(waiting.SessionID, curfew.Cancelled, curfew.Expired, curfew.RequestExpired, curfew.Credited)
	})
}

// One offer passes its deadline while its mechanic joins, another accepts, the customer cancels and two sweeps give it back.
// One order happened: the session is whole, and nobody was told what is not true.
func TestGivingBackMeetsEverybodyElse(t *testing.T) {
	for rival, meet := range map[string]func(env *environment, f lifecycle.Fulfillment, i int) (won bool){
		"its mechanic joins": func(env *environment, f lifecycle.Fulfillment, i int) bool {
			s, err := env.Join(env.Context(), f.SessionID, mechanic(fmt.Sprint("m", i)))
			if err != nil && !errors.Is(err, curfew.Conflict) {
				env.Errorf("join: %v", err)
			}
			if err == nil && s.MechanicID != fmt.Sprint("m", i) {
				env.Errorf("%s joined a session of %s", fmt.Sprint("m", i), s.MechanicID)
			}
			return err == nil
		},
		"another accepts": func(env *environment, f lifecycle.Fulfillment, i int) bool {
			s, err := env.Accept(env.Context(), f.RequestID, fmt.Sprint("n", i))
			if err != nil && !errors.Is(err, curfew.AlreadyClaimed) && !errors.Is(err, curfew.Conflict) {
				env.Errorf("accept: %v", err)
			}
			return err == nil && s.MechanicID == fmt.Sprint("n", i)
		},
		"the customer cancels": func(env *environment, f lifecycle.Fulfillment, i int) bool {
			s, err := env.Cancel(env.Context(), f.SessionID, customer(fmt.Sprint("c", i)))
			if err != nil && !errors.Is(err, curfew.Conflict) {
				env.Errorf("cancel: %v", err)
			}
			return err == nil && s.EndReason == curfew.ByRequest
		},
	} {
		t.Run(rival, func(t *testing.T) {
			onEachStoreWith(t, offering, func(env *environment) {
				rounds := effort.Of(0, 8, 24)
				won := 0
				for i := range rounds {
					f := env.accepted(fmt.Sprint("c", i), fmt.Sprint("p", i), fmt.Sprint("m", i))
					s := must(env.Session(env.Context(), f.SessionID))(env)
					// The deadline passes within the calls: some come before it, some after.
					env.Age(env, f.SessionID, s.ExpiresAt.Sub(s.Now)-time.Duration(i%8)*500*time.Microsecond)
					var rivalWon bool
					together(3, func(n int) {
						if n == 0 {
							rivalWon = meet(env, f, i)
						} else {
							must(env.Sweep(env.Context()))(env)
						}
					})
					if rivalWon {
						won++
					}
					env.wholeAfter(f, fmt.Sprint("m", i), rivalWon && rival == "its mechanic joins")
				}
				env.Logf("the rival won %d of %d", won, rounds)
			})
		})
	}
}

// wholeAfter checks a session after a race: if its mechanic came in time, it is still theirs.
func (env *environment) wholeAfter(f lifecycle.Fulfillment, first string, came bool) {
	env.Helper()
	s := must(env.Session(env.Context(), f.SessionID))(env)
	slot, err := env.Store.Slot(env.Context(), first)
	holds := err == nil && slot.SessionID == f.SessionID
	if holds != (s.MechanicID == first && !s.Status.Ended()) {
		env.Errorf("session %s has mechanic %q (%s), and the first one's slot is %+v (%v)", s.ID, s.MechanicID, s.Status, slot, err)
	}
	if came && s.MechanicID != first {
		env.Errorf("the mechanic came in time, and the session is %+v", s.Session)
	}
	forgotten := 0
	for _, e := range must(env.Events(env.Context(), s.Session))(env) {
		if e.Code() == "forgotten" {
			forgotten++
		}
	}
	if a := must(env.Store.Absences(env.Context(), first, time.Hour))(env); a.Total != forgotten || forgotten > 1 {
		env.Errorf("it was given back %d times, and %s is counted %d times", forgotten, first, a.Total)
	}
}

// A mechanic who had a stream after accepting, and has had none for a minute, is gone: their session need not wait for its
// deadline. One who never had a stream, or is there again, keeps it.
func TestASessionWhoseMechanicIsGoneIsGivenBack(t *testing.T) {
	for who, meets := range map[string]func(env *environment, f lifecycle.Fulfillment){
		"the sweeper": func(env *environment, f lifecycle.Fulfillment) {
			if err := env.Watch(env.Context()); err != nil {
				env.Fatal(err)
			}
			must(env.Accept(env.Context(), f.RequestID, "m2"))(env)
		},
		"another mechanic": func(env *environment, f lifecycle.Fulfillment) {
			must(env.Accept(env.Context(), f.RequestID, "m2"))(env)
		},
	} {
		t.Run(who, func(t *testing.T) {
			onEachStoreWith(t, func(p *curfew.Policy) { p.JoinOffer, p.StreamGone = 20*time.Minute, time.Minute }, func(env *environment) {
				gone, never := env.accepted("c", "p1", "m1"), env.accepted("d", "p2", "m3")
				if err := env.Connected(env.Context(), []string{"m1", "m2"}); err != nil {
					env.Fatal(err)
				}
				if _, err := env.Accept(env.Context(), gone.RequestID, "m2"); !errors.Is(err, curfew.AlreadyClaimed) {
					env.Errorf("while the mechanic is there: %v", err)
				}
				env.Exec(env, "UPDATE "+env.Schema+"mechanic_slots SET seen_at = "+env.hourAgo()+" WHERE mechanic_id = 'm1'")
				meets(env, gone)
				if s := must(env.Session(env.Context(), gone.SessionID))(env); s.MechanicID != "m2" {
					env.Errorf("it is %+v", s.Session)
				}
				env.forgets("m1", 1)
				if s := must(env.Session(env.Context(), never.SessionID))(env); s.MechanicID != "m3" {
					env.Errorf("who never had a stream lost it: %+v", s.Session)
				}
			})
		})
	}
}

// hourAgo is an hour ago, as SQL.
func (env *environment) hourAgo() string {
	if env.Schema != "" {
		return "now() - interval '1 hour'"
	}
	return "created_at - 3600000000"
}

// The marketplace is told once, and before the session expires; a session that nobody has to accept any more is none.
func TestTheMarketplaceIsToldThatNobodyAccepts(t *testing.T) {
	onEachStoreWith(t, func(p *curfew.Policy) { p.NudgeAfter = 5 * time.Minute }, func(env *environment) {
		waits, accepted, fresh := env.pay("a", "pa"), env.accepted("b", "pb", "m"), env.pay("c", "pc")
		env.Age(env, waits.SessionID, 6*time.Minute)
		env.Age(env, accepted.SessionID, 6*time.Minute)
		for range 2 {
			if err := env.Watch(env.Context()); err != nil {
				env.Fatal(err)
			}
		}
		for id, want := range map[string]int{waits.SessionID: 1, accepted.SessionID: 0, fresh.SessionID: 0} {
			s, told := must(env.Session(env.Context(), id))(env), 0
			for _, e := range must(env.Events(env.Context(), s.Session))(env) {
				if e.Code() == "unaccepted" {
					told++
				}
			}
			if told != want {
				env.Errorf("of the session of %s it was told %d times, want %d", s.CustomerID, told, want)
			}
		}
		must(env.Accept(env.Context(), waits.RequestID, "m2"))(env)
	})
}
