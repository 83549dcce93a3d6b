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

// stopped is the world with an engine that is asked to stop after so many writes.
func (w *world) stopped(after int) *world {
	s := &stopping{Store: w.Store, after: after, stop: make(chan struct{})}
	h := w.Harness
	h.Store = s
	return newWorldWith(w.T, h, lifecycle.Options{Policy: &w.policy, Stop: s.stop})
}

// expired is so many sessions past their deadline.
func (w *world) expired(n int) {
	w.Helper()
	for i := range n {
		f := w.pay(fmt.Sprintf("customer-%d", i), fmt.Sprintf("pay-%d", i))
		w.Age(w, f.SessionID, 16*time.Minute)
	}
}

func TestAnUndoThatIsStoppedSaysWhatIsLeft(t *testing.T) {
	worlds(t, func(w *world) {
		w.expired(9)
		run := must(w.RunCleanup(w.Context(), lifecycle.Cleanup{Actor: admin}))(w)
		undone, err := w.stopped(4).Undo(w.Context(), lifecycle.Undo{RunID: run.ID, Actor: admin})
		if !errors.Is(err, lifecycle.ErrStopped) || len(undone.Revived) != 4 || undone.Left != 5 {
			w.Fatalf("revived %d, left %d: %v", len(undone.Revived), undone.Left, err)
		}
		got := must(w.Runs(w.Context(), curfew.Cursor{}, 1))(w)[0]
		if got.Outcome != curfew.RunInterrupted || got.Stats.Revived != 4 || !strings.Contains(got.Error, "stopped") {
			w.Errorf("the record says %+v", got)
		}
		story := must(w.Explain(w.Context(), got.ID, curfew.Cursor{}))(w)
		if !strings.Contains(story.Summary, "4 sessions were revived, and was interrupted") {
			w.Error(story.Summary)
		}
		again := must(w.Undo(w.Context(), lifecycle.Undo{RunID: run.ID, Actor: admin}))(w)
		if len(again.Revived) != 9 || again.Run.Stats.Revived != 5 || again.Run.Outcome != curfew.RunSucceeded {
			w.Errorf("undone again: %+v", again.Run)
		}
	})
}

func TestACleanupThatIsStoppedCountsWhatItDid(t *testing.T) {
	worlds(t, func(w *world) {
		w.expired(3)
		w.accepted("late", "pay-late", "max")
		s := must(w.Unended(w.Context(), "late"))(w)[0]
		w.Age(w, s.ID, longAgo)
		run, err := w.stopped(1).RunCleanup(w.Context(), lifecycle.Cleanup{Actor: admin})
		want := curfew.Stats{OldWaitingSessions: 3, ExpiredRequests: 3, TotalCleaned: 6}
		if !errors.Is(err, lifecycle.ErrStopped) || run.Outcome != curfew.RunInterrupted || run.Stats != want || !run.Undoable() {
			w.Errorf("%+v: %v", run, err)
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
	worlds(t, func(w *world) {
		w.expired(1)
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
			bad := w.with(talkative{w.Store, test.err})
			run, err := bad.RunCleanup(w.Context(), lifecycle.Cleanup{Actor: admin})
			if err == nil || run.Outcome != test.want || !strings.Contains(run.Error, test.says) || strings.Contains(run.Error, "pq") {
				w.Errorf("a cleanup that failed by %v is %s: %q", test.err, run.Outcome, run.Error)
			}
			if _, err := bad.Undo(w.Context(), lifecycle.Undo{RunID: run.ID, Actor: admin}); err == nil {
				w.Error("an undo did not fail")
			}
			undo := must(w.Runs(w.Context(), curfew.Cursor{}, 1))(w)[0]
			if undo.Undoes != run.ID || undo.Outcome != test.want || strings.Contains(undo.Error, "pq") {
				w.Errorf("an undo that failed by %v is %s: %q", test.err, undo.Outcome, undo.Error)
			}
		}
	})
}
