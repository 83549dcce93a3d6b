package main

import (
	"context"
	"fmt"

	"github.com/curfewhq/curfew/internal/audit"
)

type verifyCommand struct {
	Head string `placeholder:"NUMBER:HASH" help:"A link that an earlier verify printed, and that you kept elsewhere: the log must still have it."`
	JSON bool   `help:"Print JSON."`
}

// verdict is what verify prints as JSON.
type verdict struct {
	Whole   bool   `json:"whole"`
	Broken  string `json:"broken,omitempty"` // what is wrong with the first link that is not right
	Link    int64  `json:"link,omitempty"`   // its number
	Links   int64  `json:"links"`            // that are right
	Entries int64  `json:"entries"`
	Erased  int64  `json:"erased"` // entries whose subject was erased
	Lost    int64  `json:"lost"`   // entries that could not be written
	Anchor  string `json:"anchor,omitempty"`
	Head    string `json:"head,omitempty"`
}

// Run verifies the audit log.
func (c *verifyCommand) Run(ctx context.Context, s *settings, term terminal) error {
	var known audit.Known
	if c.Head != "" {
		var err error
		if known, err = audit.ParseKnown(c.Head); err != nil {
			return usageError{err}
		}
	}
	return s.withDatabase(ctx, func(db database) error {
		v, err := audit.Verify(ctx, db, known)
		if err != nil {
			return err
		}
		if err := c.print(term, v); err != nil || v.Broken == "" {
			return err
		}
		return exitCode(exitFailed)
	})
}

func (c *verifyCommand) print(term terminal, v audit.Verdict) error {
	out := verdict{Whole: v.Broken == "", Broken: v.Broken, Link: v.Link, Links: v.Links, Entries: v.Entries, Erased: v.Erased, Lost: v.Lost}
	if v.Head.Number > 0 {
		out.Head = fmt.Sprintf("%d:%s", v.Head.Number, v.Head.Hash)
	}
	if v.Anchor.Number > 0 {
		out.Anchor = fmt.Sprintf("%d:%s", v.Anchor.Number, v.Anchor.Hash)
	}
	if c.JSON {
		return term.json(out)
	}
	if !out.Whole {
		term.printf("The audit log is broken at link %d: %s.\n\n", v.Link, v.Broken)
	} else {
		term.printf("The audit log is whole.\n\n")
	}
	rows := [][]string{{"links", fmt.Sprint(v.Links)}, {"entries", fmt.Sprint(v.Entries)}}
	if v.Erased > 0 {
		rows = append(rows, []string{"of erased customers", fmt.Sprint(v.Erased)})
	}
	if v.Lost > 0 {
		rows = append(rows, []string{"lost, as they could not be written", fmt.Sprint(v.Lost)})
	}
	if out.Anchor != "" {
		rows = append(rows, []string{"pruned until", v.Anchor.At.Format("2006-01-02 15:04:05") + ", link " + fmt.Sprint(v.Anchor.Number)})
	}
	if out.Head != "" {
		rows = append(rows, []string{"last link", out.Head})
	}
	columns(term.out, rows...)
	return nil
}
