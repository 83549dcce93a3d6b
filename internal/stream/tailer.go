package stream

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	// pageSize is how many events one query reads.
	pageSize = 1000
	// shortOverlap is how far an ordinary read goes back: most transactions are shorter. A full read goes back
	// by curfew.ResumeSlack.
	shortOverlap = time.Second
	fullInterval = 2 * time.Second
)

// tailer is how far the hub has read the history.
type tailer struct {
	mark, fullMark time.Time            // of the database, at the last read and the last full one; zero: there was none
	seen           map[string]time.Time // events by id that the next full read returns again

	// When the last full read ended and how long it took, by this process's clock.
	fullEnded time.Time
	fullTook  time.Duration
}

// publishNew reads what is new and publishes it. It returns the database's time at its beginning.
//
// An event has the time at which its transaction began, but can be seen only after the commit: a reader that
// remembers just the last event would skip those of slower transactions. So every read overlaps the one before,
// and drops what it has seen. A full read finds everything. It is done now and then, when the database's clock was
// set back, and when a session's event shows that an earlier one is missing.
func (h *Hub) publishNew(ctx context.Context) (time.Time, error) {
	t := &h.tailer
	if t.mark.IsZero() {
		if err := h.begin(ctx); err != nil {
			return time.Time{}, err
		}
	}
	began := time.Now()
	full := began.Sub(t.fullEnded) >= max(fullInterval, duty*t.fullTook)
	since := t.mark.Add(-shortOverlap)
	if full {
		since = t.fullMark.Add(-record.ResumeSlack)
	}
	now, err := h.read(ctx, since, full)
	if setBack := now.Before(t.mark); errors.Is(err, errGap) || err == nil && setBack {
		if since = t.fullMark; setBack {
			since = now
		}
		full = true
		now, err = h.read(ctx, since.Add(-record.ResumeSlack), true)
	}
	if err != nil {
		return now, err
	}
	if t.mark = now; full {
		t.fullMark, t.fullEnded, t.fullTook = now, time.Now(), time.Since(began)
		maps.DeleteFunc(t.seen, func(_ string, at time.Time) bool { return at.Before(now.Add(-record.ResumeSlack)) })
	}
	return now, nil
}

// begin sets where the first read starts: as far back as the ring reaches.
func (h *Hub) begin(ctx context.Context) error {
	_, now, err := h.store.EventsSince(ctx, curfew.Cursor{}, 0)
	if err != nil {
		return err
	}
	from := now.Add(record.ResumeSlack - window)
	h.tailer = tailer{mark: from, fullMark: from, seen: map[string]time.Time{}}
	h.mu.Lock()
	h.ring.floor = now.Add(-window)
	h.mu.Unlock()
	return nil
}

// read publishes every event since then that was not seen, page by page, and returns the database's time at the
// first page. Unless the read is full, it stops at a gap.
func (h *Hub) read(ctx context.Context, since time.Time, full bool) (first time.Time, err error) {
	position := curfew.Cursor{At: since}
	for {
		page, now, err := h.store.EventsSince(ctx, position, pageSize)
		if err != nil {
			return first, err
		}
		if first.IsZero() {
			first = now
		}
		if err := h.publishPage(ctx, page, full); err != nil || len(page) < pageSize {
			return first, err
		}
		last := page[len(page)-1]
		position = curfew.Cursor{At: last.At, ID: last.ID}
	}
}

var errGap = errors.New("an event is missing before another of its session")

// publishPage publishes the events of a page that are new.
func (h *Hub) publishPage(ctx context.Context, page []record.StreamEvent, full bool) error {
	fresh := slices.DeleteFunc(slices.Clone(page), func(n record.StreamEvent) bool {
		_, seen := h.tailer.seen[n.ID]
		return seen
	})
	if len(fresh) == 0 {
		return nil
	}
	snapshots, err := h.snapshots(ctx, fresh)
	if err != nil {
		return err
	}
	if fresh = inOrder(fresh); !full && h.lacks(fresh, snapshots) {
		return errGap
	}
	h.publish(fresh, snapshots)
	for _, n := range fresh {
		h.tailer.seen[n.ID] = n.At
	}
	return nil
}

// lacks reports whether a session's event is missing before one of these.
func (h *Hub) lacks(fresh []record.StreamEvent, snapshots map[string]curfew.Snapshot) bool {
	last := map[string]int64{}
	for _, n := range fresh {
		if !n.OfSession() {
			continue
		}
		before, ok := last[n.Subject]
		if !ok {
			before, ok = h.ring.last(n.Subject)
		}
		// The earlier events of an older session may have left the ring.
		if ok = ok || snapshots[n.Subject].CreatedAt.After(h.ring.floor); ok && n.Number > before+1 {
			return true
		}
		last[n.Subject] = n.Number
	}
	return false
}

// snapshots reads the present state of the sessions that the events are about.
func (h *Hub) snapshots(ctx context.Context, fresh []record.StreamEvent) (map[string]curfew.Snapshot, error) {
	ids := map[string]bool{}
	for _, n := range fresh {
		if n.OfSession() {
			ids[n.SessionID] = true
		}
	}
	all := make(map[string]curfew.Snapshot, len(ids))
	if len(ids) == 0 {
		return all, nil
	}
	found, err := h.store.Snapshots(ctx, slices.Collect(maps.Keys(ids)))
	for _, s := range found {
		all[s.ID] = s
	}
	return all, err
}

// inOrder sorts the events of each subject by number, within the positions that they have. There is no order
// to keep between subjects.
func inOrder(events []record.StreamEvent) []record.StreamEvent {
	positions := map[string][]int{}
	for i, n := range events {
		positions[n.Subject] = append(positions[n.Subject], i)
	}
	for _, at := range positions {
		own := make([]record.StreamEvent, len(at))
		for i, j := range at {
			own[i] = events[j]
		}
		slices.SortFunc(own, func(a, b record.StreamEvent) int { return cmp.Compare(a.Number, b.Number) })
		for i, j := range at {
			events[j] = own[i]
		}
	}
	return events
}
