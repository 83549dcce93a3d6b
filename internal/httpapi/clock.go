package httpapi

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/wire"
)

// Clock is a test clock.
type Clock interface {
	// Advance moves the clock forward, and returns once everything due by then is done.
	Advance(ctx context.Context, by time.Duration) (ahead time.Duration, err error)
}

// mostAdvance limits how far one call may move the clock: a year.
const mostAdvance = 366 * 24 * time.Hour

type advanceInput struct {
	Body wire.ClockAdvance
}

// clockHandlers move the test clock.
type clockHandlers struct {
	clock Clock // nil: there is none
}

func (h clockHandlers) advance(ctx context.Context, _ auth.Request, in *advanceInput) (*response[wire.TestClock], error) {
	if h.clock == nil {
		return nil, curfew.Errorf(curfew.NotFound, "there is no test clock: start `curfew serve --test-clock` on a new database")
	}
	by, err := time.ParseDuration(in.Body.By)
	if err != nil || by <= 0 || by > mostAdvance {
		return nil, curfew.Errorf(curfew.Invalid, "by must be a duration from 1ns to 8784h, like 15m or 24h, not %q", in.Body.By)
	}
	ahead, err := h.clock.Advance(ctx, by)
	return okay(wire.TestClock{Now: time.Now().Add(ahead).UTC().Truncate(time.Microsecond), Ahead: ahead.String()}, err)
}
