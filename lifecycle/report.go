package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/curfewhq/curfew"
)

// reporter logs and measures what happened.
type reporter struct {
	log     *slog.Logger
	observe Observer
	trace   curfew.Trace
}

func newReporter(o Options) reporter {
	rp := reporter{o.Logger, o.Observer, o.Trace}
	if rp.log == nil {
		rp.log = slog.New(slog.DiscardHandler)
	}
	if rp.observe == nil {
		rp.observe = nobody{}
	}
	return rp
}

func (rp reporter) observeCleaned(s curfew.Stats, t curfew.Trigger) {
	rp.observeCleanedSince(curfew.Stats{}, s, t)
}

// observeCleanedSince reports what a run has cleaned since it had these figures.
func (rp reporter) observeCleanedSince(before, s curfew.Stats, t curfew.Trigger) {
	for _, figure := range curfew.RuleNames() {
		if n := s.Of(figure) - before.Of(figure); n > 0 {
			rp.observe.Cleaned(figure, t, n)
		}
	}
}

// observeLag reports how long after its deadline a session ended, if it was after it.
func (rp reporter) observeLag(lag time.Duration) {
	if lag > 0 {
		rp.observe.Expired(lag)
	}
}

func (rp reporter) noted(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		rp.log.ErrorContext(ctx, what+"; the next pass tries again", "error", err)
	}
}

func (rp reporter) logged(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrStopped) {
		rp.log.ErrorContext(ctx, "[periodic-cleanup] A "+what+" failed; the next one tries again", "error", err)
	}
}
