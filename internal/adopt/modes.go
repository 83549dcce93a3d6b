package adopt

import (
	"context"
	"errors"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/record"
)

// Shadow starts shadowing a table by reading it once. A table that was enforced no longer is. It
// returns Unavailable with the reason if the table cannot be read, and then leaves the mode
// unchanged.
func (s *Service) Shadow(ctx context.Context, name string) error {
	t, err := s.Table(name)
	if err != nil {
		return err
	}
	if _, err := s.Read(ctx, name); err != nil {
		return err
	}
	p, err := s.poller(t)
	if err != nil {
		return err
	}
	defer p.theirs.close(ctx)
	defer s.forget()
	a, err := s.adoption(ctx, name)
	if err != nil {
		return err
	}
	if a.Mode == record.AdoptEnforce {
		if err := p.unhook(ctx); err != nil {
			return err
		}
	}
	if err := s.switchToShadow(ctx, t); err != nil {
		return err
	}
	if err := p.Poll(ctx); err != nil && !errors.Is(err, errOvertaken) {
		return err
	}
	return nil
}

// Read reads a table once, mirrors nothing, and returns how many sessions are open. It returns
// Unavailable, with the reason and a remedy, if the table cannot be read.
func (s *Service) Read(ctx context.Context, name string) (open int, err error) {
	t, err := s.Table(name)
	if err != nil {
		return 0, err
	}
	p, err := s.poller(t)
	if err != nil {
		return 0, err
	}
	defer p.theirs.close(ctx)
	f, err := p.read(ctx, question{})
	if err != nil {
		why := reasonOf(err)
		return 0, curfew.Errorf(curfew.Unavailable, "%s cannot be read: %s (%s)", t.Relation, why, s.remedy(t, why))
	}
	return len(f.rows), nil
}

const shadowTable = `INSERT INTO curfew.adoptions AS a (name, relation, mode) VALUES ($1, $2, 'shadow')
	ON CONFLICT (name) DO UPDATE SET mode = 'shadow', rules = '{}', relation = excluded.relation, shadowed = NULL, read_at = NULL, read_took = NULL,
		unread = '', since = now()
	WHERE a.mode <> 'shadow'`

func (s *Service) switchToShadow(ctx context.Context, t mapping.Table) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := s.Pool.Exec(ctx, shadowTable, t.Name, t.Relation); err != nil {
		return unavailable(fmt.Errorf("shadow %s: %w", t.Name, err))
	}
	return nil
}

// Enforce starts ending overdue rows of a table, by some rules or all. See table.Enforce.
func (s *Service) Enforce(ctx context.Context, name string, e Enforcement) error {
	if s.TheirURL != "" {
		return curfew.Errorf(curfew.Invalid, "adopt_database_url is set, and enforce needs %s in Curfew's own database: triggers mirror each write in its own transaction", name)
	}
	t, err := s.Table(name)
	if err != nil {
		return err
	}
	defer s.forget()
	return s.table(t).Enforce(ctx, e)
}

// Off stops adopting a table. See table.Off.
func (s *Service) Off(ctx context.Context, name string) error {
	return s.letGo(ctx, name, func(t table) error { return t.Off(ctx) })
}

// Release stops adopting a table and forgets it. See table.Release.
func (s *Service) Release(ctx context.Context, name string, drop bool) error {
	return s.letGo(ctx, name, func(t table) error { return t.Release(ctx, drop) })
}

// Verify compares the rows of a table with their mirrors. See table.Verify.
func (s *Service) Verify(ctx context.Context, name string, repair bool) (drift []Drift, err error) {
	t, err := s.Table(name)
	if err != nil {
		return nil, err
	}
	return s.table(t).Verify(ctx, repair)
}

// letGo runs do on a table that may still be adopted though the settings no longer map it.
func (s *Service) letGo(ctx context.Context, name string, do func(table) error) error {
	t, err := s.Table(name)
	if err != nil {
		a, unread := s.adoption(ctx, name)
		if unread != nil || a.Relation == "" {
			return err
		}
		t = mapping.Table{Name: name, Relation: a.Relation}
	}
	defer s.forget()
	return do(s.table(t))
}
