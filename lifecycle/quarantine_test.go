package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

// late is paid sessions of c0, c1, … that are overdue; some have a mechanic.
func (w *world) late(many int) []lifecycle.Fulfillment {
	w.Helper()
	all := make([]lifecycle.Fulfillment, many)
	for i := range all {
		customer := fmt.Sprint("c", i)
		if all[i] = w.pay(customer, "ref-"+customer); i%3 == 0 {
			must(w.Accept(w.Context(), all[i].RequestID, "m-"+customer))(w)
		}
		w.Age(w, all[i].SessionID, time.Hour)
	}
	return all
}

// stands reports the sessions that have not ended.
func (w *world) stands() []string {
	w.Helper()
	var all []string
	for _, row := range w.Query(w, "SELECT customer_id FROM "+w.Schema+"sessions WHERE status IN ('scheduled', 'waiting', 'live') ORDER BY 1") {
		all = append(all, row[0])
	}
	return all
}

func (w *world) failedRuns() int {
	w.Helper()
	return len(w.Query(w, "SELECT id FROM "+w.Schema+"runs WHERE outcome = 'failed'"))
}

// apart is what is set apart, as «noun step».
func (w *world) apart() string {
	w.Helper()
	var all []string
	for _, q := range must(w.Store.Quarantined(w.Context(), 100))(w) {
		all = append(all, fmt.Sprint(q.CustomerID, " ", q.Noun, " ", q.Step, " ", q.Tries))
	}
	return strings.Join(all, ", ")
}

// tryNow makes what is set apart due.
func (w *world) tryNow() {
	w.Helper()
	w.Exec(w, "UPDATE "+w.Schema+"quarantine SET next_at = since")
}

// Whatever table's write fails for one customer, everybody else's session ends,
// the one is set apart, no further run fails for it, and it is healed once the
// cause is gone.
func TestARowThatCannotBeEndedStopsNobodyElse(t *testing.T) {
	t.Parallel()
	for _, where := range []struct{ table, operation, customer string }{
		{"sessions", "UPDATE", "c4"},
		{"session_requests", "UPDATE", "c4"},
		{"checkouts", "UPDATE", "c4"},
		{"events", "INSERT", "c4"},
		{"mechanic_slots", "DELETE", "c6"},
	} {
		t.Run(where.operation+" "+where.table, func(t *testing.T) {
			worlds(t, func(w *world) {
				w.late(21)
				cure := storetest.Poison(w, w.Harness, where.table, where.operation, where.customer)
				for range 4 {
					_, err := w.Sweep(w.Context())
					must(0, err)(w)
				}
				if got := fmt.Sprint(w.stands()); got != "["+where.customer+"]" {
					w.Fatalf("%s stand", got)
				}
				if n := w.failedRuns(); n != 1 {
					w.Errorf("%d runs failed for one row", n)
				}
				if got := w.apart(); got != where.customer+" session end 1" {
					w.Errorf("set apart is %q", got)
				}
				cure()
				must(w.RunCleanup(w.Context(), lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin}))(w)
				if len(w.stands()) > 0 || w.apart() != "" {
					w.Errorf("healed, %v stand and %q is set apart", w.stands(), w.apart())
				}
			})
		})
	}
}

// The sweeper goes on beside what is set apart: it gives signs of life, health
// names the row, and the next try settles it.
func TestTheSweeperLivesBesideWhatIsSetApart(t *testing.T) {
	worlds(t, func(w *world) {
		all := w.late(3)
		cure := storetest.Poison(w, w.Harness, "sessions", "UPDATE", "c1")
		e := w.engine(lifecycle.Options{})
		w.running([]*lifecycle.Keeper{e}, func() bool {
			heartbeats := must(w.Store.Heartbeats(w.Context()))(w)
			return len(w.stands()) == 1 && !heartbeats.Sweep.IsZero()
		})
		f := w.finding(e, lifecycle.StuckRows)
		if f.Count != 1 || len(f.Sessions) != 1 || f.Sessions[0] != all[1].SessionID || fmt.Sprint(f.Customers) != "[c1]" || f.Since.IsZero() {
			w.Errorf("health finds %+v", f)
		}
		if r := e.Health.Report(w.Context()); !r.SweeperAlive() || found(r, lifecycle.CleanupFailed) {
			w.Errorf("the sweeper lives, and health says %+v", r.Findings)
		}
		cure()
		w.tryNow()
		w.running([]*lifecycle.Keeper{e}, func() bool { return len(w.stands()) == 0 })
		w.running([]*lifecycle.Keeper{e}, func() bool {
			return len(w.Query(w, "SELECT noun FROM "+w.Schema+"quarantine")) == 0
		})
		if found(e.Health.Report(w.Context()), lifecycle.StuckRows) {
			w.Error("it is settled, and health still names it")
		}
	})
}

func (w *world) finding(e *lifecycle.Keeper, code lifecycle.Code) lifecycle.Finding {
	w.Helper()
	r := e.Health.Report(w.Context())
	for _, f := range r.Findings {
		if f.Code == code {
			return f
		}
	}
	w.Fatalf("health does not find %s: %+v", code, r.Findings)
	return lifecycle.Finding{}
}

// It waits twice as long each time, and never longer than LongestQuarantine.
func TestWhatFailsAgainWaitsLonger(t *testing.T) {
	worlds(t, func(w *world) {
		q := curfew.Quarantined{
			Noun: curfew.QuarantinedSession, CustomerID: "kim", ID: w.pay("kim", "ref").SessionID, Version: 1, Step: "end", LastError: "first",
		}
		want := record.FirstQuarantine
		for try := range 10 {
			must(0, w.Store.Quarantine(w.Context(), q))(w)
			must(0, w.Store.Quarantine(w.Context(), q))(w) // another process met it, too
			q.LastError = "last"
			got := must(w.Store.Quarantined(w.Context(), 1))(w)[0]
			if wait := got.NextAt.Sub(got.TriedAt); wait != want || got.Tries != int64(try+1) || got.FirstError != "first" {
				w.Errorf("after %d tries it waits %s, not %s: %+v", try+1, wait, want, got)
			}
			want = min(2*want, record.LongestQuarantine)
			w.tryNow()
		}
	})
}

// A run by hand tries everything, says what it could not do, and did the rest.
func TestARunByHandNamesWhatItSetApart(t *testing.T) {
	worlds(t, func(w *world) {
		all := w.late(5)
		storetest.Poison(w, w.Harness, "sessions", "UPDATE", "c2")
		for try := range 2 {
			run, err := w.RunCleanup(w.Context(), lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin})
			if err == nil || run.Outcome != curfew.RunFailed || run.Stats.SetApart != 1 || !strings.Contains(run.Error, all[2].SessionID) {
				w.Errorf("run %d: %+v, %v", try, run, err)
			}
			w.tryNow()
		}
		if got := w.apart(); got != "c2 session end 2" {
			w.Errorf("set apart is %q", got)
		}
	})
}

// What fails for everybody is no row's fault: the run fails and says so.
func TestWhatFailsForAllIsAFailedRun(t *testing.T) {
	onBoth(t, nil, func(w *world) {
		var broken unending
		broken.Store = w.Store
		many := w.late(45)
		_, err := w.with(&broken).Sweep(w.Context())
		if err == nil || !strings.Contains(err.Error(), "in a row") {
			w.Errorf("nothing can be ended, and the sweep says %v of %d", err, len(many))
		}
	})
}

// unending is a store that ends nothing.
type unending struct{ lifecycle.Store }

func (unending) End(context.Context, record.Batch) ([]record.Ended, error) {
	return nil, errors.New("permission denied")
}

// A trigger may fail in words that speak of the whole database.
func TestARowThatFailsAsIfTheDatabaseDidIsSetApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, stores.Postgres(t), nil)
	w.late(12)
	w.Exec(t, `CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		RAISE EXCEPTION 'not now' USING ERRCODE = '57014'; END $$`)
	w.Exec(t, `CREATE TRIGGER slow BEFORE UPDATE ON curfew.sessions FOR EACH ROW WHEN (NEW.customer_id = 'c4') EXECUTE FUNCTION public.slow()`)
	for range 3 {
		must(w.Sweep(w.Context()))(w)
	}
	if got := fmt.Sprint(w.stands()); got != "[c4]" || w.apart() != "c4 session end 1" {
		w.Errorf("%s stand; set apart is %q", got, w.apart())
	}
	if n := w.failedRuns(); n != 1 {
		w.Errorf("%d runs failed", n)
	}
}
