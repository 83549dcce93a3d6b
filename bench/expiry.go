package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/postgres"
)

// lead is the time before the first deadline, for ways that must prepare.
const lead = 8 * time.Second

// arrivals records how late each deadline was met: until its ending was committed.
type arrivals struct {
	mu   sync.Mutex
	all  []time.Duration
	done chan struct{} // closed by the last of them
	most int
}

func (a *arrivals) add(deadline time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, time.Since(deadline))
	if len(a.all) == a.most {
		close(a.done)
	}
}

// ender is a store that records when an ending is committed.
type ender struct {
	*postgres.Store
	met *arrivals
}

// End ends a batch.
func (e ender) End(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	ended, err := e.Store.End(ctx, b)
	for _, s := range ended {
		e.met.add(s.Deadline)
	}
	return ended, err
}

// deadlineKeeper is a way to keep deadlines. prepare sets them, the first one lead from now; keep keeps
// them until its context ends.
type deadlineKeeper struct {
	name    string
	prepare func(ctx context.Context, db database, o options) error
	keep    func(ctx context.Context, db database, o options, met *arrivals) error
}

var keepers = []deadlineKeeper{
	{"Sweeper.Run", sessionsDue, keepByRun},
	{"Sweeper.Sweep each second", sessionsDue, keepByPolling},
	{"a River job each", nothingDue, keepByRiver},
}

// expiry measures how late deadlines are met, and the cost.
func expiry(ctx context.Context, o options, out *report) error {
	out.say("%d deadlines in %s, one way after the other.\n\n", o.deadlines, o.spread)
	t := newTable("way", "p50 ms", "p99 ms", "max ms", "CPU µs each", "cores")
	for _, k := range keepers {
		err := withDatabase(ctx, o.server, 12, func(db database) error { return db.keep(ctx, o, k, &t) })
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	t.print(out)
	return nil
}

func (db database) keep(ctx context.Context, o options, k deadlineKeeper, t *table) error {
	if err := k.prepare(ctx, db, o); err != nil {
		return err
	}
	before, err := db.spent(ctx)
	if err != nil {
		return err
	}
	begun := time.Now()
	met := &arrivals{done: make(chan struct{}), most: o.deadlines}
	keeping, stop := context.WithTimeout(ctx, lead+o.spread+time.Minute)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- k.keep(keeping, db, o, met) }()
	select {
	case <-met.done:
	case <-keeping.Done():
	}
	took := time.Since(begun)
	after, err := db.spent(ctx)
	stop()
	if err := errors.Join(err, <-failed); err != nil {
		return err
	}
	if missed := o.deadlines - len(met.all); missed > 0 {
		return fmt.Errorf("%d deadlines were not met within a minute", missed)
	}
	cpu := after.since(before)
	t.add(k.name, millis(percentile(met.all, .5)), millis(percentile(met.all, .99)), millis(percentile(met.all, 1)),
		whole(float64(cpu.Microseconds())/float64(o.deadlines)), fraction(cpu.Seconds()/took.Seconds()))
	return nil
}

// sessionsDue creates a waiting session for every deadline.
func sessionsDue(ctx context.Context, db database, o options) error {
	if err := db.loadWaiting(ctx, o.seed, o.deadlines, fresh); err != nil {
		return err
	}
	sql := fmt.Sprintf(`UPDATE curfew.sessions s SET expires_at = now() + interval '%d ms' + n * interval '%d us'
		FROM (SELECT customer_id, id, row_number() OVER (ORDER BY id) AS n FROM curfew.sessions) o WHERE (s.customer_id, s.id) = (o.customer_id, o.id)`,
		lead.Milliseconds(), (o.spread / time.Duration(o.deadlines)).Microseconds())
	return db.exec(ctx, vacuum, triggersOff, sql, triggersOn, `CHECKPOINT`)
}

func nothingDue(context.Context, database, options) error { return nil }

func keepByRun(ctx context.Context, db database, _ options, met *arrivals) error {
	keeper, err := lifecycle.New(ender{db.store, met}, lifecycle.Options{})
	if err != nil {
		return err
	}
	return keeper.Sweeper.Run(ctx)
}

func keepByPolling(ctx context.Context, db database, _ options, met *arrivals) error {
	keeper, err := lifecycle.New(ender{db.store, met}, lifecycle.Options{})
	if err != nil {
		return err
	}
	for tick := time.NewTicker(time.Second); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := keeper.Sweeper.Sweep(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}
