package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
)

// AdoptedTables reports the state of the marketplace's own tables.
type AdoptedTables interface {
	Status(ctx context.Context) ([]record.AdoptedTable, error)
	// Backtest reads the history of one table. It may take seconds.
	Backtest(ctx context.Context, name string) ([]record.Backtest, error)
}

// Adopted shows the marketplace's own tables.
type Adopted struct {
	State  State
	Tables []AdoptedCard
}

// AdoptedCard is one table of theirs.
type AdoptedCard struct {
	Name, Relation string
	Mode           string
	Does           string // what Curfew does with it, in a sentence or two
	Call           string // the command to go on with
	Unread         string // why it cannot be read
	Facts          []Fact
	Blocked        []BlockedRow
	More           string // of them
	Verdicts       []VerdictLine
	Findings       []Finding
	Columns        []Fact
	Backtest       string // where the backtest is
	Backtests      []BacktestView
}

// BlockedRow is a customer who is blocked by their own overdue row.
type BlockedRow struct {
	CustomerID string
	Row        string // its id
	Query      string // shows the row; empty if its id column is unknown
	Status     string
	Since      Moment
}

// VerdictLine is what a rule would have ended in shadow.
type VerdictLine struct {
	Rule                       string
	Judged, Lived, Ended, Open string
	Regretted                  bool
}

// BacktestView is what a rule would have done to their history.
type BacktestView struct {
	Rule, Sessions string
	Of             int
	Steps          []BacktestStep
	Unknown        []string
}

// BacktestStep is one threshold.
type BacktestStep struct {
	After        string
	Policy       bool
	Ended, Lived int
	Spared       string
}

// adoptedView shows the adopted tables, and the backtest of the one that is asked for.
func (s *Site) adoptedView(ctx context.Context, r *http.Request, _ curfew.Actor) (any, error) {
	q, err := problem.PageQuery(r, "backtest")
	if err != nil {
		return nil, err
	}
	if s.adopted == nil {
		return Adopted{State: State{Sentence: "No table of yours is adopted."}}, nil
	}
	tables, err := s.adopted.Status(ctx)
	if err != nil {
		return nil, err
	}
	v := Adopted{State: adoptedState(tables)}
	for _, t := range tables {
		card := adoptedCard(t)
		if q.Get("backtest") == t.Name {
			tests, err := s.adopted.Backtest(ctx, t.Name)
			if err != nil {
				return nil, err
			}
			card.Backtests = backtestViews(tests)
		}
		v.Tables = append(v.Tables, card)
	}
	return v, nil
}

// adoptedState says that nobody is blocked only if the tables are being read. The first critical
// finding says what is wrong with reading a table.
func adoptedState(all []record.AdoptedTable) State {
	blocked, wrong, modes := 0, "", map[string]int{}
	for _, t := range all {
		if t.Unread != "" {
			return State{Tone: "critical", Sentence: "Cannot tell: " + t.Relation + " cannot be read."}
		}
		blocked += t.Count
		modes[t.Mode]++
		if i := slices.IndexFunc(t.Findings, func(f record.Finding) bool { return f.Critical }); i >= 0 {
			wrong = cmp.Or(wrong, t.Findings[i].Problem)
		}
	}
	switch {
	case len(all) == 0:
		return State{Sentence: "No table of yours is adopted."}
	case blocked > 0:
		return State{Tone: "critical", Sentence: noun{"customer is", "customers are"}.of(blocked) + " blocked by an overdue session of yours."}
	case wrong != "":
		return State{Tone: "critical", Sentence: asSentence(wrong)}
	case modes[record.AdoptEnforce] > 0:
		return State{Tone: "good", Sentence: "Nobody is blocked."}
	case modes[record.AdoptShadow] > 0:
		return State{Sentence: "Nobody is blocked now. Curfew ends nothing in your tables."}
	}
	return State{Sentence: "Curfew reads none of your tables."}
}

func adoptedCard(t record.AdoptedTable) AdoptedCard {
	at := moments{t.Now}
	card := AdoptedCard{
		Name: t.Name, Relation: t.Relation, Mode: t.Mode, Does: modeSentence(t), Call: nextCommand(t),
		Facts:    []Fact{{Name: "Open sessions", Value: grouped(t.Open)}, {Name: "Overdue now", Value: grouped(t.Overdue)}},
		Backtest: "/console/adopted?backtest=" + t.Name + "#" + t.Name,
	}
	if !t.Since.IsZero() {
		card.Facts = append(card.Facts, Fact{Name: "In this mode since", At: at.at(t.Since)})
	}
	switch { // enforced tables are not polled: their triggers report changes
	case t.Mode == record.AdoptShadow && t.ReadAt.IsZero():
		card.Facts = append(card.Facts, Fact{Name: "Last read", Value: "never"})
	case t.Mode == record.AdoptShadow:
		card.Facts = append(card.Facts, Fact{Name: "Last read", At: at.at(t.ReadAt)})
	}
	if t.Unread != "" {
		card.Unread = asSentence(t.Unread)
	}
	for _, b := range t.Blocked {
		card.Blocked = append(card.Blocked, BlockedRow{CustomerID: b.Customer, Row: b.Row, Query: rowQuery(t, b.Row), Status: string(b.Status), Since: at.at(b.Since)})
	}
	if more := t.Count - len(t.Blocked); more > 0 {
		card.More = "and " + grouped(more) + " more"
	}
	for _, v := range t.Verdicts {
		card.Verdicts = append(card.Verdicts, VerdictLine{
			Rule: cmp.Or(ruleNames[v.Rule], string(v.Rule)), Judged: grouped(v.Would), Lived: grouped(v.Lived), Ended: grouped(v.Ended),
			Open: grouped(v.Moved + v.Open), Regretted: v.Lived > 0,
		})
	}
	for _, f := range t.Findings {
		card.Findings = append(card.Findings, Finding{Code: f.Code, Severity: map[bool]string{true: "critical", false: "warning"}[f.Critical], Problem: asSentence(f.Problem), Call: f.Fix})
	}
	for _, c := range t.Columns {
		card.Columns = append(card.Columns, Fact{Name: c.Ours, Value: c.Theirs})
	}
	return card
}

// rowQuery shows one of their rows; empty if no mapping names its id column.
func rowQuery(t record.AdoptedTable, id string) string {
	if t.ID == "" {
		return ""
	}
	return "SELECT * FROM " + t.Relation + " WHERE " + t.ID + " = '" + strings.ReplaceAll(id, "'", "''") + "'"
}

func modeSentence(t record.AdoptedTable) string {
	switch t.Mode {
	case record.AdoptShadow:
		return "Curfew reads it, and ends nothing. It notes what it would have ended, and what became of that."
	case record.AdoptEnforce:
		names := make([]string, len(t.Rules))
		for i, r := range t.Rules {
			names[i] = strings.ToLower(cmp.Or(ruleNames[curfew.EndReason(r)], r))
		}
		return "Curfew ends what is overdue: " + strings.Join(names, ", ") + ". Its triggers let a new session end the customer's overdue one first."
	}
	return "Curfew does nothing with it."
}

// nextCommand is the command that goes one step further, or back.
func nextCommand(t record.AdoptedTable) string {
	switch t.Mode {
	case record.AdoptShadow:
		return "curfew adopt plan " + t.Name
	case record.AdoptEnforce:
		return "curfew adopt verify " + t.Name
	}
	return "curfew adopt shadow " + t.Name
}

// ruleNames names the rules for rows of theirs.
var ruleNames = map[curfew.EndReason]string{
	curfew.Expired: "Nobody accepted", curfew.NoShow: "Accepted and never live", curfew.Overran: "Live for too long", curfew.Missed: "Appointment missed",
}

func backtestViews(all []record.Backtest) []BacktestView {
	views := make([]BacktestView, len(all))
	for i, b := range all {
		v := BacktestView{Rule: cmp.Or(ruleNames[b.Rule], string(b.Rule)), Sessions: things("session").of(int(b.Sessions)), Of: int(b.Sessions), Unknown: b.Unknown}
		for _, h := range b.Thresholds {
			v.Steps = append(v.Steps, BacktestStep{
				After: Span(time.Duration(h.Seconds) * time.Second), Policy: h.Policy, Ended: int(h.Ended), Lived: int(h.Regrets),
				Spared: Span(time.Duration(h.Spared.Sum * float64(time.Second)).Round(time.Second)),
			})
		}
		views[i] = v
	}
	return views
}
