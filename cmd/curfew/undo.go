package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

type undoCommand struct {
	RunID  string `arg:"" name:"run" help:"The run's id, as cleanup prints it."`
	Reason string `placeholder:"TEXT" help:"Recorded in the run and in the new sessions' history."`
	JSON   bool   `help:"Print JSON, like POST /api/debug/cleanup-runs/{id}/undo."`
}

// Run revives the sessions that a run ended, where that is still possible, and lists the others. It
// is safe to repeat.
func (c *undoCommand) Run(ctx context.Context, s *settings, term terminal) error {
	stop, release := untilInterrupt(ctx, term)
	defer release()
	return s.withDatabase(ctx, func(db database) error {
		bar := newProgress(term, "reviving sessions")
		keeper, err := s.keeper(reviving{db, bar.add}, db.adoption(), lifecycle.Options{Logger: s.logger(term.err, slog.LevelWarn), Stop: stop})
		if err != nil {
			return err
		}
		undone, err := keeper.Cleanups.Undo(ctx, lifecycle.Undo{RunID: c.RunID, Reason: c.Reason, Trigger: curfew.ByCommand, Actor: operator()})
		bar.finish()
		if undone.Run.StartedAt.IsZero() {
			return asUsage(err)
		}
		if err2 := c.print(term, undone); err2 != nil {
			return err2
		}
		return err
	})
}

func (c *undoCommand) print(term terminal, u lifecycle.Undone) error {
	if c.JSON {
		return term.json(wire.Undone(u))
	}
	if len(u.Revived)+len(u.NotRevived) == 0 {
		term.printf("The run ended no session.\n")
	}
	if len(u.Revived) > 0 {
		term.printf("%s revived:\n\n", plural(len(u.Revived), "session"))
		rows := [][]string{{"SESSION", "NEW SESSION"}}
		for _, r := range u.Revived {
			rows = append(rows, []string{r.SessionID, r.NewSessionID})
		}
		columns(term.out, rows...)
	}
	if len(u.NotRevived) > 0 {
		term.printf("\n%s not revived:\n\n", plural(len(u.NotRevived), "session"))
		var rows [][]string
		for _, n := range u.NotRevived {
			rows = append(rows, []string{n.SessionID, fmt.Sprintf("(%s)", n.Why)})
		}
		columns(term.out, rows...)
	}
	term.printf("\nrun %s\n", u.Run.ID)
	if u.Left > 0 {
		term.notef("%s left: the same command goes on.\n", plural(u.Left, "session"))
	}
	return nil
}

// reviving is a store that reports how many sessions are admitted.
type reviving struct {
	lifecycle.Store
	admitted func(n int)
}

// Admit admits a session and counts it.
func (r reviving) Admit(ctx context.Context, a record.Admission) (curfew.Snapshot, error) {
	st, err := r.Store.Admit(ctx, a)
	if err == nil {
		r.admitted(1)
	}
	return st, err
}
