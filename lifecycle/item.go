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
		if background(c.Trigger) && e.quarantine.waits(s.ID) {
			continue
		}
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

func (e *Engine) cleanPage(ctx context.Context, run *cleaning, page []curfew.Standing, c Cleanup) error {
	items, err := e.items(ctx, page, c)
	if err == nil {
		_, err = e.carryOut(ctx, run, items, c.MaxAge)
	}
	return err
}

// carryOut ends what is to end, then lets appointments begin: what held their
// slot may have ended. It returns the ids of what was done.
func (e *Engine) carryOut(ctx context.Context, run *cleaning, items []curfew.Item, maxAge time.Duration) (map[string]bool, error) {
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
		if err != nil {
			err = run.leave(ctx, e, apartItem(it, "begin"), err)
		}
		run.settled(len(done))
	}
	return done, err
}

func apartItem(it curfew.Item, step string) curfew.Quarantined {
	return curfew.Quarantined{
		Noun: curfew.QuarantinedSession, CustomerID: it.CustomerID, ID: it.SessionID, Version: it.Version, Step: step,
	}
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
		batches = append(batches, e.alone(b)...)
	}
	return batches
}

// alone takes out of a batch, each into one of its own, what failed before: it
// may fail again, and the others with it.
func (e *Engine) alone(b curfew.Batch) []curfew.Batch {
	var batches []curfew.Batch
	var others []curfew.Ending
	for _, ending := range b.Endings {
		if e.quarantine.knows(ending.SessionID) {
			single := b
			single.Endings = []curfew.Ending{ending}
			batches = append(batches, single)
		} else {
			others = append(others, ending)
		}
	}
	if b.Endings = others; len(others) > 0 {
		batches = slices.Insert(batches, 0, b)
	}
	return batches
}

// endPage ends the batches, counts what really ended into the run, and returns
// the ids.
func (e *Engine) endPage(ctx context.Context, run *cleaning, batches []curfew.Batch) (map[string]bool, error) {
	ids := make(map[string]bool)
	for _, b := range batches {
		if err := e.stopping(); err != nil {
			return ids, err
		}
		b.Actor, b.RunID, b.Note = run.Actor, run.ID, run.Reason
		run.rule = "rule " + string(b.Rule.Name) + ": "
		if err := e.endBatch(ctx, run, b, ids); err != nil {
			return ids, fmt.Errorf("rule %s: %w", b.Rule.Name, err)
		}
	}
	return ids, nil
}

// endBatch ends a batch. Where that fails because of a row, it ends each half,
// until the row is alone and can be set apart.
func (e *Engine) endBatch(ctx context.Context, run *cleaning, b curfew.Batch, ids map[string]bool) error {
	b.Stats = run.Stats
	ended, err := e.write.End(ctx, b)
	if err == nil {
		run.Stats = b.Counted(ended)
		e.noteEnded(run, b.Rule, ended, ids)
		return nil
	}
	if len(b.Endings) == 1 {
		one := b.Endings[0]
		return run.leave(ctx, e, curfew.Quarantined{
			Noun: curfew.QuarantinedSession, CustomerID: one.CustomerID, ID: one.SessionID, Version: one.Version, Step: "end",
		}, err)
	}
	if !e.rowsOwn(ctx, err) {
		return err
	}
	if run.split = true; !rowsOwn(ctx, err) {
		run.unsure = err
	}
	for half := range slices.Chunk(b.Endings, (len(b.Endings)+1)/2) {
		part := b
		part.Endings = half
		if err := e.endBatch(ctx, run, part, ids); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) noteEnded(run *cleaning, rule curfew.Rule, ended []curfew.Ended, ids map[string]bool) {
	run.settled(len(ended))
	for _, s := range ended {
		ids[s.Session.ID] = true
		if rule.To == curfew.Cancelled {
			e.observeLag(s.Session.EndedAt.Sub(s.Deadline))
		}
	}
}
