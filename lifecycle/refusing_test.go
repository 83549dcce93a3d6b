package lifecycle_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// refuse lets the database refuse inserts into a table, as a full disk or
// another program's trigger would, until allow is called.
func (w *world) refuse(table, when string) (allow func()) {
	w.Helper()
	if when != "" {
		when = " WHEN (" + when + ")"
	}
	drop := "DROP TRIGGER refused"
	if w.Schema == "" {
		w.Exec(w, "CREATE TRIGGER refused BEFORE INSERT ON "+table+when+" BEGIN SELECT RAISE(ABORT, 'forced'); END")
	} else {
		drop += " ON " + w.Schema + table
		w.Exec(w, "CREATE OR REPLACE FUNCTION "+w.Schema+"refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'forced'; END $$")
		w.Exec(w, "CREATE TRIGGER refused BEFORE INSERT ON "+w.Schema+table+" FOR EACH ROW"+when+" EXECUTE FUNCTION "+w.Schema+"refuse()")
	}
	return func() { w.Exec(w, drop) }
}

// everything is dump and who claims which payment.
func (w *world) everything() string {
	w.Helper()
	return w.dump() + fmt.Sprintln(w.Query(w, "SELECT * FROM "+w.Schema+"payment_refs ORDER BY 1"))
}

// ways are how a payment of a customer comes to a session or its turn.
var ways = map[string]struct {
	before  func(w *world, customer, ref string)
	attempt func(w *world, customer, ref string) error
	want    curfew.Outcome
	without []string // tables that this way inserts nothing into
}{
	"a payment that the shop reports": {
		attempt: func(w *world, customer, ref string) error {
			return second(w.FulfillCheckout(w.Context(), shop, w.purchase(customer, ref)))
		},
		want: curfew.Fulfilled,
	},
	"a payment that the provider tells": {
		attempt: func(w *world, customer, ref string) error { return w.Receive(w.Context(), paid(told(customer, ref))) },
		want:    curfew.Fulfilled,
	},
	"a payment that is deferred": {
		before:  func(w *world, customer, ref string) { w.pay(customer, "blocks "+ref) },
		attempt: func(w *world, customer, ref string) error { return w.Receive(w.Context(), paid(told(customer, ref))) },
		want:    curfew.Deferred, without: []string{"sessions", "session_requests", "events of sessions"},
	},
	"a credit that is spent": {
		before: func(w *world, customer, ref string) {
			must(w.Cancel(w.Context(), w.pay(customer, ref).SessionID, shop))(w)
		},
		attempt: func(w *world, customer, _ string) error {
			return second(w.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: customer, Plan: "chat10"}))
		},
		want: curfew.Fulfilled, without: []string{"payment_refs", "checkouts"},
	},
}

func TestLesson06_AnInsertThatFailsInsideFulfilmentLeavesNothing(t *testing.T) {
	inserts := map[string]struct{ table, when string }{
		"payment_refs":        {"payment_refs", ""},
		"checkouts":           {"checkouts", ""},
		"sessions":            {"sessions", ""},
		"session_requests":    {"session_requests", ""},
		"events of sessions":  {"events", "NEW.subject = 'session'"},
		"events of checkouts": {"events", "NEW.subject = 'checkout'"},
	}
	worlds(t, func(w *world) {
		for way, c := range ways {
			for what, insert := range inserts {
				if slices.Contains(c.without, what) {
					continue
				}
				customer, ref := way+": "+what, "pays for "+way+": "+what
				if c.before != nil {
					c.before(w, customer, ref)
				}
				before := w.everything()
				allow := w.refuse(insert.table, insert.when)
				if err := c.attempt(w, customer, ref); err == nil {
					w.Errorf("%s says success", customer)
				}
				if w.everything() != before {
					w.Errorf("%s leaves something behind", customer)
				}
				allow()
				if err := c.attempt(w, customer, ref); err != nil {
					w.Errorf("%s, tried again: %v", customer, err)
				}
				w.outcome(ref, c.want)
			}
		}
	})
}
