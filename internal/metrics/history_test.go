package metrics

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestTheRingKeepsTheNewest(t *testing.T) {
	t.Parallel()
	var h History
	for i := range samplesKept + 100 {
		h.add(Sample{At: noon.Add(time.Duration(i) * SampleEvery)})
	}
	all := h.Since(time.Time{})
	if len(all) != samplesKept || !all[0].At.Equal(noon.Add(100*SampleEvery)) {
		t.Fatalf("it has %d, from %s", len(all), all[0].At)
	}
	for i := range all[1:] {
		if all[i+1].At.Sub(all[i].At) != SampleEvery {
			t.Fatalf("after %s comes %s", all[i].At, all[i+1].At)
		}
	}
	last := all[len(all)-1].At
	if n := len(h.Since(last)); n != 0 {
		t.Errorf("%d are after the last", n)
	}
	if n := len(h.Since(last.Add(-SampleEvery))); n != 1 {
		t.Errorf("%d are after the one before the last", n)
	}
}

func TestASampleIsWhatHealthSaid(t *testing.T) {
	t.Parallel()
	overdue := curfew.Snapshot{Session: curfew.Session{ExpiresAt: noon.Add(-time.Minute)}, Now: noon}
	read := lifecycle.Report{
		Timestamp: noon,
		Sessions:  &curfew.SessionFigures{ByStatus: map[curfew.SessionStatus]int{curfew.Waiting: 3, curfew.Live: 2}, Stale: 1},
		Details:   &curfew.HealthDetails{Stale: []curfew.Snapshot{overdue}},
	}
	for sentence, test := range map[string]struct {
		report lifecycle.Report
		ended  time.Duration
		lag    float64 // negative: unknown
	}{
		"what nobody has ended yet counts":       {read, 0, 60},
		"what was ended later than that counts":  {read, 2 * time.Minute, 120},
		"what was ended earlier does not":        {read, time.Second, 60},
		"what could not be read is not a figure": {lifecycle.Report{Timestamp: noon}, time.Second, -1},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			got := sampled(test.report, test.ended)
			if test.lag < 0 {
				if got.Lag != nil || got.Waiting != nil {
					t.Errorf("got %+v", got)
				}
				return
			}
			if got.Lag == nil || *got.Lag != test.lag || *got.Waiting != 3 || *got.Live != 2 || *got.Stale != 1 || *got.Scheduled != 0 {
				t.Errorf("got %+v, a lag of %v", got, got.Lag)
			}
		})
	}
}

func TestTheWorstLagIsTakenOnce(t *testing.T) {
	t.Parallel()
	m := New()
	for _, lag := range []time.Duration{time.Second, 3 * time.Second, 2 * time.Second} {
		m.Expired(lag)
	}
	if first, second := m.swapWorstLag(), m.swapWorstLag(); first != 3*time.Second || second != 0 {
		t.Errorf("took %s, then %s", first, second)
	}
}
