package lifecycle_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

func undoing(runID string) lifecycle.Undo {
	return lifecycle.Undo{RunID: runID, Reason: "too early", Trigger: curfew.ByAPI, Actor: admin}
}

func (w *world) undo(runID string) lifecycle.Undone {
	w.Helper()
	return must(w.Undo(w.Context(), undoing(runID)))(w)
}

// swept is sessions of so many customers c0, c1, … that one run has ended, in
// this order.
func (w *world) swept(prefix string, n int) (curfew.Run, []lifecycle.Fulfillment) {
	w.Helper()
	var all []lifecycle.Fulfillment
	for i := range n {
		f := w.pay(fmt.Sprint(prefix, i), fmt.Sprint("p-", prefix, i))
		w.Age(w, f.SessionID, longAgo-time.Duration(i)*time.Minute)
		all = append(all, f)
	}
	return must(w.RunCleanup(w.Context(), byHand))(w), all
}

// whys is what an undo says of each session that it did not revive.
func whys(u lifecycle.Undone) map[string]string {
	said := map[string]string{}
	for _, n := range u.NotRevived {
		said[n.SessionID] = n.Why
	}
	return said
}

// What issue 5 asks for, from the preview to the undo.
func TestPreviewExecuteUndo(t *testing.T) {
	worlds(t, func(w *world) {
		fs := map[string]lifecycle.Fulfillment{}
		for _, c := range []string{"ada", "bob", "cyd"} {
			fs[c] = w.pay(c, "p-"+c)
			w.Age(w, fs[c].SessionID, 14*time.Minute)
		}
		early := byHand
		early.MaxAge, early.Reason = 10*time.Minute, "the shop closes"
		p := must(w.StorePreview(w.Context(), early))(w)
		must(w.Accept(w.Context(), fs["ada"].RequestID, "max"))(w)

		run, drifted, err := w.ExecutePreview(w.Context(), p.ID, early)
		must(run, err)(w)
		want := []lifecycle.Drift{{SessionID: fs["ada"].SessionID, Why: "it moved on: waiting, with mechanic max"}}
		if diff := cmp.Diff(want, drifted); diff != "" {
			w.Errorf("drifted (-want +got):\n%s", diff)
		}
		w.is(fs["ada"].SessionID, curfew.Waiting, "", curfew.Accepted, curfew.Fulfilled)
		spent := must(w.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: "cyd", Plan: "chat10"}))(w)

		u := w.undo(run.ID)
		if len(u.Revived) != 1 || u.Revived[0].SessionID != fs["bob"].SessionID {
			w.Fatalf("revived %+v", u.Revived)
		}
		if got := whys(u); len(got) != 1 || got[fs["cyd"].SessionID] != "its credit was spent: session "+spent.SessionID+" has it" {
			w.Errorf("not revived: %v", got)
		}
		w.is(u.Revived[0].NewSessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		w.is(fs["bob"].SessionID, curfew.Cancelled, curfew.Cleared, curfew.RequestExpired, curfew.Fulfilled)
	})
}

func TestARevivedSessionIsTheOldOneAnew(t *testing.T) {
	worlds(t, func(w *world) {
		run, fs := w.swept("c", 1)
		u := w.undo(run.ID)
		was, is := must(w.Session(w.Context(), fs[0].SessionID))(w), must(w.Session(w.Context(), u.Revived[0].NewSessionID))(w)
		got := []any{is.Revives, is.CheckoutID, is.Plan, is.Kind, is.Duration, is.Request.CustomerName, is.ExpiresAt.Sub(is.CreatedAt)}
		want := []any{was.ID, was.CheckoutID, was.Plan, was.Kind, was.Duration, "Kim", w.policy.WaitingTTL}
		if diff := cmp.Diff(want, got); diff != "" {
			w.Errorf("the new session (-want +got):\n%s", diff)
		}
		event := must(w.Events(w.Context(), is.Session))(w)[0]
		if event.Actor != admin || event.Reason != "revived: too early" || event.RunID != u.Run.ID {
			w.Errorf("its first event is %+v", event)
		}
		f := w.pay("c0", "p-c0")
		if f.SessionID != was.ID || f.Outcome != curfew.Fulfilled || !f.Replayed {
			w.Errorf("the payment's replay answers %+v", f)
		}
	})
}

func TestAnUndoIsInTheRecord(t *testing.T) {
	worlds(t, func(w *world) {
		run, _ := w.swept("c", 2)
		if !run.Undoable() {
			w.Errorf("%+v is not undoable", run)
		}
		u := w.undo(run.ID)
		w.undo(run.ID)
		runs := must(w.Runs(w.Context(), curfew.Cursor{}, 9))(w)
		first, undone := runs[len(runs)-2], runs[len(runs)-1]
		if undone.ID != run.ID || undone.UndoneBy != u.Run.ID || undone.Undoable() {
			w.Errorf("the undone run is %+v", undone)
		}
		if first.Undoes != run.ID || first.Stats != (curfew.Stats{Revived: 2}) || first.Reason != "too early" || first.Undoable() {
			w.Errorf("the undo is %+v", first)
		}
		if again := runs[0]; again.Undoes != run.ID || again.Stats != (curfew.Stats{}) {
			w.Errorf("the second undo is %+v", again)
		}
		if _, err := w.Undo(w.Context(), undoing(u.Run.ID)); !errors.Is(err, curfew.Conflict) {
			w.Errorf("an undo undone: %v", err)
		}
		if _, err := w.Undo(w.Context(), undoing("00000000-0000-7000-8000-000000000000")); !errors.Is(err, curfew.NotFound) {
			w.Errorf("no run undone: %v", err)
		}
	})
}

// Each way in which a session cannot come back, by name.
func TestWhatCannotBeRevivedSaysWhy(t *testing.T) {
	for sentence, test := range map[string]struct {
		refunds bool // the run makes a refund due instead of a credit
		begin   func(w *world) lifecycle.Fulfillment
		between func(w *world, f lifecycle.Fulfillment)
		why     string
	}{
		"the customer has another session": {
			between: func(w *world, _ lifecycle.Fulfillment) { w.pay("c", "p2") },
			why:     "its customer has session * open (waiting)",
		},
		"the customer's other session is overdue: it does not stand in the way": {
			between: func(w *world, _ lifecycle.Fulfillment) { w.Age(w, w.pay("c", "p2").SessionID, longAgo) },
		},
		"its credit was spent, and that session has ended": {
			between: func(w *world, _ lifecycle.Fulfillment) {
				f := must(w.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: "c", Plan: "chat10"}))(w)
				w.finish(f)
			},
			why: "its credit was spent: session * has it",
		},
		"its credit was spent and came back": {
			between: func(w *world, _ lifecycle.Fulfillment) {
				must(w.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: "c", Plan: "chat10"}))(w)
				must(w.Clear(w.Context(), admin, lifecycle.Clearing{CustomerID: "c"}))(w)
			},
		},
		"its refund is due by the run": {refunds: true},
		"its refund was decided after the run": {
			between: func(w *world, _ lifecycle.Fulfillment) {
				must(w.RefundCheckout(w.Context(), admin, "p", "goodwill"))(w)
			},
			why: "its refund was decided after the run, by admin:anna",
		},
		"its refund is under way": {
			refunds: true,
			between: func(w *world, f lifecycle.Fulfillment) { w.move(f, curfew.Refunding) },
			why:     "its refund is under way",
		},
		"its refund was asked for and refused": {
			refunds: true,
			between: func(w *world, f lifecycle.Fulfillment) { w.move(f, curfew.Refunding); w.move(f, curfew.RefundDue) },
			why:     "the provider has been asked for its refund already",
		},
		"its payment was given back": {
			between: func(w *world, _ lifecycle.Fulfillment) {
				must(w.CloseRefund(w.Context(), admin, "p", "by hand"))(w)
			},
			why: "its payment was given back",
		},
		"it was live": {
			begin: func(w *world) lifecycle.Fulfillment { return w.live("c", "p", "m") },
			why:   "it was live until it overran: what was bought was used",
		},
		"it was accepted, and nobody came": {
			begin: func(w *world) lifecycle.Fulfillment { return w.accepted("c", "p", "m") },
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			adjust := func(*curfew.Policy) {}
			if test.refunds {
				adjust = refunding
			}
			worldsWith(t, adjust, func(w *world) {
				begin := test.begin
				if begin == nil {
					begin = func(w *world) lifecycle.Fulfillment { return w.pay("c", "p") }
				}
				f := begin(w)
				w.Age(w, f.SessionID, longAgo)
				run := must(w.RunCleanup(w.Context(), byHand))(w)
				if test.between != nil {
					test.between(w, f)
				}
				u := w.undo(run.ID)
				why := whys(u)[f.SessionID]
				before, after, _ := strings.Cut(test.why, "*")
				if !strings.HasPrefix(why, before) || !strings.HasSuffix(why, after) || (why == "") != (test.why == "") {
					w.Errorf("it says %q, want %q", why, test.why)
				}
				if revived := len(u.Revived) == 1; revived != (test.why == "") {
					w.Errorf("revived: %+v", u.Revived)
				}
			})
		})
	}
}

// refunding is a policy that gives money back where it would give a credit.
func refunding(p *curfew.Policy) {
	p.Settle = map[curfew.EndReason]curfew.Settlement{curfew.Expired: curfew.Refund}
}

// finish is a session's whole life.
func (w *world) finish(f lifecycle.Fulfillment) {
	w.Helper()
	s := must(w.Accept(w.Context(), f.RequestID, "m"))(w)
	for _, by := range []curfew.Actor{{Role: curfew.Customer, ID: s.CustomerID}, {Role: curfew.Mechanic, ID: "m"}} {
		must(w.Join(w.Context(), f.SessionID, by))(w)
	}
	w.Age(w, f.SessionID, 10*time.Minute)
	must(w.End(w.Context(), f.SessionID, admin))(w)
	w.is(f.SessionID, curfew.Completed, curfew.Finished, curfew.RequestCompleted, curfew.Fulfilled)
}

// move moves the payment of a session as the refunds' worker does.
func (w *world) move(f lifecycle.Fulfillment, to curfew.Outcome) {
	w.Helper()
	c := must(w.Checkout(w.Context(), f.CheckoutID))(w)
	must(w.Store.ChangeCheckout(w.Context(), record.CheckoutChange{From: c, To: to, Reason: "the worker", Actor: curfew.Refunder}))(w)
}

func TestAMissedAppointmentIsNotRevived(t *testing.T) {
	worlds(t, func(w *world) {
		at := time.Now().Add(time.Hour)
		p := w.purchase("c", "p1")
		p.StartsAt = &at
		f := must(w.FulfillCheckout(w.Context(), shop, p))(w)
		w.live("c", "p2", "m")
		w.Age(w, f.SessionID, 61*time.Minute)
		must(w.RunCleanup(w.Context(), byHand))(w) // its slot is taken: once more
		w.Age(w, f.SessionID, 16*time.Minute)
		run := must(w.RunCleanup(w.Context(), byHand))(w)
		w.is(f.SessionID, curfew.Cancelled, curfew.Missed, "", curfew.Credited)
		if why := whys(w.undo(run.ID))[f.SessionID]; why != "the time of its appointment has passed: book another" {
			w.Errorf("it says %q", why)
		}
	})
}

func TestUndoingAgainGivesTheSameAnswer(t *testing.T) {
	worlds(t, func(w *world) {
		run, _ := w.swept("c", 3)
		first := w.undo(run.ID)
		must(w.Clear(w.Context(), admin, lifecycle.Clearing{CustomerID: "c0"}))(w)
		again := w.undo(run.ID)
		if diff := cmp.Diff(first.Revived, again.Revived); diff != "" || len(again.NotRevived) > 0 || len(first.Revived) != 3 {
			w.Errorf("undone again (-first +again):\n%s%+v", diff, again.NotRevived)
		}
	})
}

func TestManyUndosAtOnceReviveOnce(t *testing.T) {
	worlds(t, func(w *world) {
		run, _ := w.swept("c", 10)
		answers, errs := make([]lifecycle.Undone, 8), make([]error, 8)
		together(len(answers), func(i int) { answers[i], errs[i] = w.Undo(w.Context(), undoing(run.ID)) })
		revived := 0
		for i, u := range answers {
			must(u, errs[i])(w)
			revived += u.Run.Stats.Revived
			if diff := cmp.Diff(answers[0].Revived, u.Revived); diff != "" || len(u.NotRevived) > 0 {
				w.Errorf("undo %d answers otherwise:\n%s%+v", i, diff, u.NotRevived)
			}
		}
		if n := w.Query(w, "SELECT count(*) FROM "+w.Schema+"sessions WHERE revives IS NOT NULL"); n[0][0] != "10" || revived != 10 {
			w.Errorf("%s sessions were revived, %d counted", n[0][0], revived)
		}
	})
}
