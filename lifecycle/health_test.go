package lifecycle_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

func TestLesson22_NoRowsAtAllIsHealthy(t *testing.T) {
	onEachStore(t, func(env *environment) {
		r := env.Report(env.Context())
		if r.Health != lifecycle.Healthy || len(r.Findings) != 0 {
			env.Errorf("got %s: %+v", r.Health, r.Findings)
		}
		for _, s := range curfew.SessionStatuses() {
			if n, ok := r.Sessions.ByStatus[s]; !ok || n != 0 {
				env.Errorf("%s: %d, %t", s, n, ok)
			}
		}
	})
}

func TestHealthCountsEverySessionExactly(t *testing.T) {
	onEachStore(t, func(env *environment) {
		overdue(env)
		must(env.End(env.Context(), env.pay("gone", "p-gone").SessionID, shop))(env)
		r := env.Report(env.Context())
		s := r.Sessions
		if s.ByStatus[curfew.Waiting] != 5 || s.ByStatus[curfew.Live] != 1 || s.ByStatus[curfew.Cancelled] != 1 {
			env.Errorf("by status: %v", s.ByStatus)
		}
		if s.Stale != 1 || s.VeryStale != 1 || s.Orphaned != 1 || s.OverdueAssigned != 1 || s.OverdueLive != 1 {
			env.Errorf("got %+v", s)
		}
		if r.Requests.ByStatus[curfew.Pending] != 2 || r.Requests.Stale != 1 {
			env.Errorf("requests: %+v", r.Requests)
		}
		if r.Checkouts.ByOutcome[curfew.Fulfilled] != 6 || r.Checkouts.ByOutcome[curfew.Credited] != 1 {
			env.Errorf("checkouts: %v", r.Checkouts.ByOutcome)
		}
		if r.Health != lifecycle.IssuesDetected || r.Findings[0].Problem != "1 waiting session older than 30 minutes (CRITICAL!)" {
			env.Errorf("got %s: %+v", r.Health, r.Findings)
		}
		if ids := r.Findings[0].Sessions; len(ids) != 1 {
			env.Errorf("the finding names %v", ids)
		}
		must(env.RunFullCleanup(env.Context()))(env)
	})
}

func TestLesson22_AFigureThatFailsIsMissingAndTheReportAnError(t *testing.T) {
	onBoth(t, nil, func(env *environment) {
		env.pay("c", "p")
		env.Exec(env, "ALTER TABLE "+env.Schema+"mechanic_slots RENAME TO slots")
		r := env.Report(env.Context())
		if r.Health != lifecycle.Undetermined || r.Mechanics != nil {
			env.Errorf("got %s, mechanics %+v", r.Health, r.Mechanics)
		}
		if r.Sessions == nil || r.Sessions.ByStatus[curfew.Waiting] != 1 {
			env.Errorf("one figure that fails hides the others: %+v", r.Sessions)
		}
		if r.Findings[0].Code != lifecycle.Unreadable || !strings.Contains(r.Findings[0].Problem, "mechanics") {
			env.Errorf("the first finding is %+v", r.Findings[0])
		}
	})
}

func TestLesson16_ASilentSweeperIsAFinding(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.pay("c", "p")
		if r := env.Report(env.Context()); !found(r, lifecycle.SweeperSilent) {
			env.Errorf("it never ran, and health says %+v", r.Findings)
		}
		if err := env.Store.RecordSweep(env.Context(), time.Millisecond); err != nil {
			env.Fatal(err)
		}
		r := env.Report(env.Context())
		if r.Health != lifecycle.Healthy || !r.SweeperAlive() || r.Heartbeats.Lag != time.Millisecond {
			env.Errorf("got %s: %+v, %+v", r.Health, r.Findings, r.Heartbeats)
		}
	})
}

func TestACustomerRefusedAgainAndAgainIsAFinding(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.pay("c", "p")
		for range 3 {
			if _, err := env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: "c", Plan: "free"}); !errors.Is(err, curfew.SessionOpen) {
				env.Fatal(err)
			}
		}
		r := env.Report(env.Context())
		if !found(r, lifecycle.BlockedRepeatedly) || r.Repeated[0].CustomerID != "c" || r.Repeated[0].Count != 3 {
			env.Errorf("got %+v, %+v", r.Findings, r.Repeated)
		}
	})
}

func TestMoneyThatAnotherProgramLeftIsSettledBySweepAndAdmission(t *testing.T) {
	for by, settle := range map[string]func(*environment){
		"sweep":     func(env *environment) { must(env.Sweep(env.Context()))(env) },
		"admission": func(env *environment) { env.pay("c", "p2"); env.pay("c", "p3") },
	} {
		t.Run(by, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				f := env.accepted("c", "p1", "m")
				env.Exec(env, "UPDATE "+env.Schema+"sessions SET status = 'cancelled' WHERE customer_id = $1 AND id = $2", "c", f.SessionID)
				if r := env.Report(env.Context()); r.Checkouts.MoneyDue != 1 || !found(r, lifecycle.MoneyUnsettled) {
					env.Errorf("health says %+v, %+v", r.Checkouts, r.Findings)
				}
				settle(env)
				env.is(f.SessionID, curfew.Cancelled, curfew.Foreign, curfew.RequestCancelled, curfew.Credited)
			})
		})
	}
}

func TestSpansAreForPeople(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		31 * time.Minute: "31 minutes", time.Second: "1 second", 3 * time.Hour: "3 hours", 49 * time.Hour: "2 days", 90 * time.Second: "90 seconds",
	} {
		if got := lifecycle.Span(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
