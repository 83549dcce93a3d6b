package timeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/curfewhq/curfew"
)

// SessionStory is everything that is known of one session.
type SessionStory struct {
	Session curfew.Snapshot
	Timeline
}

// Session tells the story of one session and of what paid for it, oldest first, with the deadlines that lie ahead.
// NotFound if there is none.
func (x *Explainer) Session(ctx context.Context, id string) (SessionStory, error) {
	s, err := x.store.Session(ctx, id)
	if err != nil {
		return SessionStory{}, err
	}
	t := facts{customerID: s.CustomerID, sessions: []curfew.Snapshot{s}, now: s.Now}
	story := SessionStory{Session: s, Timeline: Timeline{Target: Target{OfSession, s.ID}, CustomerID: s.CustomerID}}
	if c, err := x.store.Checkout(ctx, s.CheckoutID); err == nil {
		t.checkouts = []curfew.Checkout{c}
	} else if !errors.Is(err, curfew.NotFound) {
		return story, fmt.Errorf("the story of session %s: %w", id, err)
	}
	if t.ledgers, err = x.ledgers(ctx, t.checkouts); err != nil {
		return story, fmt.Errorf("the story of session %s: %w", id, err)
	}
	story.Checkouts, story.Payments, story.Entries = t.checkouts, t.ledgers, t.moneyEntries()
	for _, subject := range []string{s.ID, s.CheckoutID} {
		events, err := x.store.Events(ctx, s.CustomerID, subject)
		if err != nil {
			return story, fmt.Errorf("the story of session %s: %w", id, err)
		}
		for _, event := range events {
			if !t.covers(event) {
				story.Entries = append(story.Entries, entryOf(t, event))
			}
		}
	}
	ahead, err := x.deadlines(ctx, t, curfew.Cursor{}, 0)
	story.Entries = append(story.Entries, ahead...)
	slices.SortStableFunc(story.Entries, inOrder)
	return story, err
}
