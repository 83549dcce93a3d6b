package stripe_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// named is a Stripe that remembers in whose name it was asked.
func named(t *testing.T, fake *stripetest.Fake) (at string, names func() []string) {
	t.Helper()
	to, err := url.Parse(fake.URL)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all []string
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		all = append(all, r.Method+" "+r.URL.Path+" "+r.Header.Get("Stripe-Account"))
		mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// What a connected account was paid is asked for in its name, and what the platform was paid never is.
func TestClient_AsksInTheAccountsName(t *testing.T) {
	t.Parallel()
	for sentence, account := range map[string]string{"the key's own account": "", "a connected account": "acct_1"} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{})
			at, names := named(t, fake)
			c := client(t, fake, func(o *stripe.ClientOptions) { o.BaseURL, o.Accounts = at, []string{"acct_1", "acct_2"} })
			fake.Pay(stripetest.Checkout{CustomerID: "cus-1", Plan: "chat10", Amount: 1999, Account: account})
			o := order(fake.Paid()[0])
			if _, err := c.Refund(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Refunds(t.Context(), account, o.PaymentID); err != nil {
				t.Fatal(err)
			}
			if notice, err := c.Payment(t.Context(), account, o.PaymentID); err != nil || notice.Account != account {
				t.Fatalf("%+v, %v", notice, err)
			}
			for notice, err := range c.Paid(t.Context(), time.Now().Add(-time.Hour)) {
				if err != nil || notice.Account != account {
					t.Fatalf("%+v, %v", notice, err)
				}
			}
			want := []string{
				"POST /v1/refunds " + account, "GET /v1/refunds " + account,
				"GET /v1/payment_intents/pi_00000001 " + account, "GET /v1/refunds " + account,
				"GET /v1/checkout/sessions ", "GET /v1/checkout/sessions acct_1", "GET /v1/checkout/sessions acct_2",
			}
			if diff := cmp.Diff(want, names()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A payment that was recorded before accounts were says of none that it is in one.
func TestClient_FindsTheAccountOfAnOldPayment(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	at, names := named(t, fake)
	c := client(t, fake, func(o *stripe.ClientOptions) { o.BaseURL, o.Accounts = at, []string{"acct_1", "acct_2"} })
	fake.Pay(stripetest.Checkout{CustomerID: "cus-1", Plan: "chat10", Amount: 1999, Account: "acct_2"})
	o := order(fake.Paid()[0])
	o.Account = ""
	if facts, err := c.Refund(t.Context(), o); err != nil || len(facts) != 1 {
		t.Fatalf("%+v, %v", facts, err)
	}
	if notice, err := c.Payment(t.Context(), "", o.PaymentID); err != nil || notice.Account != "acct_2" {
		t.Errorf("%+v, %v", notice, err)
	}
	want := []string{
		"POST /v1/refunds ", "POST /v1/refunds acct_1", "POST /v1/refunds acct_2",
		"GET /v1/payment_intents/pi_00000001 ", "GET /v1/payment_intents/pi_00000001 acct_1", "GET /v1/payment_intents/pi_00000001 acct_2",
		"GET /v1/refunds acct_2",
	}
	if diff := cmp.Diff(want, names()); diff != "" {
		t.Error(diff)
	}
	o.PaymentID, o.Key = "pi_none", "refund:none"
	if _, err := c.Refund(t.Context(), o); !errors.Is(err, curfew.Invalid) {
		t.Errorf("of no payment: %v", err)
	}
}

func TestClient_SendsTheFlagsOfConnectOnlyWithAConnectedAccountsPayment(t *testing.T) {
	t.Parallel()
	for account, want := range map[string]url.Values{
		"":       {"refund_application_fee": nil, "reverse_transfer": nil},
		"acct_1": {"refund_application_fee": {"true"}, "reverse_transfer": {"true"}},
	} {
		var got url.Values
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			got = r.PostForm
			_, _ = w.Write([]byte(`{"id":"re_1","object":"refund","amount":5,"currency":"eur","status":"succeeded","created":1795435200}`))
		}))
		c, err := stripe.NewClient(stripe.ClientOptions{
			APIKey: "sk", BaseURL: server.URL, Accounts: []string{"acct_1"}, ReverseTransfer: true, RefundApplicationFee: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Refund(t.Context(), curfew.MoneyOrder{Key: "refund:cs_1", Account: account, PaymentID: "pi_1", Amount: 5, Currency: "eur"}); err != nil {
			t.Error(err)
		}
		server.Close()
		for name, value := range want {
			if !slices.Equal(got[name], value) {
				t.Errorf("in account %q: %s is %v", account, name, got[name])
			}
		}
	}
}

func TestAnAccountThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"1", "acct 1", "acct_1 ", "acct_1\n", "https://acct_1"} {
		if _, err := stripe.NewHook(stripe.HookOptions{Secrets: []string{secret}, Accounts: []string{account}}); !errors.Is(err, curfew.Invalid) {
			t.Errorf("the hook takes %q: %v", account, err)
		}
		if _, err := stripe.NewClient(stripe.ClientOptions{APIKey: "sk_test_1", Accounts: []string{account}}); !errors.Is(err, curfew.Invalid) {
			t.Errorf("the client takes %q: %v", account, err)
		}
		c, err := stripe.NewClient(stripe.ClientOptions{APIKey: "sk_test_1", BaseURL: "http://127.0.0.1:1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Refund(t.Context(), curfew.MoneyOrder{Key: "k", Account: account, PaymentID: "pi_1", Amount: 1}); !errors.Is(err, curfew.Invalid) {
			t.Errorf("a refund in %q: %v", account, err)
		}
	}
}

func TestAKeySaysWhetherItMovesRealMoney(t *testing.T) {
	t.Parallel()
	for key, live := range map[string]bool{
		"sk_live_1": true, "rk_live_1": true, "sk_test_1": false, "rk_test_1": false, "": false, "pk_live_1": false, "x_sk_live_1": false,
	} {
		if stripe.LiveKey(key) != live {
			t.Errorf("%q: %t", key, !live)
		}
	}
}
