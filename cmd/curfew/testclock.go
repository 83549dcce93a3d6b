package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
)

// testClock is the clock of a service for tests, which is moved by hand. The database has it: see HasClock there.
type testClock struct {
	mu  sync.Mutex
	svc *service
}

// clockSchemas is where the connections of such a service look for functions.
const clockSchemas = "curfew_clock,pg_catalog"

// clock returns the clock that the flags ask for, or nil. It is nothing for a service that moves money, or that others reach by mistake.
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

// openToServe opens a database that goes by the clock.
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

// refuseClock keeps a service without a test clock off a database that has one: its rows are ahead of every other clock.
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

// The steps in which the clock moves, where nothing is due sooner.
const (
	shortStep = time.Second
	longStep  = time.Hour
)

// Advance moves the clock from one moment at which something is due to the next, and does each time what is due. Between two of them lies a
// second at least, and at most an hour, or a twelfth of the whole: what has no deadline that can be asked for (a refund that is tried again, a
// credit that expires) is done that much later at most, and never after the end.
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

// catchUp does all that is due: sessions and money first, and then what is to be told of them.
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
