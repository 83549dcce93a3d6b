package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/pgtest"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
	"github.com/curfewhq/curfew/lifecycle"
)

var paymentsFlag = flag.Int("payments", 0, "payments that Stripe tells in the test of the whole way; by default 2000, or 200 with -short")

// payments is how many payments Stripe tells in the test of the whole way.
func payments() int {
	switch {
	case *paymentsFlag > 0:
		return *paymentsFlag
	case testing.Short():
		return 200
	default:
		return 2000
	}
}

// killings is how often the service is killed while messages come, and again
// while money goes back.
const killings = 3

func TestEveryPaymentAtStripeHasOneOutcomeOnSQLite(t *testing.T) {
	t.Parallel()
	o := newOracle(t, "sqlite:curfew.db")
	o.everyPaymentHasOneOutcome()
	if got := integrity(t, filepath.Join(o.dir, "curfew.db")); got != "ok" {
		t.Errorf("integrity_check says %s", got)
	}
}

func TestEveryPaymentAtStripeHasOneOutcomeOnPostgreSQL(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	url := pgtest.Database(t)
	migrated(t, url)
	newOracle(t, url).everyPaymentHasOneOutcome()
}

// everyPaymentHasOneOutcome sells at a Stripe with a ledger of its own, tells
// everything several times, at once, in no order, late or never, gives much of
// it back through an API that fails in every way, kills the service in the
// middle of all that, and compares the books with the ledger.
func (o *oracle) everyPaymentHasOneOutcome() {
	o.Helper()
	o.deliverPayments()
	o.checkDelivered()
	o.refund()
	o.settle()
	o.checkLedger()
	o.checkWorst()
}

// deliverPayments kills the service in the middle of its messages. There is no API key:
// nothing but the messages brings a payment in.
func (o *oracle) deliverPayments() {
	o.Helper()
	o.start()
	for range killings {
		o.sell(payments() / (killings + 1))
		waiting := len(o.fake.Events())
		if got := o.deliver(.3, waiting/8+o.dice.IntN(waiting/4)); got.Accepted == 0 || got.Refused == 0 || got.Late == 0 {
			o.Fatalf("too gentle to prove anything: %+v", got)
		}
		o.restart()
	}
	o.deliverAll()
	o.Logf("Stripe's messages got %s", &o.took)
}

// checkDelivered looks for every payment that was acknowledged before anything else
// could have brought it in.
func (o *oracle) checkDelivered() {
	o.Helper()
	have, missing := o.books(), 0
	for _, paid := range o.fake.Paid() {
		c, ok := have[paid.Ref]
		switch {
		case !ok:
			missing++
		case (paid.Plan == "gold") != (c.Outcome == curfew.Ignored), (paid.CustomerID == "" && paid.Plan != "gold") != (c.Outcome == curfew.Held):
			o.Errorf("payment %s of %q for %s is %s", paid.Ref, paid.CustomerID, paid.Plan, c.Outcome)
		}
	}
	if missing != o.never || o.never == 0 {
		o.Errorf("%d payments are missing, and %d were never told", missing, o.never)
	}
}

// refund kills the service in the middle of its refunds, while Stripe tells
// the last payments and every refund.
func (o *oracle) refund() {
	o.Helper()
	o.env = append(o.env, "CURFEW_STRIPE_API_KEY="+o.fake.APIKey)
	o.sell(payments() - len(o.fake.Paid()))
	o.refundByHand()
	o.restart()
	o.clear()
	o.operate()
	for n := range killings {
		o.kill()
		o.hourLater()
		o.fake.SetFaults(stripetest.Faults{Busy: .05, Down: .05, Failed: .06, FailedAfter: .06, Cut: .05})
		if n == killings/2 {
			o.fake.SetFaults(stripetest.Faults{Hang: 1}) // killed while it waits for an answer
		}
		due := o.countCheckouts("'refund_due', 'refunding'")
		o.start()
		var delivering sync.WaitGroup
		delivering.Go(func() { o.deliver(.3, 0) })
		o.killInRefunds(due)
		delivering.Wait()
	}
}

// settle lets a day pass and everything come to its end.
func (o *oracle) settle() {
	o.Helper()
	o.fake.SetFaults(stripetest.Faults{Busy: .03, Down: .03, Cut: .03})
	o.fake.ForgetKeys()
	o.dayLater()
	o.start()
	o.deliverAll()
	_ = o.reconcile() // what was never told is a difference
	o.operate()
	o.fake.SetFaults(stripetest.Faults{})
	o.awaitRefunds()
	o.deliverAll()
	if differ := o.reconcile(); differ != nil {
		o.Errorf("the books differ in the end: %v", differ)
	}
}

// sell lets customers pay: some twice, some whom nobody knows, some for what is
// not sold here.
func (o *oracle) sell(n int) {
	for i := range n {
		c := stripetest.Checkout{
			CustomerID: fmt.Sprintf("c-%d", o.dice.IntN(payments()*3/2)), Plan: []string{"chat10", "video15"}[o.dice.IntN(2)],
			Amount: int64(1 + o.dice.IntN(9999)), Currency: []string{"eur", "usd", "jpy"}[o.dice.IntN(3)],
		}
		switch {
		case i%17 == 0:
			c.CustomerID = ""
		case i%19 == 0:
			c.Plan = "gold"
		}
		o.fake.Pay(c)
	}
}

// refundByHand is somebody in Stripe's dashboard.
func (o *oracle) refundByHand() {
	for i, paid := range o.fake.Paid() {
		if i%29 == 0 {
			o.fake.RefundByHand(paid.Ref, paid.Amount)
		}
	}
}

// clear ends the sessions of every fifth customer, whose money goes back.
func (o *oracle) clear() {
	o.Helper()
	client, customers := o.p.client(o.T, o.dir, "admin", "me"), make(chan string)
	var working sync.WaitGroup
	for range callers {
		working.Go(func() {
			for customer := range customers {
				_, err := client.Clear(o.Context(), customer, api.Clearing{})
				if said, ok := errors.AsType[*api.Problem](err); ok && said.Status == http.StatusServiceUnavailable {
					continue // too busy: whoever is not cleared keeps the session
				}
				if err != nil {
					o.Errorf("clear %s: %v", customer, err)
				}
			}
		})
	}
	for n := 0; n < payments()*3/2; n += 5 {
		customers <- fmt.Sprintf("c-%d", n)
	}
	close(customers)
	working.Wait()
}

// operate repairs half of what is held, and gives the rest back.
func (o *oracle) operate() {
	o.Helper()
	o.withDatabase(func(db database) error {
		keeper, err := lifecycle.New(db, lifecycle.Options{})
		if err != nil {
			return err
		}
		held, err := keeper.Checkouts.ListCheckouts(o.Context(), curfew.CheckoutSearch{Outcome: curfew.Held, Limit: payments()})
		foreign, err2 := keeper.Checkouts.ListCheckouts(o.Context(), curfew.CheckoutSearch{Outcome: curfew.Ignored, Limit: payments()})
		for _, c := range foreign {
			_, failed := keeper.Checkouts.RestoreCheckout(o.Context(), operator(), c.ID, "sold here after all")
			err2 = errors.Join(err2, failed)
		}
		held, err = append(held, foreign...), errors.Join(err, err2)
		for i, c := range held {
			if c.CustomerID == curfew.Nobody {
				c.CustomerID = "found-" + c.Ref
			}
			var failed error
			if i%2 == 0 {
				_, failed = keeper.Checkouts.RefundCheckout(o.Context(), operator(), c.ID, "not sold here")
			} else {
				_, failed = keeper.Checkouts.AssignHeld(o.Context(), operator(), c.ID, c.CustomerID, "chat10", "by phone")
			}
			err = errors.Join(err, failed)
		}
		return err
	})
}

// reconcile runs the command, and returns the differences that it told.
func (o *oracle) reconcile() error {
	o.Helper()
	cmd := exec.CommandContext(o.Context(), "curfew", "reconcile")
	cmd.Dir, cmd.Env = o.dir, append(withoutSettings(os.Environ()), o.env...)
	out, err := cmd.CombinedOutput()
	if err != nil && !bytes.Contains(out, []byte("DIFFERENCE")) {
		o.Fatalf("reconcile: %v: %s", err, out)
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
