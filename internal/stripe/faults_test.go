package stripe_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// Three workers each ask for every refund until somebody knows, through every
// fault there is, and again a day later: W9.
func TestClient_W9_NeverTwoRefundsForAKey(t *testing.T) {
	t.Parallel()
	const payments, tries = 40, 40
	fake := stripetest.New(t, stripetest.Options{Seed: seed.New(t), Faults: stripetest.Faults{
		Busy: .1, Down: .1, Failed: .1, FailedAfter: .1, Cut: .1, Hang: .03,
	}})
	for i := range payments {
		fake.Pay(stripetest.Checkout{CustomerID: fmt.Sprint("cus-", i), Plan: "chat10", Amount: int64(1000 + i)})
	}
	hasty := client(t, fake, func(o *stripe.ClientOptions) { o.Timeout = 300 * time.Millisecond })
	patient := client(t, fake)

	everybody := func(c *stripe.Client, workers int) (unknown int64) {
		var group sync.WaitGroup
		var left atomic.Int64
		for _, paid := range fake.Paid() {
			for range workers {
				group.Go(func() {
					if insist(t, c, order(paid), tries) != nil {
						left.Add(1)
					}
				})
			}
		}
		group.Wait()
		return left.Load()
	}

	t.Logf("on the first day %d of %d did not get to know", everybody(hasty, 3), payments*3)
	if wrong := fake.Violations(); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	// The next day the keys are forgotten; what stayed failed can be done now.
	fake.SetFaults(stripetest.Faults{Busy: .1, Down: .1, Cut: .1})
	fake.ForgetKeys()
	if unknown := everybody(patient, 1); unknown > 0 {
		t.Errorf("the next day %d of %d did not get to know", unknown, payments)
	}
	if wrong := fake.Violations(); len(wrong) > 0 {
		t.Error(wrong)
	}
	if n := len(fake.Refunds()); n != payments {
		t.Errorf("%d refunds of %d payments", n, payments)
	}
	for _, fault := range []stripetest.Fault{stripetest.Busy, stripetest.Down, stripetest.Failed, stripetest.FailedAfter, stripetest.Cut, stripetest.Hang} {
		if fake.InjectedFaults()[fault] == 0 {
			t.Errorf("%s never struck: nothing was tested", fault)
		}
	}
}

// insist repeats a call until it gets an answer, as a worker does, but without waiting.
func insist(t *testing.T, c *stripe.Client, o curfew.MoneyOrder, tries int) error {
	var last error
	for range tries {
		made, err := c.Refund(context.WithoutCancel(t.Context()), o)
		switch {
		case err == nil && (len(made) != 1 || made[0].Amount != o.Amount):
			t.Errorf("%s: made %+v, want one refund of the whole amount", o.Key, made)
			return nil
		case err == nil:
			return nil
		case !errors.Is(err, curfew.Unavailable):
			t.Errorf("%s: %v", o.Key, err)
			return err
		}
		last = err
	}
	return last
}

// Three workers each capture or release every hold, through every fault there is. Another key is used only after the
// payment was read.
func TestHolds_AreTakenOrReleasedOnceThroughEveryFault(t *testing.T) {
	t.Parallel()
	const holds, workers, tries = 40, 3, 120
	fake := stripetest.New(t, stripetest.Options{Seed: seed.New(t), Faults: stripetest.Faults{
		Busy: .05, Down: .05, Failed: .1, FailedAfter: .1, Cut: .1,
	}})
	for i := range holds {
		fake.Holds().Authorise(stripetest.Checkout{CustomerID: fmt.Sprint("cus-", i), Plan: "chat10", Amount: int64(1000 + i)})
	}
	c := client(t, fake, func(o *stripe.ClientOptions) { o.Timeout = 300 * time.Millisecond })
	var group sync.WaitGroup
	for i, hold := range fake.Holds().List() {
		ask, verb, end := c.Capture, "capture", "captured"
		if i%2 == 1 {
			ask, verb, end = c.Release, "release", "failed"
		}
		o := curfew.MoneyOrder{Key: verb + ":" + hold.Ref, PaymentID: hold.PaymentID, Amount: hold.Amount, Currency: hold.Currency}
		for range workers {
			group.Go(func() {
				if got := insistOnHold(t, ask, o, tries); got != end {
					t.Errorf("%s: in the end the money is %s", o.Key, got)
				}
			})
		}
	}
	group.Wait()
	if wrong, open := fake.Violations(), fake.Holds().Open(); len(wrong) > 0 || len(open) > 0 {
		t.Errorf("%v, still reserved: %+v", wrong, open)
	}
	for _, hold := range fake.Holds().List() {
		if hold.State == "captured" && hold.Captured != hold.Amount {
			t.Errorf("%+v", hold)
		}
	}
	if n := len(fake.Paid()); n != holds/2 {
		t.Errorf("%d of %d were captured", n, holds/2)
	}
	for _, fault := range []stripetest.Fault{stripetest.Busy, stripetest.Down, stripetest.Failed, stripetest.FailedAfter, stripetest.Cut} {
		if fake.InjectedFaults()[fault] == 0 {
			t.Errorf("%s never struck: nothing was tested", fault)
		}
	}
}

// insistOnHold asks until it knows what became of the money, as a worker does, without its waiting.
func insistOnHold(
	t *testing.T, ask func(context.Context, curfew.MoneyOrder) ([]curfew.Fact, error), o curfew.MoneyOrder, tries int,
) string {
	first := o.Key
	for generation := 1; tries > 0; tries-- {
		facts, err := ask(context.WithoutCancel(t.Context()), o)
		switch {
		case err == nil:
			return (curfew.Payment{Facts: facts}).Balance(0, "").State
		case errors.Is(err, curfew.Conflict):
			generation++
			o.Key = fmt.Sprintf("%s:%d", first, generation)
		case !errors.Is(err, curfew.Unavailable):
			return err.Error()
		}
	}
	return "unknown"
}
