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
	worlds(t, func(w *world) {
		waiting, accepted := w.pay("c1", "p1"), w.accepted("c2", "p2", "m2")
		for _, f := range []lifecycle.Fulfillment{waiting, accepted} {
			w.Age(w, f.SessionID, time.Hour)
		}
		late := w.with(rushed{w.Store})
		if s, err := late.Accept(w.Context(), waiting.RequestID, "m1"); !errors.Is(err, curfew.Conflict) {
			t.Errorf("an overdue request was accepted: %+v, %v", s, err)
		}
		for _, who := range []curfew.Actor{{Role: curfew.Customer, ID: "c2"}, {Role: curfew.Mechanic, ID: "m2"}} {
			if s, err := late.Join(w.Context(), accepted.SessionID, who); !errors.Is(err, curfew.Conflict) {
				t.Errorf("%s joined an overdue session: %+v, %v", who.Role, s, err)
			}
		}
		must(w.Sweep(w.Context()))(w)
	})
}

// Live for exactly as long as counts is completed; a moment less is not.
func TestLiveForExactlyAsLongAsCounts(t *testing.T) {
	worlds(t, func(w *world) {
		w.Freeze(w)
		exactly, less := w.live("c1", "p1", "m1"), w.live("c2", "p2", "m2")
		w.Age(w, exactly.SessionID, w.policy.MinimumLive)
		w.Age(w, less.SessionID, w.policy.MinimumLive-time.Microsecond)
		for f, want := range map[lifecycle.Fulfillment]curfew.SessionStatus{exactly: curfew.Completed, less: curfew.Cancelled} {
			if s := must(w.End(w.Context(), f.SessionID, shop))(w); s.Status != want {
				t.Errorf("live for %s it is %s, want %s", s.EndedAt.Sub(s.StartedAt), s.Status, want)
			}
		}
	})
}

// At its exact deadline everything is still good: nothing is swept, and what may
// be done before it still may. A moment later it is the other way round.
func TestAtTheExactDeadline(t *testing.T) {
	worlds(t, func(w *world) {
		w.Freeze(w)
		waiting, accepted, live := w.pay("c1", "p1"), w.accepted("c2", "p2", "m2"), w.live("c3", "p3", "m3")
		for _, f := range []lifecycle.Fulfillment{waiting, accepted, live} {
			s := must(w.Session(w.Context(), f.SessionID))(w)
			w.Age(w, f.SessionID, s.ExpiresAt.Sub(s.Now))
		}
		if stats := must(w.Sweep(w.Context()))(w); stats.TotalCleaned != 0 {
			t.Errorf("at the deadline %+v was swept", stats)
		}
		must(w.Join(w.Context(), accepted.SessionID, curfew.Actor{Role: curfew.Customer, ID: "c2"}))(w)
		must(w.Accept(w.Context(), waiting.RequestID, "m1"))(w)
		w.Age(w, live.SessionID, time.Microsecond)
		w.Age(w, accepted.SessionID, time.Microsecond)
		if stats := must(w.Sweep(w.Context()))(w); stats.Overran != 2 || stats.NoShows != 2 {
			t.Errorf("behind the deadline %+v was swept", stats)
		}
	})
}

// A preview shows no rule that is off, whoever asks.
func TestAPreviewShowsNoRuleThatIsOff(t *testing.T) {
	for _, off := range []curfew.RuleName{curfew.OldWaiting, curfew.NoShows, curfew.Overruns, curfew.Orphans} {
		t.Run(string(off), func(t *testing.T) {
			worldsWith(t, func(p *curfew.Policy) { p.Off = []curfew.RuleName{off} }, func(w *world) {
				overdue(w)
				for _, trigger := range []curfew.Trigger{"", curfew.ByAPI, curfew.ByTimer} {
					for _, it := range must(w.Preview(w.Context(), lifecycle.Cleanup{Trigger: trigger}))(w).Items {
						if it.Rule == off {
							t.Errorf("trigger %q: it shows %+v", trigger, it)
						}
					}
				}
				w.policy.Off = nil
				must(w.engine(lifecycle.Options{}).Cleanups.RunFullCleanup(w.Context()))(w)
			})
		})
	}
}

// Whatever was live is not revived, whatever it was ended for.
func TestNothingThatWasLiveIsRevived(t *testing.T) {
	onBoth(t, nil, func(w *world) {
		var all []lifecycle.Fulfillment
		for i := range 3 {
			f := w.accepted(fmt.Sprint("c", i), fmt.Sprint("p", i), fmt.Sprint("m", i))
			w.Age(w, f.SessionID, time.Hour)
			all = append(all, f)
		}
		overran := w.live("c3", "p3", "m3")
		w.Age(w, overran.SessionID, 2*time.Hour)
		run := must(w.RunCleanup(w.Context(), byHand))(w)
		w.Exec(w, "UPDATE "+w.Schema+"sessions SET started_at = created_at WHERE id = $1", all[1].SessionID)
		u := must(w.Undo(w.Context(), lifecycle.Undo{RunID: run.ID, Actor: admin}))(w)
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
// call, explain tells of it meanwhile, and looking settles nothing.
func TestWhatAnotherProgramCancelsIsACreditForTheNextCall(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.pay("kim", "p1")
		w.foreignly(f)
		before := w.dump()
		story := must(w.Explain(w.Context(), "kim", curfew.Cursor{}))(w)
		told := ""
		for _, en := range story.Entries {
			told += en.Sentence + "\n"
		}
		if !strings.Contains(told, "settled by the customer's next call") {
			t.Errorf("explain tells\n%s", told)
		}
		w.Report(w.Context())
		must(w.OfCustomer(w.Context(), "kim"))(w)
		if w.dump() != before {
			t.Error("looking settled something")
		}
		next := must(w.CreateSession(w.Context(), curfew.Actor{Role: curfew.Customer, ID: "kim"}, lifecycle.NewSession{CustomerID: "kim", Plan: "chat10"}))(w)
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
	worldsWith(t, refund, func(w *world) {
		f := must(w.CreateSession(w.Context(), curfew.Actor{Role: curfew.Customer, ID: "kim"}, lifecycle.NewSession{CustomerID: "kim", Plan: "free"}))(w)
		deadline := must(w.Explain(w.Context(), "kim", curfew.Cursor{}))(w)
		must(w.Cancel(w.Context(), f.SessionID, shop))(w)
		after := must(w.Explain(w.Context(), "kim", curfew.Cursor{}))(w)
		for _, en := range append(deadline.Entries, after.Entries...) {
			for _, wrong := range []string{"refund", "credit", "is then"} {
				if strings.Contains(en.Sentence, wrong) {
					t.Errorf("it tells: %s", en.Sentence)
				}
			}
		}
		if got := w.outcomes()["kim"]; got == string(curfew.RefundDue) {
			t.Errorf("its checkout is %s", got)
		}
		if _, err := w.RefundCheckout(w.Context(), admin, f.CheckoutID, "as asked"); !errors.Is(err, curfew.Conflict) {
			t.Errorf("what was free is refunded: %v", err)
		}
	})
}
