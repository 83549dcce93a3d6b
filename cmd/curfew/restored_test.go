package main

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/backup"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// A backup is taken, more is paid and given back, and the backup's state comes
// back, so late that Stripe has forgotten every key: after `curfew reconcile`
// each payment has one outcome, and no money has gone back twice.
func TestARestoreLosesNoPaymentAndRepeatsNoRefund(t *testing.T) {
	t.Parallel()
	for name, fresh := range map[string]func(*testing.T) string{
		"sqlite": func(t *testing.T) string { t.Helper(); return "sqlite:" + filepath.Join(t.TempDir(), "curfew.db") },
		"postgres": func(t *testing.T) string {
			t.Helper()
			needPostgres(t)
			return stores.PostgresMigrated(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{})
			before := newBooks(t, fake, fresh(t))
			refs := map[string]string{}
			pay := func(who string) {
				refs[who] = fake.Pay(stripetest.Checkout{CustomerID: who, Plan: "chat10", Amount: 2900})
			}
			for _, who := range []string{"refunded", "cancelled", "goes on"} {
				pay(who)
			}
			booked := before.book(fake, refs, "booked")
			before.reconcile()

			dir := filepath.Join(t.TempDir(), "backup")
			got(backup.Write(t.Context(), dir, before.db, backup.Options{Version: "test"}))(t)

			pay("late")
			pay("late and refunded")
			before.reconcile()
			for _, who := range []string{"refunded", "late and refunded"} {
				got(before.keeper.Checkouts.RefundCheckout(t.Context(), support, refs[who], "goodwill"))(t)
			}
			got(before.keeper.Sessions.End(t.Context(), booked, curfew.Actor{Role: curfew.Customer, ID: "booked"}))(t) // late: half of it
			fine(t, before.keeper.Payments.SettleRefunds(t.Context()))
			gone := len(fake.Refunds())
			if gone != 3 {
				t.Fatalf("before the restore %d refunds were made", gone)
			}
			fake.ForgetKeys()

			after := newBooks(t, fake, fresh(t))
			b := got(backup.Open(dir))(t)
			t.Cleanup(func() { fine(t, b.Close()) })
			fine(t, b.Restore(t.Context(), after.db, nil))
			got(after.keeper.Sessions.End(t.Context(), booked, curfew.Actor{Role: curfew.Customer, ID: "booked"}))(t) // once more
			got(after.keeper.Checkouts.RefundCheckout(t.Context(), support, refs["refunded"], "goodwill"))(t)
			fine(t, after.keeper.Payments.SettleRefunds(t.Context())) // before anybody reconciles
			after.reconcile()
			fine(t, after.keeper.Payments.SettleRefunds(t.Context()))
			after.reconcile()

			if n := len(fake.Refunds()); n != gone {
				t.Errorf("the restore repeated %d refunds: %v", n-gone, fake.Refunds())
			}
			if wrongs := fake.Violations(); len(wrongs) > 0 {
				t.Errorf("the ledger says %v", wrongs)
			}
			for who, want := range map[string]curfew.Outcome{
				"refunded": curfew.Refunded, "cancelled": curfew.Fulfilled, "goes on": curfew.Fulfilled, "booked": curfew.Refunded,
				"late": curfew.Fulfilled, "late and refunded": curfew.Refunded,
			} {
				if c := got(after.keeper.Checkouts.Checkout(t.Context(), refs[who]))(t); c.Outcome != want || c.CustomerID != who {
					t.Errorf("the payment of %q is %s of %q, not %s", who, c.Outcome, c.CustomerID, want)
				}
			}
			if _, err := after.db.Open(t.Context(), "late and refunded"); !errors.Is(err, curfew.NotFound) {
				t.Errorf("what was given back brought a session: %v", err)
			}
			if r := after.keeper.Health.Report(t.Context()); len(r.Rows)+len(r.Tallies) > 0 {
				t.Errorf("health reports %v", r.Findings)
			}
		})
	}
}

var support = curfew.Actor{Role: curfew.Admin, ID: "anna"}

// books is a database that keeps the payments of a Stripe.
type books struct {
	*testing.T
	db     database
	keeper *lifecycle.Keeper
}

func newBooks(t *testing.T, fake *stripetest.Fake, url string) *books {
	t.Helper()
	s := settings{config.Settings{DatabaseURL: config.DatabaseURL(url)}}
	db := got(s.connect(t.Context(), true))(t)
	t.Cleanup(func() { fine(t, db.Close()) })
	got(db.Migrate(t.Context()))(t)
	provider := got(stripe.NewClient(stripe.ClientOptions{APIKey: fake.APIKey, BaseURL: fake.URL}))(t)
	return &books{t, db, got(lifecycle.New(db, lifecycle.Options{Provider: provider}))(t)}
}

// book is an appointment in three hours that the shop reports.
func (b *books) book(fake *stripetest.Fake, refs map[string]string, who string) (session string) {
	b.Helper()
	refs[who] = fake.Pay(stripetest.Checkout{CustomerID: who, Plan: "chat10", Amount: 2900})
	amount, start := int64(2900), time.Now().Add(3*time.Hour)
	f := got(b.keeper.Admission.FulfillCheckout(b.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"}, lifecycle.Purchase{
		PaymentRef: refs[who], CustomerID: who, Plan: "chat10", Amount: &amount, Currency: "eur", StartsAt: &start,
	}))(b.T)
	return f.SessionID
}

func (b *books) reconcile() {
	b.Helper()
	got(b.keeper.Payments.Reconcile(context.WithoutCancel(b.Context()), 48*time.Hour))(b.T)
}

// got is what there is, or the end of the test.
func got[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		fine(t, err)
		return v
	}
}

func fine(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
