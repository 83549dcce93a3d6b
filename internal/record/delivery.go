package record

import (
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"
)

// DeliveryState is the state of a delivery.
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

// Delivery is one message to a receiver outside, caused by an event. Every
// attempt sends the same.
type Delivery struct {
	ID          string
	CustomerID  string // whose event it is; empty for a test
	EventID     string
	Subject     string // the session's or checkout's id
	Number      int64  // of the event: a destination receives a subject's events in this order
	Channel     string // how it is sent: MailChannel, …
	Queue       string // each queue waits only for its own receiver
	Destination string // the endpoint's id, or the address
	Kind        string // the event's: see EnrichedEvent.Kind
	Body        string // what is sent, or what the channel renders it from
	State       DeliveryState
	Attempts    int64     // counts claims; a result of an older claim is refused
	Failures    int64     // since the last replay
	NextAt      time.Time // when the next attempt is due; during an attempt, when its lease ends
	Status      int       // the last response's status; 0 without one
	Error       string    // why the last attempt failed; empty if none has
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// LogValue logs a delivery without the address that it goes to, and its body.
func (d Delivery) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", d.ID), slog.String("channel", d.Channel), slog.String("kind", d.Kind), slog.String("state", string(d.State)))
}

// At returns when it was settled or, if pending, when the next attempt is due.
func (d Delivery) At() time.Time {
	if d.State == DeliveryPending {
		return d.NextAt
	}
	return d.UpdatedAt
}

// Receiver returns the destination as people may see it: of an address only the
// first letter and the domain.
func (d Delivery) Receiver() string {
	at := strings.LastIndex(d.Destination, "@")
	if at < 0 {
		return d.Destination
	}
	_, first := utf8.DecodeRuneInString(d.Destination[:at])
	return d.Destination[:first] + "…" + d.Destination[at:]
}

// Verdict is a channel's judgement of one attempt.
type Verdict struct {
	// State is DeliveryDone, DeliveryPending to try again, or DeliveryDead if
	// trying again cannot help.
	State  DeliveryState
	Status int
	Error  string
	// After is how long the receiver asked us to wait; 0 if it did not.
	After time.Duration
	// Untried reports that the receiver is not to blame, so the attempt does
	// not count and the queue pauses.
	Untried bool
}

// Attempt is the result of one attempt. It is written only if the delivery is
// still pending with the number of attempts that was claimed.
type Attempt struct {
	Delivery Delivery // as claimed
	Verdict  Verdict
	Failures int64
	Wait     time.Duration // until the next attempt, if the verdict is pending
}

// DeliverySearch selects deliveries, ordered by creation.
type DeliverySearch struct {
	State       DeliveryState // empty means any
	Destination string        // empty means any
	After       string        // after this id; empty starts at the first
	Limit       int
}

// These thresholds for deliveries have no setting.
const (
	DyingWindow    = 24 * time.Hour
	DeliveriesLate = 5 * time.Minute
)

// Endpoint is a receiver of webhooks.
type Endpoint struct {
	ID          string
	URL         string
	Description string
	Kinds       []string // of events; none means all
	// Secrets sign messages, newest first: two while one is being replaced.
	// They are shown once, when they are created.
	Secrets        []string
	Enabled        bool
	DisabledAt     time.Time
	DisabledReason string // empty if a person disabled it
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}
