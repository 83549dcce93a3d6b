package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestABarIsThereWhereSomebodyWaits(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		watched bool
		took    time.Duration
		total   int
		want    string
	}{
		"who watches long work sees how far it is":        {true, 2 * barAfter, 4, "ending sessions  50%"},
		"where nobody knows the total it counts":          {true, 2 * barAfter, -1, "ending sessions (2/-)"},
		"short work shows nothing":                        {true, 0, 4, ""},
		"where nobody watches nothing is written":         {false, 2 * barAfter, 4, ""},
		"where nobody watches it matters not what is due": {false, 2 * barAfter, -1, ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			var seen bytes.Buffer
			bar := newProgress(terminal{err: &seen, watched: c.watched}, "ending sessions")
			bar.total, bar.since = c.total, bar.since.Add(-c.took)
			bar.add(2)
			bar.finish()
			if !strings.Contains(seen.String(), c.want) || c.want == "" && seen.Len() > 0 {
				t.Errorf("it shows %q, want %q", seen.String(), c.want)
			}
		})
	}
}
