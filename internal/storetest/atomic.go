package storetest

import (
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
)

// Whatever a method writes, it writes all of it or nothing: the database fails
// at its first row, at its second, and so on until it gets through.
var atomics = func() contract {
	all := contract{}
	for method, arrange := range writing {
		all[method+" writes all or nothing"] = func(s *scene) { s.allOrNothing(arrange(s)) }
	}
	return all
}()

// most is more rows than any call here writes.
const most = 200

func (s *scene) allOrNothing(write func() error) {
	s.Helper()
	before := s.whole()
	for n := range most {
		s.FailAt(s.T, n)
		err := write()
		s.FailAt(s.T, -1)
		if err == nil {
			if n == 0 {
				s.Fatal("it writes nothing")
			}
			return
		}
		if diff := cmp.Diff(before, s.whole()); diff != "" {
			s.Fatalf("it failed at row %d, but something stayed (-before +after):\n%s", n, diff)
		}
	}
	s.Fatalf("it did not get through %d rows", most)
}

// whole is every row of every table.
func (s *scene) whole() []string {
	s.Helper()
	all := s.dump()
	for _, table := range []string{"tallies", "deliveries", "webhook_endpoints", "unsubscriptions"} {
		for _, row := range s.rows("SELECT * FROM {" + table + "}") {
			all = append(all, table+": "+row)
		}
	}
	slices.Sort(all)
	return all
}

// writing is the methods that write, each made ready to be called.
var writing = map[string]func(s *scene) func() error{
	"Admit": func(s *scene) func() error {
		a := admission("ada")
		return func() error { return failed(s.Store.Admit(s.Context(), a)) }
	},
	"Admit by key": func(s *scene) func() error {
		a := keyed("ada", "key")
		return func() error { return failed(s.Store.Admit(s.Context(), a)) }
	},
	"Admit by a credit": func(s *scene) func() error {
		a := spending(s.credited("ada"))
		return func() error { return failed(s.Store.Admit(s.Context(), a)) }
	},
	"Admit of a deferred payment": func(s *scene) func() error {
		a := spending(s.deferred("ada", time.Hour))
		return func() error { return failed(s.Store.Admit(s.Context(), a)) }
	},
	"Defer": func(s *scene) func() error {
		c := admission("ada").Checkout
		return func() error { return failed(s.Store.Defer(s.Context(), c, shop, time.Hour)) }
	},
	"Extend": func(s *scene) func() error {
		x := extending(s.live("ada", "max"))
		return func() error { return failed(s.Store.Extend(s.Context(), x)) }
	},
	"Record": func(s *scene) func() error {
		c := unrecorded("ada", curfew.RefundDue)
		return func() error { return failed(s.Store.Record(s.Context(), c, shop, "recorded")) }
	},
	"Refuse": func(s *scene) func() error {
		st := s.admit("ada")
		return func() error { return s.Store.Refuse(s.Context(), "ada", st.ID) }
	},
	"Change to accepted": func(s *scene) func() error { return s.changing(accepting(s.admit("ada"), "max")) },
	"Change to released": func(s *scene) func() error { return s.changing(releasing(s.accepted("ada", "max"))) },
	"Change to live":     func(s *scene) func() error { return s.changing(starting(s.accepted("ada", "max"))) },
	"Change to completed": func(s *scene) func() error {
		return s.changing(ending(s.live("ada", "max"), curfew.Completed, curfew.ByRequest))
	},
	"Change to cancelled": func(s *scene) func() error {
		return s.changing(ending(s.accepted("ada", "max"), curfew.Cancelled, curfew.ByRequest))
	},
	"ChangeCheckout": func(s *scene) func() error {
		c := curfew.CheckoutChange{From: s.credited("ada"), To: curfew.RefundDue, Actor: shop}
		return func() error { return failed(s.Store.ChangeCheckout(s.Context(), c)) }
	},
	"Remark": func(s *scene) func() error {
		r := curfew.Remark{From: s.credited("ada"), Reason: "disputed", Actor: shop, PaymentID: "pi-1", Disputed: true}
		return func() error { return failed(s.Store.Remark(s.Context(), r)) }
	},
	"Repair": func(s *scene) func() error {
		r := curfew.Repair{From: s.record(curfew.Nobody, curfew.Held), CustomerID: "ada", Plan: "video15", Retry: time.Hour, Actor: shop}
		return func() error { return failed(s.Store.Repair(s.Context(), r)) }
	},
	"Repaid": func(s *scene) func() error {
		return func() error {
			return failed(s.Store.Repaid(s.Context(), "pi-1", curfew.Repayment{ID: "re-1", Amount: 100, Currency: "eur"}))
		}
	},
	"End": func(s *scene) func() error {
		b := batch(curfew.Credited, s.aged(s.admit("ada"), time.Hour), s.aged(s.admit("bob"), time.Hour))
		return func() error { return failed(s.Store.End(s.Context(), b)) }
	},
	"End of assigned ones": func(s *scene) func() error {
		b := batch(curfew.Credited, s.aged(s.accepted("ada", "max"), time.Hour), s.aged(s.accepted("bob", "moe"), time.Hour))
		return func() error { return failed(s.Store.End(s.Context(), b)) }
	},
	"BeginRun": func(s *scene) func() error {
		r := aRun("first")
		return func() error { return failed(s.Store.BeginRun(s.Context(), r)) }
	},
	"FinishRun": func(s *scene) func() error {
		r := s.begin(aRun("first"))
		r.Outcome = curfew.RunSucceeded
		return func() error { return failed(s.Store.FinishRun(s.Context(), r)) }
	},
	"SavePreview": func(s *scene) func() error {
		p := curfew.Preview{ID: newID(), Actor: shop}
		return func() error { return failed(s.Store.SavePreview(s.Context(), p)) }
	},
	"ClaimOnce": func(s *scene) func() error {
		return func() error { return s.Store.ClaimOnce(s.Context(), "name", time.Hour) }
	},
	"Tell": func(s *scene) func() error {
		s.admit("bob")
		s.accepted("ada", "max")
		events, deliveries := s.untold()
		return func() error { return failed(s.outbox().Publish(s.Context(), events, deliveries)) }
	},
	"Claim of deliveries": func(s *scene) func() error {
		s.tellAll()
		return func() error {
			_, _, err := s.outbox().Claim(s.Context(), "ada", 2, time.Minute)
			return err
		}
	},
	"Settle": func(s *scene) func() error {
		s.tellAll()
		claimed, _, err := s.outbox().Claim(s.Context(), "ada", 2, time.Minute)
		s.must(err)
		var attempts []curfew.Attempt
		for _, d := range claimed {
			attempts = append(attempts, curfew.Attempt{Delivery: d, Verdict: curfew.Verdict{State: curfew.DeliveryDead, Error: "no"}, Failures: 1})
		}
		return func() error { return failed(s.outbox().Settle(s.Context(), attempts)) }
	},
}

func failed[T any](_ T, err error) error { return err }

func (s *scene) changing(c curfew.Change) func() error {
	return func() error { return failed(s.Store.Change(s.Context(), c)) }
}

func (s *scene) outbox() outbox {
	return s.Store.(outbox) //nolint:errcheck,forcetypeassert // both are
}

// untold is what nobody was told of yet, with a delivery of each.
func (s *scene) untold() (events []curfew.Event, deliveries []curfew.Delivery) {
	s.Helper()
	events, err := s.outbox().Unpublished(s.Context(), 9)
	s.must(err)
	for _, e := range events {
		deliveries = append(deliveries, curfew.Delivery{
			ID: newID(), CustomerID: e.CustomerID, EventID: e.ID, Subject: e.Subject, Number: e.Number,
			Channel: curfew.MailChannel, Queue: e.CustomerID, Destination: e.CustomerID + "@example.org", Kind: "k", Body: "b",
		})
	}
	return events, deliveries
}

func (s *scene) tellAll() {
	s.Helper()
	s.accepted("ada", "max")
	events, deliveries := s.untold()
	s.must(failed(s.outbox().Publish(s.Context(), events, deliveries)))
}
