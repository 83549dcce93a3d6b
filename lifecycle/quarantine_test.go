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
func (env *environment) late(many int) []lifecycle.Fulfillment {
	env.Helper()
	all := make([]lifecycle.Fulfillment, many)
	for i := range all {
		customer := fmt.Sprint("c", i)
		if all[i] = env.pay(customer, "ref-"+customer); i%3 == 0 {
			must(env.Accept(env.Context(), all[i].RequestID, "m-"+customer))(env)
		}
		env.Age(env, all[i].SessionID, time.Hour)
	}
	return all
}

// stands reports the sessions that have not ended.
func (env *environment) stands() []string {
	env.Helper()
	var all []string
	for _, row := range env.Query(env, "SELECT customer_id FROM "+env.Schema+"sessions WHERE status IN ('scheduled', 'waiting', 'live') ORDER BY 1") {
		all = append(all, row[0])
	}
	return all
}

func (env *environment) failedRuns() int {
	env.Helper()
	return len(env.Query(env, "SELECT id FROM "+env.Schema+"runs WHERE outcome = 'failed'"))
}

// apart is what is set apart, as "noun step".
func (env *environment) apart() string {
	env.Helper()
	var all []string
	for _, q := range must(env.Store.Quarantined(env.Context(), 100))(env) {
		all = append(all, fmt.Sprint(q.CustomerID, " ", q.Noun, " ", q.Step, " ", q.Tries))
	}
	return strings.Join(all, ", ")
}

// tryNow makes what is set apart due.
func (env *environment) tryNow() {
	env.Helper()
	env.Exec(env, "UPDATE "+env.Schema+"quarantine SET next_at = since")
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
			onEachStore(t, func(env *environment) {
				env.late(21)
				cure := storetest.Poison(env, env.Harness, where.table, where.operation, where.customer)
				for range 4 {
					_, err := env.Sweep(env.Context())
					must(0, err)(env)
				}
				if got := fmt.Sprint(env.stands()); got != "["+where.customer+"]" {
					env.Fatalf("%s stand", got)
				}
				if n := env.failedRuns(); n != 1 {
					env.Errorf("%d runs failed for one row", n)
				}
				if got := env.apart(); got != where.customer+" session end 1" {
					env.Errorf("set apart is %q", got)
				}
				cure()
				must(env.RunCleanup(env.Context(), lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin}))(env)
				if len(env.stands()) > 0 || env.apart() != "" {
					env.Errorf("healed, %v stand and %q is set apart", env.stands(), env.apart())
				}
			})
		})
	}
}

// The sweeper goes on beside what is set apart: it gives signs of life, health
// names the row, and the next try settles it.
func TestTheSweeperLivesBesideWhatIsSetApart(t *testing.T) {
	onEachStore(t, func(env *environment) {
		all := env.late(3)
		cure := storetest.Poison(env, env.Harness, "sessions", "UPDATE", "c1")
		e := env.keeper(lifecycle.Options{})
		env.running([]*lifecycle.Keeper{e}, func() bool {
			heartbeats := must(env.Store.Heartbeats(env.Context()))(env)
			return len(env.stands()) == 1 && !heartbeats.Sweep.IsZero()
		})
		f := env.finding(e, lifecycle.StuckRows)
		if f.Count != 1 || len(f.Sessions) != 1 || f.Sessions[0] != all[1].SessionID || fmt.Sprint(f.Customers) != "[c1]" || f.Since.IsZero() {
			env.Errorf("health finds %+v", f)
		}
		if r := e.Health.Report(env.Context()); !r.SweeperAlive() || found(r, lifecycle.CleanupFailed) {
			env.Errorf("the sweeper lives, and health says %+v", r.Findings)
		}
		cure()
		env.tryNow()
		env.running([]*lifecycle.Keeper{e}, func() bool { return len(env.stands()) == 0 })
		env.running([]*lifecycle.Keeper{e}, func() bool {
			return len(env.Query(env, "SELECT noun FROM "+env.Schema+"quarantine")) == 0
		})
		if found(e.Health.Report(env.Context()), lifecycle.StuckRows) {
			env.Error("it is settled, and health still names it")
		}
	})
}

func (env *environment) finding(e *lifecycle.Keeper, code lifecycle.Code) lifecycle.Finding {
	env.Helper()
	r := e.Health.Report(env.Context())
	for _, f := range r.Findings {
		if f.Code == code {
			return f
		}
	}
	env.Fatalf("health does not find %s: %+v", code, r.Findings)
	return lifecycle.Finding{}
}

// It waits twice as long each time, and never longer than LongestQuarantine.
func TestWhatFailsAgainWaitsLonger(t *testing.T) {
	onEachStore(t, func(env *environment) {
		q := curfew.Quarantined{
			Noun: curfew.QuarantinedSession, CustomerID: "kim", ID: env.pay("kim", "ref").SessionID, Version: 1, Step: "end", LastError: "first",
		}
		want := record.FirstQuarantine
		for try := range 10 {
			must(0, env.Store.Quarantine(env.Context(), q))(env)
			must(0, env.Store.Quarantine(env.Context(), q))(env) // another process met it, too
			q.LastError = "last"
			got := must(env.Store.Quarantined(env.Context(), 1))(env)[0]
			if wait := got.NextAt.Sub(got.TriedAt); wait != want || got.Tries != int64(try+1) || got.FirstError != "first" {
				env.Errorf("after %d tries it waits %s, not %s: %+v", try+1, wait, want, got)
			}
			want = min(2*want, record.LongestQuarantine)
			env.tryNow()
		}
	})
}

// A run by hand tries everything, says what it could not do, and did the rest.
func TestARunByHandNamesWhatItSetApart(t *testing.T) {
	onEachStore(t, func(env *environment) {
		all := env.late(5)
		storetest.Poison(env, env.Harness, "sessions", "UPDATE", "c2")
		for try := range 2 {
			run, err := env.RunCleanup(env.Context(), lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin})
			if err == nil || run.Outcome != curfew.RunFailed || run.Stats.SetApart != 1 || !strings.Contains(run.Error, all[2].SessionID) {
				env.Errorf("run %d: %+v, %v", try, run, err)
			}
			env.tryNow()
		}
		if got := env.apart(); got != "c2 session end 2" {
			env.Errorf("set apart is %q", got)
		}
	})
}

// What fails for everybody is no row's fault: the run fails and says so.
func TestWhatFailsForAllIsAFailedRun(t *testing.T) {
	onBoth(t, nil, func(env *environment) {
		var broken unending
		broken.Store = env.Store
		many := env.late(45)
		_, err := env.with(&broken).Sweep(env.Context())
		if err == nil || !strings.Contains(err.Error(), "in a row") {
			env.Errorf("nothing can be ended, and the sweep says %v of %d", err, len(many))
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
	env := newEnvironment(t, stores.Postgres(t), nil)
	env.late(12)
	env.Exec(t, `CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		RAISE EXCEPTION 'not now' USING ERRCODE = '57014'; END $$`)
	env.Exec(t, `CREATE TRIGGER slow BEFORE UPDATE ON curfew.sessions FOR EACH ROW WHEN (NEW.customer_id = 'c4') EXECUTE FUNCTION public.slow()`)
	for range 3 {
		must(env.Sweep(env.Context()))(env)
	}
	if got := fmt.Sprint(env.stands()); got != "[c4]" || env.apart() != "c4 session end 1" {
		env.Errorf("%s stand; set apart is %q", got, env.apart())
	}
	if n := env.failedRuns(); n != 1 {
		env.Errorf("%d runs failed", n)
	}
}
