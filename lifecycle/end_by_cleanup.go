package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// rule returns the rule that this cleanup applies to a session.
func (cl *Cleanups) rule(ctx context.Context, s curfew.Snapshot, c Cleanup) (rule record.Rule, ok bool, err error) {
	if rule, ok = cl.rules.RuleFor(s); !ok {
		return rule, false, nil
	}
	if s.Status == curfew.Scheduled && !s.Adopted() {
		if rule, err = cl.appointmentRule(ctx, s); err != nil {
			return rule, false, err
		}
	}
	asked := len(c.Rules) == 0 || slices.Contains(c.Rules, rule.Name)
	return rule, asked && cl.rules.policy.Enabled(rule.Name), nil
}

// planned returns the change that a rule makes to a session, with everything needed to
// carry it out.
func (r *Rules) planned(s curfew.Snapshot, rule record.Rule) curfew.PlannedChange {
	it := curfew.PlannedChange{
		SessionID: s.ID, CustomerID: s.CustomerID, Rule: rule.Name, Age: s.Age(), Version: s.Version,
		Reason: rule.Reason, AdoptedFrom: s.AdoptedFrom, AdoptedID: s.AdoptedID,
	}
	if s.Offered() {
		it.RequestID = s.Request.ID
	}
	if !r.Due(s) {
		it.Reason = curfew.Cleared
	}
	if it.Owed = r.owed(s.Session, rule.To, it.Reason); rule.Name == curfew.Forgotten {
		it.Reason = curfew.EndReason(curfew.Forgotten)
	}
	return it
}

// plan returns what the cleanup would do to a page of sessions. It leaves out sessions that
// Curfew may not end, which would otherwise be planned again and again.
func (cl *Cleanups) plan(ctx context.Context, page []curfew.Snapshot, c Cleanup) ([]curfew.PlannedChange, error) {
	var planned []curfew.PlannedChange
	for _, s := range page {
		if background(c.Trigger) && cl.quarantine.waits(s.ID) {
			continue
		}
		rule, ok, err := cl.rule(ctx, s, c)
		if err != nil {
			return nil, err
		}
		it := cl.rules.planned(s, rule)
		if ok && cl.rules.mayNotEnd(s.Session, it.Reason) == "" {
			planned = append(planned, it)
		}
	}
	return planned, nil
}

func (cl *Cleanups) cleanPage(ctx context.Context, run *cleaning, page []curfew.Snapshot, c Cleanup) error {
	planned, err := cl.plan(ctx, page, c)
	if err == nil {
		_, err = cl.carryOut(ctx, run, planned, c.MaxAge)
	}
	return err
}

// carryOut first ends sessions and then moves those that go on, so that an appointment begins
// after the session that held its slot has ended. It returns the ids of the sessions that it
// changed.
func (cl *Cleanups) carryOut(ctx context.Context, run *cleaning, planned []curfew.PlannedChange, maxAge time.Duration) (map[string]bool, error) {
	var goOn, others []curfew.PlannedChange
	for _, it := range planned {
		if rule := record.RuleNamed(it.Rule); it.AdoptedFrom == "" && (rule.From == curfew.Scheduled || !rule.To.Ended()) {
			goOn = append(goOn, it)
		} else {
			others = append(others, it)
		}
	}
	done, err := cl.endPage(ctx, run, cl.batchesOf(others, maxAge))
	for _, it := range goOn {
		if err = cmp.Or(err, run.job.stopped(cl.stop)); err != nil {
			break
		}
		move, step := cl.appoint, "begin"
		if it.Rule == curfew.Forgotten {
			move, step = cl.giveBackPlanned, "give back"
		}
		if done[it.SessionID], err = move(ctx, run, it); err != nil {
			err = run.leave(ctx, cl.quarantine, quarantinedChange(it, step), err)
		}
		run.settled(len(done))
		run.did(1)
	}
	return done, err
}

func quarantinedChange(it curfew.PlannedChange, step string) curfew.Quarantined {
	return curfew.Quarantined{
		Noun: curfew.QuarantinedSession, CustomerID: it.CustomerID, ID: it.SessionID, Version: it.Version, Step: step,
	}
}

// batchesOf groups planned changes by rule, in the order of the rules, and by the table that
// the sessions come from.
func (cl *Cleanups) batchesOf(planned []curfew.PlannedChange, maxAge time.Duration) []record.Batch {
	var batches []record.Batch
	for _, rule := range record.Rules() {
		b := record.Batch{Rule: rule, Guard: record.Guard{OlderThan: maxAge}}
		if rule.Name == curfew.Orphans && maxAge == 0 {
			b.Guard.OlderThan = cl.rules.policy.OrphanTTL
		}
		ends := map[string][]record.PlannedEnd{}
		for _, it := range planned {
			if it.Rule == rule.Name {
				ends[it.AdoptedFrom] = append(ends[it.AdoptedFrom], record.PlannedEnd{
					CustomerID: it.CustomerID, SessionID: it.SessionID, Version: it.Version,
					Reason: it.Reason, Owed: it.Owed,
				})
			}
		}
		for _, b.Source = range slices.Sorted(maps.Keys(ends)) { // Curfew's own first
			b.Ends = ends[b.Source]
			batches = append(batches, cl.alone(b)...)
		}
	}
	return batches
}

// alone moves sessions that failed before out of a batch, each into a batch of its own:
// they may fail again, and would take the others with them.
func (cl *Cleanups) alone(b record.Batch) []record.Batch {
	var batches []record.Batch
	var others []record.PlannedEnd
	for _, end := range b.Ends {
		if cl.quarantine.knows(end.SessionID) {
			single := b
			single.Ends = []record.PlannedEnd{end}
			batches = append(batches, single)
		} else {
			others = append(others, end)
		}
	}
	if b.Ends = others; len(others) > 0 {
		batches = slices.Insert(batches, 0, b)
	}
	return batches
}

// endPage ends the batches, adds what really ended to the run's figures, and returns the
// ids.
func (cl *Cleanups) endPage(ctx context.Context, run *cleaning, batches []record.Batch) (map[string]bool, error) {
	ids := make(map[string]bool)
	for _, b := range batches {
		if err := run.job.stopped(cl.stop); err != nil {
			return ids, err
		}
		b.Actor, b.RunID, b.Note = run.Actor, run.ID, run.Reason
		run.rule = "rule " + string(b.Rule.Name) + ": "
		if err := cl.endBatch(ctx, run, b, ids); err != nil {
			return ids, fmt.Errorf("rule %s: %w", b.Rule.Name, err)
		}
	}
	return ids, nil
}

// endBatch ends a batch. If that fails because of a row, it ends each half, until the row
// is alone and can be set apart.
func (cl *Cleanups) endBatch(ctx context.Context, run *cleaning, b record.Batch, ids map[string]bool) error {
	b.Stats = run.Stats
	ended, err := cl.end(ctx, b)
	if err == nil {
		run.Stats = b.StatsAfter(ended)
		cl.noteEnded(run, b.Rule, ended, ids)
		return nil
	}
	if len(b.Ends) == 1 {
		one := b.Ends[0]
		return run.leave(ctx, cl.quarantine, curfew.Quarantined{
			Noun: curfew.QuarantinedSession, CustomerID: one.CustomerID, ID: one.SessionID, Version: one.Version, Step: "end",
		}, err)
	}
	if !cl.quarantine.rowsOwn(ctx, err) {
		return err
	}
	if run.split = true; !rowsOwn(ctx, err) {
		run.unsure = err
	}
	for half := range slices.Chunk(b.Ends, (len(b.Ends)+1)/2) {
		part := b
		part.Ends = half
		if err := cl.endBatch(ctx, run, part, ids); err != nil {
			return err
		}
	}
	return nil
}

// endGrace is how long a page that is under way at a stop may take to report what it ended.
const endGrace = time.Second

// end waits for the answer a moment longer than its caller would: the outcome of a commit
// that is cut off is unknown, and the run's figures would miss it.
func (cl *Cleanups) end(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(endGrace, cancel) })()
	return cl.write.End(longer, b)
}

func (cl *Cleanups) noteEnded(run *cleaning, rule record.Rule, ended []record.Ended, ids map[string]bool) {
	run.settled(len(ended))
	run.did(len(ended))
	for _, s := range ended {
		ids[s.Session.ID] = true
		if rule.To == curfew.Cancelled {
			cl.observeLag(s.Session.EndedAt.Sub(s.Deadline))
		}
	}
}
