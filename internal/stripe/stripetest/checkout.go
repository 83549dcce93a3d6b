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
	Metadata   map[string]string // besides the plan
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
	dispute       stripe.DisputeStatus
	createdAt     time.Time
	paidAt        time.Time
	refunded      int64
	refunds       []int // indexes in the ledger
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
	f.step(ref, stripe.EventTypeCheckoutSessionAsyncPaymentFailed, func(*checkout) {})
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

// CloseDispute closes a dispute with the bank's verdict.
func (f *Fake) CloseDispute(ref string, verdict stripe.DisputeStatus) {
	f.step(ref, stripe.EventTypeChargeDisputeClosed, func(c *checkout) { c.dispute = verdict })
}

// RefundByHand refunds in Stripe's dashboard and returns the refund's id. It panics where Stripe would refuse, because
// then the test is wrong.
func (f *Fake) RefundByHand(ref string, amount int64) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.known(ref)
	if left := c.Amount - c.refunded; c.paidAt.IsZero() || amount > left {
		panic(fmt.Sprintf("stripetest: %d of %s cannot be refunded: %d are left", amount, ref, left))
	}
	return f.refund(c, amount, "", nil).ID
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
		f.byIntent[made.intent] = made
	}
	f.sold = append(f.sold, made)
	f.byRef[made.ref] = made
	return made
}

func (f *Fake) complete(c *checkout) {
	c.status, c.paidAt = stripe.CheckoutSessionStatusComplete, f.now()
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

func (f *Fake) refund(c *checkout, amount int64, key string, metadata map[string]string) Refund {
	c.refunded += amount
	made := Refund{
		ID: fmt.Sprintf("re_%08d", len(f.refunds)+1), Ref: c.ref, PaymentID: c.intent, Key: key,
		Amount: amount, Currency: c.Currency, At: f.now(), metadata: metadata,
	}
	c.refunds = append(c.refunds, len(f.refunds))
	f.refunds = append(f.refunds, made)
	f.emit(stripe.EventTypeChargeRefunded, c)
	return made
}
