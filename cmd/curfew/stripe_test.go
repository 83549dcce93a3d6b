package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
	"github.com/curfewhq/curfew/lifecycle"
)

var paymentsFlag = flag.Int("payments", 0, "payments that Stripe tells in the test of the whole way; by default 2000, or 60 with -short")

// payments is how many payments Stripe tells in the test of the whole way.
func payments() int { return effort.Of(*paymentsFlag, 60, 2000) }

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
	url := stores.PostgresMigrated(t)
	migrated(t, url)
	newOracle(t, url).everyPaymentHasOneOutcome()
}

// everyPaymentHasOneOutcome sells at a Stripe with a ledger of its own, tells
// everything several times, at once, in no order, late or never, gives much of
// it back through an API that fails in every way, kills the service in the
// middle of all that, and compares the books with the ledger.
func (o *oracle) everyPaymentHasOneOutcome() {
	o.Helper()
	for _, part := range []struct {
		name string
		do   func()
	}{
		{"messages", o.deliverPayments},
		{"a look at them", o.checkDelivered},
		{"refunds", o.refund},
		{"the end", o.settle},
		{"the ledger", o.checkLedger},
		{"invariants", o.checkWorst},
	} {
		o.timed(part.name, part.do)
	}
}

// timed logs how long a part of a run takes, and how much of that the processor worked here and
// in the services that have ended: a long run must not take longer for each payment.
func (o *oracle) timed(what string, do func()) {
	o.Helper()
	begun, here, there := time.Now(), worked(o, syscall.RUSAGE_SELF), worked(o, syscall.RUSAGE_CHILDREN)
	do()
	o.Logf("%s took %s, worked %s here and %s there", what, time.Since(begun).Round(100*time.Millisecond),
		worked(o, syscall.RUSAGE_SELF)-here, worked(o, syscall.RUSAGE_CHILDREN)-there)
}

// worked is how long the processor has worked.
func worked(o *oracle, who int) time.Duration {
	o.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		o.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Round(10 * time.Millisecond)
}

// deliverPayments kills the service in the middle of its messages. There is no API key:
// nothing but the messages, and the shop, brings a payment in.
func (o *oracle) deliverPayments() {
	o.Helper()
	o.start()
	for range killings {
		o.sell(payments() / (killings + 1))
		o.report(.05)
		o.accept(.1)
		o.proceed(.6)
		waiting := len(o.fake.Events())
		name := o.naming(.3) // of what was reported before
		var shop sync.WaitGroup
		shop.Go(func() { o.report(.1) })
		name()
		got := o.deliver(.3, waiting/8+o.dice.IntN(waiting/4))
		shop.Wait()
		if got.Accepted == 0 || got.Refused == 0 || got.Late == 0 {
			o.Fatalf("too gentle to prove anything: %+v", got)
		}
		o.restart()
	}
	o.finish(func(s *sale) bool { return s.held })
	o.deliverAll()
	o.report(.05)
	o.Logf("Stripe's messages got %s", &o.took)
}

// checkDelivered looks for every payment that was acknowledged before anything else
// could have brought it in.
func (o *oracle) checkDelivered() {
	o.Helper()
	have, _ := o.books()
	all, untold, missing := o.truths(), map[string]int{}, 0
	for _, e := range stripetest.Lost(o.fake) {
		if strings.HasPrefix(string(e.Type), "checkout.session.") {
			untold[e.Ref]++
		}
	}
	for _, s := range o.sales {
		c, ok := have[number(s.ref)]
		told := s.reported || untold[s.ref] < s.orders
		switch {
		case !told:
			missing++
			if ok {
				o.Errorf("payment %s is %s, and nobody has told it", s.ref, c.Outcome)
			}
		case !ok && all[number(s.ref)].money() != "never came":
			o.Errorf("payment %s is nowhere", s.ref)
		case s.plain && ((s.Plan == "gold") != (c.Outcome == curfew.Ignored) || (s.CustomerID == "" && s.Plan != "gold") != (c.Outcome == curfew.Held)):
			o.Errorf("payment %s of %q for %s is %s", s.ref, s.CustomerID, s.Plan, c.Outcome)
		}
	}
	if missing == 0 || o.never == 0 {
		o.Errorf("%d payments are missing, and %d messages were never sent", missing, o.never)
	}
}

// refund kills the service in the middle of its refunds and captures, while Stripe tells the
// last payments and everything that becomes of them.
func (o *oracle) refund() {
	o.Helper()
	o.env, o.asks = append(o.env, "CURFEW_STRIPE_API_KEY="+o.fake.APIKey), true
	o.sell(payments() - len(o.sales))
	o.restart()
	o.clear()
	o.operate()
	o.serve(.15)
	for n := range killings {
		o.kill()
		o.hourLater()
		o.fake.SetFaults(stripetest.Faults{Busy: .05, Down: .05, Failed: .06, FailedAfter: .06, Cut: .05})
		o.fake.SetRefunds(stripe.RefundStatusSucceeded, "")
		if n == killings/2 {
			o.fake.SetFaults(stripetest.Faults{Hang: 1}) // killed while it waits for an answer
			o.fake.SetRefunds(stripe.RefundStatusPending, "processing")
		}
		due := o.countCheckouts("'refund_due', 'refunding'")
		o.start()
		var working sync.WaitGroup
		working.Go(func() { o.deliver(.3, 0) })
		working.Go(func() {
			o.accept(.1)
			o.report(.05)
			o.proceed(.5)
		})
		o.killInRefunds(due)
		working.Wait()
	}
}

// settle lets a day pass and everything come to its end.
func (o *oracle) settle() {
	o.Helper()
	o.fake.SetFaults(stripetest.Faults{Busy: .03, Down: .03, Cut: .03})
	o.fake.SetRefunds(stripe.RefundStatusSucceeded, "")
	o.endRefunds()
	o.finish(func(*sale) bool { return true })
	o.fake.ForgetKeys()
	o.dayLater()
	o.start()
	o.timed("the last messages", o.deliverAll)
	o.naming(1)()
	o.timed("a comparison", func() { _ = o.reconcile() }) // what was never told is a difference
	o.timed("operators", o.operate)
	o.fake.SetFaults(stripetest.Faults{})
	o.timed("settling", o.awaitSettled)
	o.deliverAll()
	o.timed("the last comparison", func() {
		if differ := o.reconcile(); differ != nil {
			o.Errorf("the books differ in the end: %v", differ)
		}
	})
}

// operate repairs half of what is held, and gives the rest back.
func (o *oracle) operate() {
	o.Helper()
	o.withDatabase(func(db database) error {
		policy := curfew.DefaultPolicy()
		policy.WaitingTTL, policy.MaxWait, policy.Plans = 24*time.Hour, 24*time.Hour, o.plans()
		keeper, err := lifecycle.New(db, lifecycle.Options{Policy: &policy})
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
				c.CustomerID = "found-" + number(c.Ref)
			}
			var failed error
			if i%2 == 0 {
				_, failed = keeper.Checkouts.RefundCheckout(o.Context(), operator(), c.ID, "not sold here")
			} else {
				_, failed = keeper.Checkouts.AssignHeld(o.Context(), operator(), c.ID, c.CustomerID, "chat10", "by phone")
			}
			if !errors.Is(failed, curfew.Conflict) { // the provider spoke of it since it was listed
				err = errors.Join(err, failed)
			}
		}
		return err
	})
}

// reconcile runs the command until Stripe has answered everything, and returns the differences
// that it told.
func (o *oracle) reconcile() (err error) {
	o.Helper()
	var out []byte
	for range 5 {
		cmd := exec.CommandContext(o.Context(), "curfew", "reconcile")
		cmd.Dir, cmd.Env = o.dir, append(withoutSettings(os.Environ()), o.env...)
		out, err = cmd.CombinedOutput()
		switch {
		case err == nil:
			return nil
		case bytes.Contains(out, []byte("DIFFERENCE")):
			return fmt.Errorf("%w: %s", err, out)
		}
	}
	o.Fatalf("reconcile: %v: %s", err, out)
	return nil
}
