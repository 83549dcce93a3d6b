package lifecycle

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// How a sweep shares the database with others.
const (
	leastPage, mostPage = 50, 1000
	// pageTime is how long a page should take. Others may wait that long for one of its
	// rows, and what becomes due meanwhile waits that long for its turn.
	pageTime    = 50 * time.Millisecond
	maxThrottle = time.Second
)

// sweepPages is the state of one sweep through what is due, page by page, in the order of
// deadlines. The zero value begins with the oldest deadline.
type sweepPages struct {
	search record.Search // where it is
	last   bool          // there is no further page
	// throttled sweeps pause for as long as they work, and then settle first what has
	// become due meanwhile.
	throttled bool
	newer     curfew.Cursor // sessions after it became due since the sweep began
	own       curfew.Cursor // the same of Curfew's own sessions, in a sweep of an adopted table
	start     curfew.Cursor // where the sweep began
	until     time.Time     // when it stops before its end; zero: never
	cut       bool          // it did
	late      time.Duration // how late it was for the first
	held      int           // rows that it found but could not settle: somebody holds them
	adopted   curfew.Stats  // of the adopted tables that were swept after it
}

// firstDue finds the first page with something to do, and returns its planned changes.
// Whole pages may consist of sessions that only disabled rules would end.
func (sw *Sweeper) firstDue(ctx context.Context, w *sweepPages) (planned []curfew.PlannedChange, err error) {
	w.search.Limit = pageSize
	for len(planned) == 0 && !w.last && err == nil {
		planned, err = sw.nextPage(ctx, w)
	}
	return planned, err
}

// settlePages carries out the planned changes, then those of the pages that follow.
func (sw *Sweeper) settlePages(ctx context.Context, run *cleaning, w *sweepPages, planned []curfew.PlannedChange) error {
	for {
		begun := time.Now()
		if err := sw.settlePlanned(ctx, run, w, planned); err != nil || w.last {
			return err
		}
		if w.cut = !w.until.IsZero() && time.Now().After(w.until); w.cut {
			return nil
		}
		took := time.Since(begun)
		w.resize(took)
		if err := sw.throttle(ctx, run, w, took); err != nil {
			return err
		}
		var err error
		if planned, err = sw.nextPage(ctx, w); err != nil {
			return err
		}
	}
}

// nextPage plans the changes of the next page.
func (sw *Sweeper) nextPage(ctx context.Context, w *sweepPages) ([]curfew.PlannedChange, error) {
	page, err := sw.store.Find(ctx, w.search)
	if err != nil {
		return nil, err
	}
	w.last = len(page) < w.search.Limit
	if len(page) > 0 {
		if first := page[0]; w.newer == (curfew.Cursor{}) {
			w.late, w.newer = first.Now.Sub(first.ExpiresAt), curfew.Cursor{At: first.Now}
			w.own = w.newer
		}
		w.search.After = behind(page)
	}
	return sw.cleanups.plan(ctx, page, byTimer)
}

// behind is the cursor behind a page.
func behind(page []curfew.Snapshot) curfew.Cursor {
	last := page[len(page)-1]
	return curfew.Cursor{At: last.ExpiresAt, ID: last.ID}
}

func (sw *Sweeper) settlePlanned(ctx context.Context, run *cleaning, w *sweepPages, planned []curfew.PlannedChange) error {
	done, err := sw.cleanups.carryOut(ctx, run, planned, 0)
	w.held += len(planned)
	for _, it := range planned {
		if done[it.SessionID] {
			w.held--
		}
	}
	if err == nil && w.throttled {
		sw.sweeping.note()
	}
	return err
}

// resize adapts the size of pages to how long one takes.
func (w *sweepPages) resize(took time.Duration) {
	switch {
	case took > pageTime:
		w.search.Limit = max(w.search.Limit/2, leastPage)
	case took < pageTime/2:
		w.search.Limit = min(w.search.Limit*2, mostPage)
	}
}

// throttle leaves the database to others for as long as the page took. What became due
// meanwhile is settled first, so that it need not wait for the backlog.
func (sw *Sweeper) throttle(ctx context.Context, run *cleaning, w *sweepPages, took time.Duration) error {
	if !w.throttled {
		return nil
	}
	select {
	case <-time.After(min(took, maxThrottle)):
	case <-ctx.Done():
	}
	if w.search.Source != "" {
		if err := sw.settleNewer(ctx, run, w, "", &w.own); err != nil {
			return err
		}
	}
	return sw.settleNewer(ctx, run, w, w.search.Source, &w.newer)
}

// settleNewer settles what lies behind a cursor, and moves it.
func (sw *Sweeper) settleNewer(ctx context.Context, run *cleaning, w *sweepPages, source string, newer *curfew.Cursor) error {
	page, err := sw.store.Find(ctx, record.Search{Source: source, After: *newer, Limit: w.search.Limit})
	if err != nil || len(page) == 0 {
		return err
	}
	*newer = behind(page)
	planned, err := sw.cleanups.plan(ctx, page, byTimer)
	if err != nil {
		return err
	}
	return sw.settlePlanned(ctx, run, w, planned)
}
