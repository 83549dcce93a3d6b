package stripetest

import (
	"slices"
	"time"

	"github.com/stripe/stripe-go/v86"
)

// defaultHold is how long a bank reserves money.
const defaultHold = 7 * 24 * time.Hour

// hold is the state of money that was reserved at the bank.
type hold string

const (
	held       hold = "held"
	processing hold = "processing" // a capture is under way
	refused    hold = "refused"    // a capture that was under way failed
	released   hold = "released"
	lapsed     hold = "lapsed"
	captured   hold = "captured" // only in a Hold
)

// manual is what happens to the reserved money of a checkout.
type manual struct {
	hold       hold // empty: nothing was reserved, or it is captured
	heldAt     time.Time
	endedAt    time.Time // captured, released, lapsed or refused
	decline    string    // why the bank refuses each capture; empty: it does not
	delayed    bool      // a capture is under way until the test says how it ended
	asked      int64     // of a capture that is under way
	capturedBy string    // the Idempotency-Key of the capture; empty: none, or by hand
	releasedBy string    // that of the release
}

// Holds gives access to the money that banks reserve until it is captured.
type Holds struct{ f *Fake }

// Holds returns the fake's reserved money.
func (f *Fake) Holds() Holds { return Holds{f} }

// Authorise creates a Checkout Session whose money is reserved, to be captured later, and returns its id.
func (h Holds) Authorise(c Checkout) string {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	made := h.f.open(c)
	made.status, made.hold, made.heldAt = stripe.CheckoutSessionStatusComplete, held, h.f.now()
	h.f.emit(stripe.EventTypeChargeSucceeded, made)
	h.f.emit(stripe.EventTypePaymentIntentAmountCapturableUpdated, made)
	h.f.emit(stripe.EventTypeCheckoutSessionCompleted, made)
	return made.ref
}

// Capture captures an amount of the reserved money by hand, and releases the rest.
func (h Holds) Capture(ref string, amount int64) {
	h.change(ref, held, func(c *checkout) { h.capture(c, amount) })
}

// Release releases the reserved money by hand. Stripe also reports it as a refund.
func (h Holds) Release(ref string) { h.change(ref, held, h.release) }

// Lapse makes the bank release the reserved money.
func (h Holds) Lapse(ref string) { h.change(ref, held, h.lapse) }

// LapseOverdue makes banks release all money that was reserved for too long, and counts the holds.
func (h Holds) LapseOverdue() int {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	n := 0
	for _, c := range h.f.sold {
		if c.hold == held && h.overdue(c) {
			h.lapse(c)
			n++
		}
	}
	return n
}

// DeclineCapture makes the bank refuse every capture of the reserved money, which stays reserved;
// an empty code ends that.
func (h Holds) DeclineCapture(ref, code string) {
	h.change(ref, held, func(c *checkout) { c.decline = code })
}

// DelayCapture keeps a requested capture in progress until SucceedCapture or FailCapture.
func (h Holds) DelayCapture(ref string) {
	h.change(ref, held, func(c *checkout) { c.delayed = true })
}

// SucceedCapture completes a capture in progress.
func (h Holds) SucceedCapture(ref string) {
	h.change(ref, processing, func(c *checkout) { h.take(c, c.asked) })
}

// FailCapture fails a capture in progress: the bank refuses it, and the money is no longer
// reserved.
func (h Holds) FailCapture(ref, code string) {
	h.change(ref, processing, func(c *checkout) {
		c.hold, c.decline, c.endedAt = refused, code, h.f.now()
		h.f.emit(stripe.EventTypeChargeFailed, c)
		h.f.emit(stripe.EventTypePaymentIntentPaymentFailed, c)
	})
}

func (h Holds) change(ref string, from hold, change func(*checkout)) {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	c := h.f.known(ref)
	if c.hold != from {
		panic("stripetest: no money of " + ref + " is " + string(from))
	}
	change(c)
}

// capture captures the money, or starts to.
func (h Holds) capture(c *checkout, amount int64) {
	if c.delayed {
		c.hold, c.asked = processing, amount
		h.f.emit(stripe.EventTypePaymentIntentProcessing, c)
		return
	}
	h.take(c, amount)
}

func (h Holds) take(c *checkout, amount int64) {
	h.f.complete(c)
	c.hold, c.captured, c.endedAt = "", amount, h.f.now()
	h.f.emit(stripe.EventTypeChargeCaptured, c)
	h.f.emit(stripe.EventTypePaymentIntentSucceeded, c)
}

func (h Holds) release(c *checkout) {
	c.hold, c.endedAt = released, h.f.now()
	h.f.emit(stripe.EventTypeChargeRefunded, c)
	h.f.emit(stripe.EventTypePaymentIntentCanceled, c)
}

func (h Holds) lapse(c *checkout) {
	c.hold, c.endedAt = lapsed, h.f.now()
	h.f.emit(stripe.EventTypeChargeExpired, c)
	h.f.emit(stripe.EventTypePaymentIntentCanceled, c)
}

func (h Holds) overdue(c *checkout) bool { return h.f.now().After(c.heldUntil()) }

func (c checkout) heldUntil() time.Time {
	long := c.HoldFor
	if long == 0 {
		long = defaultHold
	}
	return c.heldAt.Add(long)
}

// Hold is money that was reserved, whatever became of it.
type Hold struct {
	Ref        string
	Account    string
	PaymentID  string
	CustomerID string
	Plan       string
	Amount     int64 // that was reserved
	Captured   int64
	Currency   string
	State      string // held, processing, captured, released, lapsed or refused
	At         time.Time
	EndedAt    time.Time     // zero while it is held or processing
	Age        time.Duration // how long it has been, or was, reserved
	CapturedBy string        // the call's Idempotency-Key; empty: nobody, or by hand
}

// List returns all money that was ever reserved, oldest first.
func (h Holds) List() []Hold {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	var all []Hold
	for _, c := range h.f.sold {
		if !c.heldAt.IsZero() {
			all = append(all, h.one(c))
		}
	}
	return all
}

// Of returns the money of one checkout, whether or not it was ever reserved.
func (h Holds) Of(ref string) Hold {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	return h.one(h.f.known(ref))
}

// Open returns the money that is neither captured nor released, oldest first.
func (h Holds) Open() []Hold {
	return slices.DeleteFunc(h.List(), func(one Hold) bool { return !one.EndedAt.IsZero() })
}

func (h Holds) one(c *checkout) Hold {
	made := Hold{
		Ref: c.ref, Account: c.Account, PaymentID: c.intent, CustomerID: c.CustomerID, Plan: c.Plan, Amount: c.Amount, Captured: c.captured,
		Currency: c.Currency, State: string(c.hold), At: c.heldAt, EndedAt: c.endedAt, Age: h.f.now().Sub(c.heldAt),
		CapturedBy: c.capturedBy,
	}
	if c.hold == "" {
		made.State = string(captured)
	}
	if !c.endedAt.IsZero() {
		made.Age = c.endedAt.Sub(c.heldAt)
	}
	return made
}
