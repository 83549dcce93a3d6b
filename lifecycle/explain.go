package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

// Story is everything that is known of a customer, or of a run.
type Story struct {
	Subject    Subject
	CustomerID string // empty: of a run, of a payment that nobody owns, of an address of several
	// Customers have paid with the e-mail address that was asked for, where they
	// are several: ask for one of them.
	Customers []string
	// Sentence answers the question: blocked or not, by what, until when, what
	// can be done.
	Sentence  string
	Blocker   *curfew.Blocker // nil: nothing blocks the customer
	Actions   []Action
	Sessions  []curfew.Session  // the newest, newest first
	Checkouts []curfew.Checkout // the newest, newest first
	Entries   []Entry           // oldest first
	More      bool              // there are older ones (of a run: later ones), behind Next
	Next      curfew.Cursor
}

// Timeline explains what happened to a customer.
type Timeline struct {
	rules *Rules
	store interface {
		SessionStore
		CheckoutStore
		CustomerStore
		RunStore
		HistoryStore
	}
}

const (
	// storyPage is how many entries a story has at most, beside the runs that
	// they came from.
	storyPage = 500
	// storyRows is how many sessions and checkouts it has.
	storyRows = 100
)

// Explain tells the whole story of a customer, session, request, checkout,
// payment reference, run or e-mail address, before the cursor; a zero one means
// the newest of it. It changes nothing. NotFound says what was tried.
func (tl *Timeline) Explain(ctx context.Context, subject string, before curfew.Cursor) (Story, error) {
	if err := checkSubject(subject); err != nil {
		return Story{}, err
	}
	f, err := tl.find(ctx, subject)
	if err != nil {
		return Story{}, err
	}
	switch {
	case f.Kind == OfRun:
		return tl.explainRun(ctx, f, before)
	case len(f.customers) > 1:
		return Story{Subject: f.Subject, Customers: f.customers, Sentence: namesakes(f)}, nil
	case f.customers[0] == curfew.Nobody:
		return tl.explainUnowned(ctx, f)
	}
	return tl.explainCustomer(ctx, f, before)
}

func namesakes(f found) string {
	many := fmt.Sprint(len(f.customers))
	if len(f.customers) == mostNamesakes {
		many += " or more"
	}
	return many + " customers have paid with this address: ask for one of them."
}

// tale is what the tellers of one customer's story know.
type tale struct {
	customerID string
	sessions   []curfew.Standing // newest first
	checkouts  []curfew.Checkout // newest first
	open       *curfew.Standing  // holds the slot, overdue or not
	blocker    *curfew.Blocker
	now        time.Time // the store's, where it has been seen
}

func (tl *Timeline) explainCustomer(ctx context.Context, f found, before curfew.Cursor) (Story, error) {
	t, err := tl.gather(ctx, f.customers[0])
	if err != nil {
		return Story{}, fmt.Errorf("explain customer %s: %w", f.customers[0], err)
	}
	story := Story{
		Subject: f.Subject, CustomerID: t.customerID, Blocker: t.blocker, Sentence: tl.answer(t, f), Actions: tl.actionsOf(t, f),
		Checkouts: t.checkouts[:min(len(t.checkouts), storyRows)],
	}
	for _, s := range t.sessions {
		story.Sessions = append(story.Sessions, s.Session)
	}
	err = tl.tell(ctx, &story, t, before, tl.tellEvents, tl.tellRefusals, tl.tellNotices, tl.tellDeadlines)
	if err != nil {
		return Story{}, fmt.Errorf("explain customer %s: %w", t.customerID, err)
	}
	return story, nil
}

// gather reads what the tellers need to know.
func (tl *Timeline) gather(ctx context.Context, customerID string) (t tale, err error) {
	t.customerID = customerID
	if t.sessions, err = tl.store.SessionsOf(ctx, customerID, storyRows); err != nil {
		return t, err
	}
	if t.checkouts, err = tl.store.Checkouts(ctx, customerID); err != nil {
		return t, err
	}
	slices.Reverse(t.checkouts)
	s, err := tl.store.Open(ctx, customerID)
	switch {
	case errors.Is(err, curfew.NotFound):
		err = nil
	case err == nil:
		t.open, t.now = &s, s.Now
		if !tl.rules.Due(s) {
			t.blocker = tl.rules.Blocker(s)
		}
	}
	if len(t.sessions) > 0 {
		t.now = t.sessions[0].Now
	}
	return t, err
}

func (t tale) session(id string) curfew.Session {
	i := slices.IndexFunc(t.sessions, func(s curfew.Standing) bool { return s.ID == id })
	if i < 0 {
		return curfew.Session{ID: id}
	}
	return t.sessions[i].Session
}

func (t tale) checkout(id string) curfew.Checkout {
	i := slices.IndexFunc(t.checkouts, func(c curfew.Checkout) bool { return c.ID == id })
	if i < 0 {
		return curfew.Checkout{ID: id}
	}
	return t.checkouts[i]
}

// explainUnowned tells of a held payment that nobody owns.
func (tl *Timeline) explainUnowned(ctx context.Context, f found) (Story, error) {
	events, err := tl.store.Events(ctx, curfew.Nobody, f.checkout.ID)
	if err != nil {
		return Story{}, fmt.Errorf("explain checkout %s: %w", f.checkout.ID, err)
	}
	t := tale{checkouts: []curfew.Checkout{f.checkout}}
	story := Story{
		Subject: f.Subject, Checkouts: t.checkouts, Actions: tl.actionsOf(t, f),
		Sentence: fmt.Sprintf("Nobody knows whose payment %s is: %s. Say whose it is, or give it back.", payment(f.checkout), f.checkout.Outcome),
	}
	for _, event := range events {
		story.Entries = append(story.Entries, entryOf(t, event))
	}
	return story, nil
}

// explainRun tells what a run did, in its order, behind the cursor.
func (tl *Timeline) explainRun(ctx context.Context, f found, after curfew.Cursor) (Story, error) {
	events, err := tl.store.RunEvents(ctx, f.run.ID, after.ID, storyPage+1)
	if err != nil {
		return Story{}, fmt.Errorf("explain run %s: %w", f.run.ID, err)
	}
	story := Story{Subject: f.Subject, Sentence: runSentence(f.run), Entries: []Entry{runEntry(f.run, f.run.StartedAt)}}
	if len(events) > storyPage {
		events, story.More = events[:storyPage], true
		last := events[storyPage-1]
		story.Next = curfew.Cursor{At: last.At, ID: last.ID}
	}
	for _, event := range events {
		en := entryOf(tale{}, event)
		en.CustomerID, en.Sentence = event.CustomerID, "Customer "+event.CustomerID+": "+en.Sentence
		story.Entries = append(story.Entries, en)
	}
	slices.SortStableFunc(story.Entries, inOrder)
	if f.run.Undoable() {
		story.Actions = []Action{{UndoRun, "Bring back what the run ended, where that is still possible", f.run.ID, Describe(UndoRun)}}
	}
	return story, nil
}
