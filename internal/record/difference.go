package record

import "time"

// Difference is how the books of a provider and Curfew's differ on one payment.
type Difference struct {
	CheckoutID string
	Kind       string
	Ref        string // the checkout's
	Detail     string // what each of them says
	// FirstAt is when it was found, and LastAt when it was last seen to be there still.
	FirstAt, LastAt time.Time
}
