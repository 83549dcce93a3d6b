package lifecycle_test

import (
	"context"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

func TestARehearsalTellsWhatACleanupDoesAndChangesNothing(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.Age(env, env.pay("waits", "ref-1").SessionID, 20*time.Minute)
		env.Age(env, env.accepted("absent", "ref-2", "mia").SessionID, time.Hour)
		live := env.live("talks", "ref-3", "max")
		env.Age(env, live.SessionID, 5*time.Hour)
		env.pay("fresh", "ref-4")
		before := env.Dump(env)
		r := must(env.DryRun(env.Context()))(env)
		if after := env.Dump(env); after != before {
			env.Errorf("it changed something:\n%s\n%s", before, after)
		}
		run := must(env.RunCleanup(env.Context(), lifecycle.Cleanup{Trigger: curfew.ByCommand, Actor: admin}))(env)
		if r.Stats != run.Stats || run.Stats.TotalCleaned != 6 {
			env.Errorf("the dry run counts %+v, done %+v", r.Stats, run.Stats)
		}
		if r.Live.Count != 1 || r.Live.Sessions[0].ID != live.SessionID || r.Assigned.Count != 1 || r.Early.Count != 0 {
			env.Errorf("live %+v, assigned %+v, early %+v", r.Live, r.Assigned, r.Early)
		}
	})
}

// The proof does not believe the query that found the rows.
func TestARehearsalSeesWhatWouldEndTooEarly(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.pay("fresh", "ref-1")
		r := must(env.with(hasty{env.Store, f.SessionID}).DryRun(env.Context()))(env)
		if r.Early.Count != 1 || r.Early.Sessions[0].ID != f.SessionID {
			env.Errorf("early %+v", r.Early)
		}
	})
}

// hasty finds a session before its time.
type hasty struct {
	lifecycle.Store
	id string
}

func (h hasty) Find(ctx context.Context, _ record.Search) ([]curfew.Snapshot, error) {
	s, err := h.Session(ctx, h.id)
	return []curfew.Snapshot{s}, err
}
