package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// stopping is a store whose user is asked to stop after so many writes of a run.
type stopping struct {
	lifecycle.Store
	after int
	stop  chan struct{}
	once  sync.Once
}

func (s *stopping) count(ran bool) {
	if !ran {
		return
	}
	if s.after--; s.after <= 0 {
		s.once.Do(func() { close(s.stop) })
	}
}

func (s *stopping) Admit(ctx context.Context, a record.Admission) (curfew.Snapshot, error) {
	st, err := s.Store.Admit(ctx, a)
	s.count(a.RunID != "" && err == nil)
	return st, err
}

func (s *stopping) End(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	ended, err := s.Store.End(ctx, b)
	s.count(err == nil)
	return ended, err
}

// stopped is the environment with a keeper that is asked to stop after so many writes.
func (env *environment) stopped(after int) *environment {
	s := &stopping{Store: env.Store, after: after, stop: make(chan struct{})}
	h := env.Harness
	h.Store = s
	return newEnvironmentWith(env.T, h, lifecycle.Options{Policy: &env.policy, Stop: s.stop})
}

// expired is so many sessions past their deadline.
func (env *environment) expired(n int) {
	env.Helper()
	for i := range n {
		f := env.pay(fmt.Sprintf("customer-%d", i), fmt.Sprintf("pay-%d", i))
		env.Age(env, f.SessionID, 16*time.Minute)
	}
}

func TestAnUndoThatIsStoppedSaysWhatIsLeft(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.expired(9)
		run := must(env.RunCleanup(env.Context(), lifecycle.Cleanup{Actor: admin}))(env)
		undone, err := env.stopped(4).Undo(env.Context(), lifecycle.Undo{RunID: run.ID, Actor: admin})
		if !errors.Is(err, lifecycle.ErrStopped) || len(undone.Revived) != 4 || undone.Left != 5 {
			env.Fatalf("revived %d, left %d: %v", len(undone.Revived), undone.Left, err)
		}
		got := must(env.Runs(env.Context(), curfew.Cursor{}, 1))(env)[0]
		if got.Outcome != curfew.RunInterrupted || got.Stats.Revived != 4 || !strings.Contains(got.Error, "stopped") {
			env.Errorf("the record says %+v", got)
		}
		explained := must(env.Explain(env.Context(), got.ID, curfew.Cursor{}))(env)
		if !strings.Contains(explained.Summary, "4 sessions were revived, and was interrupted") {
			env.Error(explained.Summary)
		}
		again := must(env.Undo(env.Context(), lifecycle.Undo{RunID: run.ID, Actor: admin}))(env)
		if len(again.Revived) != 9 || again.Run.Stats.Revived != 5 || again.Run.Outcome != curfew.RunSucceeded {
			env.Errorf("undone again: %+v", again.Run)
		}
	})
}

func TestACleanupThatIsStoppedCountsWhatItDid(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.expired(3)
		env.accepted("late", "pay-late", "max")
		s := must(env.Unended(env.Context(), "late"))(env)[0]
		env.Age(env, s.ID, longAgo)
		run, err := env.stopped(1).RunCleanup(env.Context(), lifecycle.Cleanup{Actor: admin})
		want := curfew.Stats{OldWaitingSessions: 3, ExpiredRequests: 3, TotalCleaned: 6}
		if !errors.Is(err, lifecycle.ErrStopped) || run.Outcome != curfew.RunInterrupted || run.Stats != want || !run.Undoable() {
			env.Errorf("%+v: %v", run, err)
		}
	})
}

// talkative is a store whose driver talks.
type talkative struct {
	lifecycle.Store
	err error
}

const driversText = `pq: duplicate key value violates "sessions_one_open" DETAIL: (customer_id)=(kim)`

func (b talkative) End(context.Context, record.Batch) ([]record.Ended, error) { return nil, b.err }

func (b talkative) RunEvents(context.Context, string, string, int) ([]curfew.Event, error) {
	return nil, b.err
}

func TestARunNeverShowsADriversText(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.expired(1)
		for _, test := range []struct {
			err  error
			want curfew.RunOutcome
			says string
		}{
			{errors.New(driversText), curfew.RunFailed, "internal: "},
			{fmt.Errorf("%w (%w)", curfew.Errorf(curfew.Unavailable, "the database cannot answer now"), errors.New(driversText)), curfew.RunFailed, "unavailable: the database cannot answer now"},
			{fmt.Errorf("%w (%w)", curfew.Errorf(curfew.Unavailable, "the database cannot answer now"), context.Canceled), curfew.RunInterrupted, "cut off"},
			{fmt.Errorf("%s: %w", driversText, context.DeadlineExceeded), curfew.RunInterrupted, "too long"},
		} {
			bad := env.with(talkative{env.Store, test.err})
			run, err := bad.RunCleanup(env.Context(), lifecycle.Cleanup{Actor: admin})
			if err == nil || run.Outcome != test.want || !strings.Contains(run.Error, test.says) || strings.Contains(run.Error, "pq") {
				env.Errorf("a cleanup that failed by %v is %s: %q", test.err, run.Outcome, run.Error)
			}
			if _, err := bad.Undo(env.Context(), lifecycle.Undo{RunID: run.ID, Actor: admin}); err == nil {
				env.Error("an undo did not fail")
			}
			undo := must(env.Runs(env.Context(), curfew.Cursor{}, 1))(env)[0]
			if undo.Undoes != run.ID || undo.Outcome != test.want || strings.Contains(undo.Error, "pq") {
				env.Errorf("an undo that failed by %v is %s: %q", test.err, undo.Outcome, undo.Error)
			}
		}
	})
}
