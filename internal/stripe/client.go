package stripe

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// defaultTimeout is longer than Stripe's slowest responses.
const defaultTimeout = 30 * time.Second

// pageSize is Stripe's largest page.
const pageSize = 100

// ClientOptions configures a Client. APIKey is required.
type ClientOptions struct {
	APIKey  string
	BaseURL string        // empty: Stripe's own
	Timeout time.Duration // of one call; 0: 30 s
	// Accounts are the connected accounts that customers pay directly, beside the key's
	// own; empty ones are ignored.
	Accounts []string
	Keys     Keys
	// WebhookURL is where Stripe sends its events, for Subscribed; empty means any endpoint.
	WebhookURL string
	// ReverseTransfer makes a refund also take the money back from the connected account to which
	// it was transferred; RefundApplicationFee makes it also return the platform's fee. Both apply
	// only to payments that have one. Change them only while no refund is in progress: Stripe
	// rejects a key with different parameters.
	ReverseTransfer      bool
	RefundApplicationFee bool
}

// LiveKey reports whether an API key moves real money.
func LiveKey(key string) bool {
	return strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "rk_live_")
}

// checkAccounts returns the accounts without the empty ones, or an error if one is malformed.
func checkAccounts(ids []string) ([]string, error) {
	var all []string
	for _, id := range ids {
		if err := checkAccount(id); err != nil {
			return nil, err
		}
		if id != "" && !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all, nil
}

func checkAccount(id string) error {
	if id != "" && (!strings.HasPrefix(id, "acct_") || curfew.CheckID("Stripe account", id) != nil || strings.ContainsRune(id, ' ')) {
		return curfew.Errorf(curfew.Invalid, "the Stripe account must be like acct_1234")
	}
	return nil
}

// Client calls Stripe's API. Each call is made once; retries are up to the caller.
// It is safe for concurrent use.
//
// Errors have a kind. Unavailable: the result is unknown; repeat the call with the
// same key. Unauthenticated: the API key is invalid. Forbidden: it lacks a permission.
// NotFound: Stripe knows no such payment. PaymentRequired: the bank refused. Conflict: the
// payment's state forbids it; read the payment. Invalid and IdempotencyMismatch: Stripe
// refused the call, and would refuse it again.
//
// A call for the key's own account that Stripe does not find there is made again in each
// connected account, because payments from before accounts were recorded name none.
type Client struct {
	api      calls
	accounts []string
	keys     Keys
	webhook  string
	reverse  bool
	fee      bool
}

// Serves reports whether a provider is Stripe.
func (c *Client) Serves(provider string) bool { return provider == Provider }

// NewClient returns a client. It returns Invalid if the key is missing, or if the address, an
// account or a metadata key is malformed.
func NewClient(o ClientOptions) (*Client, error) {
	if o.APIKey == "" || strings.TrimSpace(o.APIKey) != o.APIKey {
		return nil, curfew.Errorf(curfew.Invalid, "the Stripe API key is empty or has spaces around it")
	}
	if o.BaseURL == "" {
		o.BaseURL = stripe.APIURL
	}
	if at, err := url.Parse(o.BaseURL); err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" {
		return nil, curfew.Errorf(curfew.Invalid, "the Stripe API's address must be like %s", stripe.APIURL)
	}
	accounts, err := checkAccounts(o.Accounts)
	if err != nil {
		return nil, err
	}
	keys := o.Keys.withDefaults()
	if err := keys.check(); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	return &Client{
		api:      calls{backend(o), o.APIKey},
		accounts: accounts, keys: keys, webhook: o.WebhookURL, reverse: o.ReverseTransfer, fee: o.RefundApplicationFee,
	}, nil
}

// backend shares no state with other users of the library in this process, and logs
// nothing.
func backend(o ClientOptions) stripe.Backend {
	return stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL:               stripe.String(o.BaseURL),
		MaxNetworkRetries: stripe.Int64(0),
		EnableTelemetry:   stripe.Bool(false),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
		HTTPClient: &http.Client{
			Timeout:       o.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirected },
		},
	})
}

// errRedirected refuses redirects: Stripe's API never redirects, and the key would
// go along.
var errRedirected = errors.New("redirected")

// inAccount makes a call in the payment's account. It returns the account in which
// Stripe knew the payment.
func (c *Client) inAccount(account string, call func(account *string) error) (string, error) {
	if err := checkAccount(account); err != nil {
		return account, err
	}
	if account != "" {
		return account, call(&account)
	}
	err := call(nil)
	if !missing(err) {
		return "", err
	}
	for _, other := range c.accounts {
		if err := call(&other); !missing(err) {
			return other, err
		}
	}
	return "", err
}
