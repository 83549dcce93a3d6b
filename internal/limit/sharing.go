package limit

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Store counts in the database, for all replicas.
type Store interface {
	// Spend adds cost to what was spent under a name, of which a second is forgotten each second. If that would be more than
	// allowance, it adds nothing and returns how long until there is enough; otherwise 0.
	Spend(ctx context.Context, name string, cost, allowance time.Duration) (wait time.Duration, err error)
}

// What a store is asked for, and how long. Somebody who fails under many addresses must not keep the database busy, nor fill it.
const (
	asksASecond = 20
	asksAtOnce  = 100
	askTimeout  = time.Second
	silence     = 5 * time.Second // after a failure
)

// sharing asks the store. Where it does not answer, or was asked too often, each replica limits alone.
type sharing struct {
	store  Store
	sign   func(string) string
	log    *slog.Logger
	asks   *rate.Limiter
	begun  time.Time
	silent atomic.Int64 // until then, since begun, the store is not asked
}

func newSharing(o Options) *sharing {
	s := &sharing{store: o.Store, sign: o.Sign, log: o.Logger, asks: rate.NewLimiter(asksASecond, asksAtOnce), begun: time.Now()}
	if s.sign == nil {
		s.sign = func(text string) string { return text }
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// spend returns how long the other replicas' calls make this one wait.
func (s *sharing) spend(ctx context.Context, what counted, r Rate) time.Duration {
	now := time.Since(s.begun)
	if int64(now) < s.silent.Load() || !s.asks.Allow() {
		return 0
	}
	// Whoever fails and leaves must not silence the store.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	name := "limit:" + what.class.String() + ":" + s.sign(what.class.String()+" "+what.key.String())
	wait, err := s.store.Spend(ctx, name, r.each(), r.allowance())
	if err == nil {
		s.silent.Store(0)
		return wait
	}
	if s.silent.Swap(int64(now+silence)) == 0 {
		s.log.WarnContext(ctx, "logins and failed tokens are not counted in the database: each replica limits them alone", "error", err)
	}
	return 0
}
