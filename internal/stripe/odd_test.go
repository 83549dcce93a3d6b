package stripe_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// What is signed is kept, whatever it is: sent again it would be no better.
func TestNotice_WhatIsOddIsNotLost(t *testing.T) {
	t.Parallel()
	thin := time.Date(2026, time.November, 27, 18, 0, 0, 0, time.UTC)
	event := func(kind, object string) string {
		return `{"object":"event","id":"evt_1","created":1795435200,"type":"` + kind + `","data":{"object":` + object + `}}`
	}
	const completed = "checkout.session.completed"
	for sentence, row := range map[string]struct {
		body   string
		id     string // empty: the body's digest
		kind   string
		at     time.Time
		unread string // empty: it is about nothing
	}{
		"a thin event": {
			`{"object":"v2.core.event","id":"evt_1","type":"v2.core.account.created","created":"2026-11-27T18:00:00.000Z","related_object":{"id":"acct_1"}}`,
			"evt_1", "v2.core.account.created", thin, "",
		},
		"an unknown type":                 {event("ping", `{"id":"x"}`), "evt_1", "ping", noon, ""},
		"an unknown type without data":    {`{"object":"event","id":"evt_1","type":"ping"}`, "evt_1", "ping", time.Time{}, ""},
		"an event of no type":             {`{"object":"event","id":"evt_1","created":"when"}`, "evt_1", "", time.Time{}, ""},
		"an event without an id":          {`{"object":"event","type":"ping"}`, "", "ping", time.Time{}, ""},
		"an id that no database keeps":    {`{"id":"a\u0000b","type":"ping"}`, "", "ping", time.Time{}, ""},
		"an id that is a number":          {`{"id":17,"type":"ping"}`, "17", "ping", time.Time{}, ""},
		"a type that is a number":         {`{"id":"evt_1","type":5}`, "evt_1", "5", time.Time{}, ""},
		"a time far beyond any":           {`{"id":"evt_1","type":"ping","created":99999999999999}`, "evt_1", "ping", time.Time{}, ""},
		"nothing":                         {``, "", "", time.Time{}, "the message is signed, but is no JSON object"},
		"not JSON":                        {`hello`, "", "", time.Time{}, "the message is signed, but is no JSON object"},
		"a list":                          {`[]`, "", "", time.Time{}, "the message is signed, but is no JSON object"},
		"null":                            {`null`, "", "", time.Time{}, "the message is signed, but is no JSON object"},
		"a checkout without data":         {`{"object":"event","id":"evt_1","type":"` + completed + `"}`, "evt_1", completed, time.Time{}, "the event has no checkout.session"},
		"data that is null":               {`{"id":"evt_1","type":"charge.refunded","data":null}`, "evt_1", "charge.refunded", time.Time{}, "the event has no charge"},
		"a checkout that is text":         {event(completed, `"cs_1"`), "evt_1", completed, noon, "the event has no checkout.session"},
		"a charge instead of a checkout":  {event(completed, `{"object":"charge"}`), "evt_1", completed, noon, `the event has "charge" where it should have a checkout.session`},
		"a checkout without an id":        {event(completed, `{"payment_status":"unpaid"}`), "evt_1", completed, noon, "the object: it has no id"},
		"a paid checkout of no amount":    {event(completed, `{"id":"cs_1","payment_status":"paid","amount_total":null}`), "evt_1", completed, noon, "cs_1: amount_total is missing"},
		"an amount in words":              {event(completed, `{"id":"cs_1","payment_status":"paid","amount_total":"much"}`), "evt_1", completed, noon, `cs_1: amount_total is "much", which is no whole number`},
		"an amount in euros":              {event(completed, `{"id":"cs_1","payment_status":"unpaid","amount_total":"29.00"}`), "evt_1", completed, noon, `cs_1: amount_total is "29.00", which is no whole number`},
		"half a cent":                     {event(completed, `{"id":"cs_1","payment_status":"paid","amount_total":2900.5}`), "evt_1", completed, noon, "cs_1: amount_total is 2900.5, which is no whole number"},
		"less than nothing":               {event(completed, `{"id":"cs_1","payment_status":"paid","amount_total":-5}`), "evt_1", completed, noon, "cs_1: amount_total is -5, which is negative"},
		"an amount without a currency":    {event(completed, `{"id":"cs_1","payment_status":"paid","amount_total":5}`), "evt_1", completed, noon, "attempt cs_1: the amount of a fact needs a currency"},
		"a currency that is none":         {event(completed, `{"id":"cs_1","payment_status":"paid","amount_total":5,"currency":"euro"}`), "evt_1", completed, noon, `cs_1: the currency is "euro"`},
		"a refund of nobody knows what":   {event("refund.created", `{"id":"re_1","payment_intent":"pi_1","amount":null,"currency":"eur"}`), "evt_1", "refund.created", noon, "re_1: amount is missing"},
		"an intent that nobody can name":  {event("payment_intent.succeeded", `{"amount":5,"currency":"eur","status":"succeeded"}`), "evt_1", "payment_intent.succeeded", noon, "the object: it has no id"},
		"an id that is far too long":      {event(completed, `{"id":"`+strings.Repeat("c", 300)+`","payment_status":"unpaid"}`), "evt_1", completed, noon, "must have at most 255 bytes, not 300"},
		"a reference with a control code": {event("charge.refunded", `{"id":"ch_1","payment_intent":"a\u0001b","amount":5,"currency":"eur"}`), "evt_1", "charge.refunded", noon, "a reference of the payment must not contain control characters"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			got, err := hook(t).Read(signed(stripetest.Sign(secret, noon, []byte(row.body))), []byte(row.body))
			want := curfew.Notice{ID: row.id, Type: row.kind, Provider: "stripe", At: row.at}
			if row.id == "" {
				sum := sha256.Sum256([]byte(row.body))
				want.ID = "sha256:" + hex.EncodeToString(sum[:])
			}
			if row.unread != "" {
				if !strings.Contains(got.Unread, row.unread) {
					t.Errorf("it says %q", got.Unread)
				}
				want.Unread, want.Body = got.Unread, []byte(row.body)
			}
			if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b []byte) bool { return string(a) == string(b) })); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

// Of which mode it is, nobody can say.
func TestNotice_WhatIsNoEventIsKeptInEveryMode(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{true, false} {
		h := hook(t, func(o *stripe.HookOptions) { o.Live = &live })
		if got, err := h.Read(signed(stripetest.Sign(secret, noon, []byte("hello"))), []byte("hello")); err != nil || got.Unread == "" {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// Numbers as texts, and texts as numbers, mean the same.
func TestNotice_WhatIsOddAndPlainIsRead(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		kind, object string
		facts        []curfew.Fact
	}{
		"an amount as text": {
			"checkout.session.completed", `{"id":"cs_1","payment_status":"paid","amount_total":"2900","currency":"EUR","payment_intent":17}`,
			[]curfew.Fact{eur("attempt", "17", "captured", 2900)},
		},
		"an amount with a point": {
			"checkout.session.completed", `{"id":5,"payment_status":"paid","amount_total":2900.0,"currency":"eur","payment_intent":{}}`,
			[]curfew.Fact{eur("attempt", "5", "captured", 2900)},
		},
		"amounts of null where nothing was refunded": {
			"charge.succeeded", `{"id":"ch_1","amount":2900,"amount_captured":null,"amount_refunded":null,"captured":true,"currency":"eur","status":"succeeded","refunds":null}`,
			[]curfew.Fact{eur("attempt", "ch_1", "captured", 2900), eur("refund_total", "ch_1", "total", 0)},
		},
		"lists of anything": {
			"charge.succeeded", `{"id":"ch_1","amount":2900,"captured":true,"currency":"eur","status":"succeeded","refunds":{"data":["re_1",null,7]},"payment_method_details":[]}`,
			[]curfew.Fact{eur("attempt", "ch_1", "captured", 2900), eur("refund_total", "ch_1", "total", 0)},
		},
	} {
		body := []byte(`{"object":"event","id":"evt_1","created":1795435200,"type":"` + row.kind + `","data":{"object":` + row.object + `}}`)
		got, err := hook(t).Read(signed(stripetest.Sign(secret, noon, body)), body)
		if diff := cmp.Diff(row.facts, got.Facts); diff != "" || err != nil || got.Unread != "" {
			t.Error(sentence, err, got.Unread, diff)
		}
	}
}
