package lifecycle_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// tally is an observer that counts what its engine has cleaned.
type tally struct {
	lifecycle.Observer
	rows atomic.Int64
}

func (t *tally) Cleaned(_ curfew.RuleName, _ curfew.Trigger, rows int)        { t.rows.Add(int64(rows)) }
func (t *tally) RunFinished(curfew.Trigger, curfew.RunOutcome, time.Duration) {}
func (t *tally) Expired(time.Duration)                                        {}
func (t *tally) Admitted(string, time.Duration)                               {}
func (t *tally) Blocked(curfew.SessionStatus)                                 {}

// running lets engines run until the test has seen what it waits for.
func (w *world) running(engines []*lifecycle.Keeper, seen func() bool) {
	w.Helper()
	ctx, stop := context.WithTimeout(w.Context(), time.Minute)
	defer stop()
	done := make(chan error, len(engines))
	for _, e := range engines {
		go func() { done <- e.Sweeper.Run(ctx) }()
	}
	for tick := time.NewTicker(20 * time.Millisecond); !seen() && ctx.Err() == nil; {
		<-tick.C
	}
	if ctx.Err() != nil {
		w.Error("what the engines are to do was never done")
	}
	stop()
	for range engines {
		if err := <-done; err != nil {
			w.Error(err)
		}
	}
}

// ended reports whether so many sessions have ended.
func (w *world) ended(many int) func() bool {
	return func() bool {
		figures, err := w.Store.SessionFigures(w.Context(), w.policy)
		return err == nil && figures.ByStatus[curfew.Cancelled] == many
	}
}

func (w *world) engine(o lifecycle.Options) *lifecycle.Keeper {
	w.Helper()
	o.Policy = &w.policy
	return must(lifecycle.New(w.Store, o))(w)
}

func TestReplicasThatCollideSettleEverySessionOnce(t *testing.T) {
	worlds(t, func(w *world) {
		const many = 600
		w.plant(many)
		tallies := make([]*tally, 4)
		engines := make([]*lifecycle.Keeper, len(tallies))
		for i := range engines {
			tallies[i] = &tally{}
			engines[i] = w.engine(lifecycle.Options{Observer: tallies[i]})
		}
		w.running(engines, w.ended(many))
		var rows, runs int
		for _, t := range tallies {
			rows += int(t.rows.Load())
		}
		for _, run := range must(w.Runs(w.Context(), curfew.Cursor{}, 1000))(w) {
			runs += run.Stats.TotalCleaned
		}
		if rows != 2*many || runs != 2*many {
			w.Errorf("they counted %d rows, their runs %d; there were %d", rows, runs, 2*many)
		}
	})
}

// Push is a hint: nobody tells the sweeper of this session, and it comes by
// itself.
func TestLesson18_WithoutAnyHintTheSweeperComesAllTheSame(t *testing.T) {
	worldsWith(t, func(p *curfew.Policy) { p.WaitingTTL = time.Second }, func(w *world) {
		sweeper := w.engine(lifecycle.Options{})
		paid := false
		w.running([]*lifecycle.Keeper{sweeper}, func() bool {
			if !paid && !must(w.Store.Heartbeats(w.Context()))(w).Sweep.IsZero() { // it sleeps
				w.pay("c", "p")
				paid = true
			}
			return paid && w.ended(1)()
		})
	})
}

// Its schedule is no file that somebody may forget: it runs where Curfew runs,
// and says so.
func TestLesson16_ARunningSweeperIsSeenToLive(t *testing.T) {
	worlds(t, func(w *world) {
		w.running([]*lifecycle.Keeper{w.engine(lifecycle.Options{})}, func() bool {
			return w.Report(w.Context()).SweeperAlive()
		})
	})
}
