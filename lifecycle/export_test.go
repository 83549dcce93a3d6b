package lifecycle

import (
	"context"

	"github.com/curfewhq/curfew"
)

// RecentFailures is what a finding of failed admissions is made of.
func RecentFailures(k *Keeper) (int, curfew.Kind) { return k.Health.failing.recent() }

// SettleUnjudged is what the worker does first.
func (ps *Payments) SettleUnjudged(ctx context.Context) error { return ps.settleUnjudged(ctx) }

// Watch is what the sweeper does every few seconds beside what is due.
func (cl *Cleanups) Watch(ctx context.Context) error { return cl.watch(ctx) }
