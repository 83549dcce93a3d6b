package stripe_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gostripe "github.com/stripe/stripe-go/v86"
	"github.com/stripe/stripe-go/v86/webhook"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

const (
	secret = "whsec_of_now"
	older  = "whsec_of_before"
	theirs = "whsec_of_somebody_else"
)

var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// hook reads at noon.
func hook(t testing.TB, change ...func(*stripe.HookOptions)) *stripe.Hook {
	t.Helper()
	o := stripe.HookOptions{Secrets: []string{secret}, Now: atNoon}
	for _, each := range change {
		each(&o)
	}
	h, err := stripe.NewHook(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// paidEvent is the message of a paid checkout, as Stripe writes it.
func paidEvent(t testing.TB) []byte {
	t.Helper()
	fake := stripetest.New(t, stripetest.Options{Now: atNoon})
	fake.Pay(stripetest.Checkout{CustomerID: "cus-1", Plan: "chat10", Amount: 1999, Email: "ada@example.com", Name: "Ada"})
	return fake.Events()[0].Body()
}

func v1(header string) string { return header[strings.Index(header, "v1="):] }

func TestHook_ReadsOnlyWhatIsSignedNow(t *testing.T) {
	t.Parallel()
	body := paidEvent(t)
	sign := func(with string, at time.Time) string { return stripetest.Sign(with, at, body) }
	good := sign(secret, noon)

	for sentence, row := range map[string]struct {
		signature string
		fine      bool
	}{
		"a good signature":                                {good, true},
		"signed 5 minutes ago":                            {sign(secret, noon.Add(-5*time.Minute)), true},
		"signed 5 minutes ahead":                          {sign(secret, noon.Add(5*time.Minute)), true},
		"two v1, one of them ours, as during a roll":      {good + "," + v1(sign(theirs, noon)), true},
		"two v1, the other order":                         {"t=1795435200," + v1(sign(theirs, noon)) + "," + v1(good), true},
		"a scheme of another day beside it":               {good + ",v0=aa,v2=bb", true},
		"W5: a bad signature":                             {sign(theirs, noon), false},
		"W5: a missing signature":                         {"", false},
		"W5: an old signature":                            {sign(secret, noon.Add(-5*time.Minute-time.Second)), false},
		"W5: a future signature":                          {sign(secret, noon.Add(5*time.Minute+time.Second)), false},
		"W5: a signature of the far future":               {sign(secret, noon.AddDate(100, 0, 0)), false},
		"W5: two t=, the last one good":                   {"t=1," + good, false},
		"W5: two t=, the first one good":                  {good + ",t=1", false},
		"W5: the same t= twice":                           {"t=1795435200," + good, false},
		"W5: two v1, neither of them ours":                {sign(theirs, noon) + "," + v1(sign(older, noon)), false},
		"no t=":                                           {v1(good), false},
		"an empty t=":                                     {"t=," + v1(good), false},
		"a t= that is no number":                          {"t=noon," + v1(good), false},
		"a t= beyond all numbers":                         {"t=99999999999999999999," + v1(good), false},
		"no v1":                                           {"t=1795435200", false},
		"an empty v1":                                     {"t=1795435200,v1=", false},
		"a v1 that is not hexadecimal":                    {"t=1795435200,v1=zz", false},
		"the right signature under another scheme's name": {strings.Replace(good, "v1=", "v0=", 1), false},
		"a signature of the time alone moved":             {strings.Replace(good, "t=1795435200", "t=1795435201", 1), false},
		"no header at all, but an administrator's token":  {"Bearer eyJhbGciOiJIUzI1NiJ9.e30.x", false},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			notice, err := hook(t).Read(signed(row.signature), body)
			switch {
			case row.fine && (err != nil || len(notice.Facts) != 1):
				t.Errorf("read %+v, %v", notice, err)
			case !row.fine && (!errors.Is(err, curfew.Invalid) || notice.ID != ""):
				t.Errorf("read %+v, %v; want Invalid and nothing", notice, err)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the secret is in %q", err)
			}
		})
	}
}

// What the bound is for: the library looks backwards only.
func TestHook_TheLibraryAloneLetsTheFuturePass(t *testing.T) {
	t.Parallel()
	body := paidEvent(t)
	ahead := stripetest.Sign(secret, time.Now().AddDate(10, 0, 0), body)
	if _, err := webhook.ConstructEvent(body, ahead, secret); err != nil {
		t.Fatalf("the library has learned to refuse it: %v", err)
	}
	if _, err := hook(t, func(o *stripe.HookOptions) { o.Now = nil }).Read(signed(ahead), body); !errors.Is(err, stripe.ErrTooNew) {
		t.Errorf("read: %v, want ErrTooNew", err)
	}
}

// And it takes the last of two times.
func TestHook_TheLibraryAloneLetsTwoTimesPass(t *testing.T) {
	t.Parallel()
	body := paidEvent(t)
	twice := "t=1," + stripetest.Sign(secret, time.Now(), body)
	if _, err := webhook.ConstructEvent(body, twice, secret); err != nil {
		t.Fatalf("the library has learned to refuse it: %v", err)
	}
}

func TestHook_ARefusalSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	body := paidEvent(t)
	for sentence, row := range map[string]struct {
		signature string
		want      error
		says      string
	}{
		"no header":                   {"", stripe.ErrNoSignature, "no Stripe-Signature header"},
		"a header of spaces":          {"  ", stripe.ErrNoSignature, "no Stripe-Signature header"},
		"another header's value":      {"Bearer x", stripe.ErrSignature, "must be t=TIME,v1=SIGNATURE"},
		"two times":                   {"t=1,t=2,v1=aa", stripe.ErrSignature, "with one time"},
		"right secret, old time":      {stripetest.Sign(secret, noon.Add(-time.Hour), body), stripe.ErrTooOld, "more than 5m0s old"},
		"right secret, future time":   {stripetest.Sign(secret, noon.Add(time.Hour), body), stripe.ErrTooNew, "in the future"},
		"wrong secret":                {stripetest.Sign(theirs, noon, body), stripe.ErrUnproven, "the secret is another endpoint's, or the body was changed"},
		"wrong secret, old time":      {stripetest.Sign(theirs, noon.Add(-time.Hour), body), stripe.ErrUnproven, "no signing secret fits"},
		"right secret, other message": {stripetest.Sign(secret, noon, body[1:]), stripe.ErrUnproven, "no signing secret fits"},
	} {
		_, err := hook(t).Read(signed(row.signature), body)
		if !errors.Is(err, row.want) || !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}

// What has parsed a message and written it anew is told apart from a wrong secret; what
// would cost much to look at is not.
func TestHook_ARewrittenBodyIsToldApart(t *testing.T) {
	t.Parallel()
	var wide, narrow bytes.Buffer
	for _, err := range []error{json.Indent(&wide, paidEvent(t), "", "  "), json.Compact(&narrow, paidEvent(t))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for sentence, row := range map[string]struct {
		signed, came string
		at           time.Time
		by           string
		want         error
	}{
		"written without white space":    {wide.String(), narrow.String(), noon, secret, stripe.ErrChanged},
		"written with it":                {narrow.String(), wide.String(), noon, secret, stripe.ErrChanged},
		"with another end":               {wide.String() + "\n", wide.String(), noon, secret, stripe.ErrChanged},
		"an old one":                     {wide.String(), narrow.String(), noon.Add(-time.Hour), secret, stripe.ErrUnproven},
		"signed by another":              {wide.String(), narrow.String(), noon, theirs, stripe.ErrUnproven},
		"another message":                {`{"id":"evt_2"}`, narrow.String(), noon, secret, stripe.ErrUnproven},
		"no JSON":                        {"x", "x ", noon, secret, stripe.ErrUnproven},
		"deeper than any of Stripe's":    {deep, deep + " ", noon, secret, stripe.ErrUnproven},
		"larger than any of Stripe's":    {`["` + strings.Repeat("x", 40<<10) + `"]`, `["` + strings.Repeat("x", 40<<10) + `"] `, noon, secret, stripe.ErrUnproven},
		"as it was signed, no rewriting": {narrow.String(), narrow.String(), noon, secret, nil},
	} {
		if _, err := hook(t).Read(signed(stripetest.Sign(row.by, row.at, []byte(row.signed))), []byte(row.came)); !errors.Is(err, row.want) || (err == nil) != (row.want == nil) {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}

func TestHook_TheBodyIsReadAsItCame(t *testing.T) {
	t.Parallel()
	body := paidEvent(t)
	signature := stripetest.Sign(secret, noon, body)
	var parsed map[string]any
	if err := json.Unmarshal(body, &parsed); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(parsed)
	if err != nil {
		t.Fatal(err)
	}
	for sentence, other := range map[string][]byte{
		"the same JSON, written again": again,
		"a byte more":                  append(body[:len(body):len(body)], '\n'),
		"a byte less":                  body[:len(body)-1],
		"another amount":               []byte(strings.ReplaceAll(string(body), "1999", "1")),
		"nothing":                      nil,
	} {
		if notice, err := hook(t).Read(signed(signature), other); !errors.Is(err, curfew.Invalid) {
			t.Errorf("%s: read %+v, %v", sentence, notice, err)
		}
	}
}

func TestHook_EverySecretCountsWhileOneIsReplaced(t *testing.T) {
	t.Parallel()
	both := hook(t, func(o *stripe.HookOptions) { o.Secrets = []string{secret, older} })
	body := paidEvent(t)
	for with, fine := range map[string]bool{secret: true, older: true, theirs: false} {
		if _, err := both.Read(signed(stripetest.Sign(with, noon, body)), body); (err == nil) != fine {
			t.Errorf("signed with %s: %v", with, err)
		}
	}
}

func TestHook_NoSecretNoEntry(t *testing.T) {
	t.Parallel()
	for sentence, secrets := range map[string][]string{
		"none":                         nil,
		"an empty list":                {},
		"an empty one":                 {""},
		"an empty one beside a good":   {secret, ""},
		"spaces":                       {"  "},
		"a line's end that came along": {secret + "\n"},
	} {
		if h, err := stripe.NewHook(stripe.HookOptions{Secrets: secrets}); h != nil || !errors.Is(err, curfew.Invalid) {
			t.Errorf("%s: %v, %v", sentence, h, err)
		}
	}
}

func TestHook_W6_WhatIsNotOursIsToldAndNotUsed(t *testing.T) {
	t.Parallel()
	live, test := true, false
	for sentence, row := range map[string]struct {
		live     *bool
		accounts []string
		event    gostripe.Event
		foreign  bool
	}{
		"a test event, any mode counts":               {nil, nil, gostripe.Event{}, false},
		"a live event, any mode counts":               {nil, nil, gostripe.Event{Livemode: true}, false},
		"a live event where live counts":              {&live, nil, gostripe.Event{Livemode: true}, false},
		"a test event where live counts":              {&live, nil, gostripe.Event{}, true},
		"a live event where test counts":              {&test, nil, gostripe.Event{Livemode: true}, true},
		"a connected account's, none is ours":         {nil, nil, gostripe.Event{Account: "acct_2"}, true},
		"another connected account's":                 {nil, []string{"acct_1"}, gostripe.Event{Account: "acct_2"}, true},
		"our connected account's":                     {nil, []string{"acct_1"}, gostripe.Event{Account: "acct_1"}, false},
		"one of our connected accounts'":              {nil, []string{"", "acct_1", "acct_2"}, gostripe.Event{Account: "acct_2"}, false},
		"an unset account is none":                    {nil, []string{""}, gostripe.Event{Account: "acct_2"}, true},
		"the account's own, whose events name none":   {nil, []string{"acct_1"}, gostripe.Event{}, false},
		"of an older API version, which is no reason": {nil, nil, gostripe.Event{APIVersion: "2019-12-03"}, false},
		"of a newer API version, which is no reason":  {nil, nil, gostripe.Event{APIVersion: "2031-01-01.zebra"}, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			h := hook(t, func(o *stripe.HookOptions) { o.Live, o.Accounts = row.live, row.accounts })
			notice, err := read(t, h, row.event, map[string]any{"id": "cs_1", "payment_status": "paid", "amount_total": 0})
			if !row.foreign {
				if err != nil || len(notice.References) != 1 || notice.Account != row.event.Account {
					t.Errorf("read %+v, %v", notice, err)
				}
				return
			}
			if !errors.Is(err, stripe.ErrForeign) || !errors.Is(err, curfew.Conflict) {
				t.Errorf("the error is %v", err)
			}
			want := curfew.Notice{ID: "evt_1", Type: "checkout.session.completed", Provider: "stripe", Account: row.event.Account, At: noon}
			if diff := cmp.Diff(want, notice); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// read signs and reads an event about an object, with what is common filled in.
func read(t *testing.T, h *stripe.Hook, event gostripe.Event, object any) (curfew.Notice, error) {
	t.Helper()
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	event.ID, event.Object, event.Created = "evt_1", "event", noon.Unix()
	event.Data = &gostripe.EventData{Raw: raw}
	if event.Type == "" {
		event.Type = gostripe.EventTypeCheckoutSessionCompleted
	}
	body, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := webhook.ConstructEventWithOptions(body, stripetest.Sign(secret, time.Now(), body), secret,
		webhook.ConstructEventOptions{IgnoreAPIVersionMismatch: true}); err != nil {
		t.Fatalf("Stripe's library does not read the event: %v", err)
	}
	return h.Read(signed(stripetest.Sign(secret, noon, body)), body)
}

// signed is a header with a signature.
func signed(signature string) http.Header { return http.Header{"Stripe-Signature": {signature}} }
