package api

import "time"

// The names of the frames of GET /api/stream. Each one's data is JSON; its id
// is a time of the database, which Last-Event-ID gives back.
const (
	HelloFrame    = "hello"
	SessionFrame  = "session"
	RequestFrame  = "request"
	CheckoutFrame = "checkout"
	FiguresFrame  = "figures" // its data is Health
	ResetFrame    = "reset"   // something was missed: read the lists again
	ByeFrame      = "bye"
)

// Hello is the first frame: what was committed before At stands in the lists,
// what comes after is told.
type Hello struct {
	At   time.Time `json:"at"`
	Role string    `json:"role"`
}

// SessionChange is an event of a session, and the session as it is since: later
// events may have moved it on.
type SessionChange struct {
	SessionID string `json:"sessionId"`
	Event
	Session Session `json:"session"`
}

// RequestAdded is a request that mechanics may accept.
type RequestAdded struct {
	Change  string `json:"change" enum:"added"`
	Request Offer  `json:"request"`
}

// RequestRemoved is a request that mechanics may not accept any more.
type RequestRemoved struct {
	Change  string     `json:"change" enum:"removed"`
	Request RequestRef `json:"request"`
}

// RequestRef names a request and its session.
type RequestRef struct {
	ID        string `json:"id"`
	SessionID string `json:"sessionId"`
}

// CheckoutChange is what became of a payment.
type CheckoutChange struct {
	CheckoutID string    `json:"checkoutId"`
	Outcome    string    `json:"outcome" enum:"fulfilled,deferred,held,credited,refund_due,refunding,refunded,forfeited"`
	SessionID  string    `json:"sessionId,omitempty" doc:"The first session it brought"`
	Number     int64     `json:"number"`
	At         time.Time `json:"at"`
}

// Bye is the last frame: stopping, or expired.
type Bye struct {
	Reason string `json:"reason" enum:"stopping,expired"`
}
