package adopt

import (
	"context"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/record"
)

// Report says how each table stands, for people. It reads Curfew's database alone.
func (s *Service) Report(ctx context.Context) ([]record.AdoptedTable, error) {
	all, err := s.Status(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	tables := make([]record.AdoptedTable, len(all))
	for i, status := range all {
		tables[i] = s.reported(status)
	}
	return tables, nil
}

func (s *Service) reported(status Status) record.AdoptedTable {
	t := record.AdoptedTable{
		Name: status.Name, Relation: status.Relation, Mode: string(status.Mode), Since: status.Since, ReadAt: status.ReadAt, Unread: status.Unread,
		Open: status.Open, Overdue: status.Overdue, Blocked: status.Count, Findings: status.Findings, Now: status.Now,
	}
	if m, err := s.Table(status.Name); err == nil {
		t.ID, t.Columns = name(m.ID), meanings(m)
	}
	for _, rule := range status.Rules {
		t.Rules = append(t.Rules, curfew.EndReason(rule))
	}
	for _, b := range status.Blocked {
		t.Longest = append(t.Longest, record.AdoptedRow{RowID: b.Row, CustomerID: b.Customer, SessionID: b.Session, Status: b.Status, Since: b.Since})
	}
	for _, v := range status.Verdicts {
		t.Verdicts = append(t.Verdicts, record.AdoptedVerdicts{Reason: v.Rule, Judged: v.Would, Lived: v.Lived, Ended: v.Ended, Undecided: v.Moved + v.Open})
	}
	return t
}

// meanings are the columns that the mapping reads.
func meanings(t mapping.Table) []record.AdoptedColumn {
	all := []record.AdoptedColumn{{Ours: "id", Theirs: t.ID}, {Ours: "customer", Theirs: strings.Join(t.Customer, ", else ")}}
	add := func(ours, theirs string) {
		if theirs != "" {
			all = append(all, record.AdoptedColumn{Ours: ours, Theirs: theirs})
		}
	}
	add("mechanic", t.Mechanic.Column)
	for _, s := range curfew.SessionStatuses() {
		if words := t.Words(s); len(words) > 0 {
			add(string(s), t.Status.Column+" is "+strings.Join(words, " or "))
		}
	}
	add("created", t.Times.Created)
	add("starts", strings.Join(t.Times.Starts, ", else "))
	if t.Times.Seen {
		add("waits since", "when Curfew saw it")
	}
	add("waits since", t.Times.Entered)
	add("accepted", t.Times.Accepted)
	add("started", t.Times.Started)
	add("ended", strings.Join(t.Times.Ended, ", else "))
	add("deadline", t.Deadline)
	add("lasts", t.Duration.Column)
	add("plan", t.Plan)
	return all
}

// Backtest is the backtest of a plan: what each rule would have done to the table's history.
func (s *Service) Backtest(ctx context.Context, name string) ([]record.Backtest, error) {
	p, err := s.Plan(ctx, name, 0)
	if err != nil {
		return nil, err
	}
	all := make([]record.Backtest, len(p.History))
	for i, h := range p.History {
		all[i] = record.Backtest{Reason: h.Rule, Sessions: int(h.Sessions), Unknown: h.Unknown}
		for _, step := range h.Thresholds {
			all[i].Steps = append(all[i].Steps, record.BacktestStep{
				After: time.Duration(step.Seconds) * time.Second, Policy: step.Policy, Ended: int(step.Ended), Lived: int(step.Regrets),
				Spared: time.Duration(step.Spared.Sum * float64(time.Second)),
			})
		}
	}
	return all, nil
}
