package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// rushed is a store whose sessions were read just before their deadline: what
// happens at that moment, the transaction alone can see.
type rushed struct{ lifecycle.Store }

func early(s curfew.Snapshot, err error) (curfew.Snapshot, error) {
	if !s.ExpiresAt.IsZero() {
		s.Now = s.ExpiresAt.Add(-time.Second)
	}
	return s, err
}

func (h rushed) Session(ctx context.Context, id string) (curfew.Snapshot, error) {
	return early(h.Store.Session(ctx, id))
}

func (h rushed) SessionOf(ctx context.Context, id string) (curfew.Snapshot, error) {
	return early(h.Store.SessionOf(ctx, id))
}

// What has become overdue between the look and the transaction is neither
// accepted nor joined.
func TestWhatBecomesOverdueMeanwhileIsNotMoved(t *testing.T) {
	onEachStore(t, func(env *environment) {
		waiting, accepted := env.pay("c1", "p1"), env.accepted("c2", "p2", "m2")
		for _, f := range []lifecycle.Fulfillment{waiting, accepted} {
			env.Age(env, f.SessionID, time.Hour)
		}
		late := env.with(rushed{env.Store})
		if s, err := late.Accept(env.Context(), waiting.RequestID, "m1"); !errors.Is(err, curfew.Conflict) {
			t.Errorf("an overdue request was accepted: %+v, %v", s, err)
		}
		for _, who := range []curfew.Actor{{Role: curfew.Customer, ID: "c2"}, {Role: curfew.Mechanic, ID: "m2"}} {
			if s, err := late.Join(env.Context(), accepted.SessionID, who); !errors.Is(err, curfew.Conflict) {
				t.Errorf("%s joined an overdue session: %+v, %v", who.Role, s, err)
			}
		}
		must(env.Sweep(env.Context()))(env)
	})
}

// Live for exactly as long as counts is completed; a moment less is not.
func TestLiveForExactlyAsLongAsCounts(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.Freeze(env)
		exactly, less := env.live("c1", "p1", "m1"), env.live("c2", "p2", "m2")
		env.Age(env, exactly.SessionID, env.policy.MinimumLive)
		env.Age(env, less.SessionID, env.policy.MinimumLive-time.Microsecond)
		for f, want := range map[lifecycle.Fulfillment]curfew.SessionStatus{exactly: curfew.Completed, less: curfew.Cancelled} {
			if s := must(env.End(env.Context(), f.SessionID, shop))(env); s.Status != want {
				t.Errorf("live for %s it is %s, want %s", s.EndedAt.Sub(s.StartedAt), s.Status, want)
			}
		}
	})
}

// At its exact deadline everything is still good: nothing is swept, and what may
// be done before it still may. A moment later it is the other way round.
func TestAtTheExactDeadline(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.Freeze(env)
		waiting, accepted, live := env.pay("c1", "p1"), env.accepted("c2", "p2", "m2"), env.live("c3", "p3", "m3")
		for _, f := range []lifecycle.Fulfillment{waiting, accepted, live} {
			s := must(env.Session(env.Context(), f.SessionID))(env)
			env.Age(env, f.SessionID, s.ExpiresAt.Sub(s.Now))
		}
		if stats := must(env.Sweep(env.Context()))(env); stats.TotalCleaned != 0 {
			t.Errorf("at the deadline %+v was swept", stats)
		}
		must(env.Join(env.Context(), accepted.SessionID, curfew.Actor{Role: curfew.Customer, ID: "c2"}))(env)
		must(env.Accept(env.Context(), waiting.RequestID, "m1"))(env)
		env.Age(env, live.SessionID, time.Microsecond)
		env.Age(env, accepted.SessionID, time.Microsecond)
		if stats := must(env.Sweep(env.Context()))(env); stats.Overran != 2 || stats.NoShows != 2 {
			t.Errorf("behind the deadline %+v was swept", stats)
		}
	})
}

// An orphan that has waited for exactly orphan_ttl holds its customer's slot still.
func TestAnOrphanOfExactlyItsTime(t *testing.T) {
	onEachStoreWith(t, func(p *curfew.Policy) { p.WaitingTTL = 50 * time.Minute }, func(env *environment) {
		env.Freeze(env)
		id := orphan(env, "c", "p1")
		env.Age(env, id, env.policy.OrphanTTL-must(env.Session(env.Context(), id))(env).Age())
		if b := must(env.CheckCustomerSessionStatus(env.Context(), "c"))(env); b == nil {
			t.Error("it does not hold the slot any more")
		}
		env.Age(env, id, time.Microsecond)
		if b := must(env.CheckCustomerSessionStatus(env.Context(), "c"))(env); b != nil {
			t.Errorf("it holds the slot still: %+v", b)
		}
		must(env.SweepOrphans(env.Context()))(env)
	})
}

// A session that was accepted and released since a preview waits anew: the preview does not end it.
func TestAPreviewLeavesWhatMovedAndCameBack(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f, c := env.pay("c", "p"), byHand
		c.MaxAge, c.Reason = time.Minute, "closing"
		env.Age(env, f.SessionID, 5*time.Minute)
		p := must(env.StorePreview(env.Context(), c))(env)
		must(env.Accept(env.Context(), f.RequestID, "m"))(env)
		must(env.Release(env.Context(), f.RequestID, "m"))(env)
		run, drifted, err := env.ExecutePreview(env.Context(), p.ID, c)
		if err != nil || run.Stats.TotalCleaned != 0 || len(drifted) != 1 {
			t.Errorf("executed %+v, drifted %+v, %v", run, drifted, err)
		}
	})
}

// A preview shows no rule that is off, whoever asks.
func TestAPreviewShowsNoRuleThatIsOff(t *testing.T) {
	for _, off := range []curfew.RuleName{curfew.OldWaiting, curfew.NoShows, curfew.Overruns, curfew.Orphans} {
		t.Run(string(off), func(t *testing.T) {
			onEachStoreWith(t, func(p *curfew.Policy) { p.Off = []curfew.RuleName{off} }, func(env *environment) {
				overdue(env)
				for _, trigger := range []curfew.Trigger{"", curfew.ByAPI, curfew.ByTimer} {
					for _, it := range must(env.Preview(env.Context(), lifecycle.Cleanup{Trigger: trigger}))(env).Items {
						if it.Rule == off {
							t.Errorf("trigger %q: it shows %+v", trigger, it)
						}
					}
				}
				env.policy.Off = nil
				must(env.keeper(lifecycle.Options{}).Cleanups.RunFullCleanup(env.Context()))(env)
			})
		})
	}
}

// Whatever was live is not revived, whatever it was ended for.
func TestNothingThatWasLiveIsRevived(t *testing.T) {
	onBoth(t, nil, func(env *environment) {
		var all []lifecycle.Fulfillment
		for i := range 3 {
			f := env.accepted(fmt.Sprint("c", i), fmt.Sprint("p", i), fmt.Sprint("m", i))
			env.Age(env, f.SessionID, time.Hour)
			all = append(all, f)
		}
		overran := env.live("c3", "p3", "m3")
		env.Age(env, overran.SessionID, 2*time.Hour)
		run := must(env.RunCleanup(env.Context(), byHand))(env)
		env.Exec(env, "UPDATE "+env.Schema+"sessions SET started_at = created_at WHERE id = $1", all[1].SessionID)
		u := must(env.Undo(env.Context(), lifecycle.Undo{RunID: run.ID, Actor: admin}))(env)
		kept := map[string]string{}
		for _, n := range u.NotRevived {
			kept[n.SessionID] = n.Why
		}
		if len(u.Revived) != 2 || !strings.Contains(kept[all[1].SessionID], "live") || !strings.Contains(kept[overran.SessionID], "live") {
			t.Errorf("undone: %+v", u)
		}
	})
}

// Sweeper off, and another program cancels: the credit is there for the next
// call, explain says of it meanwhile, and looking settles nothing.
func TestWhatAnotherProgramCancelsIsACreditForTheNextCall(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.pay("kim", "p1")
		env.foreignly(f)
		before := env.Dump(env)
		explained := must(env.Explain(env.Context(), "kim", curfew.Cursor{}))(env)
		sentences := ""
		for _, en := range explained.Entries {
			sentences += en.Sentence + "\n"
		}
		if !strings.Contains(sentences, "settled by the customer's next call") {
			t.Errorf("explain says\n%s", sentences)
		}
		env.Report(env.Context())
		must(env.OfCustomer(env.Context(), "kim"))(env)
		if env.Dump(env) != before {
			t.Error("looking settled something")
		}
		next := must(env.CreateSession(env.Context(), curfew.Actor{Role: curfew.Customer, ID: "kim"}, lifecycle.NewSession{CustomerID: "kim", Plan: "chat10"}))(env)
		if next.Outcome != curfew.Fulfilled || next.CheckoutID != f.CheckoutID {
			t.Errorf("the next call got %+v", next)
		}
	})
}

// Nothing was paid for a free session, so nothing is told to be owed for it.
func TestAFreeSessionOwesNothing(t *testing.T) {
	refund := func(p *curfew.Policy) {
		p.Settle = map[curfew.EndReason]curfew.Settlement{curfew.ByRequest: curfew.Refund, curfew.NoShow: curfew.Forfeit}
	}
	onEachStoreWith(t, refund, func(env *environment) {
		f := must(env.CreateSession(env.Context(), curfew.Actor{Role: curfew.Customer, ID: "kim"}, lifecycle.NewSession{CustomerID: "kim", Plan: "free"}))(env)
		deadline := must(env.Explain(env.Context(), "kim", curfew.Cursor{}))(env)
		must(env.Cancel(env.Context(), f.SessionID, shop))(env)
		after := must(env.Explain(env.Context(), "kim", curfew.Cursor{}))(env)
		for _, en := range append(deadline.Entries, after.Entries...) {
			for _, wrong := range []string{"refund", "credit", "is then"} {
				if strings.Contains(en.Sentence, wrong) {
					t.Errorf("a free session has no money to speak of, but explain says: %s", en.Sentence)
				}
			}
		}
		for _, a := range append(deadline.Actions, after.Actions...) {
			if a.Name == lifecycle.RefundPayment {
				t.Errorf("it offers to give nothing back: %+v", a)
			}
		}
		if !strings.HasSuffix(after.Summary, "is not blocked.") {
			t.Errorf("explain sums up: %s", after.Summary)
		}
		if credits := must(env.Credits(env.Context(), "kim"))(env); len(credits) > 0 {
			t.Errorf("it left something to spend: %+v", credits)
		}
		live := curfew.Snapshot{Session: curfew.Session{ID: f.SessionID, CustomerID: "kim", Plan: "free", Status: curfew.Live}}
		for _, c := range []curfew.Checkout{{}, {ID: f.CheckoutID, Plan: "free"}} {
			said := env.Consequence(lifecycle.CancelSession, lifecycle.Target{Session: live, Checkout: c})
			if !strings.Contains(said, "Nothing was paid for it.") || strings.Contains(said, "payment") && !strings.Contains(said, "A payment or an appointment") {
				t.Errorf("a cancel would: %s", said)
			}
		}
		if got := env.outcomes()["kim"]; got == string(curfew.RefundDue) {
			t.Errorf("its checkout is %s", got)
		}
		if _, err := env.RefundCheckout(env.Context(), admin, f.CheckoutID, "as asked"); !errors.Is(err, curfew.Conflict) {
			t.Errorf("what was free is refunded: %v", err)
		}
	})
}
