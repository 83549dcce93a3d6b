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

// insist asks until it is told, as a worker does, without its waiting.
func insist(t *testing.T, c *stripe.Client, o curfew.MoneyOrder, tries int) error {
	var last error
	for range tries {
		made, err := c.Refund(context.WithoutCancel(t.Context()), o)
		switch {
		case err == nil && (len(made) != 1 || made[0].Amount != o.Amount):
			t.Errorf("%s: %+v is told", o.Key, made)
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
