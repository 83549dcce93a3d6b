package httpapi

import (
	"context"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

// How much a process remembers for the charts: six hours. What was before it
// began is reckoned from the events, by the minute.
const (
	historyKept = 6 * time.Hour
	sampleEvery = 10 * time.Second
	samplesKept = int(historyKept / sampleEvery)
	recallEvery = time.Minute
	// recallTimeout bounds the reading of six hours of events, once.
	recallTimeout = 30 * time.Second
)

// history is a ring of what health said, for the charts of the console. It is
// this process's memory.
type history struct {
	mu      sync.Mutex
	samples []sample // the oldest at next, once it is full
	next    int
}

// sample is one moment; a nil figure could not be had.
type sample struct {
	at                              time.Time
	waiting, live, scheduled, stale *int
	lag                             *float64 // seconds
}

// runHistory keeps the figures of health for the charts, until the context ends.
func (s *Server) runHistory(ctx context.Context) {
	s.recallHistory(ctx)
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		s.recordHistory(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// recallHistory puts in what was before this process: how many stood where. How
// late sessions ended, and what was stale, no event tells.
func (s *Server) recallHistory(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, recallTimeout)
	defer cancel()
	past, err := s.engine.Past(ctx, historyKept, recallEvery)
	if err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "the charts begin with this process: what was before could not be read", "error", err)
	}
	for _, p := range past {
		t := sample{at: p.At}
		t.count(p.ByStatus)
		s.history.add(t)
	}
}

func (s *Server) recordHistory(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	r := s.engine.Health(ctx)
	if ctx.Err() == nil {
		s.history.add(sampled(r, s.metrics.takeLag()))
	}
}

func sampled(r lifecycle.Report, worst time.Duration) sample {
	t := sample{at: r.Timestamp}
	if r.Sessions == nil {
		return t
	}
	t.count(r.Sessions.ByStatus)
	t.stale = &r.Sessions.Stale
	if r.Details == nil {
		return t
	}
	for _, s := range r.Details.Stale { // what nobody has ended yet counts too
		worst = max(worst, s.Now.Sub(s.ExpiresAt))
	}
	lag := worst.Seconds()
	t.lag = &lag
	return t
}

func (t *sample) count(by map[curfew.SessionStatus]int) {
	waiting, live, scheduled := by[curfew.Waiting], by[curfew.Live], by[curfew.Scheduled]
	t.waiting, t.live, t.scheduled = &waiting, &live, &scheduled
}

func (h *history) add(t sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.samples) < samplesKept {
		h.samples = append(h.samples, t)
		return
	}
	h.samples[h.next] = t
	h.next = (h.next + 1) % samplesKept
}

// since is the samples after a moment, the oldest first; none is much older than
// the newest.
func (h *history) since(at time.Time) []sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.samples)
	if n == 0 {
		return nil
	}
	if kept := h.samples[(h.next+n-1)%n].at.Add(-historyKept); at.Before(kept) {
		at = kept
	}
	var found []sample
	for i := range h.samples {
		if t := h.samples[(h.next+i)%n]; t.at.After(at) {
			found = append(found, t)
		}
	}
	return found
}

type historyQuery struct {
	Since int64 `query:"since" doc:"Only what came after this second since 1970"`
}

func (s *Server) readHistory(_ context.Context, _ call, in *historyQuery) (*answered[api.History], error) {
	return okay(historyJSON(s.history.since(time.Unix(in.Since, 0).Add(time.Second-1))), nil)
}

func historyJSON(samples []sample) api.History {
	n := len(samples)
	h := api.History{
		EverySeconds: int(sampleEvery / time.Second), At: make([]int64, n),
		Waiting: make([]*int, n), Live: make([]*int, n), Scheduled: make([]*int, n), Stale: make([]*int, n), LagSeconds: make([]*float64, n),
	}
	for i, t := range samples {
		h.At[i], h.Waiting[i], h.Live[i], h.Scheduled[i], h.Stale[i], h.LagSeconds[i] =
			t.at.Unix(), t.waiting, t.live, t.scheduled, t.stale, t.lag
	}
	return h
}
