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
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

var byHand = lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin}

// overdue plants one session for each rule that this release can meet, and two
// that no rule may touch. It returns the ids by rule.
func overdue(w *world) map[curfew.RuleName]string {
	w.Helper()
	ids := map[curfew.RuleName]string{
		curfew.OldWaiting: w.pay("old", "p-old").SessionID,
		curfew.Orphans:    orphan(w, "orphan", "p-orphan"),
		curfew.NoShows:    w.accepted("absent", "p-absent", "m1").SessionID,
		curfew.Overruns:   w.live("endless", "p-endless", "m2").SessionID,
	}
	for _, id := range ids {
		w.Age(w, id, longAgo)
	}
	w.pay("fresh", "p-fresh")
	w.accepted("busy", "p-busy", "m3")
	return ids
}

// orphan is a session whose request another program ended.
func orphan(w *world, customer, ref string) string {
	w.Helper()
	f := w.pay(customer, ref)
	w.Exec(w, "UPDATE "+w.Schema+"session_requests SET status = 'cancelled', ended_at = created_at WHERE customer_id = $1 AND id = $2", customer, f.RequestID)
	return f.SessionID
}

func TestLesson03_PreviewAndRunAgreeById(t *testing.T) {
	worlds(t, func(w *world) {
		ids := overdue(w)
		before := w.dump()
		p := must(w.Preview(w.Context(), byHand))(w)
		if before != w.dump() {
			w.Error("a preview changed something")
		}
		got := map[curfew.RuleName]string{}
		for _, it := range p.Items {
			got[it.Rule] = it.SessionID
		}
		if fmt.Sprint(got) != fmt.Sprint(ids) {
			w.Errorf("the preview has %v, want %v", got, ids)
		}
		want := curfew.Stats{OldWaitingSessions: 1, ExpiredRequests: 1, OrphanedSessions: 1, NoShows: 2, Overran: 2, TotalCleaned: 7}
		run := must(w.RunCleanup(w.Context(), byHand))(w)
		if p.Stats() != want || run.Stats != want {
			w.Errorf("preview %+v, run %+v, want %+v", p.Stats(), run.Stats, want)
		}
		if rows := w.Query(w, "SELECT count(DISTINCT subject_id) FROM "+w.Schema+"events WHERE subject = 'session' AND run_id = '"+run.ID+"'"); rows[0][0] != "4" {
			w.Errorf("the run's id stands in the events of %s sessions", rows[0][0])
		}
		if again := must(w.RunCleanup(w.Context(), byHand))(w); again.Stats.TotalCleaned != 0 || again.Outcome != curfew.RunSucceeded {
			w.Errorf("the second run: %+v", again)
		}
	})
}

func TestLesson04_TheRulesForUnassignedSessionsLeaveAcceptedOnesAlone(t *testing.T) {
	onBoth(t, nil, func(w *world) {
		f := w.accepted("c", "p", "m")
		w.Exec(w, "UPDATE "+w.Schema+"session_requests SET status = 'cancelled', ended_at = created_at WHERE customer_id = 'c'")
		w.Age(w, f.SessionID, 25*time.Minute)
		for name, cleanup := range map[string]func() (curfew.Stats, error){
			"customer": func() (curfew.Stats, error) {
				return w.CleanupCustomerWaitingSessions(w.Context(), "c", time.Minute)
			},
			"requests": func() (curfew.Stats, error) { return w.CleanupExpiredRequests(w.Context(), time.Minute) },
			"orphans":  func() (curfew.Stats, error) { return w.CleanupOrphanedSessions(w.Context(), time.Minute) },
			"full":     func() (curfew.Stats, error) { return w.RunFullCleanup(w.Context()) },
		} {
			if stats := must(cleanup())(w); stats.TotalCleaned != 0 {
				w.Errorf("%s: cleaned %+v", name, stats)
			}
		}
	})
}

func TestAnOrphanEndsAfterItsTimeThoughItsPlanWaitsLonger(t *testing.T) {
	patient := func(p *curfew.Policy) { p.WaitingTTL = 50 * time.Minute }
	worldsWith(t, patient, func(w *world) {
		id := orphan(w, "c", "p")
		w.Age(w, id, 19*time.Minute)
		if stats := must(w.SweepOrphans(w.Context()))(w); stats.TotalCleaned != 0 {
			w.Errorf("ended early: %+v", stats)
		}
		w.Age(w, id, 2*time.Minute)
		if stats := must(w.Sweep(w.Context()))(w); stats.TotalCleaned != 0 {
			w.Errorf("its deadline has not passed, but the sweep ended %+v", stats)
		}
		if b := must(w.CheckCustomerSessionStatus(w.Context(), "c"))(w); b != nil {
			w.Errorf("it blocks its customer: %+v", b)
		}
		if stats := must(w.SweepOrphans(w.Context()))(w); stats.OrphanedSessions != 1 {
			w.Errorf("cleaned %+v", stats)
		}
	})
}

func TestAdmissionSettlesTheCustomersOwnOrphan(t *testing.T) {
	worldsWith(t, func(p *curfew.Policy) { p.WaitingTTL = 50 * time.Minute }, func(w *world) {
		id := orphan(w, "c", "p1")
		w.Age(w, id, 21*time.Minute)
		if f := w.pay("c", "p2"); f.Outcome != curfew.Fulfilled {
			w.Errorf("got %+v", f)
		}
		w.is(id, curfew.Cancelled, curfew.Orphaned, curfew.RequestCancelled, curfew.Credited)
	})
}

func TestAMaximalAgeEndsEarlyOnlyWithAReason(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.pay("c", "p")
		assigned := w.accepted("c2", "p2", "m")
		w.Age(w, f.SessionID, 5*time.Minute)
		w.Age(w, assigned.SessionID, 5*time.Minute)
		c := byHand
		c.MaxAge = time.Minute
		before := w.dump()
		if _, err := w.RunCleanup(w.Context(), c); !errors.Is(err, curfew.Invalid) {
			w.Errorf("without a reason: %v", err)
		}
		if before != w.dump() {
			w.Error("a refused cleanup changed something")
		}
		c.Reason = "the shop closes"
		run := must(w.RunCleanup(w.Context(), c))(w)
		if run.Stats.OldWaitingSessions != 1 || run.Stats.TotalCleaned != 2 {
			w.Errorf("cleaned %+v", run.Stats)
		}
		w.is(f.SessionID, curfew.Cancelled, curfew.Cleared, curfew.RequestExpired, curfew.Credited)
		s := must(w.Session(w.Context(), f.SessionID))(w)
		events := must(w.Events(w.Context(), s.Session))(w)
		if last := events[len(events)-1]; !strings.Contains(last.Reason, "the shop closes") || last.Actor != admin || last.RunID != run.ID {
			w.Errorf("the event says %+v", last)
		}
	})
}

func TestOnlyTheRulesAskedForAreApplied(t *testing.T) {
	worlds(t, func(w *world) {
		overdue(w)
		c := byHand
		c.Rules = []curfew.RuleName{curfew.NoShows}
		if run := must(w.RunCleanup(w.Context(), c))(w); run.Stats != (curfew.Stats{NoShows: 2, TotalCleaned: 2}) {
			w.Errorf("cleaned %+v", run.Stats)
		}
		c = byHand
		c.CustomerID = "endless"
		if run := must(w.RunCleanup(w.Context(), c))(w); run.Stats != (curfew.Stats{Overran: 2, TotalCleaned: 2}) {
			w.Errorf("cleaned %+v", run.Stats)
		}
		must(w.RunFullCleanup(w.Context()))(w)
	})
}

func TestARuleThatIsOffIsLeftToAdmission(t *testing.T) {
	worldsWith(t, func(p *curfew.Policy) { p.Off = []curfew.RuleName{curfew.OldWaiting} }, func(w *world) {
		f := w.pay("c", "p1")
		w.Age(w, f.SessionID, longAgo)
		if stats := must(w.Sweep(w.Context()))(w); stats.TotalCleaned != 0 {
			w.Errorf("swept %+v", stats)
		}
		if next := w.pay("c", "p2"); next.Outcome != curfew.Fulfilled {
			w.Errorf("the promise broke: %+v", next)
		}
	})
}

func TestAPreviewIsExecutedExactlyAndSaysWhatDrifted(t *testing.T) {
	worlds(t, func(w *world) {
		moved := w.pay("moved", "p1")
		gone := w.pay("gone", "p2")
		stays := w.pay("stays", "p3")
		c := byHand
		c.MaxAge, c.Reason = time.Minute, "closing"
		for _, f := range []lifecycle.Fulfillment{moved, gone, stays} {
			w.Age(w, f.SessionID, 5*time.Minute)
		}
		p := must(w.StorePreview(w.Context(), c))(w)
		must(w.Accept(w.Context(), moved.RequestID, "m"))(w)
		must(w.Cancel(w.Context(), gone.SessionID, shop))(w)
		late := w.pay("late", "p4")
		w.Age(w, late.SessionID, 5*time.Minute)

		run, drifted, err := w.ExecutePreview(w.Context(), p.ID, c)
		if err != nil || run.Stats.OldWaitingSessions != 1 {
			w.Errorf("executed %+v, %v", run, err)
		}
		var names []string
		for _, d := range drifted {
			names = append(names, d.SessionID)
		}
		want := []string{moved.SessionID, gone.SessionID}
		slices.Sort(names)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			w.Errorf("drifted %+v, want %v", drifted, want)
		}
		w.is(moved.SessionID, curfew.Waiting, "", curfew.Accepted, curfew.Fulfilled)
		w.is(late.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		if _, _, err := w.ExecutePreview(w.Context(), "no such preview", c); !errors.Is(err, curfew.NotFound) {
			w.Errorf("an unknown preview: %v", err)
		}
	})
}

func TestACleanupOfManyPagesReachesTheEnd(t *testing.T) {
	worlds(t, func(w *world) {
		const many = 1100
		w.plant(many)
		p := must(w.Preview(w.Context(), byHand))(w)
		if len(p.Items) != many || p.Truncated {
			w.Errorf("the preview has %d items", len(p.Items))
		}
		if stats := must(w.Sweep(w.Context()))(w); stats.OldWaitingSessions != many || stats.ExpiredRequests != many {
			w.Errorf("swept %+v", stats)
		}
	})
}

func TestTwoSweepsAtOnceCountEverySessionOnce(t *testing.T) {
	worlds(t, func(w *world) {
		const many = 600
		w.plant(many)
		cleaned := make([]curfew.Stats, 4)
		together(len(cleaned), func(i int) { cleaned[i] = must(w.Sweep(w.Context()))(w) })
		var all curfew.Stats
		for _, s := range cleaned {
			all.Add(s)
		}
		all.Add(must(w.Sweep(w.Context()))(w)) // what one skipped because another held it
		if all.OldWaitingSessions != many || all.TotalCleaned != 2*many {
			w.Errorf("together they cleaned %+v", all)
		}
	})
}

// plant pays for many customers' sessions and makes them overdue.
func (w *world) plant(many int) {
	w.Helper()
	together(8, func(k int) {
		for i := k; i < many; i += 8 {
			w.pay(fmt.Sprint("c", i), fmt.Sprint("p", i))
		}
	})
	// Both dialects: the deadline becomes the creation.
	w.Exec(w, "UPDATE "+w.Schema+"sessions SET expires_at = created_at WHERE status = 'waiting'")
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
	worlds(t, func(w *world) {
		overdue(w)
		broken := w.with(failing{w.Store, curfew.NoShows})
		run, err := broken.RunCleanup(w.Context(), byHand)
		if err == nil || run.Outcome != curfew.RunFailed || run.Error == "" {
			w.Errorf("got %+v, %v", run, err)
		}
		committed := curfew.Stats{OldWaitingSessions: 1, ExpiredRequests: 1, OrphanedSessions: 1, TotalCleaned: 3}
		if run.Stats != committed {
			w.Errorf("it says %+v, committed was %+v", run.Stats, committed)
		}
		if r := broken.Report(w.Context()); r.Health == lifecycle.Healthy || !found(r, lifecycle.CleanupFailed) {
			w.Errorf("health says %s: %+v", r.Health, r.Findings)
		}
		stored := must(w.Runs(w.Context(), curfew.Cursor{}, 10))(w)
		if len(stored) != 1 || stored[0].Outcome != curfew.RunFailed || stored[0].Stats != committed {
			w.Errorf("the record says %+v", stored)
		}
		must(w.RunCleanup(w.Context(), byHand))(w)
		if r := w.Report(w.Context()); found(r, lifecycle.CleanupFailed) {
			w.Errorf("after a good run health still says %+v", r.Findings)
		}
	})
}

// Another program's table may lack a column that the cleanup sets: the run must
// fail, not count what it would have changed.
func TestLesson02_AMissingColumnFailsTheRunAndCountsNothing(t *testing.T) {
	onBoth(t, nil, func(w *world) {
		f := w.pay("c", "p")
		w.Age(w, f.SessionID, longAgo)
		w.Exec(w, "ALTER TABLE "+w.Schema+"session_requests RENAME COLUMN ended_at TO finished_at")
		run, err := w.RunCleanup(w.Context(), byHand)
		if err == nil || run.Stats.TotalCleaned != 0 {
			w.Errorf("got %+v, %v", run.Stats, err)
		}
	})
}
