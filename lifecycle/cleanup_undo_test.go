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

func (env *environment) undo(runID string) lifecycle.Undone {
	env.Helper()
	return must(env.Undo(env.Context(), undoing(runID)))(env)
}

// swept is sessions of so many customers c0, c1, … that one run has ended, in
// this order.
func (env *environment) swept(prefix string, n int) (curfew.Run, []lifecycle.Fulfillment) {
	env.Helper()
	var all []lifecycle.Fulfillment
	for i := range n {
		f := env.pay(fmt.Sprint(prefix, i), fmt.Sprint("p-", prefix, i))
		env.Age(env, f.SessionID, longAgo-time.Duration(i)*time.Minute)
		all = append(all, f)
	}
	return must(env.RunCleanup(env.Context(), byHand))(env), all
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
	onEachStore(t, func(env *environment) {
		fs := map[string]lifecycle.Fulfillment{}
		for _, c := range []string{"ada", "bob", "cyd"} {
			fs[c] = env.pay(c, "p-"+c)
			env.Age(env, fs[c].SessionID, 14*time.Minute)
		}
		early := byHand
		early.MaxAge, early.Reason = 10*time.Minute, "the shop closes"
		p := must(env.StorePreview(env.Context(), early))(env)
		must(env.Accept(env.Context(), fs["ada"].RequestID, "max"))(env)

		run, drifted, err := env.ExecutePreview(env.Context(), p.ID, early)
		must(run, err)(env)
		want := []lifecycle.Drift{{SessionID: fs["ada"].SessionID, CustomerID: "ada", Why: "it moved on: waiting, with mechanic max"}}
		if diff := cmp.Diff(want, drifted); diff != "" {
			env.Errorf("drifted (-want +got):\n%s", diff)
		}
		env.is(fs["ada"].SessionID, curfew.Waiting, "", curfew.Accepted, curfew.Fulfilled)
		spent := must(env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: "cyd", Plan: "chat10"}))(env)

		u := env.undo(run.ID)
		if len(u.Revived) != 1 || u.Revived[0].SessionID != fs["bob"].SessionID {
			env.Fatalf("revived %+v", u.Revived)
		}
		if got := whys(u); len(got) != 1 || got[fs["cyd"].SessionID] != "its credit was spent: session "+spent.SessionID+" has it" {
			env.Errorf("not revived: %v", got)
		}
		env.is(u.Revived[0].NewSessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		env.is(fs["bob"].SessionID, curfew.Cancelled, curfew.Cleared, curfew.RequestExpired, curfew.Fulfilled)
	})
}

func TestARevivedSessionIsTheOldOneAnew(t *testing.T) {
	onEachStore(t, func(env *environment) {
		run, fs := env.swept("c", 1)
		u := env.undo(run.ID)
		was, is := must(env.Session(env.Context(), fs[0].SessionID))(env), must(env.Session(env.Context(), u.Revived[0].NewSessionID))(env)
		got := []any{is.Revives, is.CheckoutID, is.Plan, is.Kind, is.Duration, is.Request.CustomerName, is.ExpiresAt.Sub(is.CreatedAt)}
		want := []any{was.ID, was.CheckoutID, was.Plan, was.Kind, was.Duration, "Kim", env.policy.WaitingTTL}
		if diff := cmp.Diff(want, got); diff != "" {
			env.Errorf("the new session (-want +got):\n%s", diff)
		}
		event := must(env.Events(env.Context(), is.Session))(env)[0]
		if event.Actor != admin || event.Reason != "revived: too early" || event.RunID != u.Run.ID {
			env.Errorf("its first event is %+v", event)
		}
		f := env.pay("c0", "p-c0")
		if f.SessionID != was.ID || f.Outcome != curfew.Fulfilled || !f.Replayed {
			env.Errorf("the payment's replay answers %+v", f)
		}
	})
}

func TestAnUndoIsInTheRecord(t *testing.T) {
	onEachStore(t, func(env *environment) {
		run, _ := env.swept("c", 2)
		if !run.Undoable() {
			env.Errorf("%+v is not undoable", run)
		}
		u := env.undo(run.ID)
		env.undo(run.ID)
		runs := must(env.Runs(env.Context(), curfew.Cursor{}, 9))(env)
		first, undone := runs[len(runs)-2], runs[len(runs)-1]
		if undone.ID != run.ID || undone.UndoneBy != u.Run.ID || undone.Undoable() {
			env.Errorf("the undone run is %+v", undone)
		}
		if first.Undoes != run.ID || first.Stats != (curfew.Stats{Revived: 2}) || first.Reason != "too early" || first.Undoable() {
			env.Errorf("the undo is %+v", first)
		}
		if again := runs[0]; again.Undoes != run.ID || again.Stats != (curfew.Stats{}) {
			env.Errorf("the second undo is %+v", again)
		}
		if _, err := env.Undo(env.Context(), undoing(u.Run.ID)); !errors.Is(err, curfew.Conflict) {
			env.Errorf("an undo undone: %v", err)
		}
		if _, err := env.Undo(env.Context(), undoing("00000000-0000-7000-8000-000000000000")); !errors.Is(err, curfew.NotFound) {
			env.Errorf("no run undone: %v", err)
		}
	})
}

// Each way in which a session cannot come back, by name.
func TestWhatCannotBeRevivedSaysWhy(t *testing.T) {
	for sentence, test := range map[string]struct {
		refunds bool // the run makes a refund due instead of a credit
		begin   func(env *environment) lifecycle.Fulfillment
		between func(env *environment, f lifecycle.Fulfillment)
		why     string
	}{
		"the customer has another session": {
			between: func(env *environment, _ lifecycle.Fulfillment) { env.pay("c", "p2") },
			why:     "its customer has session * open (waiting)",
		},
		"the customer's other session is overdue: it does not stand in the way": {
			between: func(env *environment, _ lifecycle.Fulfillment) { env.Age(env, env.pay("c", "p2").SessionID, longAgo) },
		},
		"its credit was spent, and that session has ended": {
			between: func(env *environment, _ lifecycle.Fulfillment) {
				f := must(env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: "c", Plan: "chat10"}))(env)
				env.finish(f)
			},
			why: "its credit was spent: session * has it",
		},
		"its credit was spent and came back": {
			between: func(env *environment, _ lifecycle.Fulfillment) {
				must(env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: "c", Plan: "chat10"}))(env)
				must(env.Clear(env.Context(), admin, lifecycle.Clearing{CustomerID: "c"}))(env)
			},
		},
		"its refund is due by the run": {refunds: true},
		"its refund was decided after the run": {
			between: func(env *environment, _ lifecycle.Fulfillment) {
				must(env.RefundCheckout(env.Context(), admin, "p", "goodwill"))(env)
			},
			why: "its refund was decided after the run, by admin:anna",
		},
		"its refund is under way": {
			refunds: true,
			between: func(env *environment, f lifecycle.Fulfillment) { env.move(f, curfew.Refunding) },
			why:     "its refund is under way",
		},
		"its refund was asked for and refused": {
			refunds: true,
			between: func(env *environment, f lifecycle.Fulfillment) {
				env.move(f, curfew.Refunding)
				env.move(f, curfew.RefundDue)
			},
			why: "the provider has been asked for its refund already",
		},
		"its payment was given back": {
			between: func(env *environment, _ lifecycle.Fulfillment) {
				must(env.CloseRefund(env.Context(), admin, "p", "by hand"))(env)
			},
			why: "its payment was given back",
		},
		"it was live": {
			begin: func(env *environment) lifecycle.Fulfillment { return env.live("c", "p", "m") },
			why:   "it was live until it overran: what was bought was used",
		},
		"it was accepted, and nobody came": {
			begin: func(env *environment) lifecycle.Fulfillment { return env.accepted("c", "p", "m") },
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			adjust := func(*curfew.Policy) {}
			if test.refunds {
				adjust = refunding
			}
			onEachStoreWith(t, adjust, func(env *environment) {
				begin := test.begin
				if begin == nil {
					begin = func(env *environment) lifecycle.Fulfillment { return env.pay("c", "p") }
				}
				f := begin(env)
				env.Age(env, f.SessionID, longAgo)
				run := must(env.RunCleanup(env.Context(), byHand))(env)
				if test.between != nil {
					test.between(env, f)
				}
				u := env.undo(run.ID)
				why := whys(u)[f.SessionID]
				before, after, _ := strings.Cut(test.why, "*")
				if !strings.HasPrefix(why, before) || !strings.HasSuffix(why, after) || (why == "") != (test.why == "") {
					env.Errorf("it says %q, want %q", why, test.why)
				}
				if revived := len(u.Revived) == 1; revived != (test.why == "") {
					env.Errorf("revived: %+v", u.Revived)
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
func (env *environment) finish(f lifecycle.Fulfillment) {
	env.Helper()
	s := must(env.Accept(env.Context(), f.RequestID, "m"))(env)
	for _, by := range []curfew.Actor{{Role: curfew.Customer, ID: s.CustomerID}, {Role: curfew.Mechanic, ID: "m"}} {
		must(env.Join(env.Context(), f.SessionID, by))(env)
	}
	env.Age(env, f.SessionID, 10*time.Minute)
	must(env.End(env.Context(), f.SessionID, admin))(env)
	env.is(f.SessionID, curfew.Completed, curfew.Finished, curfew.RequestCompleted, curfew.Fulfilled)
}

// move moves the payment of a session as the refunds' worker does.
func (env *environment) move(f lifecycle.Fulfillment, to curfew.Outcome) {
	env.Helper()
	c := must(env.Checkout(env.Context(), f.CheckoutID))(env)
	must(env.Store.ChangeCheckout(env.Context(), record.CheckoutChange{From: c, To: to, Reason: "the worker", Actor: curfew.Refunder}))(env)
}

func TestAMissedAppointmentIsNotRevived(t *testing.T) {
	onEachStore(t, func(env *environment) {
		at := time.Now().Add(time.Hour)
		p := env.purchase("c", "p1")
		p.StartsAt = &at
		f := must(env.FulfillCheckout(env.Context(), shop, p))(env)
		env.live("c", "p2", "m")
		env.Age(env, f.SessionID, 61*time.Minute)
		must(env.RunCleanup(env.Context(), byHand))(env) // its slot is taken: once more
		env.Age(env, f.SessionID, 16*time.Minute)
		run := must(env.RunCleanup(env.Context(), byHand))(env)
		env.is(f.SessionID, curfew.Cancelled, curfew.Missed, "", curfew.Credited)
		if why := whys(env.undo(run.ID))[f.SessionID]; why != "the time of its appointment has passed: book another" {
			env.Errorf("it says %q", why)
		}
	})
}

func TestUndoingAgainGivesTheSameAnswer(t *testing.T) {
	onEachStore(t, func(env *environment) {
		run, _ := env.swept("c", 3)
		first := env.undo(run.ID)
		must(env.Clear(env.Context(), admin, lifecycle.Clearing{CustomerID: "c0"}))(env)
		again := env.undo(run.ID)
		if diff := cmp.Diff(first.Revived, again.Revived); diff != "" || len(again.NotRevived) > 0 || len(first.Revived) != 3 {
			env.Errorf("undone again (-first +again):\n%s%+v", diff, again.NotRevived)
		}
	})
}

func TestManyUndosAtOnceReviveOnce(t *testing.T) {
	onEachStore(t, func(env *environment) {
		run, _ := env.swept("c", 10)
		undone, errs := make([]lifecycle.Undone, 8), make([]error, 8)
		together(len(undone), func(i int) { undone[i], errs[i] = env.Undo(env.Context(), undoing(run.ID)) })
		revived := 0
		for i, u := range undone {
			must(u, errs[i])(env)
			revived += u.Run.Stats.Revived
			if diff := cmp.Diff(undone[0].Revived, u.Revived); diff != "" || len(u.NotRevived) > 0 {
				env.Errorf("undo %d undone otherwise:\n%s%+v", i, diff, u.NotRevived)
			}
		}
		if n := env.Query(env, "SELECT count(*) FROM "+env.Schema+"sessions WHERE revives IS NOT NULL"); n[0][0] != "10" || revived != 10 {
			env.Errorf("%s sessions were revived, %d counted", n[0][0], revived)
		}
	})
}
