package notify_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/record"
)

// timeout is how long a test waits for something that must happen.
const timeout = time.Minute

// receivers is a channel to several receivers, each a queue of its own.
type receivers struct {
	name   string
	queues []string
	send   func(ctx context.Context, d record.Delivery) record.Verdict

	mu  sync.Mutex
	got map[string][]record.Delivery // by queue, delivered only
}

func (r *receivers) Name() string { return r.name }

func (r *receivers) Audience(context.Context) (notify.Audience, error) {
	return notify.Audience{Queues: r.queues, Expand: func(h record.OutsideEnrichedEvent) []record.Delivery {
		var all []record.Delivery
		for _, queue := range r.queues {
			all = append(all, record.Delivery{Queue: queue, Destination: queue, Kind: h.Kind, Body: fmt.Sprint(h.Of, " ", h.Number)})
		}
		return all
	}}, nil
}

func (r *receivers) Send(ctx context.Context, d record.Delivery) record.Verdict {
	v := record.Verdict{State: record.DeliveryDone, Status: 200}
	if r.send != nil {
		v = r.send(ctx, d)
	}
	if v.State == record.DeliveryDone {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.got == nil {
			r.got = map[string][]record.Delivery{}
		}
		r.got[d.Queue] = append(r.got[d.Queue], d)
	}
	return v
}

func (r *receivers) count(queue string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got[queue])
}

// orderly fails unless a queue got every event of each subject by its number.
func (r *receivers) orderly(t *testing.T, queue string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	last := map[string]int64{}
	for _, d := range r.got[queue] {
		if d.Number != last[d.Subject]+1 {
			t.Errorf("%s got event %d of %s after %d", queue, d.Number, d.Subject, last[d.Subject])
		}
		last[d.Subject] = d.Number
	}
}

// works runs a worker until the test ends, or the returned function is called.
func (w *environment) works(o notify.Options) (stop func()) {
	w.Helper()
	o.Wake = w.wake
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- notify.New(w.store, o).Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.Error(err)
		}
	})
	w.Cleanup(stop)
	return stop
}

func (w *environment) until(what string, look func() bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), timeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !look() {
		select {
		case w.wake <- struct{}{}:
		default:
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.Fatalf("never: %s", what)
		}
	}
}

// lives takes a session through accept, release, accept and cancellation.
func (w *environment) lives(customer string) {
	w.Helper()
	f := w.pay(customer)
	mechanic := "m-" + customer
	for range 2 {
		w.must(ignore(w.keeper.Queue.Accept(w.Context(), f.RequestID, mechanic)))
		w.must(ignore(w.keeper.Queue.Release(w.Context(), f.RequestID, mechanic)))
	}
	w.must(ignore(w.keeper.Sessions.End(w.Context(), f.SessionID, curfew.Actor{Role: curfew.Customer, ID: customer})))
}

// perLife is how many events a life has: six of its session, two of its payment.
const perLife = 8

func TestEveryEventIsDeliveredInOrderByAnyNumberOfWorkers(t *testing.T) {
	onEachStore(t, func(w *environment) {
		const customers = 20
		r := &receivers{name: "test", queues: []string{"a", "b"}}
		for range 3 {
			w.works(notify.Options{Channels: []notify.Channel{r}})
		}
		for i := range customers {
			w.lives(fmt.Sprint("c", i))
		}
		for _, queue := range r.queues {
			w.until("all are delivered", func() bool { return r.count(queue) >= customers*perLife })
			w.same("deliveries", r.count(queue), customers*perLife)
			r.orderly(w.T, queue)
		}
	})
}

// A process that hangs in the middle of publishing keeps its events, and nobody else's.
func TestATransactionThatHangsKeepsNoOtherEventFromBeingPublished(t *testing.T) {
	onEachStore(t, func(w *environment) {
		if w.Schema == "" {
			w.Skip("SQLite has one writer: who hangs in a transaction keeps everybody")
		}
		const customers, locked = 300, 500
		for i := range customers {
			w.pay(fmt.Sprint("c", i))
		}
		free := w.Hold(w.T, fmt.Sprintf(`UPDATE curfew.events SET told = told WHERE id IN (
			SELECT id FROM curfew.events ORDER BY customer_id, subject_id, number LIMIT %d)`, locked))
		r := &receivers{name: "test", queues: []string{"a"}}
		w.works(notify.Options{Channels: []notify.Channel{r}})
		w.until("those that are free are delivered", func() bool { return r.count("a") >= 2*customers-locked })
		free()
		w.until("all are delivered", func() bool { return r.count("a") >= 2*customers })
		w.same("deliveries", r.count("a"), 2*customers)
	})
}

func TestASlowReceiverDelaysNoOther(t *testing.T) {
	onEachStore(t, func(w *environment) {
		held := make(chan struct{})
		r := &receivers{name: "test", queues: []string{"slow", "quick"}}
		r.send = func(_ context.Context, d record.Delivery) record.Verdict {
			if d.Queue == "slow" {
				<-held
			}
			return record.Verdict{State: record.DeliveryDone}
		}
		for i := range 30 {
			w.pay(fmt.Sprint("c", i))
		}
		w.works(notify.Options{Channels: []notify.Channel{r}})
		w.until("the quick one has everything", func() bool { return r.count("quick") == 60 })
		w.same("the slow one has", r.count("slow"), 0)
		close(held)
		w.until("the slow one has everything", func() bool { return r.count("slow") == 60 })
	})
}

// A receiver that fails twice gets it the third time, the same thing, and what
// comes behind it after it.
func TestWhatFailsIsTriedAgainTheSame(t *testing.T) {
	onEachStore(t, func(w *environment) {
		var mu sync.Mutex
		seen := map[string][]record.Delivery{}
		r := &receivers{name: "test", queues: []string{"a"}}
		r.send = func(_ context.Context, d record.Delivery) record.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if seen[d.ID] = append(seen[d.ID], d); len(seen[d.ID]) < 3 {
				return record.Verdict{State: record.DeliveryPending, Status: 500, Error: "it is broken"}
			}
			return record.Verdict{State: record.DeliveryDone}
		}
		w.lives("ada")
		w.works(notify.Options{Channels: []notify.Channel{r}})
		w.until("all are delivered", func() bool {
			w.due("a")
			return r.count("a") == perLife
		})
		r.orderly(w.T, "a")
		mu.Lock()
		defer mu.Unlock()
		for id, tries := range seen {
			for _, d := range tries {
				if d.Body != tries[0].Body || d.EventID != tries[0].EventID {
					w.Errorf("%s was %q, then %q", id, tries[0].Body, d.Body)
				}
			}
			if !slices.IsSortedFunc(tries, func(a, b record.Delivery) int { return int(a.Attempts - b.Attempts) }) {
				w.Errorf("attempts of %s are out of order", id)
			}
		}
	})
}

func TestADeliveryDiesAfterTheScheduleAndCanBeReplayed(t *testing.T) {
	onEachStore(t, func(w *environment) {
		var mu sync.Mutex
		broken := true
		r := &receivers{name: "test", queues: []string{"a"}}
		r.send = func(context.Context, record.Delivery) record.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if broken {
				return record.Verdict{State: record.DeliveryPending, Status: 500, Error: "it is broken"}
			}
			return record.Verdict{State: record.DeliveryDone}
		}
		w.pay("ada")
		w.works(notify.Options{Channels: []notify.Channel{r}})
		dead := func() []record.Delivery {
			all, err := w.store.ListDeliveries(w.Context(), record.DeliverySearch{State: record.DeliveryDead, Destination: "a", Limit: 9})
			w.must(err)
			return all
		}
		w.until("both have failed", func() bool {
			return len(w.Query(w, "SELECT id FROM "+w.Schema+"deliveries WHERE failures = 1")) == 2
		})
		w.Exec(w, "UPDATE "+w.Schema+"deliveries SET attempts = 9, failures = 9")
		w.due("a")
		w.until("both are dead", func() bool { return len(dead()) == 2 })
		mu.Lock()
		broken = false
		mu.Unlock()
		figures, err := w.Store.DeliveryFigures(w.Context())
		w.must(err)
		w.same("figures", figures, curfew.DeliveryFigures{Dead: 2, Dying: 2})

		post := notify.Deliveries{Store: w.store}
		w.must(ignore(post.Replay(w.Context(), dead()[0].ID)))
		n, err := post.ReplayDead(w.Context(), "a")
		w.must(err)
		w.same("replayed", n, 1)
		w.until("both are delivered", func() bool { return r.count("a") == 2 })
	})
}

func TestWithNobodyListeningEventsAreOnlyMarked(t *testing.T) {
	onEachStore(t, func(w *environment) {
		w.works(notify.Options{})
		w.lives("ada")
		w.until("all are told", func() bool {
			left, err := w.store.Unpublished(w.Context(), 1)
			w.must(err)
			return len(left) == 0
		})
		w.same("deliveries", len(w.Query(w, "SELECT id FROM "+w.Schema+"deliveries")), 0)
	})
}

// Who stops gives back what it holds, without counting it as a failure.
func TestAWorkerThatStopsLosesNothing(t *testing.T) {
	onEachStore(t, func(w *environment) {
		held := make(chan struct{})
		r := &receivers{name: "test", queues: []string{"a"}}
		r.send = func(ctx context.Context, _ record.Delivery) record.Verdict {
			select {
			case held <- struct{}{}:
			default:
			}
			<-ctx.Done()
			return record.Verdict{State: record.DeliveryPending, Error: "it did not answer in time"}
		}
		w.pay("ada")
		stop := w.works(notify.Options{Channels: []notify.Channel{r}})
		<-held
		stop()
		r.send = nil
		for _, d := range must(w.store.ListDeliveries(w.Context(), record.DeliverySearch{Limit: 9}))(w) {
			w.same("given back", []any{d.State, d.Failures}, []any{record.DeliveryPending, int64(0)})
		}
		w.works(notify.Options{Channels: []notify.Channel{r}})
		w.until("all are delivered", func() bool { return r.count("a") == 2 })
	})
}

func must[T any](v T, err error) func(*environment) T {
	return func(w *environment) T {
		w.Helper()
		w.must(err)
		return v
	}
}

// Every step of a life has a name of its own.
func TestEveryStepHasItsKind(t *testing.T) {
	onEachStore(t, func(w *environment) {
		r := &receivers{name: "test", queues: []string{"a"}}
		w.works(notify.Options{Channels: []notify.Channel{r}})
		w.lives("ada")
		f := w.pay("bob")
		w.must(ignore(w.keeper.Queue.Accept(w.Context(), f.RequestID, "max")))
		for _, by := range []curfew.Actor{{Role: curfew.Customer, ID: "bob"}, {Role: curfew.Mechanic, ID: "max"}} {
			w.must(ignore(w.keeper.Sessions.Join(w.Context(), f.SessionID, by)))
		}
		taken := w.pay("cyd")
		w.must(ignore(w.keeper.Queue.Accept(w.Context(), taken.RequestID, "eve")))
		w.must(ignore(w.keeper.Queue.Unassign(w.Context(), curfew.Actor{Role: curfew.Admin, ID: "anna"}, taken.SessionID, "she is ill")))
		w.until("all are delivered", func() bool { return r.count("a") == perLife+5+4 })
		kinds := map[string]int{}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, d := range r.got["a"] {
			if kinds[d.Kind]++; !slices.Contains(record.EventKinds(), d.Kind) {
				w.Errorf("%s is in no list", d.Kind)
			}
		}
		w.same("kinds", kinds, map[string]int{
			"session.waiting": 3, "session.accepted": 4, "session.released": 3, "session.joined": 1, "session.live": 1,
			"session.cancelled": 1, "checkout.fulfilled": 3, "checkout.credited": 1,
		})
	})
}
