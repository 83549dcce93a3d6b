package stream

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

const (
	// pageSize is how many events are read at once.
	pageSize = 1000
	// brief is how far a usual look goes back: most transactions are shorter. A
	// whole one goes back by curfew.ResumeSlack, every so often.
	brief    = time.Second
	wholeGap = 2 * time.Second
)

// tail is where the hub has got to in the history.
type tail struct {
	mark, whole time.Time            // the database's, at the last look and the last whole one; zero: there was none
	seen        map[string]time.Time // events by id that a whole look meets again

	// When the last whole look ended and what it took, by this process's clock.
	ended time.Time
	took  time.Duration
}

// look reads what is new and tells it. It returns the database's time at its
// beginning.
//
// An event is of the time its transaction began, and seen once that commits: a
// slower one's would be skipped by who remembers only the last. So every look
// goes back, and drops what it has seen. A whole look finds everything; it is
// taken now and then, where the database's clock was set back, and where a
// session's event shows that one before it is missing.
func (h *Hub) look(ctx context.Context) (time.Time, error) {
	t := &h.tail
	if t.mark.IsZero() {
		if err := h.begin(ctx); err != nil {
			return time.Time{}, err
		}
	}
	began := time.Now()
	whole := began.Sub(t.ended) >= max(wholeGap, duty*t.took)
	since := t.mark.Add(-brief)
	if whole {
		since = t.whole.Add(-curfew.ResumeSlack)
	}
	now, err := h.read(ctx, since, whole)
	if setBack := now.Before(t.mark); errors.Is(err, errGap) || err == nil && setBack {
		if since = t.whole; setBack {
			since = now
		}
		whole = true
		now, err = h.read(ctx, since.Add(-curfew.ResumeSlack), true)
	}
	if err != nil {
		return now, err
	}
	if t.mark = now; whole {
		t.whole, t.ended, t.took = now, time.Now(), time.Since(began)
		maps.DeleteFunc(t.seen, func(_ string, at time.Time) bool { return at.Before(now.Add(-curfew.ResumeSlack)) })
	}
	return now, nil
}

// begin sets the first look's start: as far back as the journal remembers.
func (h *Hub) begin(ctx context.Context) error {
	_, now, err := h.store.EventsSince(ctx, curfew.Cursor{}, 0)
	if err != nil {
		return err
	}
	from := now.Add(curfew.ResumeSlack - window)
	h.tail = tail{mark: from, whole: from, seen: map[string]time.Time{}}
	h.mu.Lock()
	h.journal.floor = now.Add(-window)
	h.mu.Unlock()
	return nil
}

// read tells every event since then that was not seen, page by page, and
// returns the database's time at the first page. A look that is not whole stops
// at a gap.
func (h *Hub) read(ctx context.Context, since time.Time, whole bool) (first time.Time, err error) {
	place := curfew.Cursor{At: since}
	for {
		page, now, err := h.store.EventsSince(ctx, place, pageSize)
		if err != nil {
			return first, err
		}
		if first.IsZero() {
			first = now
		}
		if err := h.pass(ctx, page, whole); err != nil || len(page) < pageSize {
			return first, err
		}
		last := page[len(page)-1]
		place = curfew.Cursor{At: last.At, ID: last.ID}
	}
}

var errGap = errors.New("an event is missing before another of its session")

// pass tells what of a page is new.
func (h *Hub) pass(ctx context.Context, page []curfew.News, whole bool) error {
	fresh := slices.DeleteFunc(slices.Clone(page), func(n curfew.News) bool {
		_, seen := h.tail.seen[n.ID]
		return seen
	})
	if len(fresh) == 0 {
		return nil
	}
	standings, err := h.standings(ctx, fresh)
	if err != nil {
		return err
	}
	if fresh = inOrder(fresh); !whole && h.lacks(fresh, standings) {
		return errGap
	}
	h.tell(fresh, standings)
	for _, n := range fresh {
		h.tail.seen[n.ID] = n.At
	}
	return nil
}

// lacks reports whether an event of a session is missing before one of these.
func (h *Hub) lacks(fresh []curfew.News, standings map[string]curfew.Standing) bool {
	last := map[string]int64{}
	for _, n := range fresh {
		if !n.OfSession() {
			continue
		}
		before, known := last[n.Subject]
		if !known {
			before, known = h.journal.last(n.Subject)
		}
		// Of an older session what was before may have left the journal.
		if known = known || standings[n.Subject].CreatedAt.After(h.journal.floor); known && n.Number > before+1 {
			return true
		}
		last[n.Subject] = n.Number
	}
	return false
}

// standings reads the sessions that the events are about, as they are now.
func (h *Hub) standings(ctx context.Context, fresh []curfew.News) (map[string]curfew.Standing, error) {
	ids := map[string]bool{}
	for _, n := range fresh {
		if n.OfSession() {
			ids[n.SessionID] = true
		}
	}
	all := make(map[string]curfew.Standing, len(ids))
	if len(ids) == 0 {
		return all, nil
	}
	found, err := h.store.Standings(ctx, slices.Collect(maps.Keys(ids)))
	for _, s := range found {
		all[s.ID] = s
	}
	return all, err
}

// inOrder puts the events of each subject into the order of their numbers, in
// the places that they have. Between the subjects there is no order to keep.
func inOrder(news []curfew.News) []curfew.News {
	places := map[string][]int{}
	for i, n := range news {
		places[n.Subject] = append(places[n.Subject], i)
	}
	for _, at := range places {
		own := make([]curfew.News, len(at))
		for i, place := range at {
			own[i] = news[place]
		}
		slices.SortFunc(own, func(a, b curfew.News) int { return cmp.Compare(a.Number, b.Number) })
		for i, place := range at {
			news[place] = own[i]
		}
	}
	return news
}
