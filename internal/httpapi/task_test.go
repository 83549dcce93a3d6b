package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

// leaving is a store that signals when a run has done a number of writes.
type leaving struct {
	lifecycle.Store
	after atomic.Int64
	now   chan struct{}
}

func (l *leaving) count(n int) {
	if left := l.after.Add(int64(-n)); left <= 0 && left+int64(n) > 0 {
		close(l.now)
	}
}

func (l *leaving) Admit(ctx context.Context, a record.Admission) (curfew.Snapshot, error) {
	st, err := l.Store.Admit(ctx, a)
	if a.RunID != "" {
		l.count(1)
	}
	return st, err
}

func (l *leaving) End(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	l.count(1)
	return l.Store.End(ctx, b)
}

// left calls a route, and leaves in the middle of its work.
func (env *environment) left(l *leaving, after int, path, body string) {
	env.Helper()
	l.now = make(chan struct{})
	l.after.Store(int64(after))
	ctx, leave := context.WithCancel(env.Context())
	defer leave()
	go func() {
		select {
		case <-l.now:
			leave()
		case <-ctx.Done():
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, env.url+path, strings.NewReader(body))
	must(env.T, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+env.token(curfew.Admin, "anna", time.Hour))
	resp, err := streamClient.Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if err == nil && resp.StatusCode != http.StatusAccepted { // then it goes on as a job
		env.Fatalf("POST %s was answered with %d before its caller left", path, resp.StatusCode)
	}
}

// newest waits until the newest run has ended.
func (env *environment) newest() api.Run {
	env.Helper()
	for deadline := time.Now().Add(testTimeout); ; <-time.After(20 * time.Millisecond) {
		runs, err := env.as(curfew.Admin, "anna").CleanupRuns(env.Context(), api.Page{Limit: 1})
		must(env.T, err)
		if len(runs.Runs) == 1 && runs.Runs[0].FinishedAt != nil {
			return runs.Runs[0]
		}
		if time.Now().After(deadline) {
			env.Fatalf("the run has not ended: %+v", runs)
		}
	}
}

// What a person has started goes on to its end when they leave: leaving the page once cut an undo of 559 sessions at 222.
func TestWhatWasStartedEndsWholeWhoeverLeaves(t *testing.T) {
	t.Parallel()
	sessions, at := effort.Of(0, 130, 559), effort.Of(0, 70, 222)
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			l := &leaving{Store: h.Store}
			env := newEnvironmentOver(t, h, l, nil)
			for i := range sessions {
				f, err := env.keeper.Admission.FulfillCheckout(t.Context(), shopActor, lifecycle.Purchase{
					PaymentRef: fmt.Sprintf("p%d", i), CustomerID: fmt.Sprintf("c%d", i), Plan: "chat10",
				})
				must(t, err)
				h.Age(t, f.SessionID, 16*time.Minute)
			}
			preview, err := env.as(curfew.Admin, "anna").StorePreview(t.Context(), api.Cleanup{})
			must(t, err)
			env.left(l, 1, "/api/debug/cleanup-sessions", `{"previewId":"`+*preview.PreviewID+`"}`)
			cleanup := env.newest()
			if cleanup.Outcome != "succeeded" || cleanup.Stats.OldWaitingSessions != sessions {
				t.Fatalf("the cleanup whose caller left is %+v", cleanup)
			}
			env.left(l, at, "/api/debug/cleanup-runs/"+cleanup.ID+"/undo", `{}`)
			undo := env.newest()
			if undo.Outcome != "succeeded" || undo.Stats.Revived != sessions || undo.Undoes != cleanup.ID {
				t.Fatalf("the undo whose caller left is %+v", undo)
			}
			if open := h.Query(t, "SELECT count(*) FROM "+h.Schema+"sessions WHERE status = 'waiting'"); open[0][0] != fmt.Sprint(sessions) {
				t.Errorf("%s sessions wait again", open[0][0])
			}
		})
	}
}
