package lifecycle_test

import (
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// An undo that was stopped goes on under the same run: its figures go on, and nobody comes back twice.
func TestAnUndoGoesOnUnderItsRun(t *testing.T) {
	onEachStore(t, func(env *environment) {
		run, _ := env.swept("c", 5)
		stop, reached := make(chan struct{}), 0
		job := lifecycle.Job{RunID: "0199c0de-0000-7000-8000-00000000cafe", Stop: stop, Progress: func(_ string, done, total int) {
			if reached = done; done == 2 && total == 5 {
				close(stop)
			}
		}}
		u := undoing(run.ID)
		u.Job = job
		half, err := env.Undo(env.Context(), u)
		if err == nil || half.Run.ID != job.RunID || half.Run.Outcome != curfew.RunInterrupted || half.Run.Stats.Revived != 2 || half.Left != 3 {
			env.Fatalf("stopped: %+v (%v)", half, err)
		}
		u.Job = lifecycle.Job{RunID: job.RunID, Again: true}
		whole := must(env.Undo(env.Context(), u))(env)
		if whole.Run.ID != job.RunID || whole.Run.Outcome != curfew.RunSucceeded || whole.Run.Stats.Revived != 5 || len(whole.Revived) != 5 || !whole.Run.StartedAt.Equal(half.Run.StartedAt) || reached != 2 {
			env.Errorf("gone on: %+v", whole)
		}
	})
}

// So does the execution of a preview: what its run has ended is no drift.
func TestAPreviewGoesOnUnderItsRun(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for _, c := range []string{"ada", "bob"} {
			env.Age(env, env.pay(c, "p-"+c).SessionID, longAgo)
		}
		p := must(env.StorePreview(env.Context(), byHand))(env)
		what := byHand
		what.Job.RunID, what.Only = "0199c0de-0000-7000-8000-00000000cafe", []string{p.Items[0].SessionID}
		_, _, err := env.ExecutePreview(env.Context(), p.ID, what)
		must(0, err)(env)
		what.Only, what.Job.Again = nil, true
		run, drifted, err := env.ExecutePreview(env.Context(), p.ID, what)
		must(0, err)(env)
		if len(drifted) > 0 || run.Stats.OldWaitingSessions != 2 || run.Outcome != curfew.RunSucceeded {
			env.Errorf("gone on: %+v, drifted %+v", run, drifted)
		}
	})
}
