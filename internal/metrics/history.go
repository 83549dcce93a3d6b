package metrics

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// SampleEvery is the time between two samples of a History.
const SampleEvery = 10 * time.Second

// A process remembers six hours for the charts. What was before it began is computed from the events, by the minute.
const (
	historyKept = 6 * time.Hour
	samplesKept = int(historyKept / SampleEvery)
	recallEvery = time.Minute
	// recallTimeout bounds the reading of six hours of events, once.
	recallTimeout = 30 * time.Second
)

// HistorySource is what a History reads: a lifecycle.Keeper.
type HistorySource interface {
	HealthReader
	Activity(ctx context.Context, window, step time.Duration) ([]lifecycle.StatusCounts, error)
}

// History is a ring buffer of samples of health, for the console's charts. It is the memory of one process.
type History struct {
	source  HistorySource
	metrics *Registry
	log     *slog.Logger

	mu      sync.Mutex
	samples []Sample // the oldest at next, once it is full
	next    int
}

// NewHistory returns an empty history. The lag of its samples is the worst that the metrics saw.
func NewHistory(source HistorySource, m *Registry, log *slog.Logger) *History {
	return &History{source: source, metrics: m, log: log}
}

// Sample is how things were at one moment. What could not be read is nil.
type Sample struct {
	At                              time.Time
	Waiting, Live, Scheduled, Stale *int
	Lag                             *float64 // seconds
}

// Run recalls what was before this process, then samples health until the context ends.
func (h *History) Run(ctx context.Context) {
	h.Recall(ctx)
	tick := time.NewTicker(SampleEvery)
	defer tick.Stop()
	for {
		h.Record(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Recall adds how many sessions there were before this process began. The events do not tell how late sessions ended,
// or which were stale.
func (h *History) Recall(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, recallTimeout)
	defer cancel()
	before, err := h.source.Activity(ctx, historyKept, recallEvery)
	if err != nil && ctx.Err() == nil {
		h.log.WarnContext(ctx, "the charts begin with this process: what was before could not be read", "error", err)
	}
	for _, p := range before {
		t := Sample{At: p.At}
		t.count(p.ByStatus)
		h.add(t)
	}
}

// Record adds how things are now.
func (h *History) Record(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	r := h.source.Report(ctx)
	if ctx.Err() == nil {
		h.add(sampled(r, h.metrics.swapWorstLag()))
	}
}

func sampled(r lifecycle.Report, worst time.Duration) Sample {
	t := Sample{At: r.Timestamp}
	if r.Sessions == nil {
		return t
	}
	t.count(r.Sessions.ByStatus)
	t.Stale = &r.Sessions.Stale
	if r.Details == nil {
		return t
	}
	for _, s := range r.Details.Stale { // what nobody has ended yet counts too
		worst = max(worst, s.Now.Sub(s.ExpiresAt))
	}
	lag := worst.Seconds()
	t.Lag = &lag
	return t
}

func (t *Sample) count(by map[curfew.SessionStatus]int) {
	waiting, live, scheduled := by[curfew.Waiting], by[curfew.Live], by[curfew.Scheduled]
	t.Waiting, t.Live, t.Scheduled = &waiting, &live, &scheduled
}

func (h *History) add(t Sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.samples) < samplesKept {
		h.samples = append(h.samples, t)
		return
	}
	h.samples[h.next] = t
	h.next = (h.next + 1) % samplesKept
}

// Since returns the samples after a moment, oldest first, and none that is more than six hours older than the newest.
func (h *History) Since(at time.Time) []Sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.samples)
	if n == 0 {
		return nil
	}
	if kept := h.samples[(h.next+n-1)%n].At.Add(-historyKept); at.Before(kept) {
		at = kept
	}
	var found []Sample
	for i := range h.samples {
		if t := h.samples[(h.next+i)%n]; t.At.After(at) {
			found = append(found, t)
		}
	}
	return found
}
