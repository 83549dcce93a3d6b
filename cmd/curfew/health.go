package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// The exit codes of health.
const (
	exitIssues       = exitCode(1)
	exitUndetermined = exitCode(2)
)

type healthCommand struct {
	JSON bool `help:"Print JSON, like GET /api/debug/session-health."`
}

// Run prints the health report. If the report cannot be made, that is not an issue of the sessions:
// the exit code is 2.
func (c *healthCommand) Run(ctx context.Context, s *settings, term terminal) error {
	var health string
	err := s.withDatabase(ctx, func(db database) error {
		keys, err := s.keys(ctx)
		if err != nil {
			return err
		}
		keeper, err := s.keeper(db, db.adoption(), lifecycle.Options{Logger: s.logger(term.err, slog.LevelWarn), Keys: keys})
		if err != nil {
			return err
		}
		r := keeper.Health.Report(ctx)
		health = r.Health
		shape := wire.Health(r, version(), s.publicURL(s.Listen))
		if c.JSON {
			return term.json(shape)
		}
		printHealth(term, r, shape)
		return nil
	})
	switch {
	case errors.As(err, &usageError{}):
		return err
	case err != nil:
		report(term, err)
		return exitUndetermined
	}
	return map[string]error{lifecycle.IssuesDetected: exitIssues, lifecycle.Undetermined: exitUndetermined}[health]
}

func printHealth(term terminal, r lifecycle.Report, shape api.Health) {
	known := acknowledged(r.Findings)
	headline := map[string]string{
		lifecycle.Healthy:        "Healthy.",
		lifecycle.IssuesDetected: plural(len(r.Findings)-known, "issue") + " found.",
		lifecycle.Undetermined:   "Cannot tell: some figures could not be read.",
	}
	term.printf("%s", headline[r.Health])
	if known > 0 {
		term.printf(" %s.", plural(known, "acknowledged finding"))
	}
	term.printf("\n\n")
	columns(term.out, healthRows(r)...)
	for i, f := range r.Findings {
		if i == 0 {
			term.printf("\n")
		}
		term.printf("%s: %s\n", f.Severity, f.Problem)
		if a := f.Acknowledged; a != nil {
			term.printf("    acknowledged by %s until %s: %s\n", a.By, a.Until.Format(time.RFC3339), oneLine(a.Reason))
		}
		if i < len(shape.Findings) && shape.Findings[i].Fix != "" {
			term.printf("    %s\n", shape.Findings[i].Fix)
		}
	}
}

// acknowledged counts the acknowledged findings.
func acknowledged(findings []lifecycle.Finding) (n int) {
	for _, f := range findings {
		if f.Acknowledged != nil {
			n++
		}
	}
	return n
}

// healthRows returns the figures that could be read.
func healthRows(r lifecycle.Report) [][]string {
	rows := [][]string{}
	if s := r.Sessions; s != nil {
		rows = append(rows, []string{"sessions", byName(curfew.SessionStatuses(), s.ByStatus)})
	}
	if q := r.Requests; q != nil {
		rows = append(rows, []string{"requests", byName(curfew.RequestStatuses(), q.ByStatus)})
	}
	if c := r.Checkouts; c != nil {
		rows = append(rows, []string{"payments", byName(curfew.Outcomes(), c.ByOutcome)})
	}
	if m := r.Mechanics; m != nil {
		rows = append(rows, []string{"mechanics", fmt.Sprintf("%d busy", m.Busy)})
	}
	if p := r.Heartbeats; p != nil {
		rows = append(rows,
			[]string{"queue last read", moment(p.QueueRead, p.Now)},
			[]string{"last sweep", moment(p.Sweep, p.Now)})
	}
	return rows
}

// byName lists the counts that are not 0, in the order of names.
func byName[N ~string](names []N, counts map[N]int) string {
	text := ""
	for _, n := range names {
		if counts[n] > 0 {
			text += fmt.Sprintf(", %d %s", counts[n], n)
		}
	}
	if text == "" {
		return "none"
	}
	return text[len(", "):]
}
