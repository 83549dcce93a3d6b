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
	worlds(t, func(w *world) {
		r := w.Report(w.Context())
		if r.Health != lifecycle.Healthy || len(r.Findings) != 0 {
			w.Errorf("got %s: %+v", r.Health, r.Findings)
		}
		for _, s := range curfew.SessionStatuses() {
			if n, ok := r.Sessions.ByStatus[s]; !ok || n != 0 {
				w.Errorf("%s: %d, %t", s, n, ok)
			}
		}
	})
}

func TestHealthCountsEverySessionExactly(t *testing.T) {
	worlds(t, func(w *world) {
		overdue(w)
		must(w.End(w.Context(), w.pay("gone", "p-gone").SessionID, shop))(w)
		r := w.Report(w.Context())
		s := r.Sessions
		if s.ByStatus[curfew.Waiting] != 5 || s.ByStatus[curfew.Live] != 1 || s.ByStatus[curfew.Cancelled] != 1 {
			w.Errorf("by status: %v", s.ByStatus)
		}
		if s.Stale != 1 || s.VeryStale != 1 || s.Orphaned != 1 || s.OverdueAssigned != 1 || s.OverdueLive != 1 {
			w.Errorf("got %+v", s)
		}
		if r.Requests.ByStatus[curfew.Pending] != 2 || r.Requests.Stale != 1 {
			w.Errorf("requests: %+v", r.Requests)
		}
		if r.Checkouts.ByOutcome[curfew.Fulfilled] != 6 || r.Checkouts.ByOutcome[curfew.Credited] != 1 {
			w.Errorf("checkouts: %v", r.Checkouts.ByOutcome)
		}
		if r.Health != lifecycle.IssuesDetected || r.Findings[0].Problem != "1 waiting session older than 30 minutes (CRITICAL!)" {
			w.Errorf("got %s: %+v", r.Health, r.Findings)
		}
		if ids := r.Findings[0].Sessions; len(ids) != 1 {
			w.Errorf("the finding names %v", ids)
		}
		must(w.RunFullCleanup(w.Context()))(w)
	})
}

func TestLesson22_AFigureThatFailsIsMissingAndTheReportAnError(t *testing.T) {
	onBoth(t, nil, func(w *world) {
		w.pay("c", "p")
		w.Exec(w, "ALTER TABLE "+w.Schema+"mechanic_slots RENAME TO slots")
		r := w.Report(w.Context())
		if r.Health != lifecycle.Undetermined || r.Mechanics != nil {
			w.Errorf("got %s, mechanics %+v", r.Health, r.Mechanics)
		}
		if r.Sessions == nil || r.Sessions.ByStatus[curfew.Waiting] != 1 {
			w.Errorf("one figure that fails hides the others: %+v", r.Sessions)
		}
		if r.Findings[0].Code != lifecycle.Unreadable || !strings.Contains(r.Findings[0].Problem, "mechanics") {
			w.Errorf("the first finding is %+v", r.Findings[0])
		}
	})
}

func TestLesson16_ASilentSweeperIsAFinding(t *testing.T) {
	worlds(t, func(w *world) {
		w.pay("c", "p")
		if r := w.Report(w.Context()); !found(r, lifecycle.SweeperSilent) {
			w.Errorf("it never ran, and health says %+v", r.Findings)
		}
		if err := w.Store.RecordSweep(w.Context(), time.Millisecond); err != nil {
			w.Fatal(err)
		}
		r := w.Report(w.Context())
		if r.Health != lifecycle.Healthy || !r.SweeperAlive() || r.Heartbeats.Lag != time.Millisecond {
			w.Errorf("got %s: %+v, %+v", r.Health, r.Findings, r.Heartbeats)
		}
	})
}

func TestACustomerRefusedAgainAndAgainIsAFinding(t *testing.T) {
	worlds(t, func(w *world) {
		w.pay("c", "p")
		for range 3 {
			if _, err := w.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: "c", Plan: "free"}); !errors.Is(err, curfew.SessionOpen) {
				w.Fatal(err)
			}
		}
		r := w.Report(w.Context())
		if !found(r, lifecycle.BlockedRepeatedly) || r.Repeated[0].CustomerID != "c" || r.Repeated[0].Count != 3 {
			w.Errorf("got %+v, %+v", r.Findings, r.Repeated)
		}
	})
}

func TestMoneyThatAnotherProgramLeftIsSettledBySweepAndAdmission(t *testing.T) {
	for by, settle := range map[string]func(*world){
		"sweep":     func(w *world) { must(w.Sweep(w.Context()))(w) },
		"admission": func(w *world) { w.pay("c", "p2"); w.pay("c", "p3") },
	} {
		t.Run(by, func(t *testing.T) {
			worlds(t, func(w *world) {
				f := w.accepted("c", "p1", "m")
				w.Exec(w, "UPDATE "+w.Schema+"sessions SET status = 'cancelled' WHERE customer_id = $1 AND id = $2", "c", f.SessionID)
				if r := w.Report(w.Context()); r.Checkouts.MoneyDue != 1 || !found(r, lifecycle.MoneyUnsettled) {
					w.Errorf("health says %+v, %+v", r.Checkouts, r.Findings)
				}
				settle(w)
				w.is(f.SessionID, curfew.Cancelled, curfew.Foreign, curfew.RequestCancelled, curfew.Credited)
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
