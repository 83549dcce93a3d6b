package adopt

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/record"
)

// Change applies a change to the row behind a session and returns the session as it is afterwards.
// It returns Conflict if the row has changed, if another transaction holds it, or if the mapping
// does not describe the change (the message then says where to make it); MechanicBusy as for
// Curfew's own sessions; Unavailable if the table is not enforced.
func (s *Service) Change(ctx context.Context, c record.Change) (curfew.Snapshot, error) {
	m, err := s.Table(c.From.AdoptedFrom)
	if err != nil {
		return curfew.Snapshot{}, err
	}
	return s.table(m).Change(ctx, c)
}

// Change is Service.Change for one table.
func (t table) Change(ctx context.Context, c record.Change) (curfew.Snapshot, error) {
	var after curfew.Snapshot
	err := t.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		w, err := t.writing(ctx, tx)
		if err != nil {
			return err
		}
		o, err := w.orderFor(c)
		if err != nil {
			return err
		}
		if err := w.as(ctx, c.Actor, c.Reason, c.EndedBy, c.RunID); err != nil {
			return err
		}
		moved, err := w.write(ctx, o)
		switch {
		case err != nil:
			return err
		case len(moved) == 0:
			return curfew.Errorf(curfew.Conflict, "session %s has changed, or another program is changing its row in %s", c.From.ID, t.Relation)
		case moved[0].Version == c.From.Version:
			return curfew.Errorf(curfew.Unavailable, "row %s of %s could not be mirrored: health says why", moved[0].theirs, t.Relation)
		}
		after = moved[0].Snapshot
		if c.Assign != "" {
			return w.busy(ctx, after.Session, c.Assign)
		}
		return nil
	})
	return after, t.wrap(err, "change a row of "+t.Relation)
}

// busy returns MechanicBusy if the mechanic's slot belongs to another session.
func (w *writing) busy(ctx context.Context, s curfew.Session, mechanic string) error {
	var free bool
	err := one(ctx, w.tx, `SELECT EXISTS (SELECT FROM curfew.mechanic_slots WHERE mechanic_id = $1 AND session_id = $2)`, []any{mechanic, s.ID}, &free)
	if err == nil && !free {
		return curfew.Errorf(curfew.MechanicBusy, "mechanic %s is busy", mechanic)
	}
	return err
}

// orderFor translates a change into what to write to the row.
func (w *writing) orderFor(c record.Change) (order, error) {
	set, err := w.changes(c)
	if err != nil {
		return order{}, err
	}
	conditions := []string{holds(c.Guard.Overdue, w.overdue())}
	if c.Guard.OlderThan > 0 {
		conditions = append(conditions, "s.created_at < now() - "+interval(c.Guard.OlderThan))
	}
	if c.Guard.Unoffered {
		conditions = append(conditions, "s.mechanic_id IS NULL AND NOT "+offered)
	}
	if c.Assign != "" {
		asked := "nullif(" + w.text("t", w.Mechanic.Column) + ", '')"
		conditions = append(conditions, "("+asked+" IS NULL OR "+asked+" = $4)")
	}
	return order{
		ends: []key{{c.From.CustomerID, c.From.ID, c.From.Version}}, set: set,
		condition: strings.Join(conditions, " AND "), mechanic: c.Assign, closes: c.To.Ended(),
	}, nil
}

// changes returns the columns that a change sets, or an error if the mapping does not describe it.
func (w *writing) changes(c record.Change) (assignment, error) {
	switch {
	case c.To.Ended():
		return w.endedBy(c)
	case c.Assign != "":
		return w.accepted()
	case c.Release:
		return w.released()
	case c.To == curfew.Live && c.From.Status == curfew.Waiting:
		return w.began()
	case c.CustomerJoins || c.MechanicJoins:
		return nil, w.impossible("does not say who has joined a session before both have: join it in the app")
	}
	return nil, w.impossible("does not say how a session goes from %s to %s: do it in the app", c.From.Status, c.To)
}

func (w *writing) impossible(format string, args ...any) error {
	return curfew.Errorf(curfew.Conflict, w.Relation+" "+format, args...)
}

func (w *writing) endedBy(c record.Change) (assignment, error) {
	own := ruleFor(c.From.Status, c.From.Assigned())
	byRule := slices.Contains([]curfew.EndReason{own, curfew.Orphaned, curfew.Cleared}, c.EndedBy)
	if e, ok := w.End[own]; ok && byRule && (w.ended(e) == c.To || c.EndedBy == own) {
		return w.sets(e), nil
	}
	if e, ok := w.byHand(own, c.To); ok && c.EndedBy != own {
		return w.sets(e), nil
	}
	return nil, w.impossible("is not mapped for that: adopt.%s.end has no ending by which a %s session becomes %s; end it in the app", w.Name, c.From.Status, c.To)
}

// accepted sets the mechanic, who is $4 in the statement.
func (w *writing) accepted() (assignment, error) {
	column, ok := w.columns[w.Mechanic.Column]
	if !ok {
		return nil, w.impossible("does not say who has accepted a session: accept it in the app")
	}
	set := assignment{column.Name: "$4::text::" + column.Type}
	if w.Times.Accepted != "" {
		set[w.Times.Accepted] = w.setting("t", w.columns[w.Times.Accepted], mapping.Now)
	}
	if w.Mechanic.Accepted == nil {
		return set, nil
	}
	at := slices.IndexFunc(w.Mechanic.Accepted, func(word string) bool { return slices.Contains(w.Words(curfew.Waiting), word) })
	if at < 0 {
		return nil, w.impossible("has no status for a session that is accepted and not live yet (mechanic.accepted of adopt.%s): accept it in the app", w.Name)
	}
	set[w.Status.Column] = literal(w.Mechanic.Accepted[at])
	return set, nil
}

func (w *writing) released() (assignment, error) {
	set := assignment{}
	if !w.columns[w.Mechanic.Column].NotNull {
		set[w.Mechanic.Column] = "NULL"
	}
	if w.Times.Accepted != "" {
		set[w.Times.Accepted] = "NULL"
	}
	if w.Mechanic.Accepted == nil {
		if len(set) == 0 || set[w.Mechanic.Column] == "" {
			return nil, w.impossible("has no session without a mechanic: release it in the app")
		}
		return set, nil
	}
	at := slices.IndexFunc(w.Words(curfew.Waiting), func(word string) bool { return !slices.Contains(w.Mechanic.Accepted, word) })
	if at < 0 {
		return nil, w.impossible("has no status for a session that is waiting for a mechanic again: release it in the app")
	}
	set[w.Status.Column] = literal(w.Words(curfew.Waiting)[at])
	return set, nil
}

func (w *writing) began() (assignment, error) {
	words := w.Words(curfew.Live)
	if len(words) == 0 {
		return nil, w.impossible("has no status for a live session: start it in the app")
	}
	set := assignment{w.Status.Column: literal(words[0])}
	if w.Times.Started != "" {
		set[w.Times.Started] = w.setting("t", w.columns[w.Times.Started], mapping.Now)
	}
	return set, nil
}
