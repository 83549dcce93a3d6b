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
	// maxQuarantined is how many a process keeps in mind: what it does not know of
	// fails once more and is remembered then.
	maxQuarantined = 10_000
	// hopeless is how many things in a row may fail before what fails is no row
	// but the rule itself: then the run fails.
	hopeless = 20
)

// quarantine is what a process knows to be set apart: a sweep passes it by until
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

// knows reports whether a session is set apart, though it may be tried again.
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

// readQuarantine learns what other processes have set apart, and forgets what
// is settled.
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

// rowsOwn reports whether a failure is one row's own: the database answers, and
// what stands beside the row can be settled. A row that somebody holds for long
// is of that kind.
func rowsOwn(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil {
		return false
	}
	if _, ok := isStuck(err); ok {
		return true
	}
	return record.OfOneRow(err)
}

// rowsOwn is rowsOwn, also where the answer leaves open whether the row or the
// database is to blame: a trigger may answer so, or take too long. Then a write
// elsewhere tells.
func (q *quarantine) rowsOwn(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil || rowsOwn(ctx, err) {
		return err != nil && ctx.Err() == nil
	}
	cut := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	return !cut && errors.Is(err, curfew.Unavailable) && q.probe.ClaimOnce(ctx, "probe:"+newID(), time.Second) == nil
}

// setApart keeps that something could not be settled, so that nothing else waits
// for it. The error is that of keeping it.
func (q *quarantine) setApart(ctx context.Context, what curfew.Quarantined, cause error) error {
	what.LastError = record.SafeText(cause)
	q.log.WarnContext(ctx, "set apart: it could not be settled, and is tried again later", "what", string(what.Noun), "id", what.ID,
		"customer", what.CustomerID, "step", what.Step, "error", cause)
	if what.Noun == curfew.QuarantinedSession {
		q.add(what.ID, record.FirstQuarantine)
	}
	return q.store.Quarantine(context.WithoutCancel(ctx), what)
}

// cleaning is a run at work, with what it had to set apart.
type cleaning struct {
	*curfew.Run
	apart  []string // in words
	rule   string   // of the batch at work, before a colon
	unsure error    // a failure after which it is not known what was done
	split  bool     // a batch was halved
	inARow int      // failures since something was settled
	job    Job
	done   int // sessions that were looked after
	total  int // below 0: nobody knows
}

// did notes that so many more sessions were looked after.
func (c *cleaning) did(n int) {
	c.done += n
	c.job.report(endingSessions, c.done, c.total)
}

// settles notes that only payments are left.
func (c *cleaning) settles() { c.job.report(settlingPayments, c.done, c.total) }

// settled notes that something could be settled, so that it is not everything
// that fails.
func (c *cleaning) settled(n int) {
	if n > 0 {
		c.inARow = 0
	}
}

// leave sets apart what a run cannot settle. The error is one that is no row's
// own: the database's, or that nothing at all can be settled.
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

// own reports whether a failure is one row's own. Where that is in doubt, a run
// by hand fails, for a person sees it; one in the background asks, and so does
// one that has ended others of the same batch.
func (c *cleaning) own(ctx context.Context, q *quarantine, cause error) bool {
	if background(c.Trigger) || c.split {
		return q.rowsOwn(ctx, cause)
	}
	return rowsOwn(ctx, cause)
}

// err is nil where everything could be settled.
func (c *cleaning) err() error {
	switch {
	case c.unsure != nil:
		return &setApartError{append(c.apart, "what the figures count may be too little, an answer was lost: "+record.SafeText(c.unsure))}
	case len(c.apart) > 0:
		return &setApartError{c.apart}
	}
	return nil
}

// setApartError is the failure of a run that settled everything but what it set
// apart.
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

// onlySetApart reports whether a run failed for nothing but what it set apart.
func onlySetApart(err error) bool {
	var apart *setApartError
	return errors.As(err, &apart)
}
