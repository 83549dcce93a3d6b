package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

// rule is the rule that this cleanup applies to a session.
func (e *Engine) rule(ctx context.Context, s curfew.Standing, c Cleanup) (rule curfew.Rule, ok bool, err error) {
	if rule, ok = curfew.RuleFor(s); !ok {
		return rule, false, nil
	}
	if s.Status == curfew.Scheduled {
		if rule, err = e.appointmentRule(ctx, s); err != nil {
			return rule, false, err
		}
	}
	asked := len(c.Rules) == 0 || slices.Contains(c.Rules, rule.Name)
	return rule, asked && e.policy.Enabled(rule.Name), nil
}

// item is one row of a preview: everything its execution needs to know.
func (e *Engine) item(s curfew.Standing, rule curfew.Rule) curfew.Item {
	it := curfew.Item{
		SessionID: s.ID, CustomerID: s.CustomerID, Rule: rule.Name, Age: s.Age(), Version: s.Version,
		Reason: rule.Reason,
	}
	if s.Offered() {
		it.RequestID = s.Request.ID
	}
	if !e.due(s) {
		it.Reason = curfew.Cleared
	}
	it.Owed = e.policy.Owed(s.Session, rule.To, it.Reason)
	return it
}

// items is what the cleanup would do to a page of sessions.
func (e *Engine) items(ctx context.Context, page []curfew.Standing, c Cleanup) ([]curfew.Item, error) {
	var items []curfew.Item
	for _, s := range page {
		rule, ok, err := e.rule(ctx, s, c)
		if err != nil {
			return nil, err
		}
		if ok {
			items = append(items, e.item(s, rule))
		}
	}
	return items, nil
}

func (e *Engine) cleanPage(ctx context.Context, run *curfew.Run, page []curfew.Standing, c Cleanup) error {
	items, err := e.items(ctx, page, c)
	if err == nil {
		_, err = e.carryOut(ctx, run, items, c.MaxAge)
	}
	return err
}

// carryOut ends what is to end, then lets appointments begin: what held their
// slot may have ended. It returns the ids of what was done.
func (e *Engine) carryOut(ctx context.Context, run *curfew.Run, items []curfew.Item, maxAge time.Duration) (map[string]bool, error) {
	var appointments, others []curfew.Item
	for _, it := range items {
		if curfew.RuleNamed(it.Rule).From == curfew.Scheduled {
			appointments = append(appointments, it)
		} else {
			others = append(others, it)
		}
	}
	done, err := e.endPage(ctx, run, e.batchesOf(others, maxAge))
	for _, it := range appointments {
		if err = cmp.Or(err, e.stopping()); err != nil {
			break
		}
		done[it.SessionID], err = e.appoint(ctx, run, it)
	}
	return done, err
}

// batchesOf sorts items by rule: one batch a rule, in the order of the list.
func (e *Engine) batchesOf(items []curfew.Item, maxAge time.Duration) []curfew.Batch {
	var batches []curfew.Batch
	for _, rule := range curfew.Rules() {
		b := curfew.Batch{Rule: rule, Guard: curfew.Guard{OlderThan: maxAge}}
		if rule.Name == curfew.Orphans && maxAge == 0 {
			b.Guard.OlderThan = e.policy.OrphanTTL
		}
		for _, it := range items {
			if it.Rule == rule.Name {
				b.Endings = append(b.Endings, curfew.Ending{
					CustomerID: it.CustomerID, SessionID: it.SessionID, Version: it.Version,
					Reason: it.Reason, Owed: it.Owed,
				})
			}
		}
		if len(b.Endings) > 0 {
			batches = append(batches, b)
		}
	}
	return batches
}

// endPage ends the batches, counts what really ended into the run, and returns
// the ids.
func (e *Engine) endPage(ctx context.Context, run *curfew.Run, batches []curfew.Batch) (map[string]bool, error) {
	ids := make(map[string]bool)
	for _, b := range batches {
		if err := e.stopping(); err != nil {
			return ids, err
		}
		b.Actor, b.RunID, b.Note, b.Stats = run.Actor, run.ID, run.Reason, run.Stats
		ended, err := e.store.End(ctx, b)
		if err != nil {
			return ids, fmt.Errorf("rule %s: %w", b.Rule.Name, err)
		}
		run.Stats = b.Counted(ended)
		for _, s := range ended {
			ids[s.Session.ID] = true
			if b.Rule.To == curfew.Cancelled {
				e.observeLag(s.Session.EndedAt.Sub(s.Deadline))
			}
		}
	}
	return ids, nil
}
