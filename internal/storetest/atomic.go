package storetest

import (
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/record"
)

// atomics tests that a method writes everything or nothing. The database fails at the first row,
// then at the second, and so on until the method succeeds.
var atomics = func() contract {
	all := contract{}
	for method, arrange := range writing {
		all[method+" writes all or nothing"] = func(f *fixture) { f.allOrNothing(arrange(f)) }
	}
	return all
}()

// most is more rows than any method writes here.
const most = 200

func (f *fixture) allOrNothing(write func() error) {
	f.Helper()
	before := f.whole()
	var err error
	for n := 0; n < most; n += effort.Of(0, 3, 1) { // the short form leaves rows out
		f.FailAt(f.T, n)
		err = write()
		f.FailAt(f.T, -1)
		if err == nil {
			if n == 0 {
				f.Fatal("it writes nothing")
			}
			return
		}
		if diff := cmp.Diff(before, f.whole()); diff != "" {
			f.Fatalf("it failed at row %d, but something stayed (-before +after):\n%s", n, diff)
		}
	}
	f.Fatalf("it did not get through %d rows: %v", most, err)
}

// whole dumps every row of every table.
func (f *fixture) whole() []string {
	f.Helper()
	all := f.dump()
	for _, table := range []string{"tallies", "deliveries", "webhook_endpoints", "unsubscriptions"} {
		for _, row := range f.rows("SELECT * FROM {" + table + "}") {
			all = append(all, table+": "+row)
		}
	}
	slices.Sort(all)
	return all
}

// writing lists the methods that write, each with a function that prepares it.
var writing = map[string]func(f *fixture) func() error{
	"Admit": func(f *fixture) func() error {
		a := admission("ada")
		return func() error { return failed(f.Store.Admit(f.Context(), a)) }
	},
	"Admit by key": func(f *fixture) func() error {
		a := keyed("ada", "key")
		return func() error { return failed(f.Store.Admit(f.Context(), a)) }
	},
	"Admit by a credit": func(f *fixture) func() error {
		a := spending(f.credited("ada"))
		return func() error { return failed(f.Store.Admit(f.Context(), a)) }
	},
	"Admit of a deferred payment": func(f *fixture) func() error {
		a := spending(f.deferred("ada", time.Hour))
		return func() error { return failed(f.Store.Admit(f.Context(), a)) }
	},
	"Defer": func(f *fixture) func() error {
		c := admission("ada").Checkout
		return func() error { return failed(f.Store.Defer(f.Context(), c, shop, time.Hour)) }
	},
	"Extend": func(f *fixture) func() error {
		x := extending(f.live("ada", "max"))
		return func() error { return failed(f.Store.Extend(f.Context(), x)) }
	},
	"Record": func(f *fixture) func() error {
		c := unrecorded("ada", curfew.RefundDue)
		return func() error { return failed(f.Store.Record(f.Context(), c, shop, "recorded")) }
	},
	"Admit of a payment that was told of": func(f *fixture) func() error {
		a := admissionOf("ada", f.reports(reported(nil, "cs-1", "pi-1")))
		return func() error { return failed(f.Store.Admit(f.Context(), a)) }
	},
	"Report": func(f *fixture) func() error {
		facts, _ := everyFact()
		t := reported(facts, "cs-1", "pi-1")
		return func() error { return failed(f.Store.Report(f.Context(), t)) }
	},
	"Report of two payments that are one": func(f *fixture) func() error {
		first, second := f.paidBy(f.admit("ada")), f.record("bob", curfew.Held)
		facts, _ := everyFact()
		f.reports(reported(facts, second.Ref))
		t := reported(nil, first.Ref, second.Ref, "pi-1")
		return func() error { return failed(f.Store.Report(f.Context(), t)) }
	},
	"KeepMessage": func(f *fixture) func() error {
		m := record.ProviderMessage{Provider: "stripe", ID: "evt-1", Reason: "odd"}
		return func() error { return f.Store.KeepMessage(f.Context(), m) }
	},
	"KeepDifferences": func(f *fixture) func() error {
		all := []record.Difference{{CheckoutID: newID(), Kind: "one", Detail: "x"}, {CheckoutID: newID(), Kind: "other", Detail: "x"}}
		return func() error { return f.Store.KeepDifferences(f.Context(), all) }
	},
	"CountRefused": func(f *fixture) func() error {
		return func() error { return f.Store.CountRefused(f.Context(), "stripe", "no signature", 3) }
	},
	"Refuse": func(f *fixture) func() error {
		st := f.admit("ada")
		return func() error { return f.Store.Refuse(f.Context(), "ada", st.ID) }
	},
	"Change to accepted": func(f *fixture) func() error { return f.changing(accepting(f.admit("ada"), "max")) },
	"Change to accepted, the money due": func(f *fixture) func() error {
		return f.changing(acceptingDue(f.reserved("ada"), "max"))
	},
	"Change to cancelled, the money released": func(f *fixture) func() error {
		return f.changing(endChange(f.reserved("ada"), curfew.Cancelled, curfew.ByRequest))
	},
	"Change to released": func(f *fixture) func() error { return f.changing(releasing(f.accepted("ada", "max"))) },
	"Change to live":     func(f *fixture) func() error { return f.changing(starting(f.accepted("ada", "max"))) },
	"Change to completed": func(f *fixture) func() error {
		return f.changing(endChange(f.live("ada", "max"), curfew.Completed, curfew.ByRequest))
	},
	"Change to cancelled": func(f *fixture) func() error {
		return f.changing(endChange(f.accepted("ada", "max"), curfew.Cancelled, curfew.ByRequest))
	},
	"ChangeCheckout": func(f *fixture) func() error {
		c := record.CheckoutChange{From: f.credited("ada"), To: curfew.RefundDue, Actor: shop}
		return func() error { return failed(f.Store.ChangeCheckout(f.Context(), c)) }
	},
	"Annotate": func(f *fixture) func() error {
		r := record.Annotation{From: f.credited("ada"), Reason: "disputed", Actor: shop, Disputed: record.Yes}
		return func() error { return failed(f.Store.Annotate(f.Context(), r)) }
	},
	"Annotate of a capture": func(f *fixture) func() error {
		r := record.Annotation{From: f.paidBy(f.captured("ada", "due")), Capture: "capturing", Reason: "asked", Actor: shop, Wait: time.Hour}
		return func() error { return failed(f.Store.Annotate(f.Context(), r)) }
	},
	"Reassign": func(f *fixture) func() error {
		r := record.Reassignment{From: f.record(curfew.Nobody, curfew.Held), CustomerID: "ada", Plan: "video15", Retry: time.Hour, Actor: shop}
		return func() error { return failed(f.Store.Reassign(f.Context(), r)) }
	},
	"End": func(f *fixture) func() error {
		b := batch(curfew.Credited, f.aged(f.admit("ada"), time.Hour), f.aged(f.admit("bob"), time.Hour))
		return func() error { return failed(f.Store.End(f.Context(), b)) }
	},
	"End of assigned ones": func(f *fixture) func() error {
		b := batch(curfew.Credited, f.aged(f.accepted("ada", "max"), time.Hour), f.aged(f.accepted("bob", "moe"), time.Hour))
		return func() error { return failed(f.Store.End(f.Context(), b)) }
	},
	"BeginRun": func(f *fixture) func() error {
		r := aRun("first")
		return func() error { return failed(f.Store.BeginRun(f.Context(), r)) }
	},
	"FinishRun": func(f *fixture) func() error {
		r := f.begin(aRun("first"))
		r.Outcome = curfew.RunSucceeded
		return func() error { return failed(f.Store.FinishRun(f.Context(), r)) }
	},
	"SavePreview": func(f *fixture) func() error {
		p := curfew.Preview{ID: newID(), Actor: shop}
		return func() error { return failed(f.Store.SavePreview(f.Context(), p)) }
	},
	"PlanErasure": func(f *fixture) func() error {
		e := record.Erasure{ID: newID(), CustomerID: "ada", Held: map[string]int64{}, Actor: mara}
		return func() error { return failed(f.erasures().PlanErasure(f.Context(), e)) }
	},
	"Erase": func(f *fixture) func() error {
		f.earlier("ada")
		e := f.planned("ada", record.Pseudonym(newID()))
		return func() error { return failed(f.erasures().Erase(f.Context(), e)) }
	},
	"ClaimOnce": func(f *fixture) func() error {
		return func() error { return f.Store.ClaimOnce(f.Context(), "name", time.Hour) }
	},
	"AddAPIKey": func(f *fixture) func() error {
		k := unwrittenAPIKey()
		return func() error { return failed(f.apiKeys().AddAPIKey(f.Context(), k)) }
	},
	"RotateAPIKey": func(f *fixture) func() error {
		k := f.apiKey()
		return func() error { return failed(f.apiKeys().RotateAPIKey(f.Context(), k, hashOf("b"), time.Hour)) }
	},
	"Revoke": func(f *fixture) func() error {
		store := f.Store.(revocationStore) //nolint:errcheck,forcetypeassert // both are
		v := record.Revocation{Noun: record.RevokedToken, Name: "token-1", Actor: shop}
		return func() error { return store.Revoke(f.Context(), v, keepRevocations) }
	},
	"AddSignIn": func(f *fixture) func() error {
		f.signIn("old")
		f.ageSignIn("old", "created_at", 61*time.Minute)
		in := record.SignIn{ID: "new", Actor: mara}
		return func() error { return f.signIns().AddSignIn(f.Context(), in, time.Hour) }
	},
	"Tell": func(f *fixture) func() error {
		f.admit("bob")
		f.accepted("ada", "max")
		events, deliveries := f.unpublished()
		return func() error { return failed(f.outbox().Publish(f.Context(), events, deliveries)) }
	},
	"Claim of deliveries": func(f *fixture) func() error {
		f.publishAll()
		return func() error {
			_, _, err := f.outbox().Claim(f.Context(), "ada", 2, time.Minute)
			return err
		}
	},
	"Settle": func(f *fixture) func() error {
		f.publishAll()
		claimed, _, err := f.outbox().Claim(f.Context(), "ada", 2, time.Minute)
		f.must(err)
		var attempts []record.Attempt
		for _, d := range claimed {
			attempts = append(attempts, record.Attempt{Delivery: d, Verdict: record.Verdict{State: record.DeliveryDead, Error: "no"}, Failures: 1})
		}
		return func() error { return failed(f.outbox().Settle(f.Context(), attempts)) }
	},
}

func failed[T any](_ T, err error) error { return err }

func (f *fixture) changing(c record.Change) func() error {
	return func() error { return failed(f.Store.Change(f.Context(), c)) }
}

func (f *fixture) outbox() outbox {
	return f.Store.(outbox) //nolint:errcheck,forcetypeassert // both are
}

// unpublished returns the unpublished events, with a delivery for each.
func (f *fixture) unpublished() (events []curfew.Event, deliveries []record.Delivery) {
	f.Helper()
	events, err := f.outbox().Unpublished(f.Context(), 9)
	f.must(err)
	for _, e := range events {
		deliveries = append(deliveries, record.Delivery{
			ID: newID(), CustomerID: e.CustomerID, EventID: e.ID, Subject: e.Subject, Number: e.Number,
			Channel: record.MailChannel, Queue: e.CustomerID, Destination: e.CustomerID + "@example.org", Kind: "k", Body: "b",
		})
	}
	return events, deliveries
}

func (f *fixture) publishAll() {
	f.Helper()
	f.accepted("ada", "max")
	events, deliveries := f.unpublished()
	f.must(failed(f.outbox().Publish(f.Context(), events, deliveries)))
}
