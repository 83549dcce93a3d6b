package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

type adoptStatusCommand struct {
	Name string `arg:"" optional:"" help:"The table's name under adopt in the settings; by default all."`
	JSON bool   `help:"Print JSON."`
}

// Run prints the state of the adopted tables. The exit code is 1 if something is wrong, and 2 if
// something is unknown because it cannot be read.
func (c *adoptStatusCommand) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withAdoption(ctx, func(svc *adopt.Service) error {
		all, err := c.chosen(ctx, svc)
		if err != nil {
			return err
		}
		if err := c.print(term, all); err != nil {
			return err
		}
		return adoptionExit(all)
	})
}

// chosen returns the requested tables. If there are none at all, the error says what to do.
func (c *adoptStatusCommand) chosen(ctx context.Context, svc *adopt.Service) ([]record.AdoptedTable, error) {
	if c.Name != "" {
		one, err := adoptionNamed(ctx, svc, c.Name)
		return []record.AdoptedTable{one}, err
	}
	all, err := svc.Status(ctx)
	if err == nil && len(all) == 0 {
		_, err = svc.Table("")
	}
	return all, err
}

func (c *adoptStatusCommand) print(term terminal, all []record.AdoptedTable) error {
	if c.JSON {
		return term.json(all)
	}
	for i, status := range all {
		if i > 0 {
			term.printf("\n")
		}
		printAdoption(term, status)
	}
	return nil
}

func adoptionExit(all []record.AdoptedTable) (code error) {
	for _, s := range all {
		for _, f := range s.Findings {
			if f.Code == "adopted_unread" {
				return exitUndetermined
			}
			code = exitIssues
		}
	}
	return code
}

// shownBlocked limits how many blocked customers are printed.
const shownBlocked = 10

func printAdoption(term terminal, s record.AdoptedTable) {
	now := s.Now
	if now.IsZero() {
		now = time.Now()
	}
	term.printf("%s: %s, %s\n\n", s.Name, s.Relation, modeLine(s, now))
	var rows [][]string
	if s.Mode == record.AdoptShadow {
		rows = append(rows, []string{"  last read", readLine(s, now)})
	}
	rows = append(rows,
		[]string{"  open", plural(s.Open, "session") + ", " + fmt.Sprint(s.Overdue) + " overdue"},
		[]string{"  blocked", plural(s.Count, "customer")})
	columns(term.out, rows...)
	for i, b := range s.Blocked {
		if i == shownBlocked {
			term.printf("    and %d more\n", s.Count-i)
			break
		}
		term.printf("    customer %s by row %s (%s), since %s\n", curfew.Visible(b.Customer), curfew.Visible(b.Row), b.Status, moment(b.Since, now))
	}
	printVerdicts(term, s.Verdicts)
	printAdoptedFindings(term, s.Findings)
	if next := nextStep(s); next != "" {
		term.printf("\nNext: %s\n", next)
	}
}

func modeLine(s record.AdoptedTable, now time.Time) string {
	line := "mode " + s.Mode
	if len(s.Rules) > 0 {
		line += " (" + strings.Join(s.Rules, ", ") + ")"
	}
	if !s.Since.IsZero() {
		line += ", since " + moment(s.Since, now)
	}
	if !s.Mapped {
		line += ", and not in these settings"
	}
	return line
}

func readLine(s record.AdoptedTable, now time.Time) string {
	switch {
	case s.ReadAt.IsZero():
		return "never: start curfew serve"
	case s.Unread != "":
		return "cannot tell: " + curfew.Visible(s.Unread) + "; last read " + moment(s.ReadAt, now)
	}
	return moment(s.ReadAt, now) + ", in " + s.ReadTook.Round(time.Millisecond).String()
}

func printVerdicts(term terminal, all []record.AdoptedVerdict) {
	if len(all) == 0 {
		return
	}
	term.printf("\nWhat enforce would have ended, and what became of it:\n")
	rows := [][]string{{"  rule", "would have ended", "lived on (regrets)", "ended by your program", "put off", "still overdue"}}
	for _, v := range all {
		rows = append(rows, []string{"  " + string(v.Rule), fmt.Sprint(v.Would), fmt.Sprint(v.Lived), fmt.Sprint(v.Ended), fmt.Sprint(v.Moved), fmt.Sprint(v.Open)})
	}
	columns(term.out, rows...)
}

func printAdoptedFindings(term terminal, all []record.Finding) {
	for i, f := range all {
		if i == 0 {
			term.printf("\n")
		}
		severity := lifecycle.Warning
		if f.Critical {
			severity = lifecycle.Critical
		}
		term.printf("%s: %s\n    %s\n", severity, f.Problem, f.Fix)
	}
}

// nextStep returns the command to run next.
func nextStep(s record.AdoptedTable) string {
	switch {
	case !s.Mapped:
		return program() + " adopt release " + s.Name
	case s.Mode == record.AdoptOff:
		return program() + " adopt shadow " + s.Name
	case s.Mode == record.AdoptShadow:
		return program() + " adopt plan " + s.Name
	}
	return ""
}
