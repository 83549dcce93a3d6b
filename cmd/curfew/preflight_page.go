package main

import (
	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/backup"
)

// checkup is the result of a check.
type checkup struct {
	Check  string   `json:"check"`
	OK     bool     `json:"ok"`
	Text   string   `json:"text"`
	Fix    string   `json:"fix,omitempty"`    // what to do if it is not OK
	Detail []string `json:"detail,omitempty"` // what was found, one by one
}

// preflight is the report.
type preflight struct {
	OK       bool             `json:"ok"`
	Version  string           `json:"version"`
	Database string           `json:"database"`
	Checks   []checkup        `json:"checks"`
	Settings []effective      `json:"settings"`
	Cleanup  *curfew.Stats    `json:"cleanup"` // what a cleanup would change now; null: unknown
	Backup   *backup.Manifest `json:"backup,omitempty"`

	newer bool // a later release has migrated the schema
}

func (p *preflight) add(c checkup) { p.Checks = append(p.Checks, c) }

// failed adds a check that could not be made.
func (p *preflight) failed(check string, err error, fix string) {
	p.add(checkup{Check: check, Text: oneLine(err.Error()), Fix: fix})
}

// print prints the report for people.
func (p *preflight) print(term terminal) {
	term.printf("curfew %s, before a deployment\n\n", p.Version)
	wide := 0
	for _, c := range p.Checks {
		wide = max(wide, len(c.Check))
	}
	wrong := 0
	for _, c := range p.Checks {
		mark := "✓"
		if !c.OK {
			mark, wrong = "✗", wrong+1
		}
		term.printf("%s %-*s  %s\n", mark, wide, c.Check, c.Text)
		for _, d := range c.Detail {
			term.printf("  %*s  · %s\n", wide, "", d)
		}
		if !c.OK && c.Fix != "" {
			term.printf("  %*s  → %s\n", wide, "", c.Fix)
		}
	}
	term.printf("\nIn force:\n\n")
	var rows [][]string
	for _, e := range p.Settings {
		rows = append(rows, []string{e.Key, e.Value, "(" + e.From + ")"})
	}
	columns(term.out, rows...)
	if wrong > 0 {
		term.printf("\nNot ready: %s.\n", plural(wrong, "line")+" failed")
		return
	}
	term.printf("\nReady.\n")
}
