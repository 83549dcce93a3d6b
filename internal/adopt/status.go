package adopt

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/record"
)

// Status returns the state of every table by name: those in the settings, and those still adopted
// without a mapping. It reads only Curfew's database. It returns Unavailable if that cannot be
// read.
func (s *Service) Status(ctx context.Context) ([]record.AdoptedTable, error) {
	all, err := readAdoptions(ctx, s.Pool)
	if err != nil {
		return nil, unavailable(err)
	}
	for _, t := range s.Tables {
		if _, ok := all[t.Name]; !ok {
			all[t.Name] = record.Adoption{Name: t.Name, Relation: t.Relation, Mode: record.AdoptOff}
		}
	}
	list := make([]record.AdoptedTable, 0, len(all))
	for _, a := range sorted(all) {
		status, err := s.statusOf(ctx, a)
		if err != nil {
			return nil, unavailable(err)
		}
		list = append(list, status)
	}
	return list, nil
}

const (
	selectOpen = `SELECT count(*), count(*) FILTER (WHERE s.expires_at < now()) FROM curfew.sessions s
		WHERE s.adopted_from = $1 AND s.adopted_from <> '' AND s.status IN ('scheduled', 'waiting', 'live')`
	selectVerdicts = `SELECT v.reason, count(*), count(*) FILTER (WHERE v.became = 'lived'), count(*) FILTER (WHERE v.became = 'ended'),
		count(*) FILTER (WHERE v.became = 'moved'), count(*) FILTER (WHERE v.became = '')
		FROM curfew.adoption_verdicts v WHERE v.name = $1 GROUP BY 1 ORDER BY 1`
)

func (s *Service) statusOf(ctx context.Context, a record.Adoption) (record.AdoptedTable, error) {
	t, unmapped := s.Table(a.Name)
	status := record.AdoptedTable{Adoption: a, Mapped: unmapped == nil, Findings: []record.Finding{}}
	if status.Mapped {
		status.ID, status.Columns = name(t.ID), meanings(t)
	}
	err := one(ctx, s.Pool, selectOpen, []any{a.Name}, &status.Open, &status.Overdue)
	if err != nil {
		return status, err
	}
	if status.Verdicts, err = collect(ctx, s.Pool, pgx.RowToStructByPos[record.AdoptedVerdict], selectVerdicts, a.Name); err != nil {
		return status, err
	}
	if status.Blocked, status.Count, err = s.blocked(ctx, a); err != nil {
		return status, err
	}
	if a.Mode != record.AdoptOff {
		found, err := s.findingsOf(ctx, a, status.Blocked, status.Count)
		if err != nil {
			return status, err
		}
		status.Findings = append(status.Findings, merged(found)...)
	}
	return status, nil
}

// meanings lists the columns that the mapping reads, with their meaning.
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
