package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

// pageSize is how many sessions one transaction of a cleanup ends at most.
const pageSize = 500

// maxPreview is how many items a preview holds at most.
const maxPreview = 10_000

// Cleanup asks for a cleanup. Its zero value is a full one.
type Cleanup struct {
	CustomerID string            // only this customer's sessions; CleanupCustomerWaitingSessions refuses an empty one
	Rules      []curfew.RuleName // only these rules; nil: all that are enabled
	// MaxAge replaces, for unassigned sessions, the deadline by creation + that
	// age; 0: the policy's. What was not overdue yet ends as Cleared and needs a
	// Reason.
	MaxAge  time.Duration
	Reason  string
	Trigger curfew.Trigger
	Actor   curfew.Actor
}

func (c Cleanup) check() error {
	if c.MaxAge < 0 {
		return curfew.Errorf(curfew.Invalid, "the maximal age must not be negative")
	}
	if c.Rules != nil && len(c.Rules) == 0 {
		return curfew.Errorf(curfew.Invalid, "rules must not be empty: nil chooses all that are enabled")
	}
	if c.CustomerID != "" {
		return curfew.CheckID("customerId", c.CustomerID)
	}
	return nil
}

// Drift is a row of a preview that its execution left alone, because it had
// moved.
type Drift struct {
	SessionID string
	Why       string
}

// Preview is what such a cleanup would change now; nothing is stored.
func (e *Engine) Preview(ctx context.Context, c Cleanup) (curfew.Preview, error) {
	ctx, end := e.trace.Begin(ctx, "preview a cleanup")
	defer end()
	p := curfew.Preview{Actor: c.Actor, MaxAge: c.MaxAge, Items: []curfew.Item{}}
	if err := c.check(); err != nil {
		return p, err
	}
	for page, err := range e.pages(ctx, c) {
		if err != nil {
			return p, fmt.Errorf("preview: %w", err)
		}
		items, err := e.items(ctx, page, c)
		if err != nil {
			return p, fmt.Errorf("preview: %w", err)
		}
		p.Items = append(p.Items, items...)
		if len(p.Items) > maxPreview {
			p.Items, p.Truncated = p.Items[:maxPreview], true
			break
		}
	}
	return p, nil
}

// StorePreview is Preview, kept for a day so that exactly it can be executed.
func (e *Engine) StorePreview(ctx context.Context, c Cleanup) (curfew.Preview, error) {
	p, err := e.Preview(ctx, c)
	if err != nil {
		return p, err
	}
	p.ID = newID()
	return e.store.SavePreview(ctx, p)
}

// StoredPreview is what StorePreview kept. NotFound: it is older than a day.
func (e *Engine) StoredPreview(ctx context.Context, id string) (curfew.Preview, error) {
	return e.store.Preview(ctx, id)
}

// RunCleanup ends what is due, page by page, each in its own transaction. On an
// error the run is recorded as failed, with the figures that were committed.
func (e *Engine) RunCleanup(ctx context.Context, c Cleanup) (curfew.Run, error) {
	ctx, end := e.trace.Begin(ctx, "clean up")
	defer end()
	if err := e.mayRun(ctx, c); err != nil {
		return curfew.Run{}, err
	}
	return e.run(ctx, c, func(run *cleaning) error {
		for page, err := range e.pages(ctx, c) {
			if err != nil {
				return err
			}
			if err := e.cleanPage(ctx, run, page, c); err != nil {
				return err
			}
		}
		if c.CustomerID == "" && len(c.Rules) == 0 {
			if err := e.freeLeaked(ctx); err != nil {
				return err
			}
		}
		return e.settleRest(ctx)
	})
}

// freeLeaked frees mechanics whose slot another program left behind.
func (e *Engine) freeLeaked(ctx context.Context) error {
	n, err := e.store.FreeLeaked(ctx)
	if n > 0 {
		e.log.Info("slots without a session were freed", "slots", n)
	}
	return err
}

// mayRun refuses to end early without a reason what is not overdue.
func (e *Engine) mayRun(ctx context.Context, c Cleanup) error {
	if c.MaxAge == 0 || c.Reason != "" {
		return c.check()
	}
	p, err := e.Preview(ctx, c)
	if err != nil {
		return err
	}
	return needsReason(p)
}

func needsReason(p curfew.Preview) error {
	early := 0
	for _, it := range p.Items {
		if it.Reason == curfew.Cleared {
			early++
		}
	}
	if early > 0 {
		return curfew.Errorf(curfew.Invalid, "%d of these sessions are not overdue yet: give a reason to end them early", early)
	}
	return nil
}

// ExecutePreview ends exactly the rows of a stored preview that have not moved
// since, and says which had. The cleanup gives trigger, actor and reason.
func (e *Engine) ExecutePreview(ctx context.Context, id string, c Cleanup) (curfew.Run, []Drift, error) {
	ctx, end := e.trace.Begin(ctx, "execute a preview")
	defer end()
	p, err := e.store.Preview(ctx, id)
	if err != nil {
		return curfew.Run{}, nil, err
	}
	if c.Reason == "" {
		if err := needsReason(p); err != nil {
			return curfew.Run{}, nil, err
		}
	}
	var drifted []Drift
	run, err := e.run(ctx, c, func(run *cleaning) error {
		for items := range slices.Chunk(p.Items, pageSize) {
			done, err := e.carryOut(ctx, run, items, p.MaxAge)
			if err != nil {
				return err
			}
			drifted = append(drifted, e.drift(ctx, items, done)...)
		}
		return e.settleRest(ctx)
	})
	return run, drifted, err
}

// drift names the items that were not carried out, and why.
func (e *Engine) drift(ctx context.Context, items []curfew.Item, done map[string]bool) []Drift {
	var drifted []Drift
	for _, it := range items {
		if !done[it.SessionID] {
			drifted = append(drifted, Drift{it.SessionID, e.whyDrifted(ctx, it)})
		}
	}
	return drifted
}

func (e *Engine) whyDrifted(ctx context.Context, it curfew.Item) string {
	s, err := e.store.Session(ctx, it.SessionID)
	switch {
	case errors.Is(err, curfew.NotFound):
		return "it is gone"
	case err != nil:
		return "it could not be read"
	case s.Status.Ended():
		return fmt.Sprintf("it is %s already (%s)", s.Status, s.EndReason)
	case s.Version != it.Version && s.Assigned():
		return fmt.Sprintf("it moved on: %s, with mechanic %s", s.Status, s.MechanicID)
	case s.Version != it.Version:
		return fmt.Sprintf("it moved on: %s, version %d instead of %d", s.Status, s.Version, it.Version)
	case s.Status == curfew.Scheduled:
		return "its slot changed hands at this moment"
	}
	return "somebody else holds its row at this moment"
}

// pages finds what the cleanup may end, page by page to the end, in the order
// of deadlines.
func (e *Engine) pages(ctx context.Context, c Cleanup) func(func([]curfew.Standing, error) bool) {
	search := curfew.Search{
		CustomerID: c.CustomerID, MaxAge: c.MaxAge, OrphanTTL: e.policy.OrphanTTL, Limit: pageSize,
	}
	if c.Trigger == curfew.ByTimer {
		search.OrphanTTL = 0 // the sweeper looks for them at its own pace
	}
	return e.search(ctx, search)
}

func (e *Engine) search(ctx context.Context, search curfew.Search) func(func([]curfew.Standing, error) bool) {
	return func(yield func([]curfew.Standing, error) bool) {
		for {
			page, err := e.store.Find(ctx, search)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(page) == 0 || !yield(page, nil) || len(page) < search.Limit {
				return
			}
			search.After = behind(page)
		}
	}
}
