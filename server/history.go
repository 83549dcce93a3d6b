package server

import (
	"context"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

// How much a process remembers for the charts: six hours.
const (
	sampleEvery = 10 * time.Second
	samplesKept = 6 * 60 * 6
)

// history is a ring of what health said, for the charts of the console. It is
// this process's memory and starts empty.
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
	by := func(status curfew.SessionStatus) *int {
		n := r.Sessions.ByStatus[status]
		return &n
	}
	t.waiting, t.live, t.scheduled = by(curfew.Waiting), by(curfew.Live), by(curfew.Scheduled)
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

// since is the samples after a moment, the oldest first.
func (h *history) since(at time.Time) []sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []sample
	for i := range h.samples {
		if t := h.samples[(h.next+i)%len(h.samples)]; t.at.After(at) {
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
