package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Curfew's own transactions keep rows consistent. Whether anybody else broke them is
// checked in the background, at a bounded cost.
const (
	// rowsEvery is the time between checks if all was well, and rowsAgain if it was not,
	// so that a problem that was repaired is soon reported no longer.
	rowsEvery = time.Minute
	rowsAgain = time.Second
	// rowsPage is how many rows of each table one check covers.
	rowsPage = 1000
	// rowsTimeout limits a check. Comparing the tallies reads every row, so the next
	// comparison waits for tallyPause times as long as the last one took.
	rowsTimeout = 3 * time.Second
	tallyPause  = 100
	// rowsNamed is how many rows a finding names.
	rowsNamed = 5
)

// rowCheck is what the checks have found so far.
type rowCheck struct {
	reporter
	store consistencyStore

	mu      sync.Mutex // held during a check
	at      time.Time  // of the last check; zero: there was none
	tallyAt time.Time  // when the tallies may be compared again
	tallies []curfew.TallyDifference
	after   map[string]string // by table: the key after which the next page begins
	wrong   map[rowPage][]curfew.Inconsistency
}

// rowPage is rows of a table behind a key.
type rowPage struct{ table, after string }

func (c *rowCheck) sound() bool { return len(c.tallies) == 0 && len(c.wrong) == 0 }

// read reports what is known of the rows, after a check if one is due.
func (c *rowCheck) read(ctx context.Context, r *Report) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.checkIfDue(ctx)
	r.Tallies = c.tallies
	for _, found := range c.wrong {
		r.Rows = append(r.Rows, found...)
	}
	slices.SortFunc(r.Rows, func(a, b curfew.Inconsistency) int {
		order := slices.Index(curfew.Contradictions(), a.Kind) - slices.Index(curfew.Contradictions(), b.Kind)
		if order == 0 {
			order = strings.Compare(a.ID, b.ID)
		}
		return order
	})
	return err
}

// checkRows checks rows until the context ends, even if nobody asks for health. Whoever
// asks first triggers the first check.
func (c *rowCheck) checkRows(ctx context.Context) {
	timer := time.NewTicker(rowsEvery + rowsTimeout)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			c.mu.Lock()
			err := c.checkIfDue(ctx)
			c.mu.Unlock()
			c.logged(ctx, "check of the rows", err)
		}
	}
}

// examine checks every row that it can within the time limit, and reports whether it checked all.
func (c *rowCheck) examine(ctx context.Context, limit time.Duration) (whole bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c.reset()
	if whole, err = c.compareTallies(ctx); err != nil {
		return false, err
	}
	for _, table := range record.LinkedTables() {
		for more := true; more; {
			if more, err = c.checkNext(ctx, table); late(ctx, err) {
				return false, nil
			} else if err != nil {
				return false, err
			}
		}
	}
	c.at = time.Now()
	return whole, nil
}

func (c *rowCheck) reset() {
	c.after, c.wrong = make(map[string]string), make(map[rowPage][]curfew.Inconsistency)
}

// checkIfDue checks again what was wrong, the tallies, and the next page of each table. The
// caller holds the lock.
func (c *rowCheck) checkIfDue(ctx context.Context) error {
	every := rowsEvery
	if !c.sound() {
		every = rowsAgain
	}
	if !c.at.IsZero() && time.Since(c.at) < every {
		return nil
	}
	if c.after == nil {
		c.reset()
	}
	ctx, cancel := context.WithTimeout(ctx, rowsTimeout)
	defer cancel()
	if _, err := c.compareTallies(ctx); err != nil {
		return err
	}
	for p := range c.wrong {
		if _, err := c.checkPage(ctx, p); err != nil && !late(ctx, err) {
			return err
		}
	}
	for _, table := range record.LinkedTables() {
		if _, err := c.checkNext(ctx, table); err != nil && !late(ctx, err) {
			return err
		}
	}
	c.at = time.Now()
	return nil
}

// late reports whether a check ran out of time, which says nothing about the rows.
func late(ctx context.Context, err error) bool {
	return err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded)
}

// compareTallies compares the tallies with their rows if that is due, and reports whether
// it did.
func (c *rowCheck) compareTallies(ctx context.Context) (compared bool, err error) {
	if len(c.tallies) == 0 && time.Now().Before(c.tallyAt) {
		return false, nil
	}
	begun := time.Now()
	found, err := c.store.TallyDifferences(ctx)
	c.tallyAt = begun.Add(tallyPause * time.Since(begun))
	if late(ctx, err) {
		return false, nil
	}
	if err == nil {
		c.tallies = found
	}
	return err == nil, err
}

// checkNext checks the next page of a table, and reports whether there is another one.
// Otherwise the next check begins at the start.
func (c *rowCheck) checkNext(ctx context.Context, table string) (more bool, err error) {
	next, err := c.checkPage(ctx, rowPage{table, c.after[table]})
	if err == nil {
		c.after[table] = next
	}
	return next != "", err
}

func (c *rowCheck) checkPage(ctx context.Context, p rowPage) (next string, err error) {
	l, err := c.store.Links(ctx, p.table, p.after, rowsPage)
	if err != nil {
		return "", err
	}
	delete(c.wrong, p)
	if len(l.Found) > 0 {
		c.wrong[p] = l.Found
	}
	return l.Next, nil
}

// contradicting says what is wrong with a row.
var contradicting = map[curfew.Contradiction]string{
	curfew.ClaimWithoutCheckout:   "payment %s was claimed and has no checkout",
	curfew.CheckoutWithoutClaim:   "checkout %s has lost the claim of its reference",
	curfew.FulfilledWithoutOne:    "checkout %s is fulfilled and has no session",
	curfew.GivenBackAndOpen:       "checkout %s is not fulfilled and has an open session",
	curfew.CheckoutEventsBroken:   "the events of checkout %s have gaps or say otherwise",
	curfew.SessionWithoutCheckout: "session %s has lost its checkout",
	curfew.SessionWithoutRequest:  "open session %s has no open request",
	curfew.SessionWithoutSlot:     "open session %s does not hold its mechanic's slot",
	curfew.SessionEventsBroken:    "the events of session %s have gaps or say otherwise",
	curfew.RequestWithoutSession:  "open request %s has no open session",
	curfew.EventsWithoutSubject:   "events tell of %s, which is missing",
	curfew.CaptureDisagrees:       "the capture of checkout %s does not fit its outcome or its session",
}

func rowFindings(r Report) []Finding {
	tallies := make([]string, 0, len(r.Tallies))
	for _, d := range r.Tallies {
		tallies = append(tallies, fmt.Sprintf("%s %s is %d instead of %d", d.Noun, d.Status, d.Tallied, d.Counted))
	}
	f := Finding{Code: RowsInconsistent, Severity: Critical, Count: len(r.Rows)}
	var named []string
	for _, row := range r.Rows {
		if len(named) < rowsNamed {
			named = append(named, fmt.Sprintf(contradicting[row.Kind], row.ID))
		}
		switch row.Kind {
		case curfew.ClaimWithoutCheckout, curfew.CheckoutWithoutClaim, curfew.FulfilledWithoutOne, curfew.GivenBackAndOpen, curfew.CheckoutEventsBroken,
			curfew.CaptureDisagrees:
			f.Payments = append(f.Payments, row.ID)
		case curfew.SessionWithoutCheckout, curfew.SessionWithoutRequest, curfew.SessionWithoutSlot, curfew.SessionEventsBroken:
			f.Sessions = append(f.Sessions, row.ID)
		}
		f.Customers = append(f.Customers, row.CustomerID)
	}
	slices.Sort(f.Customers)
	f.Customers = slices.Compact(f.Customers)
	if more := len(r.Rows) - len(named); more > 0 {
		named = append(named, fmt.Sprintf("and %d more", more))
	}
	f.Problem = fmt.Sprintf("%s: %s", count(len(r.Rows), "contradictory row"), strings.Join(named, "; "))
	return []Finding{f, {
		Code: TalliesWrong, Severity: Warning, Count: len(r.Tallies),
		Problem: fmt.Sprintf("%s wrong, and this report counts by them: %s",
			count(len(r.Tallies), "tallied figure"), strings.Join(tallies, "; ")),
	}}
}
