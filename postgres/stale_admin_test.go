package postgres

import (
	"cmp"
	"errors"
	"strconv"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// anytime is the order by age from its beginning, and soonest that by deadline.
var anytime, soonest = curfew.Cursor{}, curfew.Cursor{At: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), ID: lowestID}

// operators is what staff and programs of theirs look for by a key.
func (k *keys) operators() []step {
	ctx := k.Context()
	var st curfew.Snapshot
	look := func(name string, do func() error) step {
		return step{name, func() error {
			st = k.open("s.status = 'live'", 1)[0]
			return do()
		}}
	}
	listed := func(q func() record.SessionSearch) func() error {
		return func() error {
			search := q()
			search.Limit = 9
			_, err := k.store.ListSessions(ctx, search)
			_, err2 := k.store.SessionMark(ctx, search, some)
			return errors.Join(err, err2)
		}
	}
	return []step{
		look("find a name", func() error { _, err := k.store.FindExact(ctx, st.CustomerID); return err }),
		look("find ids", func() error { _, err := k.store.FindIDs(ctx, st.ID, st.ID, 9); return err }),
		look("find payers", func() error {
			_, err := k.store.FindPayers(ctx, record.Span{From: st.CustomerID + "@", Below: st.CustomerID + "a"}, 9)
			return err
		}),
		look("find mechanics", func() error {
			_, err := k.store.FindMechanics(ctx, record.Span{From: st.MechanicID, Below: st.MechanicID + "0"}, 9)
			return err
		}),
		look("list sessions of a customer", listed(func() record.SessionSearch { return record.SessionSearch{CustomerID: st.CustomerID} })),
		look("list overdue sessions of a customer", listed(func() record.SessionSearch {
			return record.SessionSearch{CustomerID: st.CustomerID, Overdue: true}
		})),
		look("list sessions of a mechanic", listed(func() record.SessionSearch { return record.SessionSearch{MechanicID: st.MechanicID} })),
		look("list overdue sessions of a customer by deadline", listed(func() record.SessionSearch {
			return record.SessionSearch{CustomerID: st.CustomerID, Overdue: true, ByDeadline: true}
		})),
		look("list sessions of both by deadline", listed(func() record.SessionSearch {
			return record.SessionSearch{CustomerID: st.CustomerID, MechanicID: st.MechanicID, ByDeadline: true}
		})),
		look("list payments of a customer", func() error {
			q := record.PaymentSearch{CustomerID: st.CustomerID, Outcome: curfew.Held, Limit: 9}
			_, err := k.store.ListPayments(ctx, q)
			_, err2 := k.store.PaymentMark(ctx, q, some)
			return errors.Join(err, err2)
		}),
		look("list what was sent to a customer", func() error {
			q := record.SentSearch{CustomerID: st.CustomerID, State: record.DeliveryDead, Limit: 9}
			_, err := k.store.ListSent(ctx, q)
			_, err2 := k.store.SentMark(ctx, q, some)
			return errors.Join(err, err2)
		}),
		look("due of a customer in an adopted table", func() error {
			_, err := k.store.Find(ctx, record.Search{CustomerID: st.CustomerID, Source: "bookings", OrphanTTL: time.Minute, Limit: 9})
			return err
		}),
		look("what is held of a customer", func() error {
			_, err := k.store.Personal(ctx, st.CustomerID)
			_, err2 := k.store.Held(ctx, st.CustomerID)
			return errors.Join(err, err2)
		}),
		look("a payment was settled", func() error { return k.store.Judged(ctx, st.CheckoutID, 1) }),
		look("quarantine", func() error { return k.quarantine(st) }),
		{"quiet customers", func() error {
			_, err := k.store.Quiet(ctx, record.QuietSearch{For: time.Hour, Limit: 9})
			return err
		}},
		{"capture when it begins", k.capture},
		{"a delivery by its id", k.claimOne},
		{"erase", k.erase},
		look("payments of a customer with an outcome", func() error {
			_, err := k.store.ListCheckouts(ctx, curfew.CheckoutSearch{CustomerID: st.CustomerID, Outcome: curfew.Held, Limit: 9})
			return err
		}),
		look("waiting sessions of a customer", listed(func() record.SessionSearch {
			return record.SessionSearch{CustomerID: st.CustomerID, Status: curfew.Waiting}
		})),
		look("live sessions of a mechanic", listed(func() record.SessionSearch {
			return record.SessionSearch{MechanicID: st.MechanicID, Status: curfew.Live}
		})),
	}
}

// claims is what completes and removes what was left of a payment.
func (k *keys) claims() []step {
	ctx := k.Context()
	return []step{
		{"remove a claim", func() error {
			return k.store.Unclaim(ctx, record.PaymentClaim{Ref: newID(), CheckoutID: k.payment(curfew.Held).ID})
		}},
		{"forget a key", func() error { return k.store.ForgetKey(ctx, k.payment(curfew.Held).CustomerID, "key") }},
		{"recover a payment", func() error {
			c := admission(newID()).Checkout
			c.Outcome = curfew.Refunding
			return k.store.Recover(ctx, c, shop, time.Hour)
		}},
		{"defer a further line", func() error {
			first := k.payment(curfew.Held)
			c := admission(first.CustomerID).Checkout
			c.LineOf, c.Line, c.Ref = first.ID, 2, ""
			_, err := k.store.Defer(ctx, c, shop, time.Hour)
			if errors.Is(err, curfew.Conflict) { // it has no names: the statements are the same
				return nil
			}
			return err
		}},
	}
}

func (k *keys) quarantine(st curfew.Snapshot) error {
	var err error
	for noun, id := range map[curfew.QuarantineNoun]string{
		curfew.QuarantinedSession: st.ID, curfew.QuarantinedPayment: st.CheckoutID, curfew.QuarantinedCustomer: "", curfew.QuarantinedEvent: newID(),
		curfew.QuarantinedDelivery: newID(),
	} {
		err = errors.Join(err, k.store.Quarantine(k.Context(), curfew.Quarantined{
			Noun: noun, CustomerID: st.CustomerID, ID: id, Version: st.Version, Step: "end", LastError: "refused",
		}))
	}
	_, err2 := k.store.Quarantined(k.Context(), 9)
	return errors.Join(err, err2, k.store.LeaveQuarantine(k.Context()))
}

func (k *keys) capture() error {
	st := k.open("s.status = 'waiting' AND s.mechanic_id IS NOT NULL", 1)[0]
	_, err := k.store.Change(k.Context(), record.Change{
		From: st.Session, To: curfew.Live, Reason: "joined", Actor: shop, CustomerJoins: true, MechanicJoins: true, Capture: true, Deadline: curfew.Deadline{After: time.Hour},
	})
	return err
}

func (k *keys) claimOne() error {
	d, err := k.store.Delivery(k.Context(), k.only(`SELECT id::text FROM curfew.deliveries WHERE state = 'pending' AND lane = 'mail' ORDER BY id DESC LIMIT 1`))
	if err != nil {
		return err
	}
	_, err = k.store.ClaimOne(k.Context(), d, time.Minute)
	return err
}

// erase erases a customer whose sessions have all ended.
func (k *keys) erase() error {
	ctx := k.Context()
	k.erased++
	e := record.Erasure{ID: newID(), CustomerID: "p" + strconv.Itoa(k.erased), Pseudonym: "erased-" + newID(), Actor: shop, Reason: "asked for"}
	k.behindTriggers([]string{`UPDATE curfew.events SET reason = 'she said so' WHERE customer_id = '` + e.CustomerID + `'`}, 0)
	held, err := k.store.Held(ctx, e.CustomerID)
	if err != nil {
		return err
	}
	e.Version, e.Held = held.Version, held.Rows
	planned, err := k.store.PlanErasure(ctx, e)
	if err != nil {
		return err
	}
	planned.Actor, planned.Reason = shop, "asked for"
	_, err = k.store.Erase(ctx, planned)
	return err
}

// walked is what staff leaf through, and what is walked in the order of an index.
func walked(f *fixture, s *Store) map[string]question {
	ctx, from := f.Context(), time.Now().Add(-2*time.Hour)
	sessions := func(q record.SessionSearch, indexes ...string) question {
		q.Limit = 9
		return question{func() error {
			_, err := s.ListSessions(ctx, q)
			_, err2 := s.SessionMark(ctx, q, some)
			return errors.Join(err, err2)
		}, indexes}
	}
	return map[string]question{
		"sessions by age":                            sessions(record.SessionSearch{After: anytime}, "sessions_id"),
		"sessions by deadline":                       sessions(record.SessionSearch{ByDeadline: true, Overdue: true, After: soonest}, "sessions_deadline"),
		"overdue sessions of a mechanic by deadline": sessions(record.SessionSearch{MechanicID: "m4", ByDeadline: true, Overdue: true, After: soonest}, "sessions_deadline"),
		"payments": {func() error {
			_, err := s.ListPayments(ctx, record.PaymentSearch{Limit: 9})
			_, err2 := s.PaymentMark(ctx, record.PaymentSearch{}, some)
			return errors.Join(err, err2)
		}, []string{"checkouts_id"}},
		"payments that are held": {func() error {
			_, err := s.ListPayments(ctx, record.PaymentSearch{Outcome: curfew.Held, Limit: 9})
			return err
		}, []string{"checkouts_unsettled"}},
		"what was sent": {func() error {
			_, err := s.ListSent(ctx, record.SentSearch{Limit: 9})
			_, err2 := s.SentMark(ctx, record.SentSearch{}, some)
			return errors.Join(err, err2)
		}, []string{"deliveries_id"}},
		"what is dead": {func() error {
			_, err := s.ListSent(ctx, record.SentSearch{State: record.DeliveryDead, Limit: 9})
			return err
		}, []string{"deliveries_unsettled"}},
		"all deliveries": {func() error { _, err := s.ListDeliveries(ctx, record.DeliverySearch{Limit: 9}); return err }, []string{"deliveries_id"}},
		"dead deliveries": {func() error {
			_, err := s.ListDeliveries(ctx, record.DeliverySearch{State: record.DeliveryDead, Limit: 9})
			return err
		}, []string{"deliveries_unsettled"}},
		"payments of a concern": {func() error {
			_, err := s.ListCheckouts(ctx, curfew.CheckoutSearch{Concern: "more", Limit: 9})
			return err
		}, []string{"checkouts_concerns"}},
		"payments of an outcome": {func() error {
			_, err := s.ListCheckouts(ctx, curfew.CheckoutSearch{Outcome: curfew.Held, Limit: 9})
			return err
		}, []string{"checkouts_unsettled"}},
		"all payments":  {func() error { _, err := s.ListCheckouts(ctx, curfew.CheckoutSearch{Limit: 9}); return err }, []string{"checkouts_id"}},
		"stale credits": {func() error { _, err := s.StaleCredits(ctx, time.Minute, anytime, 9); return err }, []string{"checkouts_credit_age"}},
		"claimable":     {func() error { _, err := s.Claimable(ctx, "mail", 9); return err }, []string{"deliveries_due"}},
		"forget":        {func() error { _, err := s.Forget(ctx, time.Minute, 9); return err }, []string{"deliveries_done"}},
		"endpoints":     {func() error { _, err := s.EndpointFigures(ctx, some); return err }, []string{"deliveries_id"}},
		"recent": {func() error {
			_, err := s.FindRecent(ctx, []string{"c7"}, some, 9, time.Second)
			return err
		}, []string{"checkouts_id", "sessions_id"}},
		"books": {func() error { _, _, err := s.Booked(ctx, from, time.Now(), "", some); return err }, []string{"checkouts_id"}},
		"due in an adopted table": {func() error {
			_, err := s.Find(ctx, record.Search{Source: "bookings", Limit: 9})
			_, err2 := s.Find(ctx, record.Search{Source: "bookings", MaxAge: time.Minute, Limit: 9})
			return errors.Join(err, err2)
		}, []string{"sessions_adopted_deadline"}},
		"an endpoint is removed": {func() error { return s.RemoveEndpoint(ctx, f.endpoint()) }, []string{"deliveries_unsettled"}},
		"links": {func() (err error) {
			for table := range links {
				_, e := s.Links(ctx, table, "", some)
				err = cmp.Or(err, e)
			}
			return err
		}, []string{"checkouts_id", "sessions_id", "events_at", "session_requests_id", "payment_refs_pkey"}},
	}
}

func (f *fixture) endpoint() record.Endpoint {
	f.Helper()
	w, err := f.store.AddEndpoint(f.Context(), record.Endpoint{ID: newID(), URL: "https://example.org", Secrets: []string{"s"}, Enabled: true})
	f.must(err)
	return w
}
