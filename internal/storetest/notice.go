package storetest

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
)

// outbox is the part of a store that makes deliveries.
type outbox interface {
	Unpublished(ctx context.Context, limit int) ([]curfew.Event, error)
	Publish(ctx context.Context, events []curfew.Event, deliveries []curfew.Delivery) (int, error)
	Claim(ctx context.Context, lane string, limit int, lease time.Duration) ([]curfew.Delivery, bool, error)
	Settle(ctx context.Context, attempts []curfew.Attempt) (int, error)
}

// noticePages has one delivery in each state, and one more of somebody else.
func noticePages(s *scene) {
	box := s.Store.(outbox) //nolint:errcheck,forcetypeassert // both are
	s.admit("bob")
	s.accepted("ada", "max")
	events, err := box.Unpublished(s.Context(), 9)
	s.must(err)
	var all []curfew.Delivery
	for _, e := range events {
		all = append(all, curfew.Delivery{
			ID: newID(), CustomerID: e.CustomerID, EventID: e.ID, Subject: e.Subject, Number: e.Number,
			Channel: curfew.MailChannel, Queue: e.CustomerID, Destination: e.CustomerID + "@example.org", Kind: "k", Body: "b",
		})
	}
	_, err = box.Publish(s.Context(), events, all)
	s.must(err)
	s.settleAll(box, "ada", []curfew.Verdict{
		{State: curfew.DeliveryDead, Status: 550, Error: "nobody there"}, {State: curfew.DeliveryPending, Error: "not now"},
	})
	want := s.toldNotices("ada", 100)
	s.same("how many", len(want), 3) // the third waits behind the one of its session
	states := map[curfew.DeliveryState]int{}
	for i, d := range want {
		states[d.State]++
		s.same("whose", []string{d.CustomerID, d.Destination}, []string{"ada", "ada@example.org"})
		if i > 0 && d.At().After(want[i-1].At()) {
			s.Errorf("notice %d is newer than the one before", i)
		}
	}
	s.same("their states", states, map[curfew.DeliveryState]int{curfew.DeliveryDead: 1, curfew.DeliveryPending: 2})
	for _, limit := range []int{1, 2} {
		s.same("page by page", s.toldNotices("ada", limit), want)
	}
}

// settleAll claims what a lane has and gives each a verdict, an hour's wait too.
func (s *scene) settleAll(box outbox, lane string, verdicts []curfew.Verdict) {
	s.Helper()
	claimed, _, err := box.Claim(s.Context(), lane, len(verdicts)+1, time.Minute)
	s.must(err)
	s.same("claimed", len(claimed), len(verdicts))
	var attempts []curfew.Attempt
	for i, d := range claimed {
		attempts = append(attempts, curfew.Attempt{Delivery: d, Verdict: verdicts[i], Failures: 1, Wait: time.Hour})
	}
	_, err = box.Settle(s.Context(), attempts)
	s.must(err)
}

func (s *scene) toldNotices(customer string, limit int) []curfew.Delivery {
	s.Helper()
	return toldAll(s, limit, func(d curfew.Delivery) curfew.Cursor { return curfew.Cursor{At: d.At(), ID: d.ID} },
		func(before curfew.Cursor, limit int) ([]curfew.Delivery, error) {
			return s.Store.Notices(s.Context(), customer, before, limit)
		})
}
