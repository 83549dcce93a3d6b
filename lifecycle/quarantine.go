package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	// maxQuarantined is how many rows a process remembers. Any other row fails once more,
	// and is remembered then.
	maxQuarantined = 10_000
	// hopeless is how many rows may fail one after another. Then the rule itself is at
	// fault, and the run fails.
	hopeless = 20
)

// quarantine is what a process knows about rows in quarantine. A sweep skips a row until
// its next try, and then tries it alone.
type quarantine struct {
	log   *slog.Logger
	store quarantineStore
	probe oneTimeStore // to try whether the database takes writes

	mu    sync.Mutex
	until map[string]time.Time // by the session's id
}

// waits reports whether a session is left alone for now.
func (q *quarantine) waits(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	until, known := q.until[id]
	return known && time.Now().Before(until)
}

// knows reports whether a session is in quarantine, even if it may be tried again now.
func (q *quarantine) knows(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, known := q.until[id]
	return known
}

func (q *quarantine) add(id string, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.until == nil {
		q.until = make(map[string]time.Time)
	}
	q.until[id] = time.Now().Add(wait)
}

func (q *quarantine) replace(all []curfew.Quarantined) {
	now, until := time.Now(), make(map[string]time.Time, len(all))
	for _, one := range all {
		if one.Noun == curfew.QuarantinedSession {
			until[one.ID] = now.Add(one.Wait)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.until = until
}

// readQuarantine reads what other processes have quarantined, and removes what is
// settled.
func (q *quarantine) read(ctx context.Context) error {
	all, err := q.store.Quarantined(ctx, maxQuarantined)
	if err == nil && (len(all) > 0 || q.any()) {
		err = q.store.LeaveQuarantine(ctx)
	}
	if err != nil {
		return fmt.Errorf("look at what is set apart: %w", err)
	}
	q.replace(all)
	return nil
}

func (q *quarantine) any() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.until) > 0
}

// rowsOwn reports whether a failure is caused by one row: the database answers, and other
// rows can be settled. A row that somebody keeps locked for long counts, too.
func rowsOwn(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil {
		return false
	}
	if _, ok := isStuck(err); ok {
		return true
	}
	return record.OfOneRow(err)
}

// rowsOwn is the function rowsOwn, but it also decides doubtful cases: an error from a
// trigger, or a timeout, may come from the row or from the database. A write elsewhere
// then shows which.
func (q *quarantine) rowsOwn(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil || rowsOwn(ctx, err) {
		return err != nil && ctx.Err() == nil
	}
	cut := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	return !cut && errors.Is(err, curfew.Unavailable) && q.probe.ClaimOnce(ctx, "probe:"+newID(), time.Second) == nil
}

// setApart quarantines a row that could not be settled, so that nothing else waits for
// it.
func (q *quarantine) setApart(ctx context.Context, what curfew.Quarantined, cause error) error {
	what.LastError = record.SafeText(cause)
	q.log.WarnContext(ctx, "set apart: it could not be settled, and is tried again later", "what", string(what.Noun), "id", what.ID,
		"customer", what.CustomerID, "step", what.Step, "error", cause)
	if what.Noun == curfew.QuarantinedSession {
		q.add(what.ID, record.FirstQuarantine)
	}
	return q.store.Quarantine(context.WithoutCancel(ctx), what)
}

// cleaning is a run in progress, with the rows that it had to quarantine.
type cleaning struct {
	*curfew.Run
	apart  []string // in words
	rule   string   // of the batch at work, before a colon
	unsure error    // a failure with an unknown outcome
	split  bool     // a batch was halved
	inARow int      // failures since the last success
	job    Job
	done   int // sessions that were handled
	total  int // below 0: unknown
}

// did counts n more sessions as handled.
func (c *cleaning) did(n int) {
	c.done += n
	c.job.report(endingSessions, c.done, c.total)
}

// settles reports that only payments are left.
func (c *cleaning) settles() { c.job.report(settlingPayments, c.done, c.total) }

// settled notes a success: not everything fails.
func (c *cleaning) settled(n int) {
	if n > 0 {
		c.inARow = 0
	}
}

// leave quarantines what a run cannot settle. It returns an error if a row is not the
// cause: the database is, or nothing at all can be settled.
func (c *cleaning) leave(ctx context.Context, q *quarantine, what curfew.Quarantined, cause error) error {
	if !c.own(ctx, q, cause) {
		return cause
	}
	if err := q.setApart(ctx, what, cause); err != nil {
		return err
	}
	c.apart = append(c.apart, fmt.Sprintf("%s%s %s of customer %s: %v", c.rule, what.Noun, what.ID, what.CustomerID, record.SafeText(cause)))
	c.Stats.SetApart++
	if c.inARow++; c.inARow >= hopeless {
		return fmt.Errorf("%d in a row could not be settled, the last one: %w", c.inARow, cause)
	}
	return nil
}

// own reports whether a failure is caused by one row. In doubt, a run by hand fails,
// because a person sees that; a run in the background, or one that has ended others of
// the same batch, tries a write elsewhere.
func (c *cleaning) own(ctx context.Context, q *quarantine, cause error) bool {
	if background(c.Trigger) || c.split {
		return q.rowsOwn(ctx, cause)
	}
	return rowsOwn(ctx, cause)
}

// err returns nil if everything could be settled.
func (c *cleaning) err() error {
	switch {
	case c.unsure != nil:
		return &setApartError{append(c.apart, "what the figures count may be too little, an answer was lost: "+record.SafeText(c.unsure))}
	case len(c.apart) > 0:
		return &setApartError{c.apart}
	}
	return nil
}

// setApartError is the failure of a run that settled everything except the rows that it
// quarantined.
type setApartError struct{ what []string }

func (e *setApartError) Error() string {
	const most = 10
	what := e.what
	more := ""
	if len(what) > most {
		what, more = what[:most], fmt.Sprintf("; and %d more", len(what)-most)
	}
	return strings.Join(what, "; ") + more + " (everything else is settled)"
}

// onlySetApart reports whether a run failed only because of the rows that it quarantined.
func onlySetApart(err error) bool {
	var apart *setApartError
	return errors.As(err, &apart)
}
