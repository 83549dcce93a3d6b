package stripetest

import (
	"fmt"
	"time"

	"github.com/stripe/stripe-go/v86"
)

// Checkout is what a marketplace sells through Stripe.
type Checkout struct {
	CustomerID string // client_reference_id; empty: only what the metadata says
	Plan       string // metadata plan; empty: none
	Amount     int64  // minor units; 0: no payment is required
	Currency   string // empty: eur
	Email      string
	Name       string
	Quantity   int64             // how often; 0: once, and no line says so
	Metadata   map[string]string // besides the plan
	Account    string            // the connected account that is paid; empty: the key's own
	// Fee is what a platform keeps, Destination the connected account that the money goes on to.
	Fee         int64
	Destination string
	HoldFor     time.Duration // how long the bank reserves it; 0: a week
}

// checkout is a Checkout Session and its payment. Events hold copies of it.
type checkout struct {
	Checkout
	number        int
	ref           string
	intent        string // empty: nothing is charged
	charge        string
	status        stripe.CheckoutSessionStatus
	paymentStatus stripe.CheckoutSessionPaymentStatus
	failed        bool // a delayed payment
	manual
	dispute      stripe.DisputeStatus
	createdAt    time.Time
	paidAt       time.Time
	captured     int64
	refunded     int64
	refunds      []int // indexes in the ledger
	cancelReason stripe.PaymentIntentCancellationReason
}

// Open creates an unpaid Checkout Session and returns its id.
func (f *Fake) Open(c Checkout) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open(c).ref
}

// Pay creates a Checkout Session that is paid at once, and returns its id.
func (f *Fake) Pay(c Checkout) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	made := f.open(c)
	f.complete(made)
	f.emit(stripe.EventTypeCheckoutSessionCompleted, made)
	return made.ref
}

// CompleteUnpaid creates a Checkout Session completed with a delayed payment method, and returns its id. The payment is
// still processing.
func (f *Fake) CompleteUnpaid(c Checkout) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	made := f.open(c)
	made.status = stripe.CheckoutSessionStatusComplete
	f.emit(stripe.EventTypeCheckoutSessionCompleted, made)
	return made.ref
}

// SucceedPayment ends a delayed payment: the money has arrived.
func (f *Fake) SucceedPayment(ref string) {
	f.step(ref, stripe.EventTypeCheckoutSessionAsyncPaymentSucceeded, f.complete)
}

// FailPayment ends a delayed payment: the money will not arrive.
func (f *Fake) FailPayment(ref string) {
	f.step(ref, stripe.EventTypeCheckoutSessionAsyncPaymentFailed, func(c *checkout) { c.failed = true })
}

// Expire expires an open Checkout Session.
func (f *Fake) Expire(ref string) {
	f.step(ref, stripe.EventTypeCheckoutSessionExpired, func(c *checkout) { c.status = stripe.CheckoutSessionStatusExpired })
}

// Dispute lets the customer's bank open a dispute and withdraw the money.
func (f *Fake) Dispute(ref string) {
	need := func(c *checkout) { c.dispute = stripe.DisputeStatusNeedsResponse }
	f.step(ref, stripe.EventTypeChargeDisputeCreated, need)
	f.step(ref, stripe.EventTypeChargeDisputeFundsWithdrawn, need)
}

// ChangeDispute opens a dispute in a state, or moves it to another, and emits an event. It returns
// false where no bank would: nothing was paid, or a refund was made or tried.
func (f *Fake) ChangeDispute(ref string, state stripe.DisputeStatus) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.known(ref)
	if c.captured == 0 || len(c.refunds) > 0 {
		return false
	}
	event := stripe.EventTypeChargeDisputeUpdated
	switch {
	case c.dispute == "":
		event = stripe.EventTypeChargeDisputeCreated
	case !undecided(state):
		event = stripe.EventTypeChargeDisputeClosed
	}
	c.dispute = state
	f.emit(event, c)
	return true
}

// undecided reports whether a bank may still take the disputed money, or has only begun to ask.
func undecided(state stripe.DisputeStatus) bool {
	switch state {
	case stripe.DisputeStatusNeedsResponse, stripe.DisputeStatusUnderReview, stripe.DisputeStatusWarningNeedsResponse,
		stripe.DisputeStatusWarningUnderReview:
		return true
	}
	return false
}

// chargedBack reports whether a bank has taken the money, or may: it can no longer be refunded.
func (c *checkout) chargedBack() bool {
	switch c.dispute {
	case stripe.DisputeStatusNeedsResponse, stripe.DisputeStatusUnderReview, stripe.DisputeStatusLost:
		return true
	}
	return false
}

// CloseDispute closes a dispute with the bank's decision.
func (f *Fake) CloseDispute(ref string, verdict stripe.DisputeStatus) {
	f.step(ref, stripe.EventTypeChargeDisputeClosed, func(c *checkout) { c.dispute = verdict })
}

func (f *Fake) open(c Checkout) *checkout {
	if c.Currency == "" {
		c.Currency = "eur"
	}
	n := len(f.sold) + 1
	made := &checkout{
		Checkout: c, number: n, ref: fmt.Sprintf("cs_test_%08d", n), createdAt: f.now(),
		status: stripe.CheckoutSessionStatusOpen, paymentStatus: stripe.CheckoutSessionPaymentStatusUnpaid,
	}
	if c.Amount > 0 {
		made.intent, made.charge = fmt.Sprintf("pi_%08d", n), fmt.Sprintf("ch_%08d", n)
		f.byIntent[made.intent], f.byCharge[made.charge] = made, made
	}
	f.sold = append(f.sold, made)
	f.byRef[made.ref] = made
	return made
}

func (f *Fake) complete(c *checkout) {
	c.status, c.paidAt, c.captured = stripe.CheckoutSessionStatusComplete, f.now(), c.Amount
	c.paymentStatus = stripe.CheckoutSessionPaymentStatusPaid
	if c.Amount == 0 {
		c.paymentStatus = stripe.CheckoutSessionPaymentStatusNoPaymentRequired
	}
}

func (f *Fake) step(ref string, event stripe.EventType, change func(*checkout)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.known(ref)
	change(c)
	f.emit(event, c)
}

func (f *Fake) known(ref string) *checkout {
	c, ok := f.byRef[ref]
	if !ok {
		panic("stripetest: there is no Checkout Session " + ref)
	}
	return c
}
