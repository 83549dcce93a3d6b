package api_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/curfewhq/curfew/api"
)

// answering is a client of something that always answers so; it tells what it
// was asked.
func answering(t *testing.T, status int, body string) (*api.Client, *http.Request) {
	t.Helper()
	var asked http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = *r
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return &api.Client{BaseURL: s.URL + "/", Token: "t"}, &asked
}

func TestAnswersThatAreProblems(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct {
		status     int
		body       string
		code, text string
	}{
		"Curfew's":                    {409, `{"code":"session_open","status":409,"detail":"busy","session":{"id":"s"}}`, "session_open", "busy (session_open, 409)"},
		"a proxy's page":              {502, `<html>Bad Gateway</html>`, "internal", ""},
		"another program's JSON":      {404, `{"error":"nope"}`, "internal", ""},
		"nothing":                     {500, ``, "internal", ""},
		"wait for an approval":        {202, `{"code":"approval_pending","detail":"ask mara","approval":{"id":"a"}}`, "approval_pending", ""},
		"a cleanup's, with its stats": {500, `{"code":"internal","status":500,"detail":"d","success":false,"stats":{"totalCleaned":4}}`, "internal", ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			c, _ := answering(t, test.status, test.body)
			_, err := c.RunCleanup(t.Context(), api.Cleanup{})
			p, ok := errors.AsType[*api.Problem](err)
			if !ok || p.Code != test.code || p.Status != test.status {
				t.Fatalf("%v", err)
			}
			if test.text != "" && (p.Error() != test.text || p.Session.ID != "s") {
				t.Errorf("%q", p.Error())
			}
			if (p.CleanupResult != nil) != (sentence == "a cleanup's, with its stats") {
				t.Errorf("%+v", p.CleanupResult)
			}
		})
	}
}

func TestWhatIsAsked(t *testing.T) {
	t.Parallel()
	c, asked := answering(t, 200, `{}`)
	if _, err := c.SessionStatus(t.Context(), "a/b c?d"); err != nil {
		t.Fatal(err)
	}
	if asked.URL.EscapedPath() != "/api/customers/a%2Fb%20c%3Fd/session-status" || asked.Header.Get("Authorization") != "Bearer t" {
		t.Errorf("%s %v", asked.URL, asked.Header)
	}
	if _, err := c.CreateSession(t.Context(), api.NewSession{Plan: "free"}, "key-1"); err != nil {
		t.Fatal(err)
	}
	if asked.Header.Get("Idempotency-Key") != "key-1" || asked.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", asked.Header)
	}
	if _, err := c.PreviewCleanup(t.Context(), api.Selection{CustomerID: "c&d", Rules: []string{"noShows", "overran"}, MaxAgeMinutes: 5}); err != nil {
		t.Fatal(err)
	}
	if asked.URL.RawQuery != "customerId=c%26d&maxAgeMinutes=5&rules=noShows%2Coverran" {
		t.Errorf("%s", asked.URL)
	}
	if _, err := c.FindCheckouts(t.Context(), api.CheckoutSelection{Outcome: "held", CustomerID: "c&d", Email: "a+b@c.d", After: "x", Limit: 7}); err != nil {
		t.Fatal(err)
	}
	if asked.URL.RawQuery != "after=x&customerId=c%26d&email=a%2Bb%40c.d&limit=7&outcome=held" {
		t.Errorf("%s", asked.URL)
	}
	if _, err := c.RefundCheckout(t.Context(), "a/b", api.Refund{Reason: "r"}); err != nil || asked.URL.EscapedPath() != "/api/debug/checkouts/a%2Fb/refund" {
		t.Errorf("%v %s", err, asked.URL)
	}
	if _, err := c.Queue(t.Context(), api.Page{}); err != nil || asked.URL.RawQuery != "" {
		t.Errorf("%v %s", err, asked.URL)
	}
}

// A report that says «error» is an answer; what is no report is not.
func TestHealthThatCannotTellIsAnAnswer(t *testing.T) {
	t.Parallel()
	c, _ := answering(t, 503, `{"health":"error"}`)
	if h, err := c.Health(t.Context()); err != nil || h.Health != "error" {
		t.Errorf("%v %v", h, err)
	}
	c, _ = answering(t, 401, `{"code":"unauthenticated","status":401,"detail":"who?"}`)
	if _, err := c.Health(t.Context()); err == nil {
		t.Error("a problem became a report")
	}
	c, _ = answering(t, 200, `not JSON`)
	if _, err := c.Health(t.Context()); err == nil {
		t.Error("nonsense became a report")
	}
}
