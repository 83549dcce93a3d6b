package stripe_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
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

// What a connected account was paid is asked for in its name.
func TestClient_AsksInTheAccountsName(t *testing.T) {
	t.Parallel()
	for sentence, account := range map[string]string{"the key's own account": "", "a connected account": "acct_1"} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{})
			at, names := named(t, fake)
			c := client(t, fake, func(o *stripe.ClientOptions) { o.BaseURL, o.Account = at, account })
			o := order(paidOnce(fake))
			if _, err := c.Refund(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Refunds(t.Context(), o.PaymentID); err != nil {
				t.Fatal(err)
			}
			for _, err := range c.Paid(t.Context(), time.Now().Add(-time.Hour)) {
				if err != nil {
					t.Fatal(err)
				}
			}
			want := []string{"POST /v1/refunds " + account, "GET /v1/refunds " + account, "GET /v1/checkout/sessions " + account}
			if diff := cmp.Diff(want, names()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnAccountThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"1", "acct 1", "acct_1 ", "acct_1\n", "https://acct_1"} {
		if _, err := stripe.NewHook(stripe.HookOptions{Secrets: []string{secret}, Account: account}); !errors.Is(err, curfew.Invalid) {
			t.Errorf("the hook takes %q: %v", account, err)
		}
		if _, err := stripe.NewClient(stripe.ClientOptions{APIKey: "sk_test_1", Account: account}); !errors.Is(err, curfew.Invalid) {
			t.Errorf("the client takes %q: %v", account, err)
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
