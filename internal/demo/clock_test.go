package demo_test

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/demo"
)

func TestTheClockRunsAsFastAsItsSeason(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	var clock demo.Clock
	clock.Set(begin, 600)
	clock.Set(begin.Add(6*time.Second), 0)
	clock.Set(begin.Add(8*time.Second), 60)

	for sentence, c := range map[string]struct {
		after, want time.Duration
	}{
		"before the first phase it stands":     {-time.Minute, 0},
		"in a fast phase it runs fast":         {3 * time.Second, 30 * time.Minute},
		"between two phases it stands":         {7 * time.Second, time.Hour},
		"a phase goes on where the last ended": {9 * time.Second, time.Hour + time.Minute},
	} {
		if got := clock.At(begin.Add(c.after)); got != c.want {
			t.Errorf("%s: %s, want %s", sentence, got, c.want)
		}
	}
}
