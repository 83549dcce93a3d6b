package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
)

// testClock is a service's clock for tests, moved by hand. It lives in the database: see HasClock
// there.
type testClock struct {
	mu  sync.Mutex
	svc *service
}

// clockSchemas is the search path of such a service's connections.
const clockSchemas = "curfew_clock,pg_catalog"

// clock returns the clock that the flags request, or nil. It rejects a service that moves real
// money, or that others could reach by mistake.
func (c *serveCommand) clock(s *settings) (*testClock, error) {
	live := livePayments(s.Stripe)
	switch {
	case c.TestClockPublic && !c.TestClock:
		return nil, usagef("--test-clock-public is for --test-clock")
	case !c.TestClock:
		return nil, nil //nolint:nilnil // none is asked for
	case live != nil && *live:
		return nil, usagef("--test-clock beside live payments of Stripe (stripe.api_key, stripe.live) would give real money back before its time: use a test key, sk_test_…")
	case s.Adopt != nil:
		return nil, usagef("--test-clock moves nothing in your own tables: leave adopt out of the settings")
	case !s.Listen.Loopback() && !c.TestClockPublic:
		return nil, usagef("--test-clock is for this machine, and %s can be reached from others: listen at 127.0.0.1:3001, or say --test-clock-public", s.Listen)
	}
	return &testClock{}, nil
}

// openToServe opens a database that uses the clock.
func (c *testClock) openToServe(ctx context.Context, s *settings, db database) (database, error) {
	if err := db.InstallClock(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if _, file := s.DatabaseURL.File(); file {
		return db, nil
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	moved := *s
	moved.DatabaseURL = s.DatabaseURL.With("search_path", clockSchemas)
	return moved.connect(ctx, false)
}

// refuseClock keeps a service without a test clock off a database that has one: its rows are ahead
// of every real clock.
func refuseClock(ctx context.Context, db database) (database, error) {
	has, err := db.HasClock(ctx)
	if err == nil && has {
		err = curfew.Errorf(curfew.Conflict, "this database has a test clock: start `curfew serve --test-clock`, or name another database")
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// The steps in which the clock moves when nothing is due sooner.
const (
	shortStep = time.Second
	longStep  = time.Hour
)

// Advance moves the clock to each moment at which something is due, and does it. Two such moments
// are at least a second apart, and at most an hour or a twelfth of the whole: what has no deadline
// to query (a retried refund, an expiring credit) is done at most that much later, and never after
// the end.
func (c *testClock) Advance(ctx context.Context, by time.Duration) (ahead time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	most := max(longStep, by/12)
	for left := by; ; {
		next, err := c.catchUp(ctx)
		if err != nil {
			return ahead, err
		}
		if left == 0 {
			return ahead, nil
		}
		step := most
		if next > 0 {
			step = min(most, max(next+time.Millisecond, shortStep))
		}
		step = min(step, left)
		if ahead, err = c.svc.db.AdvanceClock(ctx, step); err != nil {
			return ahead, err
		}
		left -= step
	}
}

// catchUp does everything that is due: sessions and money first, then their notifications.
func (c *testClock) catchUp(ctx context.Context) (next time.Duration, err error) {
	next, err = c.svc.keeper.Sweeper.CatchUp(ctx)
	if err != nil {
		return 0, err
	}
	delivery, err := c.svc.worker.CatchUp(ctx)
	if next == 0 || delivery > 0 && delivery < next {
		next = delivery
	}
	return next, err
}
