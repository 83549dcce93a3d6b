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
func (env *environment) refuse(table, when string) (allow func()) {
	env.Helper()
	if when != "" {
		when = " WHEN (" + when + ")"
	}
	drop := "DROP TRIGGER refused"
	if env.Schema == "" {
		env.Exec(env, "CREATE TRIGGER refused BEFORE INSERT ON "+table+when+" BEGIN SELECT RAISE(ABORT, 'forced'); END")
	} else {
		drop += " ON " + env.Schema + table
		env.Exec(env, "CREATE OR REPLACE FUNCTION "+env.Schema+"refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'forced'; END $$")
		env.Exec(env, "CREATE TRIGGER refused BEFORE INSERT ON "+env.Schema+table+" FOR EACH ROW"+when+" EXECUTE FUNCTION "+env.Schema+"refuse()")
	}
	return func() { env.Exec(env, drop) }
}

// everything is dump and who claims which payment.
func (env *environment) everything() string {
	env.Helper()
	claims := slices.DeleteFunc(env.Query(env, "SELECT ref, customer_id, checkout_id, plan FROM "+env.Schema+"payment_refs ORDER BY 1"), func(row []string) bool {
		return row[1] == curfew.Nobody // only told of: nobody has claimed it
	})
	return env.Dump(env) + fmt.Sprintln(claims)
}

// ways are how a payment of a customer comes to a session or its turn.
var ways = map[string]struct {
	before  func(env *environment, customer, ref string)
	attempt func(env *environment, customer, ref string) error
	want    curfew.Outcome
	without []string // tables that this way inserts nothing into
}{
	"a payment that the shop reports": {
		attempt: func(env *environment, customer, ref string) error {
			return second(env.FulfillCheckout(env.Context(), shop, env.purchase(customer, ref)))
		},
		want: curfew.Fulfilled,
	},
	"a payment that the provider tells": {
		attempt: func(env *environment, customer, ref string) error {
			return env.Receive(env.Context(), paid(reportedPayment(customer, ref)))
		},
		want: curfew.Fulfilled,
	},
	"a payment that is deferred": {
		before: func(env *environment, customer, ref string) { env.pay(customer, "blocks "+ref) },
		attempt: func(env *environment, customer, ref string) error {
			return env.Receive(env.Context(), paid(reportedPayment(customer, ref)))
		},
		want: curfew.Deferred, without: []string{"sessions", "session_requests", "events of sessions"},
	},
	"a credit that is spent": {
		before: func(env *environment, customer, ref string) {
			must(env.Cancel(env.Context(), env.pay(customer, ref).SessionID, shop))(env)
		},
		attempt: func(env *environment, customer, _ string) error {
			return second(env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: customer, Plan: "chat10"}))
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
	onEachStore(t, func(env *environment) {
		for way, c := range ways {
			for what, insert := range inserts {
				if slices.Contains(c.without, what) {
					continue
				}
				customer, ref := way+": "+what, "pays for "+way+": "+what
				if c.before != nil {
					c.before(env, customer, ref)
				}
				before := env.everything()
				allow := env.refuse(insert.table, insert.when)
				if err := c.attempt(env, customer, ref); err == nil {
					env.Errorf("%s says success", customer)
				}
				if env.everything() != before {
					env.Errorf("%s leaves something behind", customer)
				}
				allow()
				if err := c.attempt(env, customer, ref); err != nil {
					env.Errorf("%s, tried again: %v", customer, err)
				}
				env.outcome(ref, c.want)
			}
		}
	})
}
