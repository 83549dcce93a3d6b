package adopt

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// End ends the rows of a batch that are unchanged since their mirrors were read and are past their
// deadline, together with their requests and mirrors, and counts them in the batch's run, all in
// one transaction. Rows that another transaction holds are left for the next sweep. The result is
// in the order of the batch. It returns Unavailable if the table is not enforced.
func (s *Service) End(ctx context.Context, source string, b record.Batch) ([]record.Ended, error) {
	m, err := s.Table(source)
	if err != nil || len(b.Ends) == 0 {
		return nil, err
	}
	return s.table(m).End(ctx, b)
}

// End is Service.End for one table.
func (t table) End(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	var all []record.Ended
	err := t.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		w, err := t.writing(ctx, tx)
		if err != nil {
			return err
		}
		if all, err = w.endBatch(ctx, b); err != nil || len(all) == 0 || b.RunID == "" {
			return err
		}
		_, err = tx.Exec(ctx, countRun, b.RunID, b.StatsAfter(all))
		return err
	})
	if err != nil {
		return nil, t.wrap(err, "end rows of "+t.Relation)
	}
	return all, nil
}

// countRun updates a run's figures in the same transaction that ends the rows.
const countRun = `UPDATE curfew.runs SET stats = $2 WHERE id = $1`

// endBatch ends the sessions that share a reason in one statement.
func (w *writing) endBatch(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	by := map[string]record.Ended{}
	for _, reason := range reasonsOf(b.Ends) {
		own := ruleFor(b.Rule.From, b.Rule.Assigned == record.Yes)
		e, ok := w.End[own]
		if !ok {
			return nil, curfew.Errorf(curfew.Conflict, "adopt.%s.end does not say how to end a session that %s", w.Name, phrases[own])
		}
		ends := slices.DeleteFunc(slices.Clone(b.Ends), func(p record.PlannedEnd) bool { return p.Reason != reason })
		o := order{ends: keysOf(ends), set: w.sets(e), condition: w.dueBy(b, reason), closes: true}
		if err := w.as(ctx, b.Actor, curfew.WithNote(string(reason), b.Note), reason, b.RunID); err != nil {
			return nil, err
		}
		moved, err := w.write(ctx, o)
		if err != nil {
			return nil, err
		}
		for _, m := range moved {
			if m.Status.Ended() { // else its mirror did not follow, which is a finding
				by[m.ID] = record.Ended{Session: m.Session, Deadline: m.deadline, RequestEnded: m.requestEnded}
			}
		}
	}
	var all []record.Ended
	for _, p := range b.Ends {
		if e, ok := by[p.SessionID]; ok {
			all = append(all, e)
		}
	}
	return all, nil
}

func reasonsOf(ends []record.PlannedEnd) []curfew.EndReason {
	var all []curfew.EndReason
	for _, p := range ends {
		if !slices.Contains(all, p.Reason) {
			all = append(all, p.Reason)
		}
	}
	return all
}

// phrases completes "a session that …" for each reason.
var phrases = map[curfew.EndReason]string{
	curfew.Expired: "nobody accepted",
	curfew.NoShow:  "was accepted and never live",
	curfew.Overran: "was live for too long",
	curfew.Missed:  "was scheduled and never began",
}

// dueBy is the rule's and guard's condition on a row t and its mirror s.
func (w *writing) dueBy(b record.Batch, reason curfew.EndReason) string {
	due := w.overdue()
	if reason == curfew.Cleared || b.Rule.Name == curfew.Orphans {
		due = "(" + due + " OR s.created_at < now() - " + interval(b.Guard.OlderThan) + ")"
	}
	return strings.Join([]string{
		"s.status || '' = " + literal(string(b.Rule.From)),
		holds(b.Rule.Assigned, "s.mechanic_id IS NOT NULL"),
		holds(b.Rule.HasRequest, offered),
		holds(b.Rule.Postponed, "s.expires_at > s.starts_at"),
		due,
	}, " AND ")
}

// offered tests whether mirror s has an open request.
const offered = `EXISTS (SELECT FROM curfew.session_requests o
	WHERE o.customer_id = s.customer_id AND o.session_id = s.id AND o.status || '' IN ('pending', 'accepted'))`

// holds returns the condition that a fact matches.
func holds(m record.Match, fact string) string {
	switch m {
	case record.Yes:
		return "(" + fact + ")"
	case record.No:
		return "NOT (" + fact + ")"
	}
	return "true"
}

// key identifies a session at the version that was read.
type key struct {
	customer, id string
	version      int64
}

func keysOf(ends []record.PlannedEnd) []key {
	all := make([]key, len(ends))
	for i, p := range ends {
		all[i] = key{p.CustomerID, p.SessionID, p.Version}
	}
	return all
}

// moved is a row that was written, with its mirror afterwards.
type moved struct {
	curfew.Snapshot
	theirs       string // the row's id
	deadline     time.Time
	requestEnded bool // by this
}
