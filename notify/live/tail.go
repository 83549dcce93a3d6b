package live

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

const (
	// pageSize is how many events are read at once.
	pageSize = 1000
	// brief is how far a quick look goes back: most transactions are shorter. One
	// that is not is found by the next thorough look, which goes back by
	// curfew.ResumeSlack.
	brief = 2 * time.Second
)

// tail is where the hub has got to in the history.
type tail struct {
	mark, thorough time.Time // the database's, at the last look and the last thorough one
	seen           map[string]time.Time

	// When a thorough look ended, and what it took, by this process's clock.
	ended time.Time
	took  time.Duration
}

// look reads what is new and tells it. It returns the database's time at its
// beginning.
//
// An event is of the time its transaction began, and seen once that commits: a
// slower one's would be skipped by who remembers only the last. So every look
// goes back, and drops what it has seen.
func (h *Hub) look(ctx context.Context) (time.Time, error) {
	t := &h.tail
	if t.mark.IsZero() {
		if err := h.begin(ctx); err != nil {
			return time.Time{}, err
		}
	}
	began, since, thorough := time.Now(), t.mark.Add(-brief), t.due()
	if thorough {
		since = t.thorough.Add(-curfew.ResumeSlack)
	}
	now, err := h.read(ctx, since)
	if err == nil && now.Before(t.mark) { // the database's clock was set back
		thorough = true
		now, err = h.read(ctx, now.Add(-curfew.ResumeSlack))
	}
	if err != nil {
		return time.Time{}, err
	}
	if t.mark = now; thorough {
		t.thorough, t.ended, t.took = now, time.Now(), time.Since(began)
		t.forget()
	}
	return now, nil
}

// due reports whether a thorough look may be taken: always, but where many
// events make it long.
func (t *tail) due() bool { return time.Since(t.ended) >= duty*t.took }

// forget drops what no look will meet again.
func (t *tail) forget() {
	oldest := t.thorough.Add(-curfew.ResumeSlack)
	maps.DeleteFunc(t.seen, func(_ string, at time.Time) bool { return at.Before(oldest) })
}

// begin sets the first look's start: as far back as the journal remembers.
func (h *Hub) begin(ctx context.Context) error {
	_, now, err := h.store.EventsSince(ctx, curfew.Cursor{}, 0)
	if err != nil {
		return err
	}
	from := now.Add(-window)
	h.tail.mark, h.tail.thorough = from, from.Add(curfew.ResumeSlack)
	h.tail.seen = map[string]time.Time{}
	h.mu.Lock()
	h.journal.floor = from
	h.mu.Unlock()
	return nil
}

// read tells every event since then that was not seen, page by page, and
// returns the database's time at the first page.
func (h *Hub) read(ctx context.Context, since time.Time) (first time.Time, err error) {
	place := curfew.Cursor{At: since}
	for {
		page, now, err := h.store.EventsSince(ctx, place, pageSize)
		if err != nil {
			return first, err
		}
		if first.IsZero() {
			first = now
		}
		if err := h.pass(ctx, page); err != nil || len(page) < pageSize {
			return first, err
		}
		last := page[len(page)-1]
		place = curfew.Cursor{At: last.At, ID: last.ID}
	}
}

// pass tells what of a page is new.
func (h *Hub) pass(ctx context.Context, page []curfew.News) error {
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
	h.tell(inOrder(fresh), standings)
	for _, n := range fresh {
		h.tail.seen[n.ID] = n.At
	}
	return nil
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
