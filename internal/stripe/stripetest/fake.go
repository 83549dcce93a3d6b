// Package stripetest is a Stripe for tests: a real HTTP server with the parts
// of Stripe's API that Curfew calls, a till at which customers pay, webhooks
// that it signs and delivers badly on purpose, and a ledger of its own that
// tells in the end what was truly paid and given back.
//
// It knows nothing of Curfew. What it does and answers follows Stripe's
// published behaviour, in the types of Stripe's own library.
package stripetest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/storetest/seed"
)

// Options of a Fake. Its zero value is a Stripe without faults.
type Options struct {
	APIKey string // empty: sk_test_fake
	// Seed decides every fault and every order of delivery, so that a run can be
	// had again. Print it.
	Seed   uint64
	Faults Faults
	Live   bool             // the mode that events and objects say
	Now    func() time.Time // nil: time.Now
}

// Fake is one Stripe account. It may be used by many at once.
type Fake struct {
	URL    string
	APIKey string

	seed uint64
	live bool
	now  func() time.Time
	quit chan struct{} // closed at the end: whoever hangs lets go

	mu       sync.Mutex
	faults   Faults
	sold     []*checkout // in the order of their making
	byRef    map[string]*checkout
	byIntent map[string]*checkout
	refunds  []Refund
	events   []*Event // not delivered yet
	made     int      // events ever
	keys     map[string]stored
	flying   map[string]bool // idempotency keys of calls that are not answered yet
	chances  *seed.Chances   // what goes wrong
	rounds   int             // calls of Deliver
	struck   map[Fault]int
}

// New starts a Stripe that stops with the test.
func New(t testing.TB, o Options) *Fake {
	t.Helper()
	if o.APIKey == "" {
		o.APIKey = "sk_test_fake"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &Fake{
		APIKey: o.APIKey, seed: o.Seed, live: o.Live, now: o.Now, faults: o.Faults,
		quit:  make(chan struct{}),
		byRef: map[string]*checkout{}, byIntent: map[string]*checkout{},
		keys: map[string]stored{}, flying: map[string]bool{},
		chances: seed.NewChances(o.Seed), struck: map[Fault]int{},
	}
	server := httptest.NewUnstartedServer(f.routes())
	// On a connection that was used before, net/http repeats a call that was cut. It is not to: how
	// often a call is made, and so what strikes it, would depend on moments.
	server.Config.SetKeepAlivesEnabled(false)
	server.Start()
	f.URL = server.URL
	t.Cleanup(func() {
		close(f.quit)
		server.CloseClientConnections()
		server.Close()
	})
	return f
}

// SetFaults changes what goes wrong from now on.
func (f *Fake) SetFaults(faults Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = faults
}

// ForgetKeys is what Stripe does with idempotency keys after a day.
func (f *Fake) ForgetKeys() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.keys)
}

func (f *Fake) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/refunds", f.answer(f.createRefund))
	mux.HandleFunc("GET /v1/refunds", f.answer(f.listRefunds))
	mux.HandleFunc("GET /v1/checkout/sessions", f.answer(f.listSessions))
	mux.HandleFunc("GET /v1/checkout/sessions/{id}", f.answer(f.getSession))
	mux.HandleFunc("GET /v1/payment_intents/{id}", f.answer(f.getIntent))
	mux.HandleFunc("/", f.answer(func(r *http.Request) answer {
		return refuse(http.StatusNotFound, "invalid_request_error", "", fmt.Sprintf("Unrecognized request URL (%s: %s)", r.Method, r.URL.Path))
	}))
	return mux
}
