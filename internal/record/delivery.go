package record

import (
	"strings"
	"time"
	"unicode/utf8"
)

// DeliveryState is what became of a delivery.
type DeliveryState string

// The states. A dead delivery is kept until somebody replays it.
const (
	DeliveryPending DeliveryState = "pending"
	DeliveryDone    DeliveryState = "delivered"
	DeliveryDead    DeliveryState = "dead"
)

// DeliveryStates lists the states.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{DeliveryPending, DeliveryDone, DeliveryDead}
}

// The channels: to customers, and to endpoints.
const (
	MailChannel    = "mail"
	WebhookChannel = "webhook"
)

// Delivery is one message that somebody outside gets because of an event. What
// is sent is the same at every attempt.
type Delivery struct {
	ID          string
	CustomerID  string // whose event it is; empty for a test
	EventID     string
	Subject     string // the session or checkout
	Number      int64  // of the event: a destination gets a subject's in this order
	Channel     string // how it goes out: MailChannel, …
	Queue       string // deliveries of one queue wait for its receiver alone
	Destination string // the endpoint's id, the address
	Kind        string // the event's: see EnrichedEvent.Kind
	Body        string // what is sent, or what the channel makes it of
	State       DeliveryState
	Attempts    int64     // counts every claim: a result that names another one is refused
	Failures    int64     // of this life: a replay begins anew
	NextAt      time.Time // when it is tried; while it is, until when nobody else does
	Status      int       // what the receiver answered last; 0: nothing
	Error       string    // why it failed last; empty: it has not
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// At is when it was settled; of a pending one, when it is tried next.
func (d Delivery) At() time.Time {
	if d.State == DeliveryPending {
		return d.NextAt
	}
	return d.UpdatedAt
}

// Receiver is the destination as people may see it: of an address its first
// letter and its domain.
func (d Delivery) Receiver() string {
	at := strings.LastIndex(d.Destination, "@")
	if at < 0 {
		return d.Destination
	}
	_, first := utf8.DecodeRuneInString(d.Destination[:at])
	return d.Destination[:first] + "…" + d.Destination[at:]
}

// Verdict is what a channel makes of one attempt.
type Verdict struct {
	// State is DeliveryDone, DeliveryPending where it is worth another attempt,
	// DeliveryDead where none can help.
	State  DeliveryState
	Status int
	Error  string
	// After is how long the receiver asks to be left alone; 0: it did not.
	After time.Duration
	// Untried: it is no failure of the receiver's that nothing came of it, and
	// the queue pauses.
	Untried bool
}

// Attempt is the result of one attempt: it is written only if the delivery is
// pending with as many attempts as were claimed.
type Attempt struct {
	Delivery Delivery // as it was claimed
	Verdict  Verdict
	Failures int64
	Wait     time.Duration // until the next one, where the verdict is pending
}

// DeliverySearch chooses deliveries, in the order of their making.
type DeliverySearch struct {
	State       DeliveryState // empty: any
	Destination string        // empty: any
	After       string        // behind this id; empty: from the first
	Limit       int
}

// Thresholds of deliveries that no setting needs.
const (
	DyingWindow    = 24 * time.Hour
	DeliveriesLate = 5 * time.Minute
)

// Endpoint is where webhooks go.
type Endpoint struct {
	ID          string
	URL         string
	Description string
	Kinds       []string // of events; none: all
	// Secrets sign, the newest first: two while one is replaced. They are shown
	// when they are made and never again.
	Secrets        []string
	Enabled        bool
	DisabledAt     time.Time
	DisabledReason string // empty where a person did it
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}
