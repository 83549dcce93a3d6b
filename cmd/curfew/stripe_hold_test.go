package main

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// till is a keeper whose customers reserve money at a Stripe, as its settings say.
type till struct {
	*testing.T
	storetest.Harness
	*lifecycle.Keeper
	fake     *stripetest.Fake
	settings *settings
	dice     *rand.Rand
	seen     map[string]bool // events
	ref      string
	session  curfew.Snapshot
}

const reservingPlans = `{"chat10":{"kind":"chat","duration":"30m","price":2900,"currency":"eur","capture":"at_acceptance"}}`

func newTill(t *testing.T, h storetest.Harness) *till {
	t.Helper()
	var calls atomic.Int64
	began := time.Now().Add(-time.Hour)
	// No two things happen in the same second.
	fake := stripetest.New(t, stripetest.Options{Now: func() time.Time { return began.Add(time.Duration(calls.Add(1)) * time.Second) }})
	s, err := parse(t, "--stripe-webhook-secret="+webhookSecret, "--stripe-api-key="+fake.APIKey, "--stripe-api-base="+fake.URL,
		"--stripe-accounts=acct_1", "--settle=cancelled=refund", "--plans="+reservingPlans)
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := s.keeper(h.Store, nil, lifecycle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &till{T: t, Harness: h, Keeper: keeper, fake: fake, settings: s, dice: seed.Dice(seed.New(t), "till"), seen: map[string]bool{}}
}

// tell tells what Stripe has to say, twice and in any order.
func (t *till) notify() {
	t.Helper()
	hooks, _, err := t.settings.payments()
	if err != nil {
		t.Fatal(err)
	}
	events := slices.DeleteFunc(t.fake.Events(), func(e *stripetest.Event) bool { return t.seen[e.ID] })
	events = append(events, events...)
	t.dice.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	for _, event := range events {
		t.seen[event.ID] = true
		body := event.Body()
		n, err := hooks.Stripe.Read(http.Header{"Stripe-Signature": {stripetest.Sign(webhookSecret, time.Now(), body)}}, body)
		if err == nil {
			err = t.Payments.Receive(t.Context(), n)
		}
		if err != nil {
			t.Fatalf("%s: %v", event.Type, err)
		}
	}
}

// reserve lets a customer reserve the money for a session.
func (t *till) reserve(account string) {
	t.Helper()
	t.ref = t.fake.Holds().Authorise(stripetest.Checkout{CustomerID: "kim", Plan: "chat10", Amount: 2900, Account: account})
	t.notify()
	t.session = t.look(t.checkout().SessionID)
	if c := t.checkout(); c.Outcome != curfew.Fulfilled || c.Capture != "authorised" || t.session.Status != curfew.Waiting {
		t.Fatalf("it is %s, its money %s, the session %s", c.Outcome, c.Capture, t.session.Status)
	}
}

func (t *till) checkout() curfew.Checkout {
	t.Helper()
	r, err := t.Store.Reference(t.Context(), t.ref)
	if err != nil {
		t.Fatal(err)
	}
	return r.Checkout
}

func (t *till) look(session string) curfew.Snapshot {
	t.Helper()
	s, err := t.Store.Session(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (t *till) accept() {
	t.Helper()
	if _, err := t.Queue.Accept(t.Context(), t.session.Request.ID, "m1"); err != nil {
		t.Log("accept:", err)
	}
}

func (t *till) cancel() {
	t.Helper()
	if _, err := t.Sessions.Cancel(t.Context(), t.session.ID, curfew.Actor{Role: curfew.Service, ID: "shop"}); err != nil {
		t.Error(err)
	}
}

// settle lets the worker ask until it has nothing more to ask for.
func (t *till) settle() {
	t.Helper()
	for range 3 {
		if err := errors.Join(t.ask(), t.Payments.SettleRefunds(t.Context())); err != nil {
			t.Fatal(err)
		}
		t.notify()
	}
}

// ask lets the worker ask for what it would ask for later.
func (t *till) ask() error {
	t.Helper()
	t.Exec(t, "UPDATE "+t.Schema+"checkouts SET next_at = NULL")
	return t.Payments.SettleCaptures(t.Context())
}

// Reserved money and a real client of Stripe: what is reserved is taken once if somebody helps, and otherwise released.
func TestReservedMoneyAtStripe(t *testing.T) {
	t.Parallel()
	type want struct {
		outcome  curfew.Outcome
		capture  string
		session  curfew.SessionStatus
		hold     string
		refunded int64
	}
	for sentence, row := range map[string]struct {
		account string
		course  func(t *till)
		want    want
	}{
		"a mechanic accepts": {"", (*till).accept, want{curfew.Fulfilled, "captured", curfew.Waiting, "captured", 0}},
		"a mechanic accepts, and a connected account is paid": {"acct_1", (*till).accept, want{curfew.Fulfilled, "captured", curfew.Waiting, "captured", 0}},
		"nobody accepts":                              {"", (*till).cancel, want{curfew.Void, "released", curfew.Cancelled, "released", 0}},
		"nobody accepts, in a connected account":      {"acct_1", (*till).cancel, want{curfew.Void, "released", curfew.Cancelled, "released", 0}},
		"it is accepted, and cancelled then":          {"", func(t *till) { t.accept(); t.cancel() }, want{curfew.Refunded, "captured", curfew.Cancelled, "captured", 2900}},
		"the bank refuses, and what it reserves ends": {"", refusing, want{curfew.Void, "failed", curfew.Cancelled, "released", 0}},
		"the bank takes its time": {
			"", func(t *till) { delaying(t); t.fake.Holds().SucceedCapture(t.ref) },
			want{curfew.Fulfilled, "captured", curfew.Waiting, "captured", 0},
		},
		"the bank takes its time, and refuses": {
			"", func(t *till) { delaying(t); t.fake.Holds().FailCapture(t.ref, "expired_card") },
			want{curfew.Void, "failed", curfew.Cancelled, "refused", 0},
		},
		"somebody took it by hand":                {"", func(t *till) { t.fake.Holds().Capture(t.ref, 2900); t.accept() }, want{curfew.Fulfilled, "captured", curfew.Waiting, "captured", 0}},
		"somebody released it by hand":            {"", func(t *till) { t.fake.Holds().Release(t.ref); t.notify() }, want{curfew.Void, "failed", curfew.Cancelled, "released", 0}},
		"it lapsed, and nobody has said":          {"", func(t *till) { t.fake.Holds().Lapse(t.ref); t.accept() }, want{curfew.Void, "failed", curfew.Cancelled, "lapsed", 0}},
		"it was taken, and Stripe failed then":    {"", failing(stripetest.Faults{FailedAfter: 1}, (*till).accept), want{curfew.Fulfilled, "captured", curfew.Waiting, "captured", 0}},
		"Stripe failed, and nothing was taken":    {"", failing(stripetest.Faults{Failed: 1}, (*till).accept), want{curfew.Fulfilled, "captured", curfew.Waiting, "captured", 0}},
		"the line was cut":                        {"", failing(stripetest.Faults{Cut: 1}, (*till).accept), want{curfew.Fulfilled, "captured", curfew.Waiting, "captured", 0}},
		"it was released, and Stripe failed then": {"", failing(stripetest.Faults{FailedAfter: 1}, (*till).cancel), want{curfew.Void, "released", curfew.Cancelled, "released", 0}},
		"Stripe failed, and nothing was released": {"", failing(stripetest.Faults{Failed: 1}, (*till).cancel), want{curfew.Void, "released", curfew.Cancelled, "released", 0}},
	} {
		for store, open := range stores.Each() {
			t.Run(sentence+"/"+store, func(t *testing.T) {
				t.Parallel()
				if store == "postgres" {
					needPostgres(t)
				}
				till := newTill(t, open(t))
				till.reserve(row.account)
				row.course(till)
				till.settle()
				c, hold := till.checkout(), till.fake.Holds().List()[0]
				got := want{c.Outcome, c.Capture, till.look(till.session.ID).Status, hold.State, till.refunded()}
				if got != row.want {
					t.Errorf("it is %+v, want %+v: %s", got, row.want, c.Note)
				}
				if wrong := till.fake.Violations(); len(wrong) > 0 {
					t.Error(wrong)
				}
				storetest.CheckInvariants(t, till.Harness)
			})
		}
	}
}

// A shop that reports reserved money under two names, of which the provider has not said yet that they are one payment's,
// has it taken or released once.
func TestReservedMoneyUnderTwoNames(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		course func(t *till, session, intent string)
		hold   string
	}{
		"the first session is cancelled, and the second accepted": {func(t *till, session, intent string) {
			t.report(session, "kim")
			t.cancel()
			t.report(intent, "kim")
			t.settle()
			t.accept()
		}, "captured"},
		"both sessions are accepted": {func(t *till, session, intent string) {
			t.fake.SetFaults(stripetest.Faults{Failed: 1}) // nothing is learned meanwhile
			t.report(session, "kim")
			t.accept()
			t.report(intent, "lou")
			t.accept()
			t.fake.SetFaults(stripetest.Faults{})
		}, "captured"},
		"both sessions are cancelled": {func(t *till, session, intent string) {
			t.report(session, "kim")
			t.cancel()
			t.report(intent, "kim")
			t.cancel()
		}, "released"},
	} {
		for store, open := range stores.Each() {
			t.Run(sentence+"/"+store, func(t *testing.T) {
				t.Parallel()
				if store == "postgres" {
					needPostgres(t)
				}
				till := newTill(t, open(t))
				ref := till.fake.Holds().Authorise(stripetest.Checkout{CustomerID: "kim", Plan: "chat10", Amount: 2900})
				row.course(till, ref, "pi_"+number(ref))
				till.settle()
				if got := till.fake.Holds().List()[0].State; got != row.hold {
					t.Errorf("the money is %s, want it %s", got, row.hold)
				}
				if wrong := till.fake.Violations(); len(wrong) > 0 {
					t.Error(wrong)
				}
				storetest.CheckInvariants(t, till.Harness)
			})
		}
	}
}

// report lets the shop report the payment under a name.
func (t *till) report(ref, customer string) {
	t.Helper()
	r, err := t.Admission.FulfillCheckout(t.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"}, lifecycle.Purchase{
		PaymentRef: ref, CustomerID: customer, Plan: "chat10",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.ref, t.session = ref, t.look(r.SessionID)
}

func (t *till) refunded() (sum int64) {
	for _, r := range t.fake.Refunds() {
		sum += r.Amount
	}
	return sum
}

func refusing(t *till) {
	t.fake.Holds().DeclineCapture(t.ref, "do_not_honor")
	t.accept()
}

func delaying(t *till) {
	t.fake.Holds().DelayCapture(t.ref)
	t.accept()
	t.settle()
	if c := t.checkout(); c.Capture != "capturing" || c.Note != "" {
		t.Errorf("meanwhile its money is %s: %s", c.Capture, c.Note)
	}
}

// failing lets every call of Stripe fail in a course, until the worker has asked once.
func failing(faults stripetest.Faults, course func(*till)) func(*till) {
	return func(t *till) {
		t.fake.SetFaults(faults)
		course(t)
		if err := t.ask(); err != nil {
			t.Log("ask:", err)
		}
		t.fake.SetFaults(stripetest.Faults{})
	}
}
