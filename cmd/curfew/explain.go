package main

import (
	"context"
	"encoding/json"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

type explainCommand struct {
	Subject string `arg:"" help:"A customer, session, request, checkout, run, payment reference or e-mail address."`
	Cursor  string `placeholder:"TEXT" help:"Show older entries; the previous page prints the cursor."`
	JSON    bool   `help:"Print JSON, like GET /api/debug/explain."`
}

// Run prints the timeline. Its first line says whether the customer is blocked, by what, until when, and what can be
// done.
func (c *explainCommand) Run(ctx context.Context, s *settings, term terminal) error {
	before, err := wire.ParseCursor(c.Cursor)
	if err != nil {
		return usagef("--cursor: %w", err)
	}
	return s.withKeeper(ctx, term, func(db database, keeper *lifecycle.Keeper) error {
		found, err := timeline.New(db, keeper.Rules).Explain(ctx, c.Subject, before)
		if err != nil {
			return asUsage(err)
		}
		customer, object, detail := found.Audited()
		about(ctx, customer, object, detail)
		if c.JSON {
			return term.json(wire.Timeline(found))
		}
		c.print(term, wire.Timeline(found))
		return nil
	})
}

func (c *explainCommand) print(term terminal, found api.Timeline) {
	term.printf("%s\n", oneLine(found.Sentence))
	for _, customer := range found.Customers {
		term.printf("  %s\n", customer)
	}
	if len(found.Entries) > 0 {
		term.printf("\n")
		var rows [][]string
		for _, e := range found.Entries {
			rows = append(rows, []string{e.At.Format("2006-01-02 15:04:05"), oneLine(e.Sentence)})
		}
		columns(term.out, rows...)
	}
	if len(found.Actions) > 0 {
		term.printf("\nWhat can be done now, as calls of an admin:\n\n")
		for _, a := range found.Actions {
			term.printf("  %s\n    %s\n    %s %s%s\n", oneLine(a.Label), oneLine(a.Consequence), a.Method, a.Path, bodyOf(a))
		}
	}
	if found.More {
		term.printf("\nThere is more:\n\n  curfew explain %s --cursor %s\n", c.Subject, found.NextCursor)
	}
}

// bodyOf returns a call's body after a space, or nothing.
func bodyOf(a api.Action) string {
	text, err := json.Marshal(a.Body)
	if err != nil || len(a.Body) == 0 {
		return ""
	}
	return " " + string(text)
}
