package adopt

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/record"
)

// longestPause is the longest wait before retrying a table that could not be read.
const longestPause = time.Minute

// Run reads every table in mode shadow, and verifies those in mode enforce, until the context ends.
func (s *Service) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	for _, t := range s.Tables {
		p, err := s.poller(t)
		if err != nil {
			return err
		}
		all.Go(func() { s.keep(ctx, p) })
	}
	<-ctx.Done()
	return nil
}

// keep looks after one table until the context ends.
func (s *Service) keep(ctx context.Context, p *poller) {
	defer p.theirs.close(ctx)
	for ctx.Err() == nil {
		begun := time.Now()
		err := s.step(ctx, p)
		s.report(ctx, p, err)
		select {
		case <-ctx.Done():
		case <-time.After(pauseAfter(p.took, err) - time.Since(begun)):
		}
	}
}

// pauseAfter returns how long to wait between the beginnings of a step and the next, given how long
// the step took.
func pauseAfter(took time.Duration, err error) time.Duration {
	pause := max(period, share*took)
	if err != nil {
		return max(took, min(pause, longestPause))
	}
	return pause
}

// step does what the table's mode requires.
func (s *Service) step(ctx context.Context, p *poller) error {
	p.took = 0
	a, err := s.adoption(ctx, p.Name)
	if err != nil {
		return err
	}
	switch {
	case a.Relation == "":
		return s.enter(ctx, p.Table)
	case a.Mode == record.AdoptShadow:
		err := p.Poll(ctx)
		if errors.Is(err, errOvertaken) {
			return nil
		}
		return err
	case a.Mode == record.AdoptEnforce && time.Since(p.checked) >= slow:
		p.checked = time.Now()
		return s.check(ctx, p, a)
	}
	return nil
}

const enterTable = `INSERT INTO curfew.adoptions (name, relation, mode) VALUES ($1, $2, 'off') ON CONFLICT DO NOTHING`

// enter records a table that the settings map and the database does not know yet, in mode off.
func (s *Service) enter(ctx context.Context, t mapping.Table) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	defer s.forget()
	_, err := s.Pool.Exec(ctx, enterTable, t.Name, t.Relation)
	return err
}

// check compares the rows of an enforced table with their mirrors, and repairs differences.
func (s *Service) check(ctx context.Context, p *poller, a record.Adoption) error {
	if err := s.renew(ctx, p, a); err != nil {
		return err
	}
	drift, err := p.Verify(ctx, true)
	for _, d := range drift {
		s.Logger.WarnContext(ctx, "a row differed from its mirror", "adopted", p.Name, "row", d.ID, "differs", d.Detail)
	}
	return err
}

// renew recreates the triggers of a table if they were made for another mapping or policy. A
// process does so once, after it starts: two processes with different settings would otherwise undo
// each other's work forever. If it may not, health reports the difference.
func (s *Service) renew(ctx context.Context, p *poller, a record.Adoption) error {
	if p.renewed {
		return nil
	}
	p.renewed = true
	wrong, err := p.Installed(ctx, endReasons(a.Rules))
	if err != nil || wrong == "" {
		return err
	}
	s.Logger.InfoContext(ctx, "the triggers of an adopted table are renewed", "adopted", p.Name, "why", wrong)
	defer s.forget()
	return p.Enforce(ctx, Enforcement{Rules: endReasons(a.Rules), Yes: true})
}

func endReasons(rules []string) []curfew.EndReason {
	all := make([]curfew.EndReason, len(rules))
	for i, rule := range rules {
		all[i] = curfew.EndReason(rule)
	}
	return all
}

// report logs, once each, that a table cannot be read and that it can be read again.
func (s *Service) report(ctx context.Context, p *poller, err error) {
	why := ""
	if err != nil && ctx.Err() == nil {
		why = reasonOf(err)
	}
	switch {
	case why == p.reported:
		return
	case why != "":
		s.Logger.WarnContext(ctx, "an adopted table cannot be looked after", "adopted", p.Name, "error", why)
	default:
		s.Logger.InfoContext(ctx, "an adopted table is looked after again", "adopted", p.Name)
	}
	p.reported = why
}
