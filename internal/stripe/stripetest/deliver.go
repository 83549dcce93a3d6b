package stripetest

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/curfewhq/curfew/internal/storetest/seed"
)

// Delivery says how pending events are sent to a webhook.
type Delivery struct {
	URL    string
	Secret string
	// Copies is how often each event is sent; 0: once.
	Copies int
	// A share of Bursts of the events is sent Burst times instead, all copies at the same moment. The seed
	// decides which.
	Burst  int
	Bursts float64
	// Workers is how many are sent at once; 0: one.
	Workers int
	// Shuffle sends them in random order, otherwise in order of creation.
	Shuffle bool
	// Late is the share that is not sent this time, Never the share that is never sent. The seed decides which.
	Late, Never float64
	Client      *http.Client // nil: one with a timeout of ten seconds
}

// Delivered counts events by what happened to them.
type Delivered struct{ Accepted, Refused, Late, Never int }

// Deliver sends the pending events. Late events, and those with any copy not answered 2xx, stay pending for the next
// Deliver.
func (f *Fake) Deliver(ctx context.Context, d Delivery) Delivered {
	if d.Client == nil {
		d.Client = &http.Client{Timeout: 10 * time.Second}
	}
	var got Delivered
	sent := f.choose(d, &got)
	refused := f.send(ctx, d, sent)
	got.Accepted, got.Refused = len(sent)-len(refused), len(refused)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(refused, f.events...)
	return got
}

// choose removes the events to send this time from the pending ones.
func (f *Fake) choose(d Delivery, got *Delivered) []*Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rounds++
	round := seed.Dice(f.seed, "deliver "+strconv.Itoa(f.rounds))
	var sent, late []*Event
	for _, event := range f.events {
		switch {
		case seed.Dice(f.seed, "never "+event.ID).Float64() < d.Never:
			got.Never++
			f.lost = append(f.lost, event)
		case round.Float64() < d.Late:
			got.Late++
			late = append(late, event)
		default:
			sent = append(sent, event)
		}
	}
	f.events = late
	return sent
}

// batch is an event and how many copies of it are sent at the same moment.
type batch struct {
	event *Event
	n     int
}

// send sends every copy and returns the events that were refused.
func (f *Fake) send(ctx context.Context, d Delivery, events []*Event) []*Event {
	queue := f.batches(d, events)
	var next atomic.Int64
	var mu sync.Mutex
	refused := map[*Event]bool{}
	var workers sync.WaitGroup
	for range max(d.Workers, 1) {
		workers.Go(func() {
			for at := next.Add(1) - 1; at < int64(len(queue)); at = next.Add(1) - 1 {
				if !f.sendBatch(ctx, d, queue[at]) {
					mu.Lock()
					refused[queue[at].event] = true
					mu.Unlock()
				}
			}
		})
	}
	workers.Wait()
	return slices.DeleteFunc(slices.Clone(events), func(e *Event) bool { return !refused[e] })
}

// batches decides which copies are sent together, and in which order.
func (f *Fake) batches(d Delivery, events []*Event) []batch {
	var queue []batch
	for _, event := range events {
		if seed.Dice(f.seed, "burst "+event.ID).Float64() < d.Bursts {
			queue = append(queue, batch{event, d.Burst})
			continue
		}
		queue = append(queue, slices.Repeat([]batch{{event, 1}}, max(d.Copies, 1))...)
	}
	if d.Shuffle {
		seed.Dice(f.seed, "shuffle").Shuffle(len(queue), func(i, j int) { queue[i], queue[j] = queue[j], queue[i] })
	}
	return queue
}

// sendBatch reports whether every copy was answered 2xx.
func (f *Fake) sendBatch(ctx context.Context, d Delivery, p batch) bool {
	var refused atomic.Bool
	var copies sync.WaitGroup
	for range p.n {
		copies.Go(func() {
			if !f.post(ctx, d, p.event) {
				refused.Store(true)
			}
		})
	}
	copies.Wait()
	return !refused.Load()
}

// post reports whether one copy was answered 2xx.
func (f *Fake) post(ctx context.Context, d Delivery, e *Event) bool {
	body := e.Body()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(body))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", Sign(d.Secret, f.now(), body))
	response, err := d.Client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	return response.StatusCode >= 200 && response.StatusCode < 300
}
