package stripe_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

func missed(t *testing.T, c *stripe.Client, since time.Time) (all []curfew.Notice) {
	t.Helper()
	for n, err := range c.Missed(t.Context(), since) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// What was never delivered is told as the webhook would have told it.
func TestMissed_TellsWhatTheWebhookDidNot(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	fake := stripetest.New(t, stripetest.Options{Now: func() time.Time { return now }})
	fake.Pay(stripetest.Checkout{CustomerID: "kim", Plan: "chat10", Amount: 2900})
	fake.Deliver(t.Context(), stripetest.Delivery{Never: 1})
	fake.Pay(stripetest.Checkout{CustomerID: "ada", Plan: "chat10", Amount: 100, Account: "acct_1"})
	fake.Pay(stripetest.Checkout{CustomerID: "eve", Plan: "chat10", Amount: 100, Account: "acct_2"})
	fake.Holds().Release(fake.Holds().Authorise(stripetest.Checkout{CustomerID: "bob", Plan: "chat10", Amount: 700}))

	h := hook(t, func(o *stripe.HookOptions) {
		o.Now, o.Accounts = func() time.Time { return now }, []string{"acct_1"}
	})
	c := client(t, fake, func(o *stripe.ClientOptions) { o.Accounts = []string{"acct_1"} })
	got := missed(t, c, now.Add(-time.Hour))
	var ids []string
	for _, n := range got {
		ids = append(ids, n.ID)
	}
	want := []string{"evt_00000008", "evt_00000007", "evt_00000006", "evt_00000005", "evt_00000004", "evt_00000001", "evt_00000002"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Error(diff)
	}
	for _, event := range fake.Events() {
		reported, err := h.Read(signed(stripetest.Sign(secret, now, event.Body())), event.Body())
		i := slices.IndexFunc(got, func(n curfew.Notice) bool { return n.ID == event.ID })
		if errors.Is(err, stripe.ErrForeign) && i < 0 {
			continue
		}
		if err != nil || i < 0 {
			t.Fatalf("%s is not listed: %v", event.ID, err)
		}
		if diff := cmp.Diff(reported, got[i]); diff != "" {
			t.Error(diff)
		}
	}
}

// Stripe lists what it still has, and what was delivered is not missed.
func TestMissed_SinceWhen(t *testing.T) {
	t.Parallel()
	now := time.Now().AddDate(0, 0, -31)
	fake := stripetest.New(t, stripetest.Options{Now: func() time.Time { return now }})
	fake.Pay(stripetest.Checkout{Amount: 1}) // too long ago
	now = time.Now().AddDate(0, 0, -10)
	fake.Pay(stripetest.Checkout{Amount: 2})
	now = time.Now()
	fake.Pay(stripetest.Checkout{Amount: 3})
	for sentence, row := range map[string]struct {
		since time.Time
		want  int
	}{
		"a day":         {now.AddDate(0, 0, -1), 1},
		"two weeks":     {now.AddDate(0, 0, -14), 2},
		"for ever":      {time.Time{}, 2},
		"the other day": {now.Add(time.Hour), 0},
	} {
		if got := missed(t, client(t, fake), row.since); len(got) != row.want {
			t.Errorf("%s: %+v", sentence, got)
		}
	}
}

// A list of many pages goes on where Stripe did not answer.
func TestMissed_ReadsEveryPage(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Seed: 1, Faults: stripetest.Faults{Busy: .2, Cut: .2}})
	for i := range 250 {
		fake.Pay(stripetest.Checkout{CustomerID: fmt.Sprint("cus-", i), Plan: "chat10", Amount: 1})
	}
	seen := map[string]bool{}
	for _, n := range missed(t, client(t, fake), time.Now().Add(-time.Hour)) {
		seen[n.ID] = true
	}
	if len(seen) != 250 || len(fake.InjectedFaults()) == 0 {
		t.Errorf("%d of 250 were listed through %v", len(seen), fake.InjectedFaults())
	}
	fake.SetFaults(stripetest.Faults{Down: 1})
	for n, err := range client(t, fake).Missed(t.Context(), time.Now()) {
		if !errors.Is(err, curfew.Unavailable) || n.ID != "" {
			t.Errorf("%+v, %v", n, err)
		}
	}
}

// What is not about a payment is left out, and what should be readable and is not says why.
func TestMissed_TellsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	const odd = `{"id":"evt_2","object":"event","created":1795435200,"type":"charge.refunded","data":{"object":{"object":"charge"}}}`
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"object":"list","data":[{"id":"evt_1","object":"event","type":"customer.created","data":{"object":{"id":"cus_1"}}},` + odd + `]}`))
	})
	want := []curfew.Notice{{ID: "evt_2", Type: "charge.refunded", Provider: "stripe", At: noon, Unread: "charge: it has no id", Body: []byte(odd)}}
	if diff := cmp.Diff(want, missed(t, c, noon)); diff != "" {
		t.Error(diff)
	}
}

func TestSubscribed_SaysWhatNoEndpointGets(t *testing.T) {
	t.Parallel()
	const at = "https://curfew.example.org/api/stripe/webhook"
	part := slices.DeleteFunc(stripe.Events(), func(event string) bool { return event == "refund.failed" || event == "charge.expired" })
	some := []string{"charge.expired", "refund.failed"}
	for sentence, row := range map[string]struct {
		at   string
		have []stripetest.Endpoint
		want []string
		kind curfew.Kind
	}{
		"all of them":                     {at, []stripetest.Endpoint{{URL: at, Events: stripe.Events()}}, []string{}, ""},
		"a star":                          {at, []stripetest.Endpoint{{URL: at, Events: []string{"*"}}}, nil, ""},
		"with a slash":                    {at, []stripetest.Endpoint{{URL: at + "/", Events: part}}, some, ""},
		"two are missing":                 {at, []stripetest.Endpoint{{URL: at, Events: part}}, some, ""},
		"another endpoint gets them":      {at, []stripetest.Endpoint{{URL: at, Events: part}, {URL: "https://example.org", Events: []string{"*"}}}, some, ""},
		"two endpoints at one address":    {at, []stripetest.Endpoint{{URL: at, Events: part}, {URL: at, Events: some}}, []string{}, ""},
		"one of them is switched off":     {at, []stripetest.Endpoint{{URL: at, Events: part}, {URL: at, Events: some, Disabled: true}}, some, ""},
		"any address":                     {"", []stripetest.Endpoint{{URL: at, Events: part}, {URL: "https://example.org", Events: some}}, []string{}, ""},
		"there is none at the address":    {at, []stripetest.Endpoint{{URL: "https://example.org", Events: []string{"*"}}}, nil, curfew.NotFound},
		"the one there is is off":         {"", []stripetest.Endpoint{{URL: at, Events: []string{"*"}, Disabled: true}}, nil, curfew.NotFound},
		"there is none anywhere":          {"", nil, nil, curfew.NotFound},
		"the hundredth and first is ours": {at, append(slices.Repeat([]stripetest.Endpoint{{URL: "https://example.org"}}, 100), stripetest.Endpoint{URL: at, Events: part}), some, ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{})
			fake.SetEndpoints(row.have...)
			got, err := client(t, fake, func(o *stripe.ClientOptions) { o.WebhookURL = row.at }).Subscribed(t.Context())
			if diff := cmp.Diff(row.want, got); diff != "" || (row.kind == "") != (err == nil) || err != nil && !errors.Is(err, row.kind) {
				t.Error(err, diff)
			}
		})
	}
}

func TestSubscribed_AKeyThatMayNotLook(t *testing.T) {
	t.Parallel()
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"error":{"type":"invalid_request_error"}}`))
	})
	if _, err := c.Subscribed(t.Context()); !errors.Is(err, curfew.Forbidden) {
		t.Errorf("it says %v", err)
	}
}
