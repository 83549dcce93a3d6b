package limit

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"time"

	"github.com/curfewhq/curfew"
)

// Options of a Limiter. The zero value limits nothing.
type Options struct {
	Rates map[Class]Rate // a class that is missing is not limited
	// Store counts what replicas share; nil: this process counts alone.
	Store Store
	// Sign returns the name under which the store counts a key. It should say nothing of the key, and must be the same on
	// every replica. Nil: the key itself.
	Sign    func(text string) string
	Limited func(Class)  // is called for every refusal; it may be nil
	Logger  *slog.Logger // logs when the store does not answer; nil discards the log
}

// Limiter counts calls. It is safe for concurrent use. A nil Limiter limits nothing.
type Limiter struct {
	rates   [classes]Rate
	memory  *memory
	seed    maphash.Seed // so that callers cannot choose names that share a part of the memory
	begun   time.Time
	store   *sharing // nil: this process counts alone
	limited func(Class)
}

// New returns a limiter that has counted nothing yet.
func New(o Options) *Limiter {
	l := &Limiter{memory: newMemory(), seed: maphash.MakeSeed(), begun: time.Now(), limited: o.Limited}
	for c, r := range o.Rates {
		l.rates[c] = r
	}
	if o.Store != nil {
		l.store = newSharing(o)
	}
	if l.limited == nil {
		l.limited = func(Class) {}
	}
	return l
}

// counted is what a key has in one class.
type counted struct {
	class Class
	key   Key
}

// Spend counts a call. The error's kind is RateLimited if there were too many of its class, and says how long to wait;
// such a call is not counted.
func (l *Limiter) Spend(ctx context.Context, c Class, k Key) error {
	if l == nil || l.rates[c].Count == 0 {
		return nil
	}
	what, rate, now := counted{c, k}, l.rates[c], time.Since(l.begun)
	hash := maphash.Comparable(l.seed, what)
	wait := l.memory.spend(hash, now, rate)
	if wait == 0 && c.shared() && l.store != nil {
		if wait = l.store.spend(ctx, what, rate); wait > 0 {
			l.memory.refuse(hash, now, wait, rate)
		}
	}
	if wait == 0 {
		return nil
	}
	l.limited(c)
	return refusal(what, rate, wait)
}

// refusal is the error of a call that has to wait.
func refusal(what counted, r Rate, wait time.Duration) error {
	whose := "from your address"
	if what.key.who.Role != "" {
		whose = "by " + what.key.who.String()
	}
	wait = (wait + time.Second - 1).Truncate(time.Second)
	return &curfew.Error{
		Kind: curfew.RateLimited, RetryAfter: wait,
		Message: fmt.Sprintf("too many %s %s: there may be %d in %s. Try again in %s", things[what.class], whose, r.Count, r.Period, wait),
	}
}
