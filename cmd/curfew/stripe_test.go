package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/postgres/pgtest"
	"github.com/curfewhq/curfew/stripe/stripetest"
)

var payments = flag.Int("payments", 150, "payments that Stripe tells in the test of the whole way")

const webhookSecret = "whsec_of_the_test"

func TestEveryPaymentAtStripeHasOneOutcomeOnSQLite(t *testing.T) {
	t.Parallel()
	everyPaymentHasOneOutcome(t, "sqlite:curfew.db")
}

func TestEveryPaymentAtStripeHasOneOutcomeOnPostgreSQL(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	url := pgtest.Database(t)
	migrated(t, url)
	everyPaymentHasOneOutcome(t, url)
}

// everyPaymentHasOneOutcome sells at a Stripe with a ledger of its own, tells
// everything several times, in no order, late or never, kills the service while
// some of it waits, compares the books, gives every session back, and asks the
// ledger.
func everyPaymentHasOneOutcome(t *testing.T, url string) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d, %d payments", seed, *payments)
	fake := stripetest.New(t, stripetest.Options{Seed: seed})
	sell(fake, rand.New(rand.NewPCG(seed, 0)), *payments)

	dir := t.TempDir()
	env := []string{
		"CURFEW_DATABASE_URL=" + url, "CURFEW_STRIPE_WEBHOOK_SECRET=" + webhookSecret,
		"CURFEW_STRIPE_API_KEY=" + fake.APIKey, "CURFEW_STRIPE_API_BASE=" + fake.URL, "CURFEW_SETTLE=cleared=refund",
	}
	p := serving(t, dir, env, "--auth-key-file=curfew.key")
	told := stripetest.Delivery{
		URL: p.url + "/api/stripe/webhook", Secret: webhookSecret, Copies: 5, Workers: 8, Shuffle: true, Late: 0.3, Never: 0.1,
	}
	got := fake.Deliver(t.Context(), told)
	if got.Accepted == 0 || got.Late == 0 || got.Never == 0 {
		t.Fatalf("too gentle to prove anything: %+v", got)
	}
	p.kill()
	if got := fake.Deliver(t.Context(), told); got.Accepted != 0 {
		t.Fatalf("a dead service accepted %+v", got)
	}
	p = serving(t, dir, env, "--auth-key-file=curfew.key")
	told.URL, told.Late, told.Never = p.url+"/api/stripe/webhook", 0, 0
	if got := fake.Deliver(t.Context(), told); got.Refused != 0 {
		t.Fatalf("refused: %+v", got)
	}
	reconcile(t, dir, env)
	checkLedger(t, url, dir, fake)

	client := p.client(t, dir, "admin", "me")
	for _, paid := range fake.Paid() {
		if paid.CustomerID != "" {
			if _, err := client.Clear(t.Context(), paid.CustomerID, api.Clearing{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	checkLedger(t, url, dir, fake)
	awaitRefunds(t, url, dir)
	checkRefunds(t, url, dir, fake)
}

// sell lets customers pay: some twice, some whom nobody knows, some for what is
// not sold here.
func sell(fake *stripetest.Fake, dice *rand.Rand, n int) {
	for i := range n {
		c := stripetest.Checkout{
			CustomerID: fmt.Sprintf("c-%d", dice.IntN(n*3/4)), Plan: []string{"chat10", "video15"}[dice.IntN(2)],
			Amount: int64(1 + dice.IntN(9999)), Currency: []string{"eur", "usd", "jpy"}[dice.IntN(3)],
		}
		switch {
		case i%17 == 0:
			c.CustomerID = ""
		case i%19 == 0:
			c.Plan = "gold"
		}
		fake.Pay(c)
	}
}

func reconcile(t *testing.T, dir string, env []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "curfew", "reconcile")
	cmd.Dir, cmd.Env = dir, append(withoutSettings(os.Environ()), env...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("reconcile: %v\n%s", err, out)
	}
}

// books is every checkout by its reference.
func books(t *testing.T, url, dir string) map[string]curfew.Checkout {
	t.Helper()
	if url == "sqlite:curfew.db" {
		url = "sqlite:" + dir + "/curfew.db"
	}
	var line commandLine
	line.DatabaseURL = databaseURL(url)
	db, err := line.connect(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // only read
	all, err := db.ListCheckouts(t.Context(), curfew.CheckoutSearch{Limit: 10 * *payments})
	if err != nil {
		t.Fatal(err)
	}
	byRef := map[string]curfew.Checkout{}
	for _, c := range all {
		if _, twice := byRef[c.Ref]; twice {
			t.Errorf("payment %s has two checkouts", c.Ref)
		}
		byRef[c.Ref] = c
	}
	return byRef
}

// checkLedger compares the books with what was truly paid: each payment once, to
// the cent, and nothing that nobody paid.
func checkLedger(t *testing.T, url, dir string, fake *stripetest.Fake) {
	t.Helper()
	have := books(t, url, dir)
	for _, paid := range fake.Paid() {
		c, ok := have[paid.Ref]
		delete(have, paid.Ref)
		switch {
		case !ok:
			t.Errorf("payment %s is nowhere", paid.Ref)
		case c.Amount != paid.Amount || c.Currency != paid.Currency:
			t.Errorf("payment %s is %d %s, paid were %d %s", paid.Ref, c.Amount, c.Currency, paid.Amount, paid.Currency)
		case (paid.CustomerID == "" || paid.Plan == "gold") != (c.Outcome == curfew.Held):
			t.Errorf("payment %s of %q for %s is %s", paid.Ref, paid.CustomerID, paid.Plan, c.Outcome)
		}
	}
	for ref := range have {
		t.Errorf("nobody paid %s", ref)
	}
}

// awaitRefunds waits until the worker has nothing left that is due.
func awaitRefunds(t *testing.T, url, dir string) {
	t.Helper()
	for deadline := time.Now().Add(readyIn); ; {
		open := 0
		for _, c := range books(t, url, dir) {
			if c.Outcome == curfew.RefundDue || c.Outcome == curfew.Refunding {
				open++
			}
		}
		if open == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d refunds are still open", open)
		}
		<-time.After(200 * time.Millisecond)
	}
}

// checkRefunds asks the ledger: nothing was given back twice, and what the books
// call refunded was, to the cent in each currency.
func checkRefunds(t *testing.T, url, dir string, fake *stripetest.Fake) {
	t.Helper()
	for _, wrong := range fake.Wrongs() {
		t.Error(wrong)
	}
	want, got, n := map[string]int64{}, map[string]int64{}, 0
	for _, c := range books(t, url, dir) {
		if c.Outcome == curfew.Refunded {
			want[c.Currency] += c.Due()
			n++
		}
	}
	for _, r := range fake.Refunds() {
		got[r.Currency] += r.Amount
	}
	if n == 0 || fmt.Sprint(want) != fmt.Sprint(got) {
		t.Errorf("%d refunds, the books say %v, the ledger %v", n, want, got)
	}
}
