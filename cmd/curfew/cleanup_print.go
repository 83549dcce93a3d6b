package main

import (
	"fmt"
	"strconv"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// printPreview prints what a cleanup would do, and the command that does exactly that.
func printPreview(term terminal, p curfew.Preview) {
	if len(p.Items) == 0 {
		term.printf("Nothing to clean up.\n")
		return
	}
	term.printf("%s would end:\n\n", plural(len(p.Items), "session"))
	columns(term.out, previewRows(p)...)
	term.printf("\nRows that would change:\n\n")
	columns(term.out, figures(p.Stats())...)
	if p.Truncated {
		term.printf("\nMore is due than a preview holds.\n")
	}
	reason := ""
	if early(p) {
		reason = ` --reason "…"`
		term.printf("\nSome of them are not overdue yet: ending those takes a reason.")
	}
	term.printf("\nTo do exactly this:\n\n  curfew cleanup --preview %s%s\n", p.ID, reason)
}

func previewRows(p curfew.Preview) [][]string {
	rows := [][]string{{"SESSION", "CUSTOMER", "RULE", "AGE", "ENDS AS", "PAYMENT"}}
	for _, it := range p.Items {
		rows = append(rows, []string{
			it.SessionID, it.CustomerID, string(it.Rule), lifecycle.Span(it.Age), string(it.Reason), string(it.Owed),
		})
	}
	return rows
}

// early reports whether a cleanup would end sessions before their deadline.
func early(p curfew.Preview) bool {
	for _, it := range p.Items {
		if it.Reason == curfew.Cleared {
			return true
		}
	}
	return false
}

// printRun prints what a run did; it calls only a finished run empty.
func printRun(term terminal, run curfew.Run, drifted []lifecycle.Drift, finished bool) {
	if run.Stats.TotalCleaned+run.Stats.Forgotten == 0 && finished {
		term.printf("Nothing to clean up.\n")
	} else {
		term.printf("Rows changed:\n\n")
		columns(term.out, figures(run.Stats)...)
	}
	if len(drifted) > 0 {
		term.printf("\nLeft alone, because they had moved since the preview:\n\n")
		columns(term.out, driftRows(drifted)...)
	}
	term.printf("\nrun %s\n", run.ID)
}

func driftRows(drifted []lifecycle.Drift) [][]string {
	rows := make([][]string, len(drifted))
	for i, d := range drifted {
		rows[i] = []string{d.SessionID, fmt.Sprintf("(%s)", d.Why)}
	}
	return rows
}

// figures returns a row for each rule that ended something, and one for the total.
func figures(s curfew.Stats) [][]string {
	width := len(strconv.Itoa(s.TotalCleaned))
	row := func(n int, what string) []string { return []string{fmt.Sprintf("%*d", width, n), what} }
	var rows [][]string
	for _, rule := range curfew.RuleNames() {
		if n := s.Of(rule); n > 0 {
			rows = append(rows, row(n, ruleWords[rule]))
		}
	}
	return append(rows, row(s.TotalCleaned, "in total"))
}

// ruleWords describe what each rule's figure counts.
var ruleWords = map[curfew.RuleName]string{
	curfew.ExpiredRequests: "requests that nobody accepted in time",
	curfew.OldWaiting:      "sessions that nobody accepted in time",
	curfew.Orphans:         "sessions that were offered to nobody, with their requests",
	curfew.Forgotten:       "forgotten by their mechanic: back in the queue, and not in the total",
	curfew.Absences:        "whose mechanic did not come: sessions and their requests",
	curfew.NoShows:         "accepted and never joined: sessions and their requests",
	curfew.Overruns:        "live beyond what was bought: sessions and their requests",
	curfew.Due:             "appointments that begin",
	curfew.Misses:          "appointments whose slot was taken, with their requests",
}
