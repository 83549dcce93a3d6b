package main

import (
	"context"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/backup"
	"github.com/curfewhq/curfew/lifecycle"
)

// rehearse says what a cleanup would end now, and proves that it ends nothing
// early.
func (p *preflight) rehearse(ctx context.Context, engine *lifecycle.Keeper) {
	r, err := engine.Cleanups.DryRun(ctx)
	if err != nil {
		p.failed("cleanup", err, "")
		return
	}
	p.Cleanup = &r.Stats
	line := checkup{Check: "cleanup", OK: true, Text: "a cleanup would change nothing now"}
	if r.Stats.TotalCleaned > 0 || r.Begins > 0 {
		line.Text = fmt.Sprintf("a cleanup would change %s now, and let %s begin", plural(r.Stats.TotalCleaned, "row"), plural(r.Begins, "appointment"))
		line.Detail = figureLines(r.Stats)
	}
	p.add(line)
	p.add(checkup{Check: "assigned", OK: true, Detail: sessionLines(r.Assigned), Text: plural(r.Assigned.Count, "session") +
		" with a mechanic would end: accepted, and never joined in time"})
	p.add(checkup{Check: "live", OK: true, Detail: sessionLines(r.Live), Text: plural(r.Live.Count, "live session") +
		" would end: beyond what was bought and the grace"})
	proof := checkup{Check: "proof", OK: r.Early.Count == 0, Text: "each is past its own deadline, or an orphan past orphan_ttl"}
	if !proof.OK {
		proof.Text = plural(r.Early.Count, "session") + " would end before its own deadline"
		proof.Detail, proof.Fix = sessionLines(r.Early), "deploy nothing, and report this: it must not be"
	}
	p.add(proof)
}

func figureLines(s curfew.Stats) []string {
	var lines []string
	for _, row := range figures(s) {
		lines = append(lines, row[0]+" "+row[1])
	}
	return lines
}

func sessionLines(r lifecycle.DryRunSessions) []string {
	var lines []string
	for _, s := range r.Sessions {
		lines = append(lines, fmt.Sprintf("%s of customer %s: %s, its deadline was %s", s.ID, s.CustomerID, standing(s.Session), moment(s.ExpiresAt, s.Now)))
	}
	if more := r.Count - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}

// save writes the backup that was asked for.
func (p *preflight) save(ctx context.Context, db database, dir string, term terminal) {
	if dir == "" {
		return
	}
	if p.newer {
		p.add(checkup{Check: "backup", Text: "the schema has columns that this release does not know", Fix: "write it with the newer release's program"})
		return
	}
	applied, err := db.Migrations(ctx)
	if err != nil {
		p.failed("backup", err, "")
		return
	}
	bar := newProgress(term, "saving rows")
	m, err := backup.Write(ctx, dir, db, backup.Options{Version: version(), Schema: applied[len(applied)-1].Number, Saved: bar.add})
	bar.finish()
	if err != nil {
		p.failed("backup", err, "name a folder with room in --backup, which is not there yet")
		return
	}
	p.Backup = &m
	line := checkup{Check: "backup", OK: true, Text: plural(m.Rows(), "row") + " in " + dir + " (`curfew restore` brings them back)"}
	for _, f := range m.Tables {
		if f.Rows > 0 {
			line.Detail = append(line.Detail, fmt.Sprintf("%d in %s", f.Rows, f.Name))
		}
	}
	p.add(line)
}

// print is one page for people.
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
