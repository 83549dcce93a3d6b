package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// What a comparison found is told in sentences: what was done, and what is left to do.
func TestReconcileSaysWhatIsLeftToDo(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	missing := fake.Pay(stripetest.Checkout{CustomerID: "kim", Plan: "chat10", Amount: 2900})
	args := []string{
		"--database-url=sqlite:" + filepath.Join(t.TempDir(), "curfew.db"), "--stripe-api-key=" + fake.APIKey, "--stripe-api-base=" + fake.URL,
		"--log-level=error",
	}
	s, err := parse(t, args...)
	fine(t, err)
	db := got(s.connect(t.Context(), true))(t)
	got(db.Migrate(t.Context()))(t)
	amount := int64(2900)
	k := got(lifecycle.New(db, lifecycle.Options{}))(t)
	f := got(k.Admission.FulfillCheckout(t.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"}, lifecycle.Purchase{
		PaymentRef: "order-7", CustomerID: "ada", Plan: "chat10", Amount: &amount, Currency: "eur",
	}))(t)
	fine(t, db.Close())

	var out, jsonOut bytes.Buffer
	run := func(c *reconcileCommand, to *bytes.Buffer) error {
		c.Since = 24 * 3600 * 1e9
		return c.Run(context.WithoutCancel(t.Context()), s, terminal{out: to, err: to})
	}
	if err := run(&reconcileCommand{}, &out); !errors.Is(err, exitCode(exitFailed)) {
		t.Errorf("it ends with %v", err)
	}
	for _, want := range []string{
		"1 paid checkout since", "not_paid_there", "missing_here", "here 29.00 EUR, there nothing",
		missing + ": it was recorded, as if the provider's message had arrived, and is fulfilled now.",
		"order-7: TO DO: nothing yet: it is new",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
	_ = run(&reconcileCommand{JSON: true}, &jsonOut)
	var r lifecycle.Reconciliation
	if err := json.Unmarshal(jsonOut.Bytes(), &r); err != nil || r.Paid != 1 || len(r.Differences) != 1 || r.Differences[0].CheckoutID != f.CheckoutID {
		t.Errorf("as JSON it is %v\n%s", err, &jsonOut)
	}
	out.Reset()
	fine(t, run(&reconcileCommand{Kept: true}, &out))
	if out.String() != "No differences.\n" {
		t.Errorf("kept are\n%s", &out)
	}
}
