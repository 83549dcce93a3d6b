package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

type adoptPlanCommand struct {
	Name string `arg:"" help:"The table's name under adopt in the settings."`
	Days int    `placeholder:"N" help:"Judge only the history of the last days; by default all of it."`
	SQL  bool   `help:"Print only the statements that enforce would run, whole."`
	JSON bool   `help:"Print JSON."`
}

// Run prints what enforce would do. It only reads the table.
func (c *adoptPlanCommand) Run(ctx context.Context, s *settings, term terminal) error {
	if c.Days < 0 {
		return usagef("--days must be 1 or more, not %d", c.Days)
	}
	url, err := s.theirDatabase()
	if err != nil {
		return err
	}
	policy, err := s.policy()
	if err != nil {
		return err
	}
	p, err := adopt.ReadPlan(ctx, url, s.Adopted(), c.Name, policy, c.Days)
	if err != nil {
		return asUnknown(err)
	}
	switch {
	case c.JSON:
		err = term.json(p)
	case c.SQL:
		for _, statement := range p.Statements {
			term.printf("%s;\n", statement.SQL)
		}
	default:
		printPlan(term, p)
	}
	refused := slices.ContainsFunc(p.Ends, func(e adopt.End) bool { return e.Wrong != "" })
	if err == nil && refused {
		return exitCode(exitFailed)
	}
	return err
}

func printPlan(term terminal, p adopt.Plan) {
	rows := ""
	if p.Rows >= 0 {
		rows = ", about " + plural(int(p.Rows), "row")
	}
	term.printf("%s: %s%s, at %s. Nothing was changed.\n", p.Name, p.Relation, rows, p.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	for _, b := range p.History {
		printBacktest(term, b, p.Days)
	}
	printDue(term, p)
	printEnds(term, p.Ends)
	printStatements(term, p)
	printPromises(term, p.Promises)
}

// waitedFor describes the sessions that each rule ends.
var waitedFor = map[curfew.EndReason]string{
	curfew.Expired: "sessions that nobody accepted in time",
	curfew.NoShow:  "sessions that were accepted, and did not begin in time",
	curfew.Overran: "live sessions past their planned end",
	curfew.Missed:  "appointments that did not begin",
}

func printBacktest(term terminal, b record.Backtest, days int) {
	term.printf("\n%s: %s\n", b.Rule, waitedFor[b.Rule])
	if len(b.Thresholds) > 0 {
		of := "in all of your history"
		if days > 0 {
			of = "in the last " + plural(days, "day")
		}
		term.printf("\n  %s waited %s, counted from %s: %s in the median, %s at most.\n",
			plural(int(b.Sessions), "session"), of, b.Since, brief(b.Median), brief(b.Longest))
		if b.Again > 0 {
			term.printf("  The same customer came again within the policy's threshold %s.\n", times(b.Again))
		}
		term.printf("\n")
		printThresholds(term, b)
	}
	if len(b.Unknown) > 0 {
		term.printf("\n")
	}
	for _, said := range b.Unknown {
		term.printf("  %s\n", said)
	}
}

// barWidth is the length of the longest bar.
const barWidth = 24

func printThresholds(term terminal, b record.Backtest) {
	most := slices.MaxFunc(b.Thresholds, func(a, b record.Threshold) int { return cmp.Compare(a.Ended, b.Ended) }).Ended
	table := [][]string{{"after", "ended", "nobody came", "regrets", "unclear", "", "blocked: all, median, longest", "freed sooner by"}}
	for _, h := range b.Thresholds {
		after := brief(float64(h.Seconds))
		if h.Policy {
			after += " *"
		}
		blocked, spared := "", ""
		if h.Never > 0 {
			blocked = brief(h.Blocked.Sum) + ", " + brief(h.Blocked.Median) + ", " + brief(h.Blocked.Longest)
			spared = brief(h.Spared.Sum)
		}
		table = append(table, []string{
			after, fmt.Sprint(h.Ended), fmt.Sprint(h.Never), fmt.Sprint(h.Regrets), fmt.Sprint(h.Unclear), bar(h, most), blocked, spared,
		})
	}
	columns(term.out, table...)
	term.printf("\n  * as set for each plan and row   █ nobody ever came   ▒ somebody came later: a regret   ░ unclear\n")
}

// bar draws what a threshold would have ended. Any count above 0 is visible.
func bar(h record.Threshold, most int64) string {
	var text strings.Builder
	for _, part := range []struct {
		n    int64
		sign string
	}{{h.Never, "█"}, {h.Regrets, "▒"}, {h.Unclear, "░"}} {
		if part.n > 0 {
			text.WriteString(strings.Repeat(part.sign, int(max(1, (part.n*barWidth+most/2)/most))))
		}
	}
	return text.String()
}

// brief formats seconds; if there is more than an hour, it leaves them out.
func brief(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	if d > time.Hour {
		d = d.Round(time.Minute)
	}
	return config.Duration(d).String()
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return plural(int(n), "time")
}

func printDue(term terminal, p adopt.Plan) {
	term.printf("\nWhat would be ended now:\n\n")
	var rows [][]string
	for _, d := range p.Due {
		row := []string{string(d.Rule), fmt.Sprintf("%d of %d open", d.Overdue, d.Open), ""}
		if d.Overdue > 0 {
			row[2] = fmt.Sprintf("of %s; the oldest is %s of customer %s, overdue for %s",
				plural(int(d.Customers), "customer"), d.Oldest, d.Customer, lifecycle.Span(p.At.Sub(d.Deadline)))
		}
		if d.Unseen > 0 {
			row[2] = strings.TrimPrefix(row[2]+fmt.Sprintf("; for %d, no column says since when: their time begins when Curfew sees them", d.Unseen), "; ")
		}
		rows = append(rows, row)
	}
	if rows == nil {
		term.printf("  Nothing: no session is open.\n")
	}
	columns(term.out, rows...)
}

func printEnds(term terminal, ends []adopt.End) {
	term.printf("\nHow they are ended, judged by your table's types, CHECKs and references:\n\n")
	var rows [][]string
	for _, e := range ends {
		verdict := "possible"
		switch {
		case e.Status == "":
			rows = append(rows, []string{string(e.Rule), "", "never: the mapping has no ending for it"})
			continue
		case e.Wrong != "":
			verdict = "REFUSED: " + oneLine(e.Wrong)
		case e.Unsure != "":
			verdict += "; " + e.Unsure
		}
		rows = append(rows, []string{string(e.Rule), e.Status, verdict})
	}
	columns(term.out, rows...)
}

func printStatements(term terminal, p adopt.Plan) {
	if len(p.Grants) > 0 {
		term.printf("\nRights that enforce needs and this role lacks:\n\n")
		for _, grant := range p.Grants {
			term.printf("  %s;\n", grant)
		}
	}
	if p.Index != nil {
		term.printf("\nAn index that finds what is open; enforce does not create it:\n\n")
		printStatement(term, *p.Index)
	}
	if len(p.Statements) > 0 {
		term.printf("\nWhat enforce runs (--sql prints it whole):\n\n")
		for _, statement := range p.Statements {
			printStatement(term, statement)
		}
	}
}

// printStatement prints a statement; of a function, only the first line.
func printStatement(term terminal, s adopt.Statement) {
	head, body, whole := strings.Cut(s.SQL, "\n")
	end := ";"
	if whole {
		end = fmt.Sprintf(" … and %s more", plural(strings.Count(body, "\n")+1, "line"))
	}
	term.printf("  %s%s\n    -- %s\n    -- %s\n", head, end, s.Lock, s.Cost)
}

func printPromises(term terminal, promises []adopt.Promise) {
	for _, part := range []struct {
		holds bool
		title string
	}{{true, "What holds under enforce:"}, {false, "What does not:"}} {
		term.printf("\n%s\n\n", part.title)
		for _, p := range promises {
			if p.Holds == part.holds {
				term.printf("  - %s\n", p.Text)
			}
		}
	}
}
