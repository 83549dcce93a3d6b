// Package forecast estimates how long customers will wait for a mechanic: their place in the queue, and a range that is
// learned from the waits of the last hours.
package forecast

import (
	"context"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	// history is how far back the first reading goes.
	history = 3 * time.Hour
	// overlap is how far each reading goes back, for events whose transactions were slow.
	overlap = 2 * time.Second
	// freshFor is how old a reading may be.
	freshFor = 2 * time.Second
	// pageSize and pages are how many events one call reads at most. Where there are more, the next call goes on, and until
	// then nothing is said of waits.
	pageSize = 1000
	pages    = 20
	// MostAhead is how far people are counted.
	MostAhead = 1000
)

// Store is where the forecaster reads.
type Store interface {
	// EventsSince returns everybody's events after a position, by time and id, and the database's time of the reading.
	EventsSince(ctx context.Context, after curfew.Cursor, limit int) ([]record.StreamEvent, time.Time, error)
	// Ahead counts the sessions that wait for a mechanic before a position in the queue, up to most. The zero
	// position is behind all of them.
	Ahead(ctx context.Context, before curfew.Cursor, most int) (int, error)
}

// Forecast is what somebody in the queue can expect, or somebody who would come now.
type Forecast struct {
	// Ahead is how many are served before them; MostAhead: so many, or more.
	Ahead int
	// Mechanics is how many mechanics seem to be at work, and Busy how many of them have a session: as many as had one at
	// once within the last 20 minutes.
	Mechanics, Busy int
	// Half of those in this place wait at most Half from now on, and nine of ten at most Most. Both are 0 where too little
	// is known to say.
	Half, Most time.Duration
	// At is the database's time of the forecast.
	At time.Time
}

// Known reports whether enough is known to say how long the wait is.
func (f Forecast) Known() bool { return f.Most > 0 }

// Forecaster makes forecasts. Its methods are safe for concurrent use.
type Forecaster struct {
	store Store

	mu       sync.Mutex
	model    *model
	position curfew.Cursor
	seen     map[string]time.Time // events within the overlap
	now      time.Time            // the database's, at the last reading
	read     time.Time            // when that was, by this process's clock
	behind   bool                 // there is more to read
}

// New returns a forecaster that knows nothing yet. It reads when it is asked.
func New(store Store) *Forecaster {
	return &Forecaster{store: store, model: newModel(), seen: map[string]time.Time{}}
}

// Of returns the forecast of a customer who has these sessions: of the one that waits for a mechanic, or of one that would begin now.
func (f *Forecaster) Of(ctx context.Context, sessions []curfew.Snapshot) (found Forecast, waiting bool, err error) {
	var place curfew.Cursor
	for _, s := range sessions {
		if s.Status == curfew.Waiting && !s.Assigned() {
			place, waiting = curfew.Cursor{At: s.QueuedAt(), ID: s.ID}, true
		}
	}
	found, err = f.at(ctx, place)
	return found, waiting, err
}

// Waiting counts everybody who waits for a mechanic, up to MostAhead.
func (f *Forecaster) Waiting(ctx context.Context) (int, error) {
	return f.store.Ahead(ctx, curfew.Cursor{}, MostAhead)
}

func (f *Forecaster) at(ctx context.Context, place curfew.Cursor) (Forecast, error) {
	ahead, err := f.store.Ahead(ctx, place, MostAhead)
	if err != nil {
		return Forecast{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refresh(ctx); err != nil {
		return Forecast{}, err
	}
	known := Forecast{Ahead: ahead, Mechanics: f.model.there(), Busy: len(f.model.busy), At: f.now}
	if !f.behind && ahead < MostAhead {
		known.Half, known.Most, _ = f.model.quantiles(ahead + 1)
	}
	return known, nil
}

// refresh reads what has happened since the last reading.
func (f *Forecaster) refresh(ctx context.Context) error {
	if !f.behind && !f.read.IsZero() && time.Since(f.read) < freshFor {
		return nil
	}
	if f.read.IsZero() {
		_, now, err := f.store.EventsSince(ctx, curfew.Cursor{}, 0)
		if err != nil {
			return err
		}
		f.position.At = now.Add(-history)
	}
	for range pages {
		page, now, err := f.store.EventsSince(ctx, f.position, pageSize)
		if err != nil {
			return err
		}
		f.observe(page)
		f.now, f.read, f.behind = now, time.Now(), len(page) == pageSize
		if !f.behind {
			f.rest()
			return nil
		}
		f.position = curfew.Cursor{At: page[pageSize-1].At, ID: page[pageSize-1].ID}
	}
	return nil
}

// rest sets where the next reading begins.
func (f *Forecaster) rest() {
	f.model.pass(f.now)
	f.position = curfew.Cursor{At: f.now.Add(-overlap)}
	for id, at := range f.seen {
		if at.Before(f.position.At) {
			delete(f.seen, id)
		}
	}
}

func (f *Forecaster) observe(page []record.StreamEvent) {
	for _, e := range page {
		if _, again := f.seen[e.ID]; again || !e.OfSession() {
			continue
		}
		f.seen[e.ID] = e.At
		to := curfew.SessionStatus(e.To)
		switch {
		case to.Ended():
			f.model.ends(e.Subject, e.At)
		case to != curfew.Waiting:
		case curfew.SessionStatus(e.From) != curfew.Waiting:
			f.model.begins(e.Subject, e.At)
		case e.Reason == curfew.AcceptedReason:
			f.model.accepts(e.Subject, e.At)
		case e.Reason == curfew.ReleasedReason || e.Reason == string(curfew.Forgotten):
			f.model.returns(e.Subject, e.At)
		}
	}
}
