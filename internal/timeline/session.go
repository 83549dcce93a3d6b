package timeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/curfewhq/curfew"
)

// SessionTimeline is everything that is known of one session.
type SessionTimeline struct {
	Session curfew.Snapshot
	Timeline
}

// Session returns the timeline of one session and of what paid for it, oldest first, with the deadlines that lie ahead.
// NotFound if there is none.
func (x *Explainer) Session(ctx context.Context, id string) (SessionTimeline, error) {
	s, err := x.store.Session(ctx, id)
	if err != nil {
		return SessionTimeline{}, err
	}
	t := facts{customerID: s.CustomerID, sessions: []curfew.Snapshot{s}, now: s.Now}
	line := SessionTimeline{Session: s, Timeline: Timeline{Target: Target{OfSession, s.ID}, CustomerID: s.CustomerID}}
	if c, err := x.store.Checkout(ctx, s.CheckoutID); err == nil {
		t.checkouts = []curfew.Checkout{c}
	} else if !errors.Is(err, curfew.NotFound) {
		return line, fmt.Errorf("the timeline of session %s: %w", id, err)
	}
	if t.ledgers, err = x.ledgers(ctx, t.checkouts); err != nil {
		return line, fmt.Errorf("the timeline of session %s: %w", id, err)
	}
	line.Checkouts, line.Payments, line.Entries = t.checkouts, t.ledgers, t.moneyEntries()
	for _, subject := range []string{s.ID, s.CheckoutID} {
		events, err := x.store.Events(ctx, s.CustomerID, subject)
		if err != nil {
			return line, fmt.Errorf("the timeline of session %s: %w", id, err)
		}
		for _, event := range events {
			if !t.covers(event) {
				line.Entries = append(line.Entries, entryOf(t, event))
			}
		}
	}
	ahead, err := x.deadlines(ctx, t, curfew.Cursor{}, 0)
	line.Entries = append(line.Entries, ahead...)
	slices.SortStableFunc(line.Entries, inOrder)
	return line, err
}
