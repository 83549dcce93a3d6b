package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// captureSilence is how long a capture may take before it is a finding.
const captureSilence = 2 * time.Minute

// concernFindings are about payments that stay as they are although something is wrong with
// them.
func concernFindings(r Report) []Finding {
	if r.Checkouts == nil {
		return nil
	}
	of := func(concern string) (int, func(curfew.Checkout) bool) {
		return int(r.Checkouts.ByConcern[concern]), func(c curfew.Checkout) bool {
			return c.Concern == concern && r.Timestamp.Sub(c.UpdatedAt) <= record.ConcernWindow
		}
	}
	taken, isTaken := of(record.PaymentLost)
	differ, isDiffering := of(record.Disagreement)
	failing, isFailing := of(record.CaptureFailed)
	capture := Finding{
		Code: CaptureFailing, Severity: Critical, Count: failing,
		Problem: fmt.Sprintf("the provider does not take or release the reserved money of %s: it refuses to be asked", count(failing, "payment")),
	}
	if failing == 0 && r.Checkouts.OldestCapture > captureSilence {
		capture.Count = r.Checkouts.Capturing
		capture.Problem = fmt.Sprintf("the reserved money of %s could not be taken or released yet, the oldest for %s: the provider gives no answer",
			count(capture.Count, "payment"), Span(r.Checkouts.OldestCapture))
	}
	return []Finding{
		capture.naming(r.Payments, isFailing, updated),
		Finding{
			Code: PaymentLost, Severity: Warning, Count: taken,
			Problem: fmt.Sprintf("the money of %s was taken back within %s although there was a session for it",
				count(taken, "payment"), Span(record.ConcernWindow)),
		}.naming(r.Payments, isTaken, updated),
		Finding{
			Code: PaymentDisagrees, Severity: Warning, Count: differ,
			Problem: fmt.Sprintf("shop and provider have said different things of %s within %s: the customer, the plan or the amount, or one payment came twice",
				count(differ, "payment"), Span(record.ConcernWindow)),
		}.naming(r.Payments, isDiffering, updated),
	}
}

// concerned is the payments with a concern that has a finding of its own, oldest first.
func (h *Health) concerned(ctx context.Context, by map[string]int64) (all []curfew.Checkout, err error) {
	for _, concern := range []string{record.CaptureFailed, record.PaymentLost, record.Disagreement} {
		if by[concern] == 0 {
			continue
		}
		some, err := h.store.ListCheckouts(ctx, curfew.CheckoutSearch{Concern: concern, Limit: maxConcerned})
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// maxConcerned is how many payments with one concern a report reads. Among them are old
// ones, which are no longer reported.
const maxConcerned = 1000

func updated(c curfew.Checkout) time.Time { return c.UpdatedAt }

// booksFinding reports how the provider's books differ.
func booksFinding(r Report) Finding {
	f := Finding{Code: BooksDiffer, Severity: Warning, Count: len(r.Differences)}
	if f.Count == 0 {
		return f
	}
	for _, d := range r.Differences {
		f.Payments = append(f.Payments, cmp.Or(d.Ref, d.CheckoutID))
	}
	first := r.Differences[0]
	f.Since = first.FirstAt
	f.Problem = fmt.Sprintf("the provider's books differ on %s, the oldest %s (%s): %s",
		count(f.Count, "payment"), f.Payments[0], strings.ReplaceAll(first.Kind, "_", " "), first.Detail)
	return f
}

// refusedFinding reports messages that came in a provider's name and were rejected.
// Anybody can post one, but several may mean that the provider's own messages are
// rejected.
func refusedFinding(r Report) Finding {
	f := Finding{Code: MessagesRefused, Severity: Warning}
	var why []string
	for _, m := range r.Refused {
		if m.Reason == record.Unusable {
			continue
		}
		f.Count += int(m.Count)
		why = append(why, fmt.Sprintf("%d for %s (%s)", m.Count, m.Provider, m.Reason))
		if f.Since.IsZero() || m.FirstAt.Before(f.Since) {
			f.Since = m.FirstAt
		}
	}
	if f.Count < record.RefusedFew {
		return Finding{Code: MessagesRefused}
	}
	f.Problem = "messages that came in a payment provider's name were refused: " + strings.Join(why, "; ")
	return f
}

// unusableFinding reports genuine messages that could not be used: each may be about money
// that is missing from the books.
func unusableFinding(r Report) Finding {
	f := Finding{Code: messagesUnusable, Severity: Warning}
	var from []string
	for _, m := range r.Refused {
		if m.Reason != record.Unusable {
			continue
		}
		f.Count += int(m.Count)
		from = append(from, fmt.Sprintf("%d of %s", m.Count, m.Provider))
		if f.Since.IsZero() || m.FirstAt.Before(f.Since) {
			f.Since = m.FirstAt
		}
	}
	f.Problem = "messages of a payment provider were genuine and could not be used, and changed nothing: " + strings.Join(from, ", ")
	return f
}
