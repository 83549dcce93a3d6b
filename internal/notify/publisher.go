package notify

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// publisher turns events into deliveries.
type publisher struct {
	outbox     Outbox
	quarantine quarantine
	channels   []Channel
	adopted    bool // also what happens to sessions of adopted tables
}

const (
	// page is how many events are published in one transaction.
	page = 500
	// mostRead is how many events are read at most, to find some that can be published.
	mostRead = 32 * page
)

// publish turns all unpublished events into deliveries and returns each channel's audience. If the
// first events are locked by another worker, or by a transaction that hangs, it reads further.
func (p *publisher) publish(ctx context.Context) ([]Audience, error) {
	for limit := page; ; {
		events, err := p.outbox.Unpublished(ctx, limit)
		if err != nil {
			return nil, fmt.Errorf("publish events: %w", err)
		}
		audiences, err := p.audiences(ctx) // after the events: see Channel.Audience
		if err != nil || len(events) == 0 {
			return audiences, err
		}
		published, err := p.publishAll(ctx, events, audiences)
		if err != nil {
			return nil, fmt.Errorf("publish events: %w", err)
		}
		switch {
		case len(events) < limit, published == 0 && limit >= mostRead:
			return audiences, nil
		case published == 0:
			limit *= 2
		default:
			limit = page
		}
	}
}

// publishAll publishes events. If that fails because of an event, it retries each half until that
// event is alone and can be quarantined.
func (p *publisher) publishAll(ctx context.Context, events []curfew.Event, audiences []Audience) (published int, err error) {
	deliveries, err := p.expand(ctx, events, audiences)
	if err == nil {
		published, err = p.outbox.Publish(ctx, events, deliveries)
	}
	if err == nil || !rowsOwn(ctx, err) {
		return published, err
	}
	if len(events) == 1 {
		e := events[0]
		return 0, p.quarantine.add(ctx, curfew.Quarantined{Noun: curfew.QuarantinedEvent, CustomerID: e.CustomerID, ID: e.ID, Step: "tell"}, err)
	}
	for half := range slices.Chunk(events, (len(events)+1)/2) {
		n, err := p.publishAll(ctx, half, audiences)
		if published += n; err != nil {
			return published, err
		}
	}
	return published, nil
}

func (p *publisher) audiences(ctx context.Context) ([]Audience, error) {
	all := make([]Audience, len(p.channels))
	for i, c := range p.channels {
		var err error
		if all[i], err = c.Audience(ctx); err != nil {
			return nil, fmt.Errorf("audience of %s: %w", c.Name(), err)
		}
	}
	return all, nil
}

func (p *publisher) expand(ctx context.Context, events []curfew.Event, audiences []Audience) ([]record.Delivery, error) {
	if !slices.ContainsFunc(audiences, func(a Audience) bool { return a.Expand != nil }) {
		return nil, nil
	}
	enriched, err := p.outbox.EnrichedEvents(ctx, events)
	if err != nil {
		return nil, err
	}
	if err := p.addPayments(ctx, enriched); err != nil {
		return nil, err
	}
	var all []record.Delivery
	for _, e := range enriched {
		if e.Session.Adopted() && !p.adopted {
			continue
		}
		for i, a := range audiences {
			if a.Expand == nil {
				continue
			}
			for _, d := range a.Expand(e.Outside()) {
				d.ID, d.Channel = NewID(), p.channels[i].Name()
				d.EventID, d.CustomerID, d.Subject, d.Number = e.ID, e.CustomerID, e.Subject, e.Number
				all = append(all, d)
			}
		}
	}
	return all, nil
}

// addPayments reads the payments for the events of all checkouts at once.
func (p *publisher) addPayments(ctx context.Context, events []record.EnrichedEvent) error {
	var checkouts []curfew.Checkout
	for _, e := range events {
		if !e.OfSession() {
			checkouts = append(checkouts, e.Checkout)
		}
	}
	ids := record.PaymentIDs(checkouts)
	if len(ids) == 0 {
		return nil
	}
	payments, err := p.outbox.Payments(ctx, ids)
	if err != nil {
		return fmt.Errorf("read the payments of events: %w", err)
	}
	byID := make(map[string]curfew.Payment, len(payments))
	for _, payment := range payments {
		byID[payment.ID] = payment
	}
	for i, e := range events {
		if !e.OfSession() {
			events[i].Payment = byID[e.Checkout.Payment()]
		}
	}
	return nil
}

// NewID returns a new id for a delivery: a UUIDv7.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }
