package lifecycle

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// StatusCounts is how many sessions were in each status at a moment, among those
// that had not ended.
type StatusCounts struct {
	At       time.Time
	ByStatus map[curfew.SessionStatus]int
}

// Activity counts the sessions by status at each step of the window that ends now,
// oldest first. Steps before the first session are left out. The counts are derived
// backwards from the present, so each event of the window is read once. Errors:
// Unavailable.
func (h *Health) Activity(ctx context.Context, window, step time.Duration) ([]StatusCounts, error) {
	series, err := h.store.Activity(ctx, window, step)
	if err != nil {
		return nil, fmt.Errorf("read what happened in the last %s: %w", Span(window), err)
	}
	return countBackwards(series, int(window/step), step), nil
}

// countBackwards undoes the changes of one step after another, from the present.
// Programs that write while guards are off leave no events, so a count that would
// fall below zero is zero.
func countBackwards(series record.ActivitySeries, steps int, step time.Duration) []StatusCounts {
	all := make([]StatusCounts, steps)
	counts, changes, first := maps.Clone(series.Now), series.Changes, steps
	for i := steps - 1; i >= 0; i-- {
		at := series.Step - int64(steps-1-i)
		for ; len(changes) > 0 && changes[0].Step >= at; changes = changes[1:] {
			counts[changes[0].To] -= changes[0].Count
			counts[changes[0].From] += changes[0].Count
		}
		all[i] = StatusCounts{At: time.Unix(at*int64(step/time.Second), 0).UTC(), ByStatus: map[curfew.SessionStatus]int{}}
		for _, status := range curfew.SessionStatuses() {
			if !status.Ended() {
				n := max(counts[status], 0)
				all[i].ByStatus[status] = n
				if n > 0 {
					first = i
				}
			}
		}
	}
	return all[first:]
}
