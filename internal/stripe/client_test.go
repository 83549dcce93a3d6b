package stripe_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// client asks a fake.
func client(t *testing.T, fake *stripetest.Fake, change ...func(*stripe.ClientOptions)) *stripe.Client {
	t.Helper()
	o := stripe.ClientOptions{APIKey: fake.APIKey, BaseURL: fake.URL, Timeout: time.Minute}
	for _, each := range change {
		each(&o)
	}
	c, err := stripe.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func order(p stripetest.Paid) curfew.MoneyOrder {
	return curfew.MoneyOrder{Key: "refund:" + p.Ref, Account: p.Account, PaymentID: p.PaymentID, Amount: p.Amount, Currency: p.Currency}
}

func paidOnce(fake *stripetest.Fake) stripetest.Paid {
	fake.Pay(stripetest.Checkout{CustomerID: "cus-1", Plan: "chat10", Amount: 1999})
	paid := fake.Paid()
	return paid[len(paid)-1]
}

func TestClient_ErrorsHaveTheirKind(t *testing.T) {
	t.Parallel()
	const key = "sk_test_51SecretSecret"
	for sentence, row := range map[string]struct {
		status int
		body   string
		kind   curfew.Kind
		says   string
	}{
		"too many calls":             {429, `{"error":{"type":"invalid_request_error","code":"rate_limit"}}`, curfew.Unavailable, "429, rate_limit"},
		"a lock":                     {429, `{"error":{"type":"invalid_request_error","code":"lock_timeout"}}`, curfew.Unavailable, "lock_timeout"},
		"the key is in use":          {409, `{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}`, curfew.Unavailable, "409"},
		"broken":                     {500, `{"error":{"type":"api_error"}}`, curfew.Unavailable, "500"},
		"broken, and not as JSON":    {502, `<html>` + key + `</html>`, curfew.Unavailable, "not Stripe's API"},
		"JSON without an error":      {503, `{"key":"` + key + `"}`, curfew.Unavailable, "not Stripe's API"},
		"a success that is none":     {200, `{}`, curfew.Unavailable, "not Stripe's API"},
		"a success of text":          {200, `hello`, curfew.Unavailable, "not Stripe's API"},
		"a redirection":              {307, ``, curfew.Unavailable, "redirects"},
		"no key":                     {401, `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: ` + key + `"}}`, curfew.Unauthenticated, "401"},
		"a key for other things":     {403, `{"error":{"type":"invalid_request_error","message":"The provided key '` + key + `' does not have access"}}`, curfew.Forbidden, "403"},
		"no such payment":            {404, `{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such payment_intent: 'pi_1'"}}`, curfew.NotFound, "No such payment_intent: 'pi_1' (status 404, resource_missing, request req_1)"},
		"a wrong request":            {400, `{"error":{"type":"invalid_request_error","message":"not with ` + key + `\n"}}`, curfew.Invalid, "not with … (status 400"},
		"the bank says no":           {402, `{"error":{"type":"card_error","code":"card_declined","decline_code":"do_not_honor","message":"No."}}`, curfew.PaymentRequired, "the bank refuses: do_not_honor: No. (status 402"},
		"its state forbids it":       {400, `{"error":{"type":"invalid_request_error","code":"payment_intent_unexpected_state","message":"it is canceled"}}`, curfew.Conflict, "it is canceled"},
		"the key says other things":  {400, `{"error":{"type":"idempotency_error","message":"Keys for idempotent requests…"}}`, curfew.IdempotencyMismatch, "other parameters"},
		"a refund of a strange form": {200, `{"id":"re_1","amount":"much"}`, curfew.Unavailable, "not Stripe's API"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Request-Id", "req_1")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(row.status)
				_, _ = w.Write([]byte(row.body))
			}))
			t.Cleanup(server.Close)
			c, err := stripe.NewClient(stripe.ClientOptions{APIKey: key, BaseURL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Refund(t.Context(), curfew.MoneyOrder{Key: "refund:cs_1", PaymentID: "pi_1", Amount: 5})
			if !errors.Is(err, row.kind) || !strings.Contains(err.Error(), row.says) {
				t.Errorf("it says %v, want %s and %q", err, row.kind, row.says)
			}
			if strings.Contains(err.Error(), "51Secret") {
				t.Errorf("the key is in %v", err)
			}
		})
	}
}

func TestClient_NoAnswerIsNotAFailure(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + listener.Addr().String()
	_ = listener.Close()
	for sentence, row := range map[string]struct {
		faults stripetest.Faults
		change func(*stripe.ClientOptions)
		says   string
		most   int // that the ledger may have by then
	}{
		"nobody is there":   {stripetest.Faults{}, func(o *stripe.ClientOptions) { o.BaseURL = nobody }, "could not be reached", 0},
		"the line was cut":  {stripetest.Faults{Cut: 1}, func(*stripe.ClientOptions) {}, "did not answer", 1},
		"no answer in time": {stripetest.Faults{Hang: 1}, func(o *stripe.ClientOptions) { o.Timeout = 100 * time.Millisecond }, "in time", 1},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{Faults: row.faults})
			o := order(paidOnce(fake))
			_, err := client(t, fake, row.change).Refund(t.Context(), o)
			if !errors.Is(err, curfew.Unavailable) || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "v1/refunds") {
				t.Errorf("it says %v", err)
			}
			if len(fake.Refunds()) > row.most {
				t.Errorf("the ledger has %+v", fake.Refunds())
			}
			fake.SetFaults(stripetest.Faults{})
			got, err := client(t, fake).Refund(t.Context(), o)
			for errors.Is(err, curfew.Unavailable) && t.Context().Err() == nil { // the first call may still hold the key
				got, err = client(t, fake).Refund(t.Context(), o)
			}
			if err != nil || len(got) != 1 || got[0].Amount != 1999 || len(fake.Refunds()) != 1 {
				t.Errorf("again: %+v, %v, the ledger has %+v", got, err, fake.Refunds())
			}
		})
	}
}

// Whoever redirects is not Stripe, and gets no call sent on.
func TestClient_NobodyIsSentElsewhere(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(server.Close)
	c, err := stripe.NewClient(stripe.ClientOptions{APIKey: "sk", BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Refunds(t.Context(), "", "pi_1"); !errors.Is(err, curfew.Unavailable) || calls.Load() != 1 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
}

func TestClient_HalfAnAnswerIsNone(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		after   func(*http.Request)
		timeout time.Duration
		says    string
	}{
		"the line was cut in the middle":    {func(*http.Request) { panic(http.ErrAbortHandler) }, time.Minute, "did not answer"},
		"the rest does not come in time":    {func(r *http.Request) { <-r.Context().Done() }, 500 * time.Millisecond, "in time"},
		"the rest is not what was promised": {func(*http.Request) {}, time.Minute, "not Stripe's API"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = w.Write([]byte(`{"id":"re_`))
				_ = http.NewResponseController(w).Flush()
				row.after(r)
			}))
			t.Cleanup(server.Close)
			c, err := stripe.NewClient(stripe.ClientOptions{APIKey: "sk", BaseURL: server.URL, Timeout: row.timeout})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Refund(t.Context(), curfew.MoneyOrder{Key: "refund:cs_1", PaymentID: "pi_1", Amount: 5})
			if !errors.Is(err, curfew.Unavailable) || !strings.Contains(err.Error(), row.says) {
				t.Errorf("it says %v", err)
			}
		})
	}
}

func TestClient_WhoeverIsGoneIsTold(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client(t, fake).Refund(ctx, order(paidOnce(fake)))
	if !errors.Is(err, curfew.Unavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("it says %v", err)
	}
}

func TestClient_OrdersThatCannotBeAreNotSent(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Faults: stripetest.Faults{Down: 1}})
	c := client(t, fake)
	for sentence, o := range map[string]curfew.MoneyOrder{
		"no key":          {PaymentID: "pi_1", Amount: 1},
		"an endless key":  {Key: strings.Repeat("k", 501), PaymentID: "pi_1", Amount: 1},
		"no payment":      {Key: "k", Amount: 1},
		"nothing":         {Key: "k", PaymentID: "pi_1"},
		"less than it":    {Key: "k", PaymentID: "pi_1", Amount: -1},
		"a line's end in": {Key: "k", PaymentID: "pi\n1", Amount: 1},
	} {
		if _, err := c.Refund(t.Context(), o); !errors.Is(err, curfew.Invalid) {
			t.Errorf("%s: %v", sentence, err)
		}
	}
	if _, err := c.Refunds(t.Context(), "", ""); !errors.Is(err, curfew.Invalid) {
		t.Errorf("refunds of everybody: %v", err)
	}
}

// A reference may be longer, or of other letters, than a header carries.
func TestClient_AnyReferenceMakesAKey(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	c := client(t, fake)
	for _, key := range []string{"refund:" + strings.Repeat("r", 255), "refund:zahlung für ада", "refund: a ", "refund: a"} {
		o := order(paidOnce(fake))
		o.Key = key
		first, err := c.Refund(t.Context(), o)
		if err != nil || len(first) != 1 {
			t.Fatalf("%s: %+v, %v", key, first, err)
		}
		if again, err := c.Refund(t.Context(), o); err != nil || len(again) != 1 || again[0].Object != first[0].Object {
			t.Errorf("%s again: %+v, %v", key, again, err)
		}
	}
	if n := len(fake.Refunds()); n != 4 {
		t.Errorf("%d refunds for four keys", n)
	}
}

func TestClient_NoKeyNoClient(t *testing.T) {
	t.Parallel()
	for sentence, o := range map[string]stripe.ClientOptions{
		"no key":                 {},
		"spaces around the key":  {APIKey: " sk "},
		"an address without one": {APIKey: "sk", BaseURL: "api.example.com"},
		"an address of files":    {APIKey: "sk", BaseURL: "file:///etc"},
	} {
		if _, err := stripe.NewClient(o); !errors.Is(err, curfew.Invalid) {
			t.Errorf("%s: %v", sentence, err)
		}
	}
	if _, err := stripe.NewClient(stripe.ClientOptions{APIKey: "sk"}); err != nil {
		t.Errorf("the zero value: %v", err)
	}
}
