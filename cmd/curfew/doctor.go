package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/discreet"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// lastErrors limits the errors on the page, and lookBack the runs and deliveries searched for them.
const (
	lastErrors = 10
	lookBack   = 100
)

type doctorCommand struct {
	JSON bool `help:"Print JSON."`
}

// examination is the page. It can be sent to others: it contains no secret, and nobody's name, id
// or address.
type examination struct {
	At       time.Time     `json:"at"`
	Build    build         `json:"build"`
	Database string        `json:"database"`
	Schema   string        `json:"schema"` // the newest migration; empty: unknown
	Settings []api.Setting `json:"settings"`
	Checks   []checkup     `json:"checks"`
	Problems []string      `json:"problems"` // of health; null: unknown
	Errors   []pastError   `json:"errors"`
}

// pastError is something that failed earlier.
type pastError struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	Text string    `json:"text"`
}

// Run prints the page. It exits with 0 even if something is wrong: reporting that is its purpose.
func (c *doctorCommand) Run(ctx context.Context, s *settings, from *sources, term terminal) error {
	page := &examination{At: time.Now().UTC().Truncate(time.Second), Build: thisBuild(), Database: s.DatabaseURL.String()}
	page.Settings = slices.DeleteFunc(from.list(), func(given api.Setting) bool { return given.Source == fromDefault })
	checks := &preflight{Database: page.Database}
	if err := checks.run(ctx, s, func(db database, keeper *lifecycle.Keeper) { page.look(ctx, db, keeper) }); err != nil {
		return err
	}
	for _, check := range checks.Checks {
		check.Detail, check.Text = nil, withoutAddresses(check.Text) // what it found one by one are sessions and customers
		page.Checks = append(page.Checks, check)
	}
	if c.JSON {
		return term.json(page)
	}
	page.print(term)
	return nil
}

// look reads the history from a database with a valid schema.
func (e *examination) look(ctx context.Context, db database, keeper *lifecycle.Keeper) {
	if all, err := db.Migrations(ctx); err == nil {
		for _, m := range all {
			if !m.AppliedAt.IsZero() {
				e.Schema = fmt.Sprintf("%05d %s", m.Number, m.Name)
			}
		}
	}
	e.Problems = []string{}
	for _, f := range keeper.Health.Report(ctx).Findings {
		e.Problems = append(e.Problems, string(f.Code)+" ("+string(f.Severity)+", "+fmt.Sprint(f.Count)+")")
	}
	e.Errors = slices.Concat(failedRuns(ctx, keeper), failedDeliveries(ctx, db), failedRows(ctx, db))
	slices.SortStableFunc(e.Errors, func(a, b pastError) int { return b.At.Compare(a.At) })
	e.Errors = e.Errors[:min(len(e.Errors), lastErrors)]
}

func failedRuns(ctx context.Context, keeper *lifecycle.Keeper) (all []pastError) {
	runs, err := keeper.Cleanups.Runs(ctx, curfew.Cursor{}, lookBack)
	all = unread("runs", err)
	for _, r := range runs {
		if r.Error != "" {
			all = append(all, pastError{r.FinishedAt, "cleanup run " + r.ID, withoutAddresses(r.Error)})
		}
	}
	return all
}

func failedDeliveries(ctx context.Context, db database) (all []pastError) {
	for _, state := range []record.DeliveryState{record.DeliveryDead, record.DeliveryPending} {
		found, err := notify.Deliveries{Store: db}.List(ctx, record.DeliverySearch{State: state, Limit: lookBack})
		all = append(all, unread("deliveries", err)...)
		for _, d := range found {
			if d.Error != "" {
				all = append(all, pastError{d.UpdatedAt, fmt.Sprintf("%s delivery %s of %s", state, d.ID, d.Kind), withoutAddresses(d.Error)})
			}
		}
	}
	return all
}

func failedRows(ctx context.Context, db database) (all []pastError) {
	rows, err := db.Quarantined(ctx, lookBack)
	all = unread("rows that were set apart", err)
	for _, q := range rows {
		what := fmt.Sprintf("%s %s, to %s (%d times)", q.Noun, cmp.Or(q.ID, "of somebody"), q.Step, q.Tries)
		all = append(all, pastError{q.TriedAt, what, withoutAddresses(q.LastError)})
	}
	return all
}

// unread reports that errors could not be searched for.
func unread(what string, err error) []pastError {
	if err == nil {
		return nil
	}
	return []pastError{{time.Now().UTC(), what, "could not be read: " + withoutAddresses(err.Error())}}
}

// withoutAddresses returns a text on one line, with e-mail addresses removed.
func withoutAddresses(text string) string { return discreet.Text(oneLine(text)) }

// print prints the page for people.
func (e *examination) print(term terminal) {
	term.printf("%s, %s\n", e.Build, e.At.Format("2006-01-02 15:04:05 UTC"))
	term.printf("database %s, schema %s\n", e.Database, cmp.Or(e.Schema, "unknown"))
	term.printf("\nSet, beside the defaults:\n\n")
	rows := [][]string{}
	for _, given := range e.Settings {
		rows = append(rows, []string{given.Key, given.Value, "(" + cmp.Or(given.Where, given.Source) + ")"})
	}
	printed(term, rows)
	term.printf("\nChecks:\n\n")
	rows = nil
	for _, c := range e.Checks {
		mark := "✓"
		if !c.OK {
			mark = "✗"
		}
		rows = append(rows, []string{mark + " " + c.Check, c.Text})
	}
	printed(term, rows)
	term.printf("\nHealth finds:\n\n")
	rows = nil
	for _, p := range e.Problems {
		rows = append(rows, []string{p})
	}
	printed(term, rows)
	term.printf("\nLast errors:\n\n")
	rows = nil
	for _, past := range e.Errors {
		rows = append(rows, []string{past.At.Format("2006-01-02 15:04:05"), past.What, past.Text})
	}
	printed(term, rows)
}

// printed prints rows, or says that there are none.
func printed(term terminal, rows [][]string) {
	if len(rows) == 0 {
		rows = [][]string{{"none"}}
	}
	columns(term.out, rows...)
}
