package lifecycle

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// bookPart is how many checkouts one part of the books covers.
const bookPart = 1000

// Month is the span of a month, written like 2026-11, in UTC. Errors: Invalid.
func (cs *Checkouts) Month(text string) (from, to time.Time, err error) {
	from, err = time.Parse("2006-01", text)
	if err != nil {
		return from, to, curfew.Errorf(curfew.Invalid, "%q is no month: write it like 2026-11", text)
	}
	return from, from.AddDate(0, 1, 0), nil
}

// Books reads a part of the books of a span of time: a line for each payment whose money moved
// within it or was open at its end. Next is where the next part begins; it is empty after the
// last part. A part may have no lines. Errors: Unavailable.
func (cs *Checkouts) Books(ctx context.Context, from, to time.Time, after string) (lines []record.BookLine, next string, err error) {
	booked, next, err := cs.store.Booked(ctx, from, to, after, bookPart)
	if err != nil {
		return nil, "", fmt.Errorf("books from %s: %w", from.Format(time.DateOnly), err)
	}
	for _, b := range booked {
		if line, ok := b.Line(); ok {
			lines = append(lines, line)
		}
	}
	return lines, next, nil
}

// BookTotals sums up the books of a span of time by currency. Errors: Unavailable.
func (cs *Checkouts) BookTotals(ctx context.Context, from, to time.Time) (totals []record.BookTotal, err error) {
	for after := ""; ; {
		lines, next, err := cs.Books(ctx, from, to, after)
		if err != nil {
			return nil, err
		}
		if totals = record.Totals(totals, lines...); next == "" {
			return totals, nil
		}
		after = next
	}
}
