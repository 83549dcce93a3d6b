package stripe

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// defaultTimeout is longer than Stripe's slowest responses take.
const defaultTimeout = 30 * time.Second

// pageSize is Stripe's largest page.
const pageSize = 100

// ClientOptions configure a Client. APIKey is required.
type ClientOptions struct {
	APIKey  string
	BaseURL string        // empty: Stripe's own
	Timeout time.Duration // of one call; 0: 30 s
	Account string        // the connected account that was paid; empty: the key's own
}

// LiveKey reports whether an API key moves real money.
func LiveKey(key string) bool {
	return strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "rk_live_")
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
// same key. Unauthenticated: the API key is invalid, or lacks a permission. Invalid
// and IdempotencyMismatch: Stripe refused the call, and would refuse it again.
type Client struct {
	api     *stripe.Client
	account *string // nil: the key's own
}

// NewClient returns a client. Invalid if the key is missing, or the address or the
// account is malformed.
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
	if err := checkAccount(o.Account); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	c := &Client{api: stripe.NewClient(o.APIKey, stripe.WithBackends(&stripe.Backends{API: backend(o)}))}
	if o.Account != "" {
		c.account = &o.Account
	}
	return c, nil
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
