package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

var byHand = lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin}

// overdue plants one session for each rule that this release can meet, and two
// that no rule may touch. It returns the ids by rule.
func overdue(env *environment) map[curfew.RuleName]string {
	env.Helper()
	ids := map[curfew.RuleName]string{
		curfew.OldWaiting: env.pay("old", "p-old").SessionID,
		curfew.Orphans:    orphan(env, "orphan", "p-orphan"),
		curfew.NoShows:    env.accepted("absent", "p-absent", "m1").SessionID,
		curfew.Overruns:   env.live("endless", "p-endless", "m2").SessionID,
	}
	for _, id := range ids {
		env.Age(env, id, longAgo)
	}
	env.pay("fresh", "p-fresh")
	env.accepted("busy", "p-busy", "m3")
	return ids
}

// orphan is a session whose request another program ended.
func orphan(env *environment, customer, ref string) string {
	env.Helper()
	f := env.pay(customer, ref)
	env.Exec(env, "UPDATE "+env.Schema+"session_requests SET status = 'cancelled', ended_at = created_at WHERE customer_id = $1 AND id = $2", customer, f.RequestID)
	return f.SessionID
}

func TestLesson03_PreviewAndRunAgreeById(t *testing.T) {
	onEachStore(t, func(env *environment) {
		ids := overdue(env)
		before := env.Dump(env)
		p := must(env.Preview(env.Context(), byHand))(env)
		if before != env.Dump(env) {
			env.Error("a preview changed something")
		}
		got := map[curfew.RuleName]string{}
		for _, it := range p.Items {
			got[it.Rule] = it.SessionID
		}
		if fmt.Sprint(got) != fmt.Sprint(ids) {
			env.Errorf("the preview has %v, want %v", got, ids)
		}
		want := curfew.Stats{OldWaitingSessions: 1, ExpiredRequests: 1, OrphanedSessions: 1, NoShows: 2, Overran: 2, TotalCleaned: 7}
		run := must(env.RunCleanup(env.Context(), byHand))(env)
		if p.Stats() != want || run.Stats != want {
			env.Errorf("preview %+v, run %+v, want %+v", p.Stats(), run.Stats, want)
		}
		if rows := env.Query(env, "SELECT count(DISTINCT subject_id) FROM "+env.Schema+"events WHERE subject = 'session' AND run_id = '"+run.ID+"'"); rows[0][0] != "4" {
			env.Errorf("the run's id stands in the events of %s sessions", rows[0][0])
		}
		if again := must(env.RunCleanup(env.Context(), byHand))(env); again.Stats.TotalCleaned != 0 || again.Outcome != curfew.RunSucceeded {
			env.Errorf("the second run: %+v", again)
		}
	})
}

func TestLesson04_TheRulesForUnassignedSessionsLeaveAcceptedOnesAlone(t *testing.T) {
	onBoth(t, nil, func(env *environment) {
		f := env.accepted("c", "p", "m")
		env.Exec(env, "UPDATE "+env.Schema+"session_requests SET status = 'cancelled', ended_at = created_at WHERE customer_id = 'c'")
		env.Age(env, f.SessionID, 25*time.Minute)
		for name, cleanup := range map[string]func() (curfew.Stats, error){
			"customer": func() (curfew.Stats, error) {
				return env.CleanupCustomerWaitingSessions(env.Context(), "c", time.Minute)
			},
			"requests": func() (curfew.Stats, error) { return env.CleanupExpiredRequests(env.Context(), time.Minute) },
			"orphans":  func() (curfew.Stats, error) { return env.CleanupOrphanedSessions(env.Context(), time.Minute) },
			"full":     func() (curfew.Stats, error) { return env.RunFullCleanup(env.Context()) },
		} {
			if stats := must(cleanup())(env); stats.TotalCleaned != 0 {
				env.Errorf("%s: cleaned %+v", name, stats)
			}
		}
	})
}

func TestAnOrphanEndsAfterItsTimeThoughItsPlanWaitsLonger(t *testing.T) {
	patient := func(p *curfew.Policy) { p.WaitingTTL = 50 * time.Minute }
	onEachStoreWith(t, patient, func(env *environment) {
		id := orphan(env, "c", "p")
		env.Age(env, id, 19*time.Minute)
		if stats := must(env.SweepOrphans(env.Context()))(env); stats.TotalCleaned != 0 {
			env.Errorf("ended early: %+v", stats)
		}
		env.Age(env, id, 2*time.Minute)
		if stats := must(env.Sweep(env.Context()))(env); stats.TotalCleaned != 0 {
			env.Errorf("its deadline has not passed, but the sweep ended %+v", stats)
		}
		if b := must(env.CheckCustomerSessionStatus(env.Context(), "c"))(env); b != nil {
			env.Errorf("it blocks its customer: %+v", b)
		}
		if stats := must(env.SweepOrphans(env.Context()))(env); stats.OrphanedSessions != 1 {
			env.Errorf("cleaned %+v", stats)
		}
	})
}

func TestAdmissionSettlesTheCustomersOwnOrphan(t *testing.T) {
	onEachStoreWith(t, func(p *curfew.Policy) { p.WaitingTTL = 50 * time.Minute }, func(env *environment) {
		id := orphan(env, "c", "p1")
		env.Age(env, id, 21*time.Minute)
		if f := env.pay("c", "p2"); f.Outcome != curfew.Fulfilled {
			env.Errorf("got %+v", f)
		}
		env.is(id, curfew.Cancelled, curfew.Orphaned, curfew.RequestCancelled, curfew.Credited)
	})
}

func TestAMaximalAgeEndsEarlyOnlyWithAReason(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.pay("c", "p")
		assigned := env.accepted("c2", "p2", "m")
		env.Age(env, f.SessionID, 5*time.Minute)
		env.Age(env, assigned.SessionID, 5*time.Minute)
		c := byHand
		c.MaxAge = time.Minute
		before := env.Dump(env)
		if _, err := env.RunCleanup(env.Context(), c); !errors.Is(err, curfew.Invalid) {
			env.Errorf("without a reason: %v", err)
		}
		if before != env.Dump(env) {
			env.Error("a refused cleanup changed something")
		}
		c.Reason = "the shop closes"
		run := must(env.RunCleanup(env.Context(), c))(env)
		if run.Stats.OldWaitingSessions != 1 || run.Stats.TotalCleaned != 2 {
			env.Errorf("cleaned %+v", run.Stats)
		}
		env.is(f.SessionID, curfew.Cancelled, curfew.Cleared, curfew.RequestExpired, curfew.Credited)
		s := must(env.Session(env.Context(), f.SessionID))(env)
		events := must(env.Events(env.Context(), s.Session))(env)
		if last := events[len(events)-1]; !strings.Contains(last.Reason, "the shop closes") || last.Actor != admin || last.RunID != run.ID {
			env.Errorf("the event says %+v", last)
		}
	})
}

func TestOnlyTheRulesAskedForAreApplied(t *testing.T) {
	onEachStore(t, func(env *environment) {
		overdue(env)
		c := byHand
		c.Rules = []curfew.RuleName{curfew.NoShows}
		if run := must(env.RunCleanup(env.Context(), c))(env); run.Stats != (curfew.Stats{NoShows: 2, TotalCleaned: 2}) {
			env.Errorf("cleaned %+v", run.Stats)
		}
		c = byHand
		c.CustomerID = "endless"
		if run := must(env.RunCleanup(env.Context(), c))(env); run.Stats != (curfew.Stats{Overran: 2, TotalCleaned: 2}) {
			env.Errorf("cleaned %+v", run.Stats)
		}
		must(env.RunFullCleanup(env.Context()))(env)
	})
}

func TestARuleThatIsOffIsLeftToAdmission(t *testing.T) {
	onEachStoreWith(t, func(p *curfew.Policy) { p.Off = []curfew.RuleName{curfew.OldWaiting} }, func(env *environment) {
		f := env.pay("c", "p1")
		env.Age(env, f.SessionID, longAgo)
		if stats := must(env.Sweep(env.Context()))(env); stats.TotalCleaned != 0 {
			env.Errorf("swept %+v", stats)
		}
		if next := env.pay("c", "p2"); next.Outcome != curfew.Fulfilled {
			env.Errorf("the promise broke: %+v", next)
		}
	})
}

func TestAPreviewIsExecutedExactlyAndSaysWhatDrifted(t *testing.T) {
	onEachStore(t, func(env *environment) {
		moved := env.pay("moved", "p1")
		gone := env.pay("gone", "p2")
		stays := env.pay("stays", "p3")
		c := byHand
		c.MaxAge, c.Reason = time.Minute, "closing"
		for _, f := range []lifecycle.Fulfillment{moved, gone, stays} {
			env.Age(env, f.SessionID, 5*time.Minute)
		}
		p := must(env.StorePreview(env.Context(), c))(env)
		must(env.Accept(env.Context(), moved.RequestID, "m"))(env)
		must(env.Cancel(env.Context(), gone.SessionID, shop))(env)
		late := env.pay("late", "p4")
		env.Age(env, late.SessionID, 5*time.Minute)

		run, drifted, err := env.ExecutePreview(env.Context(), p.ID, c)
		if err != nil || run.Stats.OldWaitingSessions != 1 {
			env.Errorf("executed %+v, %v", run, err)
		}
		var names []string
		for _, d := range drifted {
			names = append(names, d.SessionID)
		}
		want := []string{moved.SessionID, gone.SessionID}
		slices.Sort(names)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			env.Errorf("drifted %+v, want %v", drifted, want)
		}
		env.is(moved.SessionID, curfew.Waiting, "", curfew.Accepted, curfew.Fulfilled)
		env.is(late.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		if _, _, err := env.ExecutePreview(env.Context(), "no such preview", c); !errors.Is(err, curfew.NotFound) {
			env.Errorf("an unknown preview: %v", err)
		}
	})
}

func TestACleanupOfManyPagesReachesTheEnd(t *testing.T) {
	onEachStore(t, func(env *environment) {
		const many = 1100
		env.paidAndOverdue(many)
		p := must(env.Preview(env.Context(), byHand))(env)
		if len(p.Items) != many || p.Truncated {
			env.Errorf("the preview has %d items", len(p.Items))
		}
		if stats := must(env.Sweep(env.Context()))(env); stats.OldWaitingSessions != many || stats.ExpiredRequests != many {
			env.Errorf("swept %+v", stats)
		}
	})
}

func TestTwoSweepsAtOnceCountEverySessionOnce(t *testing.T) {
	onEachStore(t, func(env *environment) {
		many := effort.Of(0, 300, 600)
		env.paidAndOverdue(many)
		cleaned := make([]curfew.Stats, 4)
		together(len(cleaned), func(i int) { cleaned[i] = must(env.Sweep(env.Context()))(env) })
		var all curfew.Stats
		for _, s := range cleaned {
			all.Add(s)
		}
		all.Add(must(env.Sweep(env.Context()))(env)) // what one skipped because another held it
		if all.OldWaitingSessions != many || all.TotalCleaned != 2*many {
			env.Errorf("together they cleaned %+v", all)
		}
	})
}

// paidAndOverdue pays for many customers' sessions and makes them overdue.
func (env *environment) paidAndOverdue(many int) {
	env.Helper()
	together(8, func(k int) {
		for i := k; i < many; i += 8 {
			env.pay(fmt.Sprint("c", i), fmt.Sprint("p", i))
		}
	})
	// Both dialects: the deadline becomes the creation.
	env.Exec(env, "UPDATE "+env.Schema+"sessions SET expires_at = created_at WHERE status = 'waiting'")
}

// failing is a store whose End fails for one rule.
type failing struct {
	lifecycle.Store
	rule curfew.RuleName
}

func (f failing) End(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	if b.Rule.Name == f.rule {
		return nil, curfew.Errorf(curfew.Unavailable, "column does not exist")
	}
	return f.Store.End(ctx, b)
}

func TestLesson02_AFailedStepIsAFailedRun(t *testing.T) {
	onEachStore(t, func(env *environment) {
		overdue(env)
		broken := env.with(failing{env.Store, curfew.NoShows})
		run, err := broken.RunCleanup(env.Context(), byHand)
		if err == nil || run.Outcome != curfew.RunFailed || run.Error == "" {
			env.Errorf("got %+v, %v", run, err)
		}
		committed := curfew.Stats{OldWaitingSessions: 1, ExpiredRequests: 1, OrphanedSessions: 1, TotalCleaned: 3}
		if run.Stats != committed {
			env.Errorf("it says %+v, committed was %+v", run.Stats, committed)
		}
		if r := broken.Report(env.Context()); r.Health == lifecycle.Healthy || !found(r, lifecycle.CleanupFailed) {
			env.Errorf("health says %s: %+v", r.Health, r.Findings)
		}
		stored := must(env.Runs(env.Context(), curfew.Cursor{}, 10))(env)
		if len(stored) != 1 || stored[0].Outcome != curfew.RunFailed || stored[0].Stats != committed {
			env.Errorf("the record says %+v", stored)
		}
		must(env.RunCleanup(env.Context(), byHand))(env)
		if r := env.Report(env.Context()); found(r, lifecycle.CleanupFailed) {
			env.Errorf("after a good run health still says %+v", r.Findings)
		}
	})
}

// Another program's table may lack a column that the cleanup sets: the run must
// fail, not count what it would have changed.
func TestLesson02_AMissingColumnFailsTheRunAndCountsNothing(t *testing.T) {
	onBoth(t, nil, func(env *environment) {
		f := env.pay("c", "p")
		env.Age(env, f.SessionID, longAgo)
		env.Exec(env, "ALTER TABLE "+env.Schema+"session_requests RENAME COLUMN ended_at TO finished_at")
		run, err := env.RunCleanup(env.Context(), byHand)
		if err == nil || run.Stats.TotalCleaned != 0 {
			env.Errorf("got %+v, %v", run.Stats, err)
		}
	})
}
