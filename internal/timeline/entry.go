package timeline

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// EntryKind is what a line of a timeline is about.
type EntryKind string

// The kinds. Notices are messages to people and programs.
const (
	RunEntry      EntryKind = "run"
	SessionEntry  EntryKind = "session"
	RequestEntry  EntryKind = "request" // its session's steps that mechanics make
	PaymentEntry  EntryKind = "payment"
	RefusalEntry  EntryKind = "refusal"
	NoticeEntry   EntryKind = "notice"
	DeadlineEntry EntryKind = "deadline"
)

// entryKinds are in the order in which entries of the same moment appear.
var entryKinds = []EntryKind{
	RunEntry, SessionEntry, RequestEntry, PaymentEntry, RefusalEntry, NoticeEntry, DeadlineEntry,
}

// Entry is one line of a timeline.
type Entry struct {
	At       time.Time
	Kind     EntryKind
	ID       string // the session's (of its request, too), the checkout's or the run's
	Number   int64  // of an event
	From, To string
	Actor    curfew.Actor
	Reason   string
	Sentence string
	// CustomerID is whose it is, in the timeline of a run.
	CustomerID string
	// Delivery is what a notice is about; of the others nil.
	Delivery *record.Delivery

	key    string // orders entries of one moment: a UUID
	hidden bool   // other entries say the same
	runID  string
}

// source reads a part of a customer's timeline: its newest entries before the cursor, up to
// a limit.
type source func(ctx context.Context, t facts, before curfew.Cursor, limit int) ([]Entry, error)

// merge merges the sources: the newest entries of all, in the order of time, with the runs
// that they came from.
func (x *Explainer) merge(ctx context.Context, line *Timeline, t facts, before curfew.Cursor, limit int, sources ...source) error {
	var all []Entry
	for _, source := range sources {
		part, err := source(ctx, t, before, limit+1)
		if err != nil {
			return err
		}
		all = append(all, part...)
	}
	slices.SortFunc(all, newestFirst)
	if len(all) > limit {
		all, line.More = all[:limit], true
		last := all[limit-1]
		line.Next = curfew.Cursor{At: last.At, ID: last.key}
	}
	all = slices.DeleteFunc(all, func(en Entry) bool { return en.hidden })
	slices.Reverse(all)
	all, err := x.withRuns(ctx, all)
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, inOrder)
	line.Entries = all
	return nil
}

// inOrder is the order of time, and within a moment of customers and kinds.
func inOrder(a, b Entry) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.CustomerID, b.CustomerID),
		cmp.Compare(slices.Index(entryKinds, a.Kind), slices.Index(entryKinds, b.Kind)))
}

// newestFirst is the order that cursors follow.
func newestFirst(a, b Entry) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.key, a.key)) }

// behind reports whether an entry comes after a place in that order.
func (en Entry) behind(before curfew.Cursor) bool {
	return before == curfew.Cursor{} || newestFirst(Entry{At: before.At, key: before.ID}, en) < 0
}

// events is what happened to sessions and payments.
func (x *Explainer) events(ctx context.Context, t facts, before curfew.Cursor, limit int) ([]Entry, error) {
	events, err := x.store.History(ctx, t.customerID, before, limit)
	entries := make([]Entry, len(events))
	for i, event := range events {
		entries[i] = entryOf(t, event)
		entries[i].hidden = t.covers(event)
	}
	return entries, err
}

// reported reports whether an event says that a provider spoke. What it said are the
// payment's facts.
func reported(e curfew.Event) bool {
	return e.From == e.To && (strings.HasPrefix(e.Reason, reportedReason) || strings.HasPrefix(e.Reason, disputedReason) ||
		e.Reason == curfew.CaptureReason("captured") || e.Reason == curfew.CaptureReason("released"))
}

// covers reports whether an event's payment has entries of its own for what it says.
func (t facts) covers(e curfew.Event) bool {
	l, ok := t.ledgers[t.checkout(e.Subject).Payment()]
	return ok && len(l.Facts) > 0 && reported(e)
}

func entryOf(t facts, event curfew.Event) Entry {
	en := Entry{
		At: event.At, Kind: SessionEntry, ID: event.Subject, Number: event.Number, From: event.From, To: event.To,
		Actor: event.Actor, Reason: event.Reason, key: event.ID, runID: event.RunID,
	}
	switch {
	case !slices.Contains(curfew.SessionStatuses(), curfew.SessionStatus(event.To)):
		en.Kind, en.Sentence = PaymentEntry, paymentSentence(t.checkout(event.Subject), event)
		return en
	case event.From == string(curfew.Waiting) && event.To == event.From && event.Actor.Role == curfew.Mechanic:
		en.Kind = RequestEntry
	}
	en.Sentence = sessionSentence(t.session(event.Subject), event)
	return en
}

// refusals is when the customer was refused, as far as that is kept.
func (x *Explainer) refusals(ctx context.Context, t facts, before curfew.Cursor, limit int) ([]Entry, error) {
	refusals, err := x.store.Refusals(ctx, t.customerID, before, limit)
	entries := make([]Entry, len(refusals))
	for i, r := range refusals {
		entries[i] = Entry{
			At: r.At, Kind: RefusalEntry, ID: r.SessionID, Actor: curfew.Admitting, key: r.ID,
			Sentence: "The customer was refused: session " + r.SessionID + " held the slot.",
		}
	}
	return entries, err
}

// deadlines is the deadlines of what has not ended or is not settled, including those that
// lie ahead. What has ended has no deadline.
func (x *Explainer) deadlines(_ context.Context, t facts, before curfew.Cursor, _ int) ([]Entry, error) {
	var entries []Entry
	for _, s := range t.sessions {
		if !s.Status.Ended() {
			entries = append(entries, Entry{At: s.ExpiresAt, ID: s.ID, Sentence: x.deadlineSentence(s, t.checkout(s.CheckoutID))})
		}
	}
	for _, c := range t.checkouts {
		switch {
		case c.MoneyDue && !c.Free():
			entries = append(entries, Entry{At: c.UpdatedAt, ID: c.ID, Sentence: "Another program ended the session of payment " + payment(c) +
				": what is owed is settled by the customer's next call, or by the next sweep."})
		case x.lapses(t, c).After(t.now):
			entries = append(entries, Entry{At: x.lapses(t, c), ID: c.ID, Sentence: "Until then the customer's bank reserves what is to be charged for payment " +
				payment(c) + "; after that it lapses, and nothing is taken."})
		case c.Outcome == curfew.Credited && !c.Free():
			if ends := x.rules.Policy().CreditEnds(c); !ends.IsZero() {
				entries = append(entries, Entry{At: ends, ID: c.ID, Sentence: creditDeadline(c)})
			}
		case c.Outcome == curfew.Deferred:
			entries = append(entries, Entry{At: c.RetryUntil, ID: c.ID, Sentence: "Until then payment " + payment(c) +
				" waits for the slot; after that its refund is due."})
		case (c.Outcome == curfew.RefundDue || c.Outcome == curfew.Refunding) && !c.NextAt.IsZero() && x.rules.AsksProvider():
			entries = append(entries, Entry{At: c.NextAt, ID: c.ID, Sentence: "The provider is asked again to give payment " + payment(c) + " back."})
		}
	}
	for i := range entries {
		entries[i].Kind, entries[i].key = DeadlineEntry, entries[i].ID
	}
	return slices.DeleteFunc(entries, func(en Entry) bool { return !en.behind(before) }), nil
}

// lapses is when what is reserved for a payment lapses; zero: nothing is.
func (x *Explainer) lapses(t facts, c curfew.Checkout) time.Time {
	l, ok := t.ledgers[c.Payment()]
	if !ok || c.Capture == "released" || c.Capture == "releasing" {
		return time.Time{}
	}
	return l.Money().AuthorisedUntil
}

// creditDeadline says what happens to a credit that nobody has spent by its end.
func creditDeadline(c curfew.Checkout) string {
	return "Until then the customer can spend the credit of payment " + payment(c) + "; after that its refund is due."
}

// withRuns inserts, before the first entry of each run, one about the run.
func (x *Explainer) withRuns(ctx context.Context, entries []Entry) ([]Entry, error) {
	var all []Entry
	listed := map[string]bool{"": true}
	for _, en := range entries {
		if !listed[en.runID] {
			listed[en.runID] = true
			run, err := x.store.Run(ctx, en.runID)
			if err != nil && !errors.Is(err, curfew.NotFound) {
				return nil, err
			}
			if err == nil {
				all = append(all, runEntry(run, en.At))
			}
		}
		all = append(all, en)
	}
	return all, nil
}

func runEntry(r curfew.Run, at time.Time) Entry {
	return Entry{At: at, Kind: RunEntry, ID: r.ID, To: string(r.Outcome), Actor: r.Actor, Reason: r.Reason, Sentence: runSentence(r)}
}
