package stripe_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
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
	if _, err := c.Refund(t.Context(), o); !errors.Is(err, curfew.NotFound) {
		t.Errorf("of no payment: %v", err)
	}
}

// A transfer or a fee is taken back only where there is one: Stripe refuses the rest.
func TestRefund_TakesBackWhatAPlatformPassedOnOrKept(t *testing.T) {
	t.Parallel()
	type flags struct{ Transfer, Fee bool }
	for sentence, row := range map[string]struct {
		sold         stripetest.Checkout
		reverse, fee bool
		want         flags
	}{
		"the platform's own payment":               {stripetest.Checkout{}, true, true, flags{}},
		"passed on, with a fee":                    {stripetest.Checkout{Fee: 100, Destination: "acct_1"}, true, true, flags{true, true}},
		"passed on, and it stays there":            {stripetest.Checkout{Fee: 100, Destination: "acct_1"}, false, true, flags{false, true}},
		"passed on, and the fee is kept":           {stripetest.Checkout{Fee: 100, Destination: "acct_1"}, true, false, flags{true, false}},
		"paid to a connected account, with a fee":  {stripetest.Checkout{Fee: 100, Account: "acct_1"}, true, true, flags{false, true}},
		"paid to a connected account, without one": {stripetest.Checkout{Account: "acct_1"}, true, true, flags{}},
		"nothing is set":                           {stripetest.Checkout{Fee: 100, Destination: "acct_1"}, false, false, flags{}},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{})
			at, names := named(t, fake)
			c := client(t, fake, func(o *stripe.ClientOptions) {
				o.BaseURL, o.Accounts, o.ReverseTransfer, o.RefundApplicationFee = at, []string{"acct_1"}, row.reverse, row.fee
			})
			row.sold.Amount = 1999
			fake.Pay(row.sold)
			for _, name := range []string{fake.Paid()[0].PaymentID, fake.Paid()[0].ChargeID} {
				o := order(fake.Paid()[0])
				o.PaymentID, o.Key, o.Amount = name, "refund:"+name, 900
				for range 2 {
					if facts, err := c.Refund(t.Context(), o); err != nil || len(facts) != 1 {
						t.Fatalf("%+v, %v", facts, err)
					}
				}
			}
			for _, made := range fake.Refunds() {
				if diff := cmp.Diff(row.want, flags{made.ReverseTransfer, made.RefundFee}); diff != "" {
					t.Error(diff)
				}
			}
			for _, call := range names() {
				if !strings.HasSuffix(call, " "+row.sold.Account) {
					t.Errorf("of a payment in account %q: %s", row.sold.Account, call)
				}
			}
			if wrong := strings.Join(fake.Violations(), "; "); len(fake.Refunds()) != 2 || strings.Contains(wrong, "two bodies") {
				t.Errorf("%+v, %s", fake.Refunds(), wrong)
			}
		})
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
