package auth

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// keepUse is how often uses are written.
	keepUse = 15 * time.Second
	// lastKeepUse is how long writing them may take when the process stops.
	lastKeepUse = 2 * time.Second
)

// uses collects ids that are used, and writes them in the background, so that no call waits for
// that.
type uses struct {
	write func(ctx context.Context, ids []string) error
	of    string // what it collects, for the log
	log   *slog.Logger

	mu  sync.Mutex
	ids map[string]bool // since they were last written
}

func newUses(of string, write func(context.Context, []string) error, log *slog.Logger) *uses {
	return &uses{write: write, of: of, log: log, ids: map[string]bool{}}
}

func (u *uses) note(ids ...string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, id := range ids {
		u.ids[id] = true
	}
}

// keep writes the ids used since the last time. What it cannot write, it keeps for the next time.
func (u *uses) keep(ctx context.Context) error {
	u.mu.Lock()
	ids := slices.Sorted(maps.Keys(u.ids))
	u.ids = map[string]bool{}
	u.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	err := u.write(ctx, ids)
	if err != nil {
		u.note(ids...)
	}
	return err
}

// run calls keep periodically until the context ends, and once more then.
func (u *uses) run(ctx context.Context) {
	tick := time.NewTicker(keepUse)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			u.report(ctx, u.keep(ctx))
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastKeepUse)
			defer cancel()
			u.report(last, u.keep(last))
			return
		}
	}
}

func (u *uses) report(ctx context.Context, err error) {
	if err != nil {
		u.log.WarnContext(ctx, "the last use of "+u.of+" could not be written; it is tried again", "error", err)
	}
}
