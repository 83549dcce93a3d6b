package storetest

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// outbox is the part of a store that publishes and sends deliveries.
type outbox interface {
	Unpublished(ctx context.Context, limit int) ([]curfew.Event, error)
	Publish(ctx context.Context, events []curfew.Event, deliveries []record.Delivery) (int, error)
	Claim(ctx context.Context, queue string, limit int, lease time.Duration) ([]record.Delivery, bool, error)
	Settle(ctx context.Context, attempts []record.Attempt) (int, error)
}

// noticePages creates one delivery in each state, and one of another customer.
func noticePages(f *fixture) {
	box := f.Store.(outbox) //nolint:errcheck,forcetypeassert // both are
	f.admit("bob")
	f.accepted("ada", "max")
	events, err := box.Unpublished(f.Context(), 9)
	f.must(err)
	var all []record.Delivery
	for _, e := range events {
		all = append(all, record.Delivery{
			ID: newID(), CustomerID: e.CustomerID, EventID: e.ID, Subject: e.Subject, Number: e.Number,
			Channel: record.MailChannel, Queue: e.CustomerID, Destination: e.CustomerID + "@example.org", Kind: "k", Body: "b",
		})
	}
	_, err = box.Publish(f.Context(), events, all)
	f.must(err)
	f.settleAll(box, "ada", []record.Verdict{
		{State: record.DeliveryDead, Status: 550, Error: "nobody there"}, {State: record.DeliveryPending, Error: "not now"},
	})
	want := f.listNotices("ada", 100)
	f.same("how many", len(want), 3) // the third waits behind the one of its session
	states := map[record.DeliveryState]int{}
	for i, d := range want {
		states[d.State]++
		f.same("whose", []string{d.CustomerID, d.Destination}, []string{"ada", "ada@example.org"})
		if i > 0 && d.At().After(want[i-1].At()) {
			f.Errorf("notice %d is newer than the one before", i)
		}
	}
	f.same("their states", states, map[record.DeliveryState]int{record.DeliveryDead: 1, record.DeliveryPending: 2})
	for _, limit := range []int{1, 2} {
		f.same("page by page", f.listNotices("ada", limit), want)
	}
}

// settleAll claims every delivery of a queue, waiting up to an hour, and gives each a verdict.
func (f *operationFixture) settleAll(box outbox, queue string, verdicts []record.Verdict) {
	f.Helper()
	claimed, _, err := box.Claim(f.Context(), queue, len(verdicts)+1, time.Minute)
	f.must(err)
	f.same("claimed", len(claimed), len(verdicts))
	var attempts []record.Attempt
	for i, d := range claimed {
		attempts = append(attempts, record.Attempt{Delivery: d, Verdict: verdicts[i], Failures: 1, Wait: time.Hour})
	}
	_, err = box.Settle(f.Context(), attempts)
	f.must(err)
}

// settlesAfterReassignment claims a delivery, and reassigns its payment to another customer before
// the result is written.
func settlesAfterReassignment(f *fixture) {
	box := f.outbox()
	held := f.record(curfew.Nobody, curfew.Held)
	f.publishTo(box, "shop")
	claimed, _, err := box.Claim(f.Context(), "shop", 9, time.Minute)
	f.must(err)
	f.same("claimed", len(claimed), 1)
	f.reassign(held, "ada")
	f.publishTo(box, "shop")
	behind, _, err := box.Claim(f.Context(), "shop", 9, time.Minute)
	f.must(err)
	f.same("claimed behind it", len(behind), 0)
	n, err := box.Settle(f.Context(), []record.Attempt{{Delivery: claimed[0], Verdict: record.Verdict{State: record.DeliveryDone, Status: 200}}})
	f.must(err)
	f.same("settled", n, 1)
	behind, _, err = box.Claim(f.Context(), "shop", 9, time.Minute)
	f.must(err)
	f.same("claimed then", len(behind), 1)
}

// publishTo publishes every event to one destination, in one queue.
func (f *fixture) publishTo(box outbox, destination string) {
	f.Helper()
	events, deliveries := f.unpublished()
	for i := range deliveries {
		deliveries[i].Queue, deliveries[i].Destination = destination, destination
	}
	_, err := box.Publish(f.Context(), events, deliveries)
	f.must(err)
}

func (f *operationFixture) listNotices(customer string, limit int) []record.Delivery {
	f.Helper()
	return listAll(f.base, limit, func(d record.Delivery) curfew.Cursor { return curfew.Cursor{At: d.At(), ID: d.ID} },
		func(before curfew.Cursor, limit int) ([]record.Delivery, error) {
			return f.Store.Notices(f.Context(), customer, before, limit)
		})
}
