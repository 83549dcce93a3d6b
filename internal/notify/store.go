package notify

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
)

// Store is what the worker needs of a database. One method is one transaction;
// its clock decides what is due.
type Store interface {
	// Untold is events that nobody was told of, but what is set apart: any, but a
	// subject's by number.
	Untold(ctx context.Context, limit int) ([]curfew.Event, error)
	// Happenings is events with what they are about, as that stands now.
	Happenings(ctx context.Context, events []curfew.Event) ([]curfew.Happening, error)
	// Tell marks events as told and writes their deliveries, which are due at
	// once. Events that somebody else marked, and their deliveries, are left out.
	Tell(ctx context.Context, events []curfew.Event, deliveries []curfew.Delivery) (told int, err error)
	// Due is how long until each queue has something due that is not set apart, not
	// positive where it has; queues without anything pending are left out.
	Due(ctx context.Context, queues []string) (map[string]time.Duration, error)
	// Claim claims deliveries of a queue that are due, at most limit: nobody else
	// can until the lease is over. Those that must wait for an earlier one are
	// left out. More: there may be others.
	Claim(ctx context.Context, queue string, limit int, lease time.Duration) (claimed []curfew.Delivery, more bool, err error)
	// Claimable is what Claim would look at, whether it must wait or not.
	Claimable(ctx context.Context, queue string, limit int) ([]curfew.Delivery, error)
	// ClaimOne is Claim for one delivery, set apart or not.
	ClaimOne(ctx context.Context, d curfew.Delivery, lease time.Duration) ([]curfew.Delivery, error)
	// Quarantine sets apart an event that cannot be told, or a delivery that cannot
	// be claimed or settled.
	Quarantine(ctx context.Context, q curfew.Quarantined) error
	// Settle writes results and counts those that were written: the others came
	// after their lease.
	Settle(ctx context.Context, attempts []curfew.Attempt) (settled int, err error)
	// Forget deletes what was delivered so long ago, at most limit.
	Forget(ctx context.Context, olderThan time.Duration, limit int) (int, error)
}

// Channel is a way out. Its methods are safe for concurrent use.
type Channel interface {
	Name() string
	// Audience is who is to be told now, and the queues that they stand in; what
	// rests in other queues is not sent. It is asked after the events are read, so
	// whoever was there before an event is told of it.
	Audience(ctx context.Context) (Audience, error)
	// Send makes one attempt. It returns within a minute, and soon
	// after its context ends.
	Send(ctx context.Context, d curfew.Delivery) curfew.Verdict
}

// Audience is who a channel tells.
type Audience struct {
	Queues []string
	// Expand makes an event's deliveries: Queue, Destination, Kind and Body of
	// each. It is given what outsiders may know, and nothing else. Nil: nobody
	// listens.
	Expand func(curfew.OutsideHappening) []curfew.Delivery
}

// Observer is told what became of attempts, for metrics. It must not block.
type Observer interface {
	// Delivered: outcome is delivered, retried or dead.
	Delivered(channel, outcome string)
}
