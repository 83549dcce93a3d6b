package notify

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Store is the database of a worker. Each method is one transaction. The database's clock decides
// what is due.
type Store interface {
	Outbox
	DeliveryQueues
	QuarantineStore
}

// Outbox holds events without deliveries.
type Outbox interface {
	// Unpublished returns events without deliveries, except quarantined ones. Events of one subject
	// come in order of their numbers; otherwise the order is undefined.
	Unpublished(ctx context.Context, limit int) ([]curfew.Event, error)
	// EnrichedEvents returns events with the current state of their sessions and checkouts.
	EnrichedEvents(ctx context.Context, events []curfew.Event) ([]record.EnrichedEvent, error)
	// Payments returns the payments with the given ids, in the same order.
	Payments(ctx context.Context, ids []string) ([]curfew.Payment, error)
	// Publish marks events as published and adds their deliveries, which are due at once. It skips events
	// that another worker has published, and their deliveries.
	Publish(ctx context.Context, events []curfew.Event, deliveries []record.Delivery) (published int, err error)
}

// DeliveryQueues holds the deliveries to be sent.
type DeliveryQueues interface {
	// Due returns how long until each queue has a due delivery that is not quarantined; 0 or less
	// if it has one now. Queues with nothing pending are left out.
	Due(ctx context.Context, queues []string) (map[string]time.Duration, error)
	// Claim claims at most limit due deliveries of a queue; nobody else can claim them until the
	// lease ends. It skips those that must wait for an earlier one. More means that there may be
	// others.
	Claim(ctx context.Context, queue string, limit int, lease time.Duration) (claimed []record.Delivery, more bool, err error)
	// Claimable returns what Claim would consider, including deliveries that must wait.
	Claimable(ctx context.Context, queue string, limit int) ([]record.Delivery, error)
	// ClaimOne is Claim for one delivery, quarantined or not.
	ClaimOne(ctx context.Context, d record.Delivery, lease time.Duration) ([]record.Delivery, error)
	// Settle writes results and counts those written. Results that arrived after their lease are
	// not written.
	Settle(ctx context.Context, attempts []record.Attempt) (settled int, err error)
	// Forget deletes at most limit deliveries that were delivered more than olderThan ago.
	Forget(ctx context.Context, olderThan time.Duration, limit int) (int, error)
}

// QuarantineStore sets aside what cannot be processed.
type QuarantineStore interface {
	// Quarantine sets aside an event that cannot be published, or a delivery that cannot be claimed
	// or settled.
	Quarantine(ctx context.Context, q curfew.Quarantined) error
}

// Channel sends deliveries over one medium. Its methods are safe for concurrent use.
type Channel interface {
	Name() string
	// Audience returns who receives events now, and their queues; deliveries in other queues are
	// not sent. The worker calls it after reading the events, so a receiver that existed before an
	// event receives it.
	Audience(ctx context.Context) (Audience, error)
	// Send makes one attempt. It returns within a minute, and soon after its context ends.
	Send(ctx context.Context, d record.Delivery) record.Verdict
}

// Audience is who receives a channel's deliveries.
type Audience struct {
	Queues []string
	// Expand returns an event's deliveries, each with Queue, Destination, Kind and Body. It sees
	// only what outsiders may see. It is nil if the channel has no receivers.
	Expand func(record.OutsideEnrichedEvent) []record.Delivery
}

// Observer receives the outcomes of attempts, for metrics. It must not block.
type Observer interface {
	// Delivered counts an attempt. The outcome is delivered, retried or dead.
	Delivered(channel, outcome string)
}
