package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/curfewhq/curfew"
)

// The cleanup's lines are the contract's: people grep for them.

func (rp reporter) logBegin(ctx context.Context, c Cleanup) {
	switch {
	case background(c.Trigger):
	case c.CustomerID != "":
		rp.log.InfoContext(ctx, "[sessionCleanup] Running cleanup for customer "+c.CustomerID+"...", "customer", c.CustomerID)
	default:
		rp.log.InfoContext(ctx, "[sessionCleanup] Running full cleanup...")
	}
}

// logEnd logs what a run did: a run by hand always, one in the background only if it
// cleaned something. Failures are always logged as errors.
func (rp reporter) logEnd(ctx context.Context, c Cleanup, run curfew.Run, err error) {
	figures := []any{"run", run.ID, "trigger", run.Trigger, "actor", run.Actor.String(), "stats", run.Stats}
	total := fmt.Sprintf("{ totalCleaned: %d }", run.Stats.TotalCleaned)
	switch {
	case errors.Is(err, ErrStopped):
		rp.log.WarnContext(ctx, "[sessionCleanup] Cleanup stopped before its end: "+total, figures...)
	case err != nil:
		rp.log.ErrorContext(ctx, "[sessionCleanup] Cleanup failed: "+total, append(figures, "error", err)...)
	case background(c.Trigger):
		rp.log.Log(ctx, level(run.Stats), "[periodic-cleanup] Cleaned up: "+total, figures...)
	default:
		rp.logSessions(ctx, c, run.Stats)
		rp.log.InfoContext(ctx, "[sessionCleanup] Cleanup complete: "+total, figures...)
	}
}

func (rp reporter) logSessions(ctx context.Context, c Cleanup, s curfew.Stats) {
	old := s.OldWaitingSessions + s.OrphanedSessions
	switch {
	case old == 0:
	case c.CustomerID != "":
		rp.log.InfoContext(ctx, fmt.Sprintf("[sessionCleanup] Cancelling %d old waiting session(s) for customer %s", old, c.CustomerID),
			"sessions", old, "customer", c.CustomerID)
	default:
		rp.log.InfoContext(ctx, fmt.Sprintf("[sessionCleanup] Cancelled %d associated waiting session(s)", old), "sessions", old)
	}
}

func background(t curfew.Trigger) bool { return t == curfew.ByTimer || t == curfew.ByQueue }

func level(s curfew.Stats) slog.Level {
	if s.TotalCleaned > 0 {
		return slog.LevelInfo
	}
	return slog.LevelDebug
}
