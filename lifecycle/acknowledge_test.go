package lifecycle_test

import (
	"errors"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// acknowledged is a finding that stands until it is cleaned, acknowledged.
func (w *world) acknowledge(until time.Time) error {
	w.Helper()
	_, err := w.Acknowledge(w.Context(), admin, lifecycle.OverdueLive, "the mechanic is asked", until)
	return err
}

func (w *world) overdueLive(customer string) {
	w.Helper()
	w.Age(w, w.live(customer, "ref-"+customer, "m-"+customer).SessionID, 2*time.Hour)
}

func TestAnAcknowledgedFindingIsToldAndDoesNotCount(t *testing.T) {
	worlds(t, func(w *world) {
		w.overdueLive("kim")
		must(0, w.Store.RecordSweep(w.Context(), 0))(w)
		if got := w.Report(w.Context()).Health; got != lifecycle.IssuesDetected {
			t.Fatalf("health is %s", got)
		}
		must(0, w.acknowledge(time.Now().Add(time.Hour)))(w)
		before := w.dump()
		r := w.Report(w.Context())
		f := w.finding(w.Keeper, lifecycle.OverdueLive)
		if r.Health != lifecycle.Healthy || f.Acknowledged == nil || f.Acknowledged.By != admin || f.Acknowledged.Reason == "" {
			t.Errorf("health is %s, the finding %+v", r.Health, f)
		}
		if w.dump() != before {
			t.Error("looking changed something")
		}
		w.overdueLive("bea") // it gets worse
		if r := w.Report(w.Context()); r.Health != lifecycle.IssuesDetected || w.finding(w.Keeper, lifecycle.OverdueLive).Acknowledged != nil {
			t.Errorf("it counts more, and health is %s", r.Health)
		}
		must(0, w.acknowledge(time.Now().Add(time.Hour)))(w)
		must(0, w.WithdrawAcknowledgement(w.Context(), lifecycle.OverdueLive))(w)
		if got := w.Report(w.Context()).Health; got != lifecycle.IssuesDetected {
			t.Errorf("withdrawn, health is %s", got)
		}
		must(0, w.acknowledge(time.Now().Add(time.Hour)))(w)
		w.Exec(w, "UPDATE "+w.Schema+"acknowledgements SET until = at")
		if got := w.Report(w.Context()).Health; got != lifecycle.IssuesDetected {
			t.Errorf("ended, health is %s", got)
		}
		must(w.RunFullCleanup(w.Context()))(w)
	})
}

func TestWhatCannotBeAcknowledged(t *testing.T) {
	onBoth(t, nil, func(w *world) {
		w.overdueLive("kim")
		hour := time.Now().Add(time.Hour)
		for sentence, c := range map[string]struct {
			code   lifecycle.Code
			reason string
			until  time.Time
			want   curfew.Kind
		}{
			"without a reason":         {lifecycle.OverdueLive, "", hour, curfew.Invalid},
			"until a moment ago":       {lifecycle.OverdueLive, "why", time.Now().Add(-time.Second), curfew.Invalid},
			"for ever":                 {lifecycle.OverdueLive, "why", time.Now().Add(91 * 24 * time.Hour), curfew.Invalid},
			"what is not there":        {lifecycle.LeakedSlots, "why", hour, curfew.NotFound},
			"what does not exist":      {"moods", "why", hour, curfew.NotFound},
			"what could not be looked": {lifecycle.Unreadable, "why", hour, curfew.Invalid},
		} {
			if _, err := w.Acknowledge(w.Context(), admin, c.code, c.reason, c.until); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", sentence, err)
			}
		}
		if err := w.WithdrawAcknowledgement(w.Context(), lifecycle.OverdueLive); !errors.Is(err, curfew.NotFound) {
			t.Errorf("nothing is withdrawn: %v", err)
		}
		must(0, w.acknowledge(hour))(w)
		w.Exec(w, "ALTER TABLE "+w.Schema+"mechanic_slots RENAME TO slots")
		if got := w.Report(w.Context()).Health; got != lifecycle.Undetermined {
			t.Errorf("an acknowledgement hides that health cannot tell: %s", got)
		}
	})
}
