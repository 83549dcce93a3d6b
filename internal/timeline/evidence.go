package timeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// maxEvidence is how many characters Stripe takes in one field of a dispute's evidence. All
// fields together may have 150,000 (docs.stripe.com/api/disputes/update).
const maxEvidence = 20_000

// Evidence is what is known of a payment, in the fields that Stripe takes as a dispute's
// evidence, as plain text. A field that nothing is known for is empty. It names no operator and
// no mechanic, and has nothing that an operator wrote.
type Evidence struct {
	CustomerID           string `json:"-"`
	AccessActivityLog    string `json:"access_activity_log,omitempty" doc:"When the customer and the mechanic joined the session, and how long it was live"`
	CustomerEmailAddress string `json:"customer_email_address,omitempty"`
	CustomerName         string `json:"customer_name,omitempty"`
	ProductDescription   string `json:"product_description,omitempty" doc:"What was bought, and for how much"`
	ServiceDate          string `json:"service_date,omitempty" doc:"When the session went live"`
	UncategorizedText    string `json:"uncategorized_text,omitempty" doc:"The history of the payment and its sessions, in sentences"`
}

// Evidence collects what is known of a payment, by its id or reference, of the sessions that it
// paid for, and of those that it extended. Errors: NotFound, Unavailable.
func (x *Explainer) Evidence(ctx context.Context, idOrRef string) (Evidence, error) {
	c, err := x.checkoutOf(ctx, idOrRef)
	if err != nil {
		return Evidence{}, err
	}
	t := facts{customerID: c.CustomerID, checkouts: []curfew.Checkout{c}}
	if t.sessions, err = x.paidBy(ctx, c); err != nil {
		return Evidence{}, fmt.Errorf("evidence of checkout %s: %w", c.ID, err)
	}
	sentences, err := x.history(ctx, t)
	if err != nil {
		return Evidence{}, fmt.Errorf("evidence of checkout %s: %w", c.ID, err)
	}
	return Evidence{
		CustomerID: c.CustomerID, AccessActivityLog: accesses(t.sessions), CustomerEmailAddress: c.Email, CustomerName: c.Name,
		ProductDescription: product(t), ServiceDate: serviceDate(t.sessions), UncategorizedText: sentences,
	}, nil
}

func (x *Explainer) checkoutOf(ctx context.Context, idOrRef string) (curfew.Checkout, error) {
	if err := checkTarget(idOrRef); err != nil {
		return curfew.Checkout{}, err
	}
	c, err := x.store.Checkout(ctx, idOrRef)
	if !errors.Is(err, curfew.NotFound) {
		return c, err
	}
	c, err = x.byReference(ctx, idOrRef)
	if errors.Is(err, curfew.NotFound) {
		err = curfew.Errorf(curfew.NotFound, "there is no checkout with the id or the reference %q", idOrRef)
	}
	return c, err
}

// paidBy is the sessions that a checkout paid for, or extended, oldest first.
func (x *Explainer) paidBy(ctx context.Context, c curfew.Checkout) ([]curfew.Snapshot, error) {
	all, err := x.store.SessionsOf(ctx, c.CustomerID, maxRows)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(s curfew.Snapshot) bool { return s.CheckoutID != c.ID && s.ID != c.SessionID })
	first := slices.ContainsFunc(all, func(s curfew.Snapshot) bool { return s.ID == c.SessionID })
	if c.SessionID != "" && !first { // it is not among the newest
		s, err := x.store.Session(ctx, c.SessionID)
		if err == nil {
			all = append(all, s)
		} else if !errors.Is(err, curfew.NotFound) {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b curfew.Snapshot) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// dated is a sentence with its time.
type dated struct {
	at   time.Time
	text string
}

// accesses is when the parties of sessions came in, and how long they were live.
func accesses(sessions []curfew.Snapshot) string {
	var all []dated
	for _, s := range sessions {
		all = append(all,
			dated{s.CustomerJoinedAt, "The customer joined session " + s.ID + "."},
			dated{s.MechanicJoinedAt, "The mechanic joined session " + s.ID + "."},
			dated{s.StartedAt, "Both were in session " + s.ID + ", and its clock began to run."})
		if !s.StartedAt.IsZero() {
			all = append(all, dated{s.EndedAt, "Session " + s.ID + " ended. It had been live for " + lifecycle.Span(s.EndedAt.Sub(s.StartedAt)) + "."})
		}
	}
	all = slices.DeleteFunc(all, func(d dated) bool { return d.at.IsZero() })
	slices.SortStableFunc(all, func(a, b dated) int { return a.at.Compare(b.at) })
	return written(all)
}

// history tells what happened to a payment and its sessions.
func (x *Explainer) history(ctx context.Context, t facts) (string, error) {
	subjects := []string{t.checkouts[0].ID}
	for _, s := range t.sessions {
		subjects = append(subjects, s.ID)
	}
	var entries []Entry
	for _, subject := range subjects {
		events, err := x.store.Events(ctx, t.customerID, subject)
		if err != nil {
			return "", err
		}
		for _, e := range events {
			if e = unsigned(e); e.From != e.To || e.Reason != "" { // else an operator noted something
				entries = append(entries, entryOf(t, e))
			}
		}
	}
	slices.SortStableFunc(entries, inOrder)
	all := make([]dated, len(entries))
	for i, en := range entries {
		all[i] = dated{en.At, en.Sentence}
	}
	return written(all), nil
}

// unsigned is an event without what operators wrote, and without who they and the mechanics
// are. What a provider said stays.
func unsigned(e curfew.Event) curfew.Event {
	code, _, _ := strings.Cut(e.Reason, ": ")
	switch known := selfEvident[code] || endTexts[curfew.EndReason(code)] != "" || waits[code] != "" || annotations[code] != ""; {
	case e.Actor == curfew.Provider, strings.HasPrefix(code, curfew.ExtendedReason+" "):
	case known:
		e.Reason = code
	default:
		e.Reason = ""
	}
	if e.Actor.Role != curfew.System {
		e.Actor.ID = ""
	}
	return e
}

// product says what was bought. Without a session nothing but the plan's name is known.
func product(t facts) string {
	c := t.checkouts[0]
	text := fmt.Sprintf("Live help by a mechanic, plan %s", c.Plan)
	if len(t.sessions) > 0 {
		s := t.sessions[0]
		text = fmt.Sprintf("Live help by a mechanic (%s), plan %s, %s", s.Kind, c.Plan, lifecycle.Span(s.Duration))
		if !s.StartsAt.IsZero() {
			text += ", by appointment for " + instant(s.StartsAt)
		}
	}
	if c.Amount > 0 {
		text += ": " + curfew.Amount(c.Amount, c.Currency)
	}
	return text + "."
}

// serviceDate is when the first session went live; empty: none did.
func serviceDate(sessions []curfew.Snapshot) string {
	for _, s := range sessions {
		if !s.StartedAt.IsZero() {
			return s.StartedAt.UTC().Format("2 January 2006")
		}
	}
	return ""
}

// written is sentences line by line, as many as a field can have. The newest are left out.
func written(all []dated) string {
	const note = "… and %d more.\n"
	var text strings.Builder
	used := 0
	for i, d := range all {
		line := instant(d.at) + "  " + curfew.Visible(d.text) + "\n"
		if used += utf8.RuneCountInString(line); used > maxEvidence-len(note)-len("1000000") {
			fmt.Fprintf(&text, note, len(all)-i)
			break
		}
		text.WriteString(line)
	}
	return text.String()
}
