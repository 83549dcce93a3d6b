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
	worlds(t, func(w *world) {
		w.Age(w, w.pay("waits", "ref-1").SessionID, 20*time.Minute)
		w.Age(w, w.accepted("absent", "ref-2", "mia").SessionID, time.Hour)
		live := w.live("talks", "ref-3", "max")
		w.Age(w, live.SessionID, 5*time.Hour)
		w.pay("fresh", "ref-4")
		before := w.dump()
		r := must(w.DryRun(w.Context()))(w)
		if after := w.dump(); after != before {
			w.Errorf("it changed something:\n%s\n%s", before, after)
		}
		run := must(w.RunCleanup(w.Context(), lifecycle.Cleanup{Trigger: curfew.ByCommand, Actor: admin}))(w)
		if r.Stats != run.Stats || run.Stats.TotalCleaned != 6 {
			w.Errorf("the dry run counts %+v, done %+v", r.Stats, run.Stats)
		}
		if r.Live.Count != 1 || r.Live.Sessions[0].ID != live.SessionID || r.Assigned.Count != 1 || r.Early.Count != 0 {
			w.Errorf("live %+v, assigned %+v, early %+v", r.Live, r.Assigned, r.Early)
		}
	})
}

// The proof does not believe the query that found the rows.
func TestARehearsalSeesWhatWouldEndTooEarly(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.pay("fresh", "ref-1")
		r := must(w.with(hasty{w.Store, f.SessionID}).DryRun(w.Context()))(w)
		if r.Early.Count != 1 || r.Early.Sessions[0].ID != f.SessionID {
			w.Errorf("early %+v", r.Early)
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
