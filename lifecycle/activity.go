package lifecycle

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Counted is how many sessions stood where that had not ended, at a moment.
type Counted struct {
	At       time.Time
	ByStatus map[curfew.SessionStatus]int
}

// Past is how many sessions stood where, at each step of a window, the oldest
// first; it begins with the first one that there was. It is reckoned back from
// now by what happened since, and reads each event of the window once.
func (h *Health) Past(ctx context.Context, window, step time.Duration) ([]Counted, error) {
	series, err := h.store.Activity(ctx, window, step)
	if err != nil {
		return nil, fmt.Errorf("read what happened in the last %s: %w", Span(window), err)
	}
	return reckonBack(series, int(window/step), step), nil
}

// reckonBack takes one step after the other back. A program that wrote while guards
// were off left no events: nothing is less than zero all the same.
func reckonBack(t record.ActivitySeries, steps int, step time.Duration) []Counted {
	all := make([]Counted, steps)
	by, moves, first := maps.Clone(t.Now), t.Moves, steps
	for i := steps - 1; i >= 0; i-- {
		at := t.Step - int64(steps-1-i)
		for ; len(moves) > 0 && moves[0].Step >= at; moves = moves[1:] {
			by[moves[0].To] -= moves[0].Count
			by[moves[0].From] += moves[0].Count
		}
		all[i] = Counted{At: time.Unix(at*int64(step/time.Second), 0).UTC(), ByStatus: map[curfew.SessionStatus]int{}}
		for _, status := range curfew.SessionStatuses() {
			if !status.Ended() {
				n := max(by[status], 0)
				all[i].ByStatus[status] = n
				if n > 0 {
					first = i
				}
			}
		}
	}
	return all[first:]
}
