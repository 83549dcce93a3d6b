package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// pageSize is how many sessions one transaction of a cleanup ends at most.
const pageSize = 500

// maxPreview is how many planned changes a preview holds at most.
const maxPreview = 10_000

// Cleanup asks for a cleanup. Its zero value asks for a full one.
type Cleanup struct {
	CustomerID string            // only this customer's sessions; CleanupCustomerWaitingSessions refuses an empty one
	Rules      []curfew.RuleName // only these rules; nil: all that are enabled
	// MaxAge, if not 0, replaces the deadline of unassigned sessions with their creation
	// plus that age. Sessions that are not overdue yet then end as Cleared, which needs a
	// Reason.
	MaxAge  time.Duration
	Reason  string
	Trigger curfew.Trigger
	Actor   curfew.Actor
	// Only and Except choose rows of a preview by session id. Set at most one of them; nil means all
	// rows.
	Only, Except []string
	Job          Job
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

// Drift is a session of a preview that its execution left alone, because it had moved.
type Drift struct {
	SessionID  string
	CustomerID string
	Why        string
}

// Cleanups previews, runs and undoes cleanups.
type Cleanups struct {
	reporter
	rules      *Rules
	quarantine *quarantine
	settler    *settler
	admission  *Admission
	stop       stopSignal
	ledgers    ledgers
	store      interface {
		deadlineStore
		runStore
		previewStore
		sessionStore
		checkoutStore
		queueStore
	}
	write changeStore
}

// Preview returns what a cleanup would change now, and stores nothing. Errors: Invalid,
// Unavailable.
func (cl *Cleanups) Preview(ctx context.Context, c Cleanup) (curfew.Preview, error) {
	ctx, end := cl.trace.Begin(ctx, "preview a cleanup")
	defer end()
	p := curfew.Preview{Actor: c.Actor, MaxAge: c.MaxAge, Items: []curfew.PlannedChange{}}
	if err := c.check(); err != nil {
		return p, err
	}
	for page, err := range cl.pages(ctx, c) {
		if err != nil {
			return p, fmt.Errorf("preview: %w", err)
		}
		planned, err := cl.plan(ctx, page, c)
		if err != nil {
			return p, fmt.Errorf("preview: %w", err)
		}
		p.Items = append(p.Items, planned...)
		if len(p.Items) > maxPreview {
			p.Items, p.Truncated = p.Items[:maxPreview], true
			break
		}
	}
	return p, nil
}

// StorePreview makes a Preview and keeps it for a day, so that ExecutePreview can carry
// out exactly that.
func (cl *Cleanups) StorePreview(ctx context.Context, c Cleanup) (curfew.Preview, error) {
	p, err := cl.Preview(ctx, c)
	if err != nil {
		return p, err
	}
	p.ID = newID()
	return cl.store.SavePreview(ctx, p)
}

// StoredPreview returns a preview that StorePreview kept. Errors: NotFound if it is older
// than a day.
func (cl *Cleanups) StoredPreview(ctx context.Context, id string) (curfew.Preview, error) {
	return cl.store.Preview(ctx, id)
}

// RunCleanup ends what is due, page by page, each in its own transaction. On an error the
// run is recorded as failed, with the figures that were committed. Errors: Invalid,
// Unavailable, ErrStopped.
func (cl *Cleanups) RunCleanup(ctx context.Context, c Cleanup) (curfew.Run, error) {
	ctx, end := cl.trace.Begin(ctx, "clean up")
	defer end()
	if err := cl.mayRun(ctx, c); err != nil {
		return curfew.Run{}, err
	}
	return cl.run(ctx, c, func(run *cleaning) error {
		for page, err := range cl.pages(ctx, c) {
			if err != nil {
				return err
			}
			if err := cl.cleanPage(ctx, run, page, c); err != nil {
				return err
			}
		}
		if c.CustomerID == "" && len(c.Rules) == 0 {
			if err := cl.freeLeaked(ctx); err != nil {
				return err
			}
		}
		run.settles()
		return cl.settlePayments(ctx)
	})
}

// freeLeaked frees mechanics whose slot another program left behind.
func (cl *Cleanups) freeLeaked(ctx context.Context) error {
	n, err := cl.store.FreeLeaked(ctx)
	if n > 0 {
		cl.log.InfoContext(ctx, "slots without a session were freed", "slots", n)
	}
	return err
}

// mayRun refuses to end sessions before their deadline without a reason.
func (cl *Cleanups) mayRun(ctx context.Context, c Cleanup) error {
	if c.MaxAge == 0 || c.Reason != "" {
		return c.check()
	}
	p, err := cl.Preview(ctx, c)
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

// ExecutePreview ends exactly the sessions of a stored preview that have not moved since,
// and returns those that have. Of the cleanup it uses only Trigger, Actor, Reason, Only,
// Except and Job. Errors: NotFound, Invalid if a reason is missing or a chosen session is
// not in the preview, Unavailable, ErrStopped.
func (cl *Cleanups) ExecutePreview(ctx context.Context, id string, c Cleanup) (curfew.Run, []Drift, error) {
	ctx, end := cl.trace.Begin(ctx, "execute a preview")
	defer end()
	p, err := cl.planOf(ctx, id, c)
	if err != nil {
		return curfew.Run{}, nil, err
	}
	var drifted []Drift
	run, err := cl.run(ctx, c, func(run *cleaning) error {
		left, err := cl.leftOf(ctx, p.Items, c.Job)
		if err != nil {
			return err
		}
		run.done, run.total = len(p.Items)-len(left), len(p.Items)
		for planned := range slices.Chunk(left, pageSize) {
			before := run.done
			done, err := cl.carryOut(ctx, run, planned, p.MaxAge)
			if err != nil {
				return err
			}
			drifted = append(drifted, cl.drift(ctx, planned, done)...)
			run.did(before + len(planned) - run.done)
		}
		run.settles()
		return cl.settlePayments(ctx)
	})
	return run, drifted, err
}

// drift names the planned changes that were not carried out, and why.
func (cl *Cleanups) drift(ctx context.Context, planned []curfew.PlannedChange, done map[string]bool) []Drift {
	var drifted []Drift
	for _, it := range planned {
		if !done[it.SessionID] {
			drifted = append(drifted, Drift{it.SessionID, it.CustomerID, cl.whyDrifted(ctx, it)})
		}
	}
	return drifted
}

func (cl *Cleanups) whyDrifted(ctx context.Context, it curfew.PlannedChange) string {
	s, err := cl.store.Session(ctx, it.SessionID)
	switch {
	case errors.Is(err, curfew.NotFound):
		return "it is gone"
	case err != nil:
		return "it could not be read"
	case s.Status.Ended():
		return fmt.Sprintf("it is %s already (%s)", s.Status, s.EndReason)
	case cl.rules.mayNotEnd(s.Session, it.Reason) != "":
		return cl.rules.mayNotEnd(s.Session, it.Reason)
	case s.Version != it.Version && s.Assigned():
		return fmt.Sprintf("it moved on: %s, with mechanic %s", s.Status, s.MechanicID)
	case s.Version != it.Version:
		return fmt.Sprintf("it moved on: %s, version %d instead of %d", s.Status, s.Version, it.Version)
	case s.Status == curfew.Scheduled:
		return "its slot changed hands at this moment"
	}
	return "somebody else holds its row at this moment"
}

// pages finds what the cleanup may end, page by page, by deadline: Curfew's own sessions
// first, then those of each adopted table.
func (cl *Cleanups) pages(ctx context.Context, c Cleanup) func(func([]curfew.Snapshot, error) bool) {
	search := record.Search{
		CustomerID: c.CustomerID, MaxAge: c.MaxAge, OrphanTTL: cl.rules.policy.OrphanTTL, Limit: pageSize,
	}
	if c.Trigger == curfew.ByTimer {
		search.OrphanTTL = 0 // the sweeper searches for them on its own schedule
	}
	return cl.search(ctx, search)
}

func (cl *Cleanups) search(ctx context.Context, search record.Search) func(func([]curfew.Snapshot, error) bool) {
	return func(yield func([]curfew.Snapshot, error) bool) {
		if !cl.searchSource(ctx, search, yield) {
			return
		}
		sources, err := cl.rules.enforced(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, search.Source = range sources {
			if !cl.searchSource(ctx, search, yield) {
				return
			}
		}
	}
}

// searchSource finds what is due in one source, and reports whether to go on.
func (cl *Cleanups) searchSource(ctx context.Context, search record.Search, yield func([]curfew.Snapshot, error) bool) bool {
	for {
		page, err := cl.store.Find(ctx, search)
		if err != nil {
			yield(nil, err)
			return false
		}
		if len(page) > 0 && !yield(page, nil) {
			return false
		}
		if len(page) < search.Limit {
			return true
		}
		search.After = behind(page)
	}
}
