package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/curfewhq/curfew/lifecycle"
)

// sweepers is how many admissions beside the sweep may run at once, and how many connections they
// have.
const sweepers = 16

// bareUpdate ends the same sessions in a copy of their single table.
const bareUpdate = `UPDATE floor.sessions SET status = 'cancelled', version = version + 1, ended_at = now(), end_reason = 'expired', expires_at = NULL
	WHERE status = 'waiting' AND mechanic_id IS NULL AND expires_at < now()`

// sweep measures how fast overdue sessions are ended, and the effect on admissions.
func sweep(ctx context.Context, o options, out *report) error {
	return withDatabase(ctx, o.server, sweepers+2, func(db database) error {
		if err := db.loadEnded(ctx, o.seed, o.history); err != nil {
			return err
		}
		keeper, err := lifecycle.New(db.store, lifecycle.Options{})
		if err != nil {
			return err
		}
		n := max(o.overdue/o.rounds, 1)
		out.say("%d ended sessions before, %d overdue ones in each of %d rounds, %d admissions a second beside.\n\n",
			o.history, n, o.rounds, o.pace)
		ways := []way{{"nothing", idle}, {"bare UPDATE", db.updateBare}, {"Sweeper.Sweep", func(ctx context.Context, _ string) error {
			_, err := keeper.Sweeper.Sweep(ctx)
			return err
		}}, {"Sweeper.Run half of the time", func(ctx context.Context, _ string) error { return db.runUntilSettled(ctx, keeper) }}}
		return db.sweeps(ctx, o, ways, n, out)
	})
}

// idle is what admissions are compared with.
func idle(ctx context.Context, _ string) error {
	select {
	case <-time.After(2 * time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runUntilSettled lets the keeper run until nothing is overdue.
func (db database) runUntilSettled(ctx context.Context, keeper *lifecycle.Keeper) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- keeper.Sweeper.Run(running) }()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case err := <-done:
			return err
		case <-tick.C:
		}
		if at, now, err := db.store.NextDeadline(ctx, time.Time{}, nil); err != nil || at.IsZero() || at.After(now) {
			stop()
			return errors.Join(err, <-done)
		}
	}
}

func (db database) updateBare(ctx context.Context, _ string) error {
	return db.exec(ctx, bareUpdate)
}

func (db database) sweeps(ctx context.Context, o options, ways []way, n int, out *report) error {
	beside := map[string][]time.Duration{}
	stream := 0
	all, err := interleave(ways, o.rounds, func(w way) (slice, error) {
		if err := db.makeOverdue(ctx, o.seed, n); err != nil {
			return slice{}, err
		}
		stream++
		s, admissions, err := besidePaced(ctx, w, way{"admission", db.curfew}, o.pace, crowd(o.seed, stream, sweepers))
		s.n = n
		beside[w.name] = append(beside[w.name], admissions...)
		return s, err
	})
	if err != nil {
		return err
	}
	t := newTable("beside the admissions", "sessions ended a second", "to the UPDATE", "admission p50 ms", "p99 ms", "p99 to idle")
	quiet := percentile(beside[ways[0].name], .99)
	for i, w := range ways {
		ended, part := whole(rates(all[i])), fraction(ratio(all[i], all[1]))
		if i == 0 {
			ended, part = "", ""
		}
		p99 := percentile(beside[w.name], .99)
		t.add(w.name, ended, part, millis(percentile(beside[w.name], .5)), millis(p99), fraction(float64(p99)/float64(quiet)))
	}
	t.print(out)
	// The last slice may have been another way's.
	if err := ways[len(ways)-1].do(ctx, ""); err != nil {
		return err
	}
	return db.unsettled(ctx, out)
}

const (
	countOverdue = `SELECT count(*) FROM curfew.sessions WHERE status = 'waiting' AND expires_at < now()`
	// The copy has the same rows; undo whatever was done to them before.
	dropOverdue = `DELETE FROM floor.sessions f USING curfew.sessions s
		WHERE f.customer_id = s.customer_id AND f.id = s.id AND s.status = 'waiting' AND s.expires_at < now()`
	copyOverdue = `INSERT INTO floor.sessions SELECT * FROM curfew.sessions WHERE status = 'waiting' AND expires_at < now()`
)

// makeOverdue makes exactly that many sessions overdue, in Curfew's tables and in the copy.
func (db database) makeOverdue(ctx context.Context, seed uint64, n int) error {
	have, err := db.count(ctx, countOverdue)
	if err != nil {
		return err
	}
	if missing := n - int(have); missing > 0 {
		if err := db.loadWaiting(ctx, seed, missing, overdue); err != nil {
			return err
		}
	}
	return db.exec(ctx, dropOverdue, copyOverdue, vacuum, `CHECKPOINT`)
}

// unsettled reports what a sweep has left undone.
func (db database) unsettled(ctx context.Context, out *report) error {
	left, err := db.count(ctx, countOverdue)
	if err != nil {
		return err
	}
	out.say("\nOverdue sessions left: %d. ", left)
	half, err := db.count(ctx, `SELECT count(*) FROM curfew.sessions s JOIN curfew.session_requests r USING (customer_id)
		WHERE r.session_id = s.id AND s.status = 'cancelled' AND r.status = 'pending'`)
	out.say("Ended sessions with an open request: %d.\n", half)
	return err
}

// besidePaced does the work once, with other work beside it at a steady pace, and returns how long
// each piece of that took.
func besidePaced(ctx context.Context, w, other way, pace int, crowd []*customers) (slice, []time.Duration, error) {
	working, done := context.WithCancel(ctx)
	defer done()
	due := make(chan time.Time, backlog)
	go announce(working, time.Second/time.Duration(pace), due)

	latencies, errs := make([][]time.Duration, len(crowd)), make([]error, len(crowd)+1)
	var clients sync.WaitGroup
	for i, c := range crowd {
		clients.Go(func() { latencies[i], errs[i] = whenDue(ctx, other, due, c) })
	}
	begun := time.Now()
	errs[len(crowd)] = w.do(ctx, "")
	s := slice{took: time.Since(begun)}
	done()
	clients.Wait()
	return s, slices.Concat(latencies...), errors.Join(errs...)
}

// backlog is how many admissions may be late before the clock waits for them.
const backlog = 10_000

// announce sends when each admission is due, until the work is done.
func announce(working context.Context, every time.Duration, due chan<- time.Time) {
	defer close(due)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	next := time.Now()
	for {
		for ; !next.After(time.Now()); next = next.Add(every) {
			due <- next
		}
		select {
		case <-ticker.C:
		case <-working.Done():
			return
		}
	}
}

// whenDue works until nothing is due any more. Latency counts from the time a piece was due,
// including its wait: a slow client must not hide how long others would have waited.
func whenDue(ctx context.Context, w way, due <-chan time.Time, c *customers) ([]time.Duration, error) {
	var latencies []time.Duration
	for since := range due {
		if err := w.do(ctx, c.next()); err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(since))
	}
	return latencies, nil
}
