// Package stripetest is a fake Stripe for tests: a real HTTP server with the parts of Stripe's API that Curfew calls,
// checkouts at which customers pay, webhooks that it signs and deliberately delivers badly, and a ledger of what was
// really paid and refunded.
//
// It knows nothing of Curfew. It follows Stripe's documented behavior, in the types of Stripe's own library.
package stripetest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew/internal/storetest/seed"
)

// Options configures a Fake. The zero value has no faults.
type Options struct {
	APIKey string // empty: sk_test_fake
	// Seed decides every fault and every order of delivery, so that a run can be repeated: log it.
	Seed   uint64
	Faults Faults
	Live   bool             // the mode of events and objects
	Now    func() time.Time // nil: time.Now
}

// Fake is a Stripe account. It is safe for concurrent use.
type Fake struct {
	URL    string
	APIKey string

	seed uint64
	live bool
	now  func() time.Time
	quit chan struct{} // closed at the end; releases hanging calls

	mu       sync.Mutex
	faults   Faults
	sold     []*checkout // in order of creation
	byRef    map[string]*checkout
	byIntent map[string]*checkout
	byCharge map[string]*checkout
	refunds  []Refund
	wrong    []string // what must never happen, beside refunds
	// refundsBecome is the state in which refunds are created, and refundReason says why.
	refundsBecome stripe.RefundStatus
	refundReason  string
	events        []*Event // not delivered yet
	lost          []*Event // never delivered
	endpoints     []Endpoint
	made          int // events ever
	keys          map[string]stored
	bodies        map[string]string // the parameters of each key, kept for ever
	inFlight      map[string]bool   // idempotency keys of unanswered calls
	chances       *seed.Chances     // decide the faults
	rounds        int               // calls of Deliver
	injected      map[Fault]int
}

// New starts a Stripe that runs until the test ends.
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
		byRef: map[string]*checkout{}, byIntent: map[string]*checkout{}, byCharge: map[string]*checkout{},
		refundsBecome: stripe.RefundStatusSucceeded,
		keys:          map[string]stored{}, bodies: map[string]string{}, inFlight: map[string]bool{},
		chances: seed.NewChances(o.Seed), injected: map[Fault]int{},
	}
	server := httptest.NewUnstartedServer(f.routes())
	// On a reused connection, net/http repeats a call that was cut. Then how often a call is made, and so which
	// faults it meets, would depend on timing.
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

// SetFaults changes the faults from now on.
func (f *Fake) SetFaults(faults Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = faults
}

// ForgetKeys forgets all idempotency keys, as Stripe does after a day.
func (f *Fake) ForgetKeys() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.keys)
}

func (f *Fake) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/refunds", f.route(f.createRefund))
	mux.HandleFunc("GET /v1/refunds", f.route(f.listRefunds))
	mux.HandleFunc("GET /v1/checkout/sessions", f.route(f.listSessions))
	mux.HandleFunc("GET /v1/checkout/sessions/{id}", f.route(f.getSession))
	mux.HandleFunc("GET /v1/payment_intents/{id}", f.route(f.getIntent))
	mux.HandleFunc("POST /v1/payment_intents/{id}/capture", f.route(f.Holds().createCapture))
	mux.HandleFunc("POST /v1/payment_intents/{id}/cancel", f.route(f.Holds().createCancel))
	mux.HandleFunc("GET /v1/charges/{id}", f.route(f.getCharge))
	mux.HandleFunc("GET /v1/events", f.route(func(r *http.Request) response { return listUndelivered(f, r) }))
	mux.HandleFunc("GET /v1/webhook_endpoints", f.route(func(r *http.Request) response { return listEndpoints(f, r) }))
	mux.HandleFunc("GET /v1/disputes", f.route(f.listDisputes))
	mux.HandleFunc("/", f.route(func(r *http.Request) response {
		return failure(http.StatusNotFound, "invalid_request_error", "", fmt.Sprintf("Unrecognized request URL (%s: %s)", r.Method, r.URL.Path))
	}))
	return mux
}
