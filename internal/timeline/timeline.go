package timeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// Timeline is everything that is known of a customer, or of a run.
type Timeline struct {
	Target     Target
	CustomerID string // empty: of a run, of a payment that nobody owns, of an address of several
	// Customers have paid with the e-mail address that was asked for, where they
	// are several: ask for one of them.
	Customers []string
	// Summary answers the question: blocked or not, by what, until when, what
	// can be done.
	Summary   string
	Blocker   *curfew.Blocker // nil: nothing blocks the customer
	Actions   []Action
	Sessions  []curfew.Session  // the newest, newest first
	Checkouts []curfew.Checkout // the newest, newest first
	// Payments are those of the checkouts, by id.
	Payments map[string]record.Ledger
	Entries  []Entry // oldest first
	More     bool    // there are older ones (of a run: later ones), behind Next
	Next     curfew.Cursor
}

// Lookup finds what an id, a reference or an address stands for.
type Lookup interface {
	Session(ctx context.Context, id string) (curfew.Snapshot, error)
	SessionOf(ctx context.Context, requestID string) (curfew.Snapshot, error)
	Checkout(ctx context.Context, id string) (curfew.Checkout, error)
	Reference(ctx context.Context, ref string) (record.Receipt, error)
	Ledger(ctx context.Context, paymentID string) (record.Ledger, error)
	Run(ctx context.Context, id string) (curfew.Run, error)
	CustomersByEmail(ctx context.Context, email string, limit int) ([]string, error)
}

// State reads what a customer has now.
type State interface {
	SessionsOf(ctx context.Context, customerID string, limit int) ([]curfew.Snapshot, error)
	Checkouts(ctx context.Context, customerID string) ([]curfew.Checkout, error)
	Open(ctx context.Context, customerID string) (curfew.Snapshot, error)
	Payments(ctx context.Context, ids []string) ([]curfew.Payment, error)
}

// Source reads what happened.
type Source interface {
	Events(ctx context.Context, customerID, subject string) ([]curfew.Event, error)
	RunEvents(ctx context.Context, runID, after string, limit int) ([]curfew.Event, error)
	History(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]curfew.Event, error)
	Refusals(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]record.Refusal, error)
	Notices(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]record.Delivery, error)
}

// Store joins what is read of a database; lifecycle.Store documents the methods.
type Store interface {
	Lookup
	State
	Source
}

// Rules applies the policy to a session in its present state.
type Rules interface {
	Policy() curfew.Policy
	AsksProvider() bool
	RuleFor(s curfew.Snapshot) (rule record.Rule, ok bool)
	Ends(s curfew.Snapshot) bool
	Stays(s curfew.Snapshot) string
	Blocker(s curfew.Snapshot) *curfew.Blocker
	Consequence(a lifecycle.ActionName, t lifecycle.Target) string
}

// Explainer explains what happened to customers, payments and runs.
type Explainer struct {
	store Store
	rules Rules
}

// New makes an explainer.
func New(store Store, rules Rules) *Explainer { return &Explainer{store, rules} }

const (
	// pageSize is how many entries a timeline has at most, beside the runs that
	// they came from.
	pageSize = 500
	// maxRows is how many sessions and checkouts it has.
	maxRows = 100
)

// Explain is the timeline of a customer, session, request, checkout,
// payment reference, run or e-mail address, before the cursor; a zero one means
// the newest of it. It changes nothing. NotFound says what was tried.
func (x *Explainer) Explain(ctx context.Context, text string, before curfew.Cursor) (Timeline, error) {
	return x.Page(ctx, text, before, pageSize)
}

// Page is Explain with at most so many entries, beside the runs that they came from.
func (x *Explainer) Page(ctx context.Context, text string, before curfew.Cursor, limit int) (Timeline, error) {
	if err := checkTarget(text); err != nil {
		return Timeline{}, err
	}
	f, err := x.lookup(ctx, text)
	if err != nil {
		return Timeline{}, err
	}
	switch {
	case f.Kind == OfRun:
		return x.explainRun(ctx, f, before, limit)
	case len(f.customers) > 1:
		return Timeline{Target: f.Target, Customers: f.customers, Summary: namesakes(f)}, nil
	case f.customers[0] == curfew.Nobody:
		return x.explainUnowned(ctx, f)
	}
	return x.explainCustomer(ctx, f, before, limit)
}

func namesakes(f target) string {
	many := fmt.Sprint(len(f.customers))
	if len(f.customers) == mostNamesakes {
		many += " or more"
	}
	return many + " customers have paid with this address: ask for one of them."
}

// facts is the data of the sources of one customer's timeline.
type facts struct {
	customerID string
	sessions   []curfew.Snapshot        // newest first
	checkouts  []curfew.Checkout        // newest first
	ledgers    map[string]record.Ledger // of the newest checkouts, by the payment's id
	open       *curfew.Snapshot         // holds the slot, overdue or not
	blocker    *curfew.Blocker
	now        time.Time // the store's, where it has been seen
}

func (x *Explainer) explainCustomer(ctx context.Context, f target, before curfew.Cursor, limit int) (Timeline, error) {
	t, err := x.gather(ctx, f.customers[0])
	if err != nil {
		return Timeline{}, fmt.Errorf("explain customer %s: %w", f.customers[0], err)
	}
	line := Timeline{
		Target: f.Target, CustomerID: t.customerID, Blocker: t.blocker, Summary: x.summary(t, f), Actions: x.actionsOf(t, f),
		Checkouts: t.newest(), Payments: t.ledgers,
	}
	for _, s := range t.sessions {
		line.Sessions = append(line.Sessions, s.Session)
	}
	err = x.merge(ctx, &line, t, before, limit, x.events, x.money, x.refusals, x.notices, x.deadlines)
	if err != nil {
		return Timeline{}, fmt.Errorf("explain customer %s: %w", t.customerID, err)
	}
	return line, nil
}

// gather reads what the sources need to know.
func (x *Explainer) gather(ctx context.Context, customerID string) (t facts, err error) {
	t.customerID = customerID
	if t.sessions, err = x.store.SessionsOf(ctx, customerID, maxRows); err != nil {
		return t, err
	}
	if t.checkouts, err = x.store.Checkouts(ctx, customerID); err != nil {
		return t, err
	}
	slices.Reverse(t.checkouts)
	if t.ledgers, err = x.ledgers(ctx, t.newest()); err != nil {
		return t, err
	}
	s, err := x.store.Open(ctx, customerID)
	switch {
	case errors.Is(err, curfew.NotFound):
		err = nil
	case err == nil:
		t.open, t.now = &s, s.Now
		if !x.rules.Ends(s) {
			t.blocker = x.rules.Blocker(s)
		}
	}
	if len(t.sessions) > 0 {
		t.now = t.sessions[0].Now
	}
	return t, err
}

// newest is the checkouts that are shown.
func (t facts) newest() []curfew.Checkout { return t.checkouts[:min(len(t.checkouts), maxRows)] }

// ledgers is what is known of the payments of some checkouts, by their ids.
func (x *Explainer) ledgers(ctx context.Context, checkouts []curfew.Checkout) (map[string]record.Ledger, error) {
	ids := record.PaymentIDs(checkouts)
	if len(ids) == 0 {
		return nil, nil
	}
	payments, err := x.store.Payments(ctx, ids)
	return record.Ledgers(payments, checkouts), err
}

func (t facts) session(id string) curfew.Session {
	i := slices.IndexFunc(t.sessions, func(s curfew.Snapshot) bool { return s.ID == id })
	if i < 0 {
		return curfew.Session{ID: id}
	}
	return t.sessions[i].Session
}

func (t facts) checkout(id string) curfew.Checkout {
	i := slices.IndexFunc(t.checkouts, func(c curfew.Checkout) bool { return c.ID == id })
	if i < 0 {
		return curfew.Checkout{ID: id}
	}
	return t.checkouts[i]
}

// explainUnowned explains a held payment without a customer.
func (x *Explainer) explainUnowned(ctx context.Context, f target) (Timeline, error) {
	events, err := x.store.Events(ctx, curfew.Nobody, f.checkout.ID)
	if err != nil {
		return Timeline{}, fmt.Errorf("explain checkout %s: %w", f.checkout.ID, err)
	}
	t := facts{checkouts: []curfew.Checkout{f.checkout}}
	if t.ledgers, err = x.ledgers(ctx, t.checkouts); err != nil {
		return Timeline{}, fmt.Errorf("explain checkout %s: %w", f.checkout.ID, err)
	}
	said := []string{fmt.Sprintf("Nobody knows whose payment %s is: %s. Say whose it is, or give it back.", payment(f.checkout), f.checkout.Outcome)}
	line := Timeline{
		Target: f.Target, Checkouts: t.checkouts, Payments: t.ledgers, Actions: x.actionsOf(t, f),
		Summary: strings.Join(append(said, t.moneyOf(f.checkout)...), " "), Entries: t.moneyEntries(),
	}
	for _, event := range events {
		if !t.covers(event) {
			line.Entries = append(line.Entries, entryOf(t, event))
		}
	}
	slices.SortStableFunc(line.Entries, inOrder)
	return line, nil
}

// explainRun lists what a run did, in order, after the cursor.
func (x *Explainer) explainRun(ctx context.Context, f target, after curfew.Cursor, limit int) (Timeline, error) {
	events, err := x.store.RunEvents(ctx, f.run.ID, after.ID, limit+1)
	if err != nil {
		return Timeline{}, fmt.Errorf("explain run %s: %w", f.run.ID, err)
	}
	line := Timeline{Target: f.Target, Summary: runSentence(f.run), Entries: []Entry{runEntry(f.run, f.run.StartedAt)}}
	if len(events) > limit {
		events, line.More = events[:limit], true
		last := events[limit-1]
		line.Next = curfew.Cursor{At: last.At, ID: last.ID}
	}
	for _, event := range events {
		en := entryOf(facts{}, event)
		en.CustomerID, en.Sentence = event.CustomerID, "Customer "+event.CustomerID+": "+en.Sentence
		line.Entries = append(line.Entries, en)
	}
	slices.SortStableFunc(line.Entries, inOrder)
	if f.run.Undoable() {
		line.Actions = []Action{{lifecycle.UndoRun, "Bring back what the run ended, where that is still possible", f.run.ID, lifecycle.Describe(lifecycle.UndoRun)}}
	}
	return line, nil
}
