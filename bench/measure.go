package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// way is one way to do the same work.
type way struct {
	name string
	do   func(ctx context.Context, customer string) error
}

// slice is what one way did in one slice of time.
type slice struct {
	n         int
	took      time.Duration
	latencies []time.Duration
	wal       int64         // bytes that PostgreSQL logged
	cpu       time.Duration // of client and server together
}

// rate returns how many operations were done per second.
func (s slice) rate() float64 { return float64(s.n) / s.took.Seconds() }

// interleave gives every way a slice in every round, each round beginning with another way, and
// returns the slices by way and round. A first round, which is dropped, warms connections and
// caches.
func interleave(ways []way, rounds int, measure func(way) (slice, error)) ([][]slice, error) {
	all := make([][]slice, len(ways))
	for round := range rounds + 1 {
		for i := range ways {
			at := (i + round) % len(ways)
			s, err := measure(ways[at])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", ways[at].name, err)
			}
			if round > 0 {
				all[at] = append(all[at], s)
			}
		}
	}
	return all, nil
}

// drive runs that many clients for that long, each with its own customers.
func drive(ctx context.Context, w way, crowd []*customers, d time.Duration) (slice, error) {
	by := make([][]time.Duration, len(crowd))
	errs := make([]error, len(crowd))
	begun := time.Now()
	var clients sync.WaitGroup
	for i, c := range crowd {
		clients.Go(func() { by[i], errs[i] = client(ctx, w, c, begun.Add(d)) })
	}
	clients.Wait()
	s := slice{took: time.Since(begun), latencies: slices.Concat(by...)}
	s.n = len(s.latencies)
	for _, err := range errs {
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

func client(ctx context.Context, w way, c *customers, until time.Time) ([]time.Duration, error) {
	var latencies []time.Duration
	for begun := time.Now(); begun.Before(until); {
		if err := w.do(ctx, c.next()); err != nil {
			return latencies, err
		}
		now := time.Now()
		latencies = append(latencies, now.Sub(begun))
		begun = now
	}
	return latencies, nil
}

// customers are names that nobody else uses, spread over the alphabet as real ones are.
type customers struct{ random *rand.Rand }

// crowd returns customers for each of that many clients. stream keeps crowds with the same seed
// apart.
func crowd(seed uint64, stream, clients int) []*customers {
	all := make([]*customers, clients)
	for i := range all {
		//nolint:gosec // G404: names need to be repeatable, not secret
		all[i] = &customers{rand.New(rand.NewPCG(seed, uint64(stream)<<32|uint64(i)))}
	}
	return all
}

func (c *customers) next() string { return fmt.Sprintf("cus_%016x", c.random.Uint64()) }

// timed returns the latencies of that many calls, made one after the other, or of fewer if they
// are slow.
func timed(calls int, do func() error) ([]time.Duration, error) {
	var all []time.Duration
	for start := time.Now(); len(all) < calls && time.Since(start) < enough; {
		begun := time.Now()
		if err := do(); err != nil {
			return nil, err
		}
		all = append(all, time.Since(begun))
	}
	return all, nil
}

// enough is how long calls are measured.
const enough = 5 * time.Second

// median returns the median of the figures, or 0 if there are none.
func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	if len(all) == 0 {
		return 0
	}
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// percentile uses the nearest rank; p is between 0 and 1.
func percentile(all []time.Duration, p float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

// rates returns the median rate of one way's slices.
func rates(all []slice) float64 {
	var figures []float64
	for _, s := range all {
		figures = append(figures, s.rate())
	}
	return median(figures)
}

// ratio returns the median over the rounds of how much faster one way was than the other.
func ratio(these, those []slice) float64 {
	var figures []float64
	for i := range these {
		figures = append(figures, these[i].rate()/those[i].rate())
	}
	return median(figures)
}

// each returns latencies, log and processor time per call in the slices.
func each(all []slice) (latency []time.Duration, wal int64, cpu time.Duration) {
	latency = latencies(all)
	for _, s := range all {
		wal += s.wal
		cpu += s.cpu
	}
	n := max(len(latency), 1)
	return latency, wal / int64(n), cpu / time.Duration(n)
}

func latencies(all []slice) []time.Duration {
	var together []time.Duration
	for _, s := range all {
		together = append(together, s.latencies...)
	}
	return together
}
