package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// Preflight compares what Stripe's endpoint gets with what Curfew reads.
func TestPreflightComparesStripesEvents(t *testing.T) {
	t.Parallel()
	part := slices.DeleteFunc(stripe.Events(), func(event string) bool { return event == "refund.failed" })
	forbidden := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"error":{"type":"invalid_request_error"}}`))
	}))
	t.Cleanup(forbidden.Close)
	for sentence, row := range map[string]struct {
		have   []stripetest.Endpoint
		at     string // of the API; empty: a fake
		unset  string // the setting that is not set
		ok     bool
		says   string // empty: there is no line
		detail []string
	}{
		"it gets all of them":           {have: []stripetest.Endpoint{{URL: "https://here.example/api/stripe/webhook", Events: stripe.Events()}}, ok: true, says: "every event"},
		"it lacks one":                  {have: []stripetest.Endpoint{{Events: part}}, says: "1 event", detail: []string{"refund.failed"}},
		"there is no endpoint":          {says: "no enabled webhook endpoint"},
		"the key may not look":          {at: forbidden.URL, ok: true, says: "cannot tell"},
		"Stripe cannot be reached":      {at: "http://127.0.0.1:1", says: "could not be reached"},
		"the webhook is not in use":     {have: []stripetest.Endpoint{{Events: part}}, unset: "--stripe-webhook-secret"},
		"the secret is set, and no key": {unset: "--stripe-api-key"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{})
			fake.SetEndpoints(row.have...)
			args := []string{"--stripe-webhook-secret=whsec_1", "--stripe-api-key=" + fake.APIKey, "--stripe-api-base=" + fake.URL}
			if row.at != "" {
				args = append(args, "--stripe-api-base="+row.at)
			}
			s, err := parse(t, slices.DeleteFunc(args, func(arg string) bool { return row.unset != "" && strings.HasPrefix(arg, row.unset+"=") })...)
			if err != nil {
				t.Fatal(err)
			}
			var p preflight
			p.stripe(t.Context(), s)
			if row.says == "" {
				if len(p.Checks) != 0 {
					t.Errorf("there is %+v", p.Checks)
				}
				return
			}
			if len(p.Checks) != 1 {
				t.Fatalf("there is %+v", p.Checks)
			}
			c := p.Checks[0]
			if c.OK != row.ok || !strings.Contains(c.Text, row.says) || !slices.Equal(c.Detail, row.detail) || len(row.detail) > 0 && c.Fix == "" {
				t.Errorf("it is %+v", c)
			}
		})
	}
}
