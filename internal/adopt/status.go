package adopt

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/record"
)

// Status is how an adopted table stands.
type Status struct {
	Adoption
	Mapped   bool             `json:"mapped"` // the settings of this process map it
	Open     int              `json:"open"`   // sessions that have not ended
	Overdue  int              `json:"overdue"`
	Blocked  []Blocked        `json:"blocked"`      // at most 100, for longest first
	Count    int              `json:"blockedCount"` // of all who are blocked
	Verdicts []Verdict        `json:"verdicts"`
	Findings []record.Finding `json:"findings"`
}

// Verdict is what a rule would have done in mode shadow, and what became of those sessions.
type Verdict struct {
	Rule  curfew.EndReason `json:"rule"`
	Would int              `json:"wouldHaveEnded"`
	Lived int              `json:"lived"` // regrets: they went live or were accepted later
	Ended int              `json:"ended"` // by their own program
	Moved int              `json:"moved"` // their deadline was put off
	Open  int              `json:"open"`
}

// Status returns how tables stand, by name: those of the settings, and those that are adopted
// without being mapped any more.
func (s *Service) Status(ctx context.Context) ([]Status, error) {
	all, err := readAdoptions(ctx, s.Pool)
	if err != nil {
		return nil, err
	}
	for _, t := range s.Tables {
		if _, ok := all[t.Name]; !ok {
			all[t.Name] = Adoption{Name: t.Name, Relation: t.Relation, Mode: mapping.Off}
		}
	}
	list := make([]Status, 0, len(all))
	for _, a := range sorted(all) {
		status, err := s.statusOf(ctx, a)
		if err != nil {
			return nil, err
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

func (s *Service) statusOf(ctx context.Context, a Adoption) (Status, error) {
	_, unmapped := s.Table(a.Name)
	status := Status{Adoption: a, Mapped: unmapped == nil, Findings: []record.Finding{}}
	rows, err := s.Pool.Query(ctx, selectOpen, a.Name)
	if err != nil {
		return status, err
	}
	if _, err = pgx.ForEachRow(rows, []any{&status.Open, &status.Overdue}, func() error { return nil }); err != nil {
		return status, err
	}
	status.Verdicts, err = collect(ctx, s.Pool, func(row pgx.CollectableRow) (v Verdict, err error) {
		err = row.Scan(&v.Rule, &v.Would, &v.Lived, &v.Ended, &v.Moved, &v.Open)
		return v, err
	}, selectVerdicts, a.Name)
	if err != nil {
		return status, err
	}
	if status.Blocked, err = s.blocked(ctx, a); err != nil {
		return status, err
	}
	if len(status.Blocked) > 0 {
		status.Count = status.Blocked[0].count
	}
	if a.Mode != mapping.Off {
		found, err := s.findingsOf(ctx, a)
		if err != nil {
			return status, err
		}
		status.Findings = append(status.Findings, merged(found)...)
	}
	return status, nil
}
