package record

import "time"

// Difference is one payment on which the books of a provider and Curfew's differ.
type Difference struct {
	CheckoutID string
	Kind       string
	Ref        string // the checkout's
	Detail     string // what each of them says
	// FirstAt is when it was found, and LastAt when it was last seen.
	FirstAt, LastAt time.Time
}
