package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// adopted ends and changes sessions that mirror rows of a marketplace's own tables. Those rows
// are the truth, and a session follows its row. A table goes by the name of its mapping, as in
// Session.AdoptedFrom.
type adopted interface {
	// Enforced names the tables whose overdue sessions a cleanup may end, by any rule.
	Enforced(ctx context.Context) ([]string, error)
	// May reports whether sessions of this table may be ended for this reason, and if not,
	// why not: a sentence that says what to do. It is called for each session of a page.
	May(source string, reason curfew.EndReason) (bool, string)
	// Change applies the change to the marketplace's row. Conflict: the row moved, or adopted
	// rows do not allow the change, and the message says what to do.
	Change(ctx context.Context, c record.Change) (curfew.Snapshot, error)
	// End ends rows of one table, like changeStore.End: those that are as they were read, and
	// nothing else.
	End(ctx context.Context, source string, b record.Batch) ([]record.Ended, error)
	// Findings lists the problems of adopted tables.
	Findings(ctx context.Context) ([]record.Finding, error)
}

// mayNotEnd says why Curfew may not end an adopted session for this reason. It is empty if
// it may, and for Curfew's own sessions.
func (r *Rules) mayNotEnd(s curfew.Session, reason curfew.EndReason) string {
	if !s.Adopted() {
		return ""
	}
	may, why := false, "this program has no mapping of that table: add it to the setting adopt, or end the row there"
	if r.adopted != nil {
		may, why = r.adopted.May(s.AdoptedFrom, reason)
	}
	if may {
		return ""
	}
	return fmt.Sprintf("session %s is %s: %s", s.ID, s.Origin(), strings.TrimSuffix(why, "."))
}

// Stays says why an adopted session does not end by its rule, however overdue it is: the rule
// is not enforced on its table. It is empty for every other session.
func (r *Rules) Stays(s curfew.Snapshot) string {
	rule, _ := r.RuleFor(s)
	return r.mayNotEnd(s.Session, rule.Reason)
}

// Settles reports whether whoever looks at a session next settles it: it is due, and Curfew may
// end it.
func (r *Rules) Settles(s curfew.Snapshot) bool { return r.Due(s) && r.Stays(s) == "" }

// permit returns Conflict for a change of an adopted session that Curfew may not make: its
// table is only watched, or that reason is not enforced.
func (r *Rules) permit(ctx context.Context, c record.Change) error {
	if !c.From.Adopted() {
		return nil
	}
	reason := c.EndedBy
	if !c.To.Ended() {
		sources, err := r.enforced(ctx)
		if err != nil || slices.Contains(sources, c.From.AdoptedFrom) {
			return err
		}
		reason = curfew.Expired // any reason: the table is not enforced at all
	}
	if why := r.mayNotEnd(c.From, reason); why != "" {
		return curfew.Errorf(curfew.Conflict, "%s", why)
	}
	return nil
}

// enforced names the tables whose overdue sessions a cleanup may end.
func (r *Rules) enforced(ctx context.Context) ([]string, error) {
	if r.adopted == nil {
		return nil, nil
	}
	sources, err := r.adopted.Enforced(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up the adopted tables: %w", err)
	}
	return sources, nil
}

// adoptedFindings lists the problems of the adopted tables.
func (r *Rules) adoptedFindings(ctx context.Context) ([]record.Finding, error) {
	if r.adopted == nil {
		return nil, nil
	}
	return r.adopted.Findings(ctx)
}

// router sends changes of adopted sessions to the marketplace's rows, so that no caller can
// change the mirror alone.
type router struct {
	changeStore
	rules *Rules
}

// Change moves a session, or its adopted row. Conflict: Curfew may not change that row.
func (w router) Change(ctx context.Context, c record.Change) (curfew.Snapshot, error) {
	if !c.From.Adopted() {
		return w.changeStore.Change(ctx, c)
	}
	if err := w.rules.permit(ctx, c); err != nil {
		return curfew.Snapshot{Session: c.From}, err
	}
	return w.rules.adopted.Change(ctx, c)
}

// End ends a batch of one source. It leaves out rows that Curfew may not end, like rows that moved.
func (w router) End(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	if b.Source == "" {
		return w.changeStore.End(ctx, b)
	}
	var ends []record.PlannedEnd
	for _, e := range b.Ends {
		if w.rules.mayNotEnd(curfew.Session{ID: e.SessionID, AdoptedFrom: b.Source}, e.Reason) == "" {
			ends = append(ends, e)
		}
	}
	if b.Ends = ends; len(ends) == 0 {
		return nil, nil
	}
	return w.rules.adopted.End(ctx, b.Source, b)
}
