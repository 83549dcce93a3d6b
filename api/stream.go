package api

import "time"

// The names of the events of GET /api/stream. Their data is JSON; their id is a
// time of the database, for Last-Event-ID.
const (
	HelloEvent    = "hello"
	SessionEvent  = "session"
	RequestEvent  = "request"
	CheckoutEvent = "checkout"
	FiguresEvent  = "figures" // its data is Health
	ChangedEvent  = "changed" // without data, on a brief stream
	JobEvent      = "job"     // its data is Job, without a result
	ResetEvent    = "reset"   // something was missed: read the lists again
	ByeEvent      = "bye"
)

// Hello is the first event. The lists contain what was committed before At; the
// stream reports what follows.
type Hello struct {
	At   time.Time `json:"at"`
	Role string    `json:"role"`
}

// SessionChange is an event of a session, and the session now: later events may
// have changed it further.
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

// RequestRemoved is a request that mechanics can no longer accept.
type RequestRemoved struct {
	Change  string     `json:"change" enum:"removed"`
	Request RequestRef `json:"request"`
}

// RequestRef names a request and its session.
type RequestRef struct {
	ID        string `json:"id"`
	SessionID string `json:"sessionId"`
}

// CheckoutChange is a new outcome of a payment.
type CheckoutChange struct {
	CheckoutID string    `json:"checkoutId"`
	Outcome    string    `json:"outcome" enum:"promised,fulfilled,deferred,held,credited,refund_due,refunding,refunded,forfeited,void,ignored"`
	SessionID  string    `json:"sessionId,omitempty" doc:"The first session it paid for"`
	Number     int64     `json:"number"`
	At         time.Time `json:"at"`
}

// Bye is the last event.
type Bye struct {
	Reason string `json:"reason" enum:"stopping,expired"`
}
