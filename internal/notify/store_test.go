package notify_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

// store is what the tests here ask of a store beside lifecycle's.
type store interface {
	notify.Store
	notify.Admin
}

// environment is a store, a keeper over it and what the test needs beside.
type environment struct {
	wake chan struct{}
	*testing.T
	storetest.Harness
	keeper *lifecycle.Keeper
	store  store
}

// onEachStore runs a test on PostgreSQL and on SQLite.
func onEachStore(t *testing.T, test func(*environment)) {
	t.Helper()
	t.Parallel()
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			keeper, err := lifecycle.New(h.Store, lifecycle.Options{SweeperOff: true})
			if err != nil {
				t.Fatal(err)
			}
			test(&environment{T: t, Harness: h, keeper: keeper, wake: make(chan struct{}, 1), store: h.Store.(store)}) //nolint:errcheck,forcetypeassert // both are
		})
	}
}

func (w *environment) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *environment) same(what string, got, want any) {
	w.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// pay gives a customer a session.
func (w *environment) pay(customer string) lifecycle.Fulfillment {
	w.Helper()
	amount := int64(990)
	f, err := w.keeper.Admission.FulfillCheckout(w.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"}, lifecycle.Purchase{
		PaymentRef: "ref-" + customer, CustomerID: customer, Plan: "chat10", Amount: &amount, Currency: "eur", Email: customer + "@example.org",
	})
	w.must(err)
	return f
}

// publish expands every unpublished event for a queue that gets all events.
func (w *environment) publish(queue string) []record.Delivery {
	w.Helper()
	events, err := w.store.Unpublished(w.Context(), 100)
	w.must(err)
	var all []record.Delivery
	for _, e := range events {
		all = append(all, record.Delivery{
			ID: notify.NewID(), CustomerID: e.CustomerID, EventID: e.ID, Subject: e.Subject, Number: e.Number,
			Channel: "test", Queue: queue, Destination: queue, Kind: "k", Body: fmt.Sprint(e.To, e.Number),
		})
	}
	n, err := w.store.Publish(w.Context(), events, all)
	w.must(err)
	w.same("published", n, len(events))
	return all
}

func (w *environment) claim(queue string, limit int) []record.Delivery {
	w.Helper()
	claimed, _, err := w.store.Claim(w.Context(), queue, limit, time.Minute)
	w.must(err)
	return claimed
}

func (w *environment) settle(want int, attempts ...record.Attempt) {
	w.Helper()
	n, err := w.store.Settle(w.Context(), attempts)
	w.must(err)
	w.same("settled", n, want)
}

func done(d record.Delivery) record.Attempt {
	return record.Attempt{Delivery: d, Verdict: record.Verdict{State: record.DeliveryDone, Status: 204}}
}

func again(d record.Delivery, in time.Duration) record.Attempt {
	return record.Attempt{
		Delivery: d, Verdict: record.Verdict{State: record.DeliveryPending, Status: 500, Error: "it is broken"}, Failures: d.Failures + 1, Wait: in,
	}
}

func bodies(all []record.Delivery) []string {
	var texts []string
	for _, d := range all {
		texts = append(texts, d.Body)
	}
	return texts
}

func TestAnEventIsToldOnce(t *testing.T) {
	onEachStore(t, func(w *environment) {
		f := w.pay("ada")
		events, err := w.store.Unpublished(w.Context(), 1)
		w.must(err)
		w.same("a page", len(events), 1)
		events, err = w.store.Unpublished(w.Context(), 9)
		w.must(err)
		w.same("untold", len(events), 2)
		first := w.publish("a")
		n, err := w.store.Publish(w.Context(), events, first)
		w.must(err)
		w.same("told again", n, 0)
		w.same("claimed", len(w.claim("a", 9)), 2)
		w.must(ignore(w.keeper.Sessions.End(w.Context(), f.SessionID, curfew.Actor{Role: curfew.Customer, ID: "ada"})))
		w.publish("a")
		w.same("claimed", len(w.claim("a", 9)), 0) // they wait for the first
	})
}

func ignore[T any](_ T, err error) error { return err }

func TestAHappeningIsAnEventWithWhatItIsAbout(t *testing.T) {
	onEachStore(t, func(w *environment) {
		f := w.pay("ada")
		events, err := w.store.Unpublished(w.Context(), 9)
		w.must(err)
		all, err := w.store.EnrichedEvents(w.Context(), events)
		w.must(err)
		kinds := map[string]bool{}
		for _, h := range all {
			kinds[h.Kind()] = true
			if h.Session.ID != f.SessionID || h.Checkout.Email != "ada@example.org" || h.Checkout.Amount != 990 || h.Checkout.SessionID != f.SessionID {
				w.Errorf("%s is about %+v and %+v", h.Kind(), h.Session, h.Checkout)
			}
		}
		w.same("kinds", kinds, map[string]bool{"session.waiting": true, "checkout.fulfilled": true})
		w.same("read alike", all[0].Event, events[0])
	})
}

func TestADestinationGetsASubjectsEventsInTheirOrder(t *testing.T) {
	onEachStore(t, func(w *environment) {
		f := w.pay("ada")
		w.publish("a") // before the second event happens
		max := "max"
		w.must(ignore(w.keeper.Queue.Accept(w.Context(), f.RequestID, max)))
		w.must(ignore(w.keeper.Queue.Release(w.Context(), f.RequestID, max)))
		w.publish("a")
		for _, want := range [][]string{{"fulfilled1", "waiting1"}, {"waiting2"}, {"waiting3"}, nil} {
			claimed := w.claim("a", 9)
			got := map[string]bool{}
			for _, b := range bodies(claimed) {
				got[b] = true
			}
			expected := map[string]bool{}
			for _, b := range want {
				expected[b] = true
			}
			w.same("claimed", got, expected)
			w.same("meanwhile", len(w.claim("a", 9)), 0)
			for _, d := range claimed {
				w.settle(1, done(d))
			}
		}
	})
}

// A slower worker that has not told the first event yet holds up the second.
func TestADeliveryWaitsForAnEarlierEventThatIsNotTold(t *testing.T) {
	onEachStore(t, func(w *environment) {
		f := w.pay("ada")
		w.must(ignore(w.keeper.Queue.Accept(w.Context(), f.RequestID, "max")))
		events, err := w.store.Unpublished(w.Context(), 9)
		w.must(err)
		for _, e := range events {
			if e.Subject == f.SessionID && e.Number == 2 {
				d := record.Delivery{ID: notify.NewID(), CustomerID: "ada", EventID: e.ID, Subject: e.Subject, Number: 2, Channel: "test", Queue: "a", Destination: "a", Body: "two"}
				w.must(ignore(w.store.Publish(w.Context(), []curfew.Event{e}, []record.Delivery{d})))
			}
		}
		w.same("claimed", len(w.claim("a", 9)), 0)
		w.due("a")
		w.publish("a")
		w.due("a")
		w.same("claimed", len(w.claim("a", 9)), 2)
	})
}

// due makes everything of a queue due now, but for what is being sent.
func (w *environment) due(queue string) {
	w.Helper()
	for _, row := range w.Query(w, "SELECT id FROM "+w.Schema+"deliveries WHERE state = 'pending' AND attempts = failures AND lane = '"+queue+"'") {
		// One by one: a worker locks them in another order.
		w.Exec(w, "UPDATE "+w.Schema+"deliveries SET next_at = created_at WHERE id = $1 AND attempts = failures", row[0])
	}
}

func TestAResultThatComesAfterItsLeaseIsRefused(t *testing.T) {
	onEachStore(t, func(w *environment) {
		w.pay("ada")
		w.publish("a")
		first := w.claim("a", 1)[0]
		w.Exec(w, "UPDATE "+w.Schema+"deliveries SET next_at = created_at")
		second := w.claim("a", 9)
		for _, d := range second {
			if d.ID == first.ID {
				w.same("attempts", d.Attempts, int64(2))
				w.settle(0, done(first))
				w.settle(1, done(d))
				w.settle(0, again(d, time.Hour))
			}
		}
		got, err := w.store.Delivery(w.Context(), first.ID)
		w.must(err)
		w.same("settled", []any{got.State, got.Status, got.Attempts}, []any{record.DeliveryDone, 204, int64(2)})
	})
}

func TestAFailedDeliveryComesBackAndTheNextOneWaits(t *testing.T) {
	onEachStore(t, func(w *environment) {
		f := w.pay("ada")
		w.must(ignore(w.keeper.Queue.Accept(w.Context(), f.RequestID, "max")))
		w.publish("a")
		for _, d := range w.claim("a", 9) {
			w.settle(1, again(d, time.Hour))
			got, err := w.store.Delivery(w.Context(), d.ID)
			w.must(err)
			w.same("failed", []any{got.State, got.Failures, got.Error, got.Status}, []any{record.DeliveryPending, int64(1), "it is broken", 500})
		}
		w.Exec(w, "UPDATE "+w.Schema+"deliveries SET next_at = created_at WHERE number = 2")
		w.same("claimed", len(w.claim("a", 9)), 0)
		due, err := w.store.Due(w.Context(), []string{"a", "b"})
		w.must(err)
		if in, ok := due["a"]; !ok || in < 59*time.Minute || in > time.Hour || len(due) != 1 {
			w.Errorf("due: %v", due)
		}
	})
}

func TestQueuesAreIndependent(t *testing.T) {
	onEachStore(t, func(w *environment) {
		w.pay("ada")
		w.publish("a")
		w.pay("bob")
		w.publish("b")
		w.same("claimed", len(w.claim("a", 9)), 2)
		w.same("claimed", len(w.claim("b", 1)), 1)
		w.same("claimed", len(w.claim("c", 9)), 0)
		w.same("claimed", len(w.claim("b", 9)), 1)
	})
}

func TestDeliveriesAreFoundListedAndForgotten(t *testing.T) {
	onEachStore(t, func(w *environment) {
		w.pay("ada")
		w.publish("a")
		w.pay("bob")
		w.publish("b")
		dead := w.claim("b", 1)[0]
		w.settle(1, record.Attempt{Delivery: dead, Verdict: record.Verdict{State: record.DeliveryDead, Error: "gone"}})
		for _, d := range w.claim("a", 9) {
			w.settle(1, done(d))
		}
		for sentence, c := range map[string]struct {
			search record.DeliverySearch
			want   int
		}{
			"all":                      {record.DeliverySearch{}, 4},
			"a destination's":          {record.DeliverySearch{Destination: "a"}, 2},
			"the dead":                 {record.DeliverySearch{State: record.DeliveryDead}, 1},
			"a destination's dead":     {record.DeliverySearch{State: record.DeliveryDead, Destination: "a"}, 0},
			"a destination's pending":  {record.DeliverySearch{State: record.DeliveryPending, Destination: "b"}, 1},
			"the delivered":            {record.DeliverySearch{State: record.DeliveryDone}, 2},
			"those behind the dead":    {record.DeliverySearch{After: dead.ID}, 1},
			"those behind what is not": {record.DeliverySearch{State: record.DeliveryPending, After: "00000000-0000-7000-8000-000000000000"}, 1},
		} {
			c.search.Limit = 9
			all, err := w.store.ListDeliveries(w.Context(), c.search)
			w.must(err)
			w.same(sentence, len(all), c.want)
		}
		_, err := w.store.Delivery(w.Context(), notify.NewID())
		w.same("missing", curfew.KindOf(err), curfew.NotFound)
		_, err = w.store.Replay(w.Context(), dead) // it is dead, not pending as it was when it was claimed
		w.same("moved", curfew.KindOf(err), curfew.Conflict)

		n, err := w.store.Forget(w.Context(), time.Hour, 9)
		w.must(err)
		w.same("forgotten too soon", n, 0)
		n, err = w.store.Forget(w.Context(), -time.Hour, 1)
		w.must(err)
		w.same("forgotten", n, 1)
		n, err = w.store.Forget(w.Context(), -time.Hour, 9)
		w.must(err)
		w.same("forgotten", n, 1) // neither pending nor dead
	})
}

// A payment of nobody's goes over to its customer with what is still to be
// told of it.
func TestARepairedPaymentTakesItsDeliveriesAlong(t *testing.T) {
	onEachStore(t, func(w *environment) {
		c := curfew.Checkout{ID: notify.NewID(), CustomerID: curfew.Nobody, Ref: "ref", Plan: "gold", Outcome: curfew.Held}
		shop := curfew.Actor{Role: curfew.Service, ID: "shop"}
		r, err := w.Store.Record(w.Context(), c, shop, "recorded")
		w.must(err)
		w.publish("a")
		_, err = w.Store.Reassign(w.Context(), record.Reassignment{From: r.Checkout, CustomerID: "ada", Plan: "chat10", Retry: time.Hour, Actor: shop, Reason: "repaired"})
		w.must(err)
		w.publish("a")
		for _, want := range []string{"held1", "deferred2"} {
			claimed := w.claim("a", 9)
			w.same("claimed", bodies(claimed), []string{want})
			w.same("whose", claimed[0].CustomerID, "ada")
			w.settle(1, done(claimed[0]))
		}
	})
}
