package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/lifecycle"
)

type adoptInspectCommand struct {
	Table string `arg:"" optional:"" help:"The table, with its schema unless that is public. Without it, tables that may hold sessions are listed."`
	JSON  bool   `help:"Print JSON."`
}

// Run prints a mapping as YAML. Everything else that was found precedes it as comments, so that the
// output can be used as a settings file.
func (c *adoptInspectCommand) Run(ctx context.Context, s *settings, term terminal) error {
	url, err := s.theirDatabase()
	if err != nil {
		return err
	}
	if c.Table == "" {
		return c.rank(ctx, url, term)
	}
	found, err := adopt.Inspect(ctx, url, relationNamed(c.Table))
	if err != nil {
		return asUsage(err)
	}
	if c.JSON {
		return term.json(found)
	}
	printInspection(term, found)
	return nil
}

// relationNamed returns a table as SQL names it. What was typed may lack the schema, and the quotes
// that a shell has removed.
func relationNamed(typed string) string {
	if _, _, err := mapping.SplitRelation(typed); err == nil {
		return typed
	}
	schema, table, ok := strings.Cut(typed, ".")
	if !ok {
		schema, table = "public", typed
	}
	return mapping.JoinRelation(strings.Trim(schema, `"`), strings.Trim(table, `"`))
}

func (c *adoptInspectCommand) rank(ctx context.Context, url string, term terminal) error {
	found, err := adopt.Rank(ctx, url)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return term.json(found)
	case len(found) == 0:
		term.printf("No table looks like sessions: none has both a status and people. Name one: curfew adopt inspect SCHEMA.TABLE\n")
		return nil
	}
	term.printf("Tables that may hold sessions, the likeliest first:\n\n")
	for _, likely := range found {
		estimate := ""
		if likely.Estimate >= 0 {
			estimate = " (about " + plural(int(likely.Estimate), "row") + ")"
		}
		term.printf("  %s%s\n      %s\n", likely.Relation, estimate, strings.Join(likely.Why, ", "))
	}
	term.printf("\nNext: %s adopt inspect %s\n", program(), quoted(found[0].Relation))
	return nil
}

func printInspection(term terminal, found *adopt.Inspection) {
	rows := "no row was looked at"
	if found.Rows >= 0 {
		rows = plural(int(found.Rows), "row")
	}
	comment(term, "%s: a %s, owned by %s, %s", found.Relation, found.Kind, found.Owner, rows)
	printStatuses(term, found)
	printNotices(term, "To decide, marked in the mapping below:", found.Decide)
	printNotices(term, "To know:", found.Notices)
	if found.Index != "" {
		comment(term, "")
		comment(term, "Nothing but a look at every row finds what is overdue. This index helps, and is built beside your writers:")
		comment(term, "  %s", found.Index)
	}
	term.printf("\n%s", found.YAML)
}

func comment(term terminal, format string, args ...any) {
	term.printf(strings.TrimRight("# "+format, " ")+"\n", args...)
}

// printStatuses prints every status word with its rows, the age of the oldest, and what it counts
// as.
func printStatuses(term terminal, found *adopt.Inspection) {
	table := [][]string{{"status", "rows", "oldest", "counts as", "found in"}}
	for _, s := range found.Statuses {
		word, as, oldest := s.Word, string(s.As), ""
		if s.Null {
			word = "NULL"
		}
		if s.Name != "" {
			word += " (" + s.Name + ")"
		}
		if as == "" {
			as = "unknown"
		}
		if !s.Oldest.IsZero() {
			oldest = lifecycle.Span(max(found.At.Sub(s.Oldest).Truncate(time.Second), 0))
		}
		count := strconv.FormatInt(s.Rows, 10)
		if found.Rows < 0 {
			count = "?"
		}
		table = append(table, []string{word, count, oldest, as, s.Source})
	}
	var text strings.Builder
	columns(&text, table...)
	comment(term, "")
	for line := range strings.Lines(text.String()) {
		comment(term, "%s", strings.TrimRight(line, "\n"))
	}
}

func printNotices(term terminal, title string, notices []adopt.Notice) {
	if len(notices) == 0 {
		return
	}
	comment(term, "")
	comment(term, "%s", title)
	for _, r := range notices {
		comment(term, "  %s: %s", r.Part, curfew.Visible(r.Text))
	}
}
