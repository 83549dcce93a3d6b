package httpapi

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestTheRingKeepsTheNewest(t *testing.T) {
	t.Parallel()
	var h history
	for i := range samplesKept + 100 {
		h.add(sample{at: noon.Add(time.Duration(i) * sampleEvery)})
	}
	all := h.since(time.Time{})
	if len(all) != samplesKept || !all[0].at.Equal(noon.Add(100*sampleEvery)) {
		t.Fatalf("it has %d, from %s", len(all), all[0].at)
	}
	for i := range all[1:] {
		if all[i+1].at.Sub(all[i].at) != sampleEvery {
			t.Fatalf("after %s comes %s", all[i].at, all[i+1].at)
		}
	}
	last := all[len(all)-1].at
	if n := len(h.since(last)); n != 0 {
		t.Errorf("%d are after the last", n)
	}
	if n := len(h.since(last.Add(-sampleEvery))); n != 1 {
		t.Errorf("%d are after the one before the last", n)
	}
}

func TestASampleIsWhatHealthSaid(t *testing.T) {
	t.Parallel()
	overdue := curfew.Standing{Session: curfew.Session{ExpiresAt: noon.Add(-time.Minute)}, Now: noon}
	read := lifecycle.Report{
		Timestamp: noon,
		Sessions:  &curfew.SessionFigures{ByStatus: map[curfew.SessionStatus]int{curfew.Waiting: 3, curfew.Live: 2}, Stale: 1},
		Details:   &curfew.HealthDetails{Stale: []curfew.Standing{overdue}},
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
				if got.lag != nil || got.waiting != nil {
					t.Errorf("got %+v", got)
				}
				return
			}
			if got.lag == nil || *got.lag != test.lag || *got.waiting != 3 || *got.live != 2 || *got.stale != 1 || *got.scheduled != 0 {
				t.Errorf("got %+v, a lag of %v", got, got.lag)
			}
		})
	}
}

func TestTheWorstLagIsTakenOnce(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	for _, lag := range []time.Duration{time.Second, 3 * time.Second, 2 * time.Second} {
		m.Expired(lag)
	}
	if first, second := m.takeLag(), m.takeLag(); first != 3*time.Second || second != 0 {
		t.Errorf("took %s, then %s", first, second)
	}
}
