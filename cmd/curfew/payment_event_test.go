package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/storetest/seed"
)

// sender tells Curfew of payments, as a marketplace's program does.
type sender struct {
	*testing.T
	url    string
	secret string
}

// receipt is what a sender is answered.
type receipt struct {
	Outcome, Why, State, Currency string
	Worth                         *int64
	Checkouts                     []struct{ ID, Outcome string }
}

// send posts a body, signed at a time, and returns the status.
func (s sender) send(at time.Time, body string) (int, receipt) {
	s.Helper()
	signature, err := webhook.Sign([]string{s.secret}, "delivery", at, []byte(body))
	if err != nil {
		s.Fatal(err)
	}
	return s.post(body, map[string]string{
		"webhook-id": "delivery", "webhook-timestamp": strconv.FormatInt(at.Unix(), 10), "webhook-signature": signature,
	})
}

func (s sender) post(body string, header map[string]string) (status int, r receipt) {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.url+"/api/payments/events", bytes.NewReader([]byte(body)))
	if err != nil {
		s.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err2 := answer.Body.Close(); err != nil || err2 != nil {
		s.Fatal(err, err2)
	}
	if answer.StatusCode == http.StatusOK {
		if err := json.Unmarshal(text, &r); err != nil {
			s.Fatalf("%s: %v", text, err)
		}
	}
	return answer.StatusCode, r
}

// course is a payment's events in the order in which they happened, and what is true in the end.
type course struct {
	events   []string // type, and the fields that it has beside an order
	outcomes string   // those that its checkout may have; "": there need not be one
	state    string
	worth    int64
}

const sum = `"amount":2900,"currency":"eur"`

var courses = map[string]course{
	"sold":                         {[]string{`paid ` + sum}, "fulfilled", "captured", 2900},
	"reserved, then taken":         {[]string{`authorised ` + sum + `,"until":"2027-01-01T00:00:00Z"`, `paid ` + sum}, "fulfilled", "captured", 2900},
	"reserved, then given up":      {[]string{`authorised ` + sum, `voided `}, "void ", "failed", 0},
	"reserved for too long":        {[]string{`authorised ` + sum, `expired `}, "void ", "failed", 0},
	"promised, and it comes":       {[]string{`promised ` + sum, `paid ` + sum}, "fulfilled", "captured", 2900},
	"promised, and it never comes": {[]string{`promised ` + sum, `failed "reason":"no funds"`}, "void ", "failed", 0},
	"a second card is good":        {[]string{`declined "object":"try-1","reason":"do not honour"`, `paid "object":"try-2",` + sum}, "fulfilled", "captured", 2900},
	"given back in two parts": {[]string{
		`paid ` + sum, `refund "object":"r1","state":"pending","amount":1000,"currency":"eur"`,
		`refund "object":"r1","state":"succeeded","amount":1000,"currency":"eur"`, `refund "object":"r2","state":"succeeded","amount":1900,"currency":"eur"`,
	}, "refunded", "captured", 0},
	"given back in part": {[]string{`paid ` + sum, `refund "object":"r1","state":"succeeded","amount":1000,"currency":"eur"`}, "held", "captured", 1900},
	"a refund that fails": {[]string{
		`paid ` + sum, `refund "object":"r1","state":"requires_action",` + sum, `refund "object":"r1","state":"pending",` + sum,
		`refund "object":"r1","state":"failed",` + sum + `,"reason":"account closed"`,
	}, "fulfilled", "captured", 2900},
	"a refund that is called off": {[]string{
		`paid ` + sum, `refund "object":"r1","state":"pending",` + sum, `refund "object":"r1","state":"canceled",` + sum,
	}, "fulfilled", "captured", 2900},
	"refunds without ids": {[]string{
		`paid ` + sum, `refund_total "amount":900,"currency":"eur"`, `refund_total ` + sum,
	}, "refunded", "captured", 0},
	"a dispute that is lost": {[]string{
		`paid ` + sum, `dispute "object":"d1","state":"needs_response",` + sum, `dispute "object":"d1","state":"under_review",` + sum, `dispute "object":"d1","state":"lost",` + sum,
	}, "void", "captured", 0},
	"a dispute that is won": {[]string{
		`paid ` + sum, `dispute "object":"d1","state":"under_review"`, `dispute "object":"d1","state":"won"`,
	}, "fulfilled", "captured", 2900},
	"a claim that is dropped":          {[]string{`paid ` + sum, `dispute "object":"d1","state":"warning"`, `dispute "object":"d1","state":"closed"`}, "fulfilled", "captured", 2900},
	"a dispute that was averted":       {[]string{`paid ` + sum, `dispute "object":"d1","state":"prevented"`}, "fulfilled", "captured", 2900},
	"a dispute whose state is unknown": {[]string{`paid ` + sum, `dispute "object":"d1","state":"unknown"`}, "fulfilled promised", "captured", 0},
}

// bodies are the course's events as JSON, a minute apart.
func (s course) bodies(name string) []string {
	all := make([]string, len(s.events))
	for i, event := range s.events {
		kind, fields, _ := strings.Cut(event, " ")
		all[i] = fmt.Sprintf(`{"id":%q,"type":%q,"provider":"mollie","references":[%q,%q],"at":%q%s`, fmt.Sprint(name, " ", i), kind,
			"tr "+name, "order "+name, time.Date(2026, 11, 1, 10, i, 0, 0, time.UTC).Format(time.RFC3339), strings.TrimSuffix(","+fields, ","))
		if slices.Contains([]string{"paid", "authorised", "promised"}, kind) {
			all[i] += fmt.Sprintf(`,"order":{"customerId":%q,"plan":"chat10"}`, "customer "+name)
		}
		all[i] += "}"
	}
	return all
}

// withDoor serves with the door open to a secret, which replaces an older one.
func withDoor(t *testing.T, url string) (dir string, p *process, now, before sender) {
	t.Helper()
	dir = t.TempDir()
	secrets := []string{webhook.NewSecret(), webhook.NewSecret()}
	p = serving(t, dir, []string{"CURFEW_DATABASE_URL=" + url, "CURFEW_PAYMENTS_SECRET=" + strings.Join(secrets, ",")}, "--auth-key-file=curfew.key")
	return dir, p, sender{t, p.url, secrets[0]}, sender{t, p.url, secrets[1]}
}

// Whatever happens to a payment, sent in any order and again and again by two programs of which
// one still has the older secret, ends in one truth.
func TestEventsOfPaymentsInAnyOrderHaveOneOutcome(t *testing.T) {
	onStores(t, func(t *testing.T, url string) {
		_, _, now, before := withDoor(t, url)
		random := seed.Dice(seed.New(t), "events")
		type message struct{ name, body string }
		for round := range 3 {
			var all []message
			for name, s := range courses {
				name = fmt.Sprint(name, round)
				for _, body := range slices.Repeat(s.bodies(name), 2) {
					all = append(all, message{name, body})
				}
			}
			slices.SortFunc(all, func(a, b message) int { return strings.Compare(a.body, b.body) })
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			last := map[string]receipt{}
			for i, event := range all {
				status, r := []sender{now, before}[i%2].send(time.Now(), event.body)
				if status != http.StatusOK || r.Outcome != "recorded" {
					t.Fatalf("%s is answered %d %+v", event.body, status, r)
				}
				last[event.name] = r
			}
			for name, s := range courses {
				s.check(t, name, last[fmt.Sprint(name, round)])
			}
		}
	})
}

func (s course) check(t *testing.T, name string, r receipt) {
	t.Helper()
	outcome := ""
	for _, c := range r.Checkouts {
		outcome += c.Outcome
	}
	if !slices.Contains(strings.Split(s.outcomes, " "), outcome) || r.State != s.state || r.Worth == nil || *r.Worth != s.worth {
		worth, _ := json.Marshal(r)
		t.Errorf("%s: the checkout is %q, and the payment %s; want %q, %s, worth %d", name, outcome, worth, s.outcomes, s.state, s.worth)
	}
}

// What is not proven to come from who has the secret changes nothing, and says what is wrong.
func TestOnlySignedEventsAreHeard(t *testing.T) {
	onStores(t, func(t *testing.T, url string) {
		dir, p, now, _ := withDoor(t, url)
		shop := p.client(t, dir, "service", "shop")
		body := courses["sold"].bodies("signed")[0]
		stranger := sender{t, p.url, webhook.NewSecret()}
		for sentence, send := range map[string]func() (int, receipt){
			"a stranger":     func() (int, receipt) { return stranger.send(time.Now(), body) },
			"no signature":   func() (int, receipt) { return now.post(body, nil) },
			"too old":        func() (int, receipt) { return now.send(time.Now().Add(-6*time.Minute), body) },
			"too new":        func() (int, receipt) { return now.send(time.Now().Add(6*time.Minute), body) },
			"half a header":  func() (int, receipt) { return now.post(body, map[string]string{"webhook-id": "delivery"}) },
			"Stripe's style": func() (int, receipt) { return now.post(body, map[string]string{"Stripe-Signature": "t=1,v1=x"}) },
		} {
			if status, _ := send(); status != http.StatusBadRequest {
				t.Errorf("%s is answered %d", sentence, status)
			}
		}
		if status, _ := now.send(time.Now(), strings.Repeat(" ", 256<<10)+body); status != http.StatusRequestEntityTooLarge {
			t.Errorf("what is too large is answered %d", status)
		}
		if have := paymentsOf(t, shop, "customer signed"); len(have) != 0 {
			t.Errorf("there is %+v", have)
		}
		health, err := p.client(t, dir, "admin", "anna").Health(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if problems := strings.Join(health.Problems, "; "); !strings.Contains(problems, "payments.secret") || !strings.Contains(problems, "old") {
			t.Errorf("health does not say why: %s", problems)
		}
		if status, r := now.send(time.Now(), body); status != http.StatusOK || r.Outcome != "recorded" {
			t.Errorf("signed, it is answered %d %+v", status, r)
		}
		if have := paymentsOf(t, shop, "customer signed"); len(have) != 1 || have[0].Outcome != "fulfilled" {
			t.Errorf("there is %+v", have)
		}
		now.send(time.Now(), "odd")
		for _, want := range []string{`{outcome="refused",provider="events"} 7`, `{outcome="recorded",provider="mollie"} 1`, `{outcome="kept",provider="events"} 1`} {
			if text := get(t, p.ops+"/metrics"); !strings.Contains(text, "curfew_provider_messages_total"+want) {
				t.Errorf("the metrics have no %s", want)
			}
		}
	})
}

// A genuine event that cannot be used is kept and acknowledged; sent rightly, it takes effect.
func TestOddEventsAreKept(t *testing.T) {
	onStores(t, func(t *testing.T, url string) {
		dir, p, now, _ := withDoor(t, url)
		good := courses["sold"].bodies("odd")[0]
		for sentence, c := range map[string]struct{ body, why string }{
			"no JSON":             {"amount=2900", "JSON"},
			"an empty body":       {"", "JSON"},
			"a null amount":       {strings.Replace(good, "2900", "null", 1), "paid needs an amount"},
			"an amount as a text": {strings.Replace(good, "2900", `"29.00"`, 1), "amount must be a whole number"},
			"no currency":         {strings.Replace(good, `,"currency":"eur"`, "", 1), "currency"},
			"an unknown field":    {strings.Replace(good, `"amount"`, `"total"`, 1), `no field "total"`},
			"an unknown type":     {strings.Replace(good, `"paid"`, `"sold"`, 1), `unknown type "sold"`},
			"Stripe's":            {strings.Replace(good, "mollie", "stripe", 1), "/api/stripe/webhook"},
		} {
			for range 2 {
				if status, r := now.send(time.Now(), c.body); status != http.StatusOK || r.Outcome != "kept" || !strings.Contains(r.Why, c.why) {
					t.Errorf("%s is answered %d %+v, want %q", sentence, status, r, c.why)
				}
			}
		}
		shop := p.client(t, dir, "service", "shop")
		if have := paymentsOf(t, shop, "customer odd"); len(have) != 0 {
			t.Errorf("there is %+v", have)
		}
		now.send(time.Now(), good)
		if have := paymentsOf(t, shop, "customer odd"); len(have) != 1 || have[0].Outcome != "fulfilled" {
			t.Errorf("there is %+v", have)
		}
	})
}

// A payment that the shop reports by its own order number, and the sender by both names, is one,
// whoever is first.
func TestAnEventAndTheShopsReportAreOnePayment(t *testing.T) {
	onStores(t, func(t *testing.T, url string) {
		dir, p, now, _ := withDoor(t, url)
		shop := p.client(t, dir, "service", "shop")
		for i, eventFirst := range []bool{true, false} {
			name := fmt.Sprint("both", i)
			event := func() { now.send(time.Now(), courses["sold"].bodies(name)[0]) }
			report := func() {
				if _, err := shop.FulfillCheckout(t.Context(), api.Purchase{PaymentRef: "order " + name, CustomerID: "customer " + name, Plan: "chat10"}); err != nil {
					t.Error(err)
				}
			}
			if eventFirst {
				event()
				report()
			} else {
				report()
				event()
			}
			if have := paymentsOf(t, shop, "customer "+name); len(have) != 1 || have[0].Outcome != "fulfilled" || have[0].Amount != 2900 {
				t.Errorf("the event first: %t; there is %+v", eventFirst, have)
			}
		}
	})
}

// One payment for three sessions has a checkout for each: one session now, and credits for later.
func TestAnEventMayPayForSeveralSessions(t *testing.T) {
	onStores(t, func(t *testing.T, url string) {
		_, _, now, _ := withDoor(t, url)
		body := strings.NewReplacer(`"amount":2900`, `"amount":8700`, `"plan":"chat10"`, `"plan":"chat10","quantity":3`).Replace(courses["sold"].bodies("three")[0])
		for range 2 {
			status, r := now.send(time.Now(), body)
			var outcomes []string
			for _, c := range r.Checkouts {
				outcomes = append(outcomes, c.Outcome)
			}
			slices.Sort(outcomes)
			if status != http.StatusOK || r.Worth == nil || *r.Worth != 8700 || !slices.Equal(outcomes, []string{"credited", "credited", "fulfilled"}) {
				t.Errorf("it is answered %d %+v", status, r)
			}
		}
	})
}
