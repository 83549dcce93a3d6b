package main

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// jobsCommand manages the jobs of the service. Cleanups and undos on the command line are not jobs:
// they run in their own process, which waits for them.
type jobsCommand struct {
	List   listJobs  `cmd:"" help:"List the newest jobs."`
	Show   showJob   `cmd:"" help:"Show how a job stands, and what it did."`
	Cancel cancelJob `cmd:"" help:"Ask a job to stop between two steps; what it did stays."`
}

const jobsListed = 50

type listJobs struct {
	JSON bool `help:"Print JSON, like GET /api/debug/jobs."`
}

// Run lists the newest jobs.
func (c *listJobs) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withDatabase(ctx, func(db database) error {
		all, err := db.Jobs(ctx, curfew.Cursor{}, jobsListed)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return term.json(wire.Jobs(all, nil))
		case len(all) == 0:
			term.printf("None.\n")
			return nil
		}
		rows := [][]string{{"JOB", "KIND", "STATE", "DONE", "STARTED BY", "STARTED"}}
		for _, j := range all {
			rows = append(rows, []string{j.ID, string(j.Kind), string(j.State), doneOf(j), oneLine(j.Actor.String()), moment(j.CreatedAt, time.Now())})
		}
		columns(term.out, rows...)
		return nil
	})
}

func doneOf(j record.Job) string {
	if j.Total < 0 {
		return fmt.Sprint(j.Done)
	}
	return fmt.Sprintf("%d of %d", j.Done, j.Total)
}

// oneJob identifies a job.
type oneJob struct {
	Job  string `arg:"" help:"Its id, as curfew jobs list prints it."`
	JSON bool   `help:"Print JSON, like GET /api/debug/jobs/{id}."`
}

func (c *oneJob) print(term terminal, j record.Job, err error) error {
	if err != nil {
		return asUsage(err)
	}
	if c.JSON {
		return term.json(wire.Job(j))
	}
	rows := [][]string{
		{"job", j.ID},
		{"kind", string(j.Kind)},
		{"state", string(j.State)},
		{"phase", j.Phase},
		{"done", doneOf(j)},
		{"started by", oneLine(j.Actor.String())},
		{"started", moment(j.CreatedAt, time.Now())},
	}
	if !j.FinishedAt.IsZero() {
		rows = append(rows, []string{"ended", moment(j.FinishedAt, time.Now())})
	}
	if j.CancelledBy.ID != "" {
		rows = append(rows, []string{"to stop, by", oneLine(j.CancelledBy.String())})
	}
	if j.Error != "" {
		rows = append(rows, []string{"error", oneLine(j.Error)})
	}
	if j.RunID != "" {
		rows = append(rows, []string{"run", j.RunID})
	}
	columns(term.out, rows...)
	if j.Result != "" {
		term.printf("\n%s\n", j.Result)
	}
	return nil
}

type showJob struct{ oneJob }

// Run shows a job.
func (c *showJob) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withDatabase(ctx, func(db database) error {
		j, err := db.Job(ctx, wire.CanonicalID(c.Job))
		about(ctx, "", j.ID, "")
		return c.print(term, j, err)
	})
}

type cancelJob struct{ oneJob }

// Run asks a job to stop.
func (c *cancelJob) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withDatabase(ctx, func(db database) error {
		j, err := db.CancelJob(ctx, wire.CanonicalID(c.Job), operator())
		about(ctx, "", j.ID, "")
		return c.print(term, j, err)
	})
}
