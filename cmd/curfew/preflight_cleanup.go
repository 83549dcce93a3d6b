package main

import (
	"context"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// cleanup adds what a cleanup would end now, and the proof that it would end nothing early.
func (p *preflight) cleanup(ctx context.Context, keeper *lifecycle.Keeper) {
	r, err := keeper.Cleanups.DryRun(ctx)
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
		lines = append(lines, fmt.Sprintf("%s of customer %s: %s, its deadline was %s", s.ID, s.CustomerID, sessionState(s.Session), moment(s.ExpiresAt, s.Now)))
	}
	if more := r.Count - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}
