package lifecycle_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/lifecycle"
)

// tally is an observer that counts what its keeper has cleaned.
type tally struct {
	lifecycle.Observer
	rows atomic.Int64
}

func (t *tally) Cleaned(_ curfew.RuleName, _ curfew.Trigger, rows int)        { t.rows.Add(int64(rows)) }
func (t *tally) RunFinished(curfew.Trigger, curfew.RunOutcome, time.Duration) {}
func (t *tally) Expired(time.Duration)                                        {}
func (t *tally) Admitted(string, time.Duration)                               {}
func (t *tally) Blocked(curfew.SessionStatus)                                 {}

// running lets keepers run until the test has seen what it waits for.
func (env *environment) running(keepers []*lifecycle.Keeper, seen func() bool) {
	env.Helper()
	ctx, stop := context.WithTimeout(env.Context(), time.Minute)
	defer stop()
	done := make(chan error, len(keepers))
	for _, e := range keepers {
		go func() { done <- e.Sweeper.Run(ctx) }()
	}
	for tick := time.NewTicker(20 * time.Millisecond); !seen() && ctx.Err() == nil; {
		<-tick.C
	}
	if ctx.Err() != nil {
		figures, err := env.Store.SessionFigures(env.Context(), env.policy)
		env.Errorf("what the keepers are to do was never done; figures: %v, error: %v", figures.ByStatus, err)
	}
	stop()
	for range keepers {
		if err := <-done; err != nil {
			env.Error(err)
		}
	}
}

// ended reports whether so many sessions have ended.
func (env *environment) ended(many int) func() bool {
	return func() bool {
		figures, err := env.Store.SessionFigures(env.Context(), env.policy)
		return err == nil && figures.ByStatus[curfew.Cancelled] == many
	}
}

func (env *environment) keeper(o lifecycle.Options) *lifecycle.Keeper {
	env.Helper()
	o.Policy = &env.policy
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(env.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return must(lifecycle.New(env.Store, o))(env)
}

func TestReplicasThatCollideSettleEverySessionOnce(t *testing.T) {
	onEachStore(t, func(env *environment) {
		many := effort.Of(0, 300, 600)
		env.paidAndOverdue(many)
		tallies := make([]*tally, 4)
		keepers := make([]*lifecycle.Keeper, len(tallies))
		for i := range keepers {
			tallies[i] = &tally{}
			keepers[i] = env.keeper(lifecycle.Options{Observer: tallies[i]})
		}
		env.running(keepers, env.ended(many))
		var rows, runs int
		for _, t := range tallies {
			rows += int(t.rows.Load())
		}
		for _, run := range must(env.Runs(env.Context(), curfew.Cursor{}, 1000))(env) {
			runs += run.Stats.TotalCleaned
		}
		if rows != 2*many || runs != 2*many {
			env.Errorf("they counted %d rows, their runs %d; there were %d", rows, runs, 2*many)
		}
	})
}

// Push is a hint: nobody tells the sweeper of this session, and it comes by
// itself.
func TestLesson18_WithoutAnyHintTheSweeperComesAllTheSame(t *testing.T) {
	onEachStoreWith(t, func(p *curfew.Policy) { p.WaitingTTL = time.Second }, func(env *environment) {
		sweeper := env.keeper(lifecycle.Options{})
		paid := false
		env.running([]*lifecycle.Keeper{sweeper}, func() bool {
			if !paid && !must(env.Store.Heartbeats(env.Context()))(env).Sweep.IsZero() { // it sleeps
				env.pay("c", "p")
				paid = true
			}
			return paid && env.ended(1)()
		})
	})
}

// Its schedule is no file that somebody may forget: it runs where Curfew runs,
// and says so.
func TestLesson16_ARunningSweeperIsSeenToLive(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.running([]*lifecycle.Keeper{env.keeper(lifecycle.Options{})}, func() bool {
			return env.Report(env.Context()).SweeperAlive()
		})
	})
}
