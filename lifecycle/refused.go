package lifecycle

import (
	"context"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// A flood of refused messages costs little: for each reason, a process logs once a second
// and writes its count every ten seconds.
const (
	refusedSaidEvery  = time.Second
	refusedKeptEvery  = 10 * time.Second
	refusedKeptWithin = 3 * time.Second
)

// Refuse records that a message in a provider's name was rejected, because it is not
// proven to be genuine or could not be read at all. why is the same text for every message
// with that fault. Several within an hour are a finding of Health.
func (ps *Payments) Refuse(ctx context.Context, provider, why string) {
	ps.observe.Received(provider, "refused")
	if n := ps.refused.add(refusedAs{provider, why}, time.Now()); n > 0 {
		ps.log.WarnContext(ctx, "refused a message that came in a payment provider's name", "provider", provider, "why", why, "times", n)
	}
	ps.noted(ctx, "counting refused messages failed", ps.keepRefused(ctx, ps.refused.due(time.Now())))
}

// Ignore records a genuine message that is for somebody else: for another account, or of
// the other mode (test or live).
func (ps *Payments) Ignore(ctx context.Context, n curfew.Notice, why error) {
	ps.observe.Received(n.Provider, "ignored")
	ps.log.WarnContext(ctx, "ignored a provider's message for another account or mode", "provider", n.Provider, "id", n.ID, "type", n.Type, "error", why)
}

// keepRefused writes counts. Those that fail are added to the next ones.
func (ps *Payments) keepRefused(ctx context.Context, all []record.RefusedMessages) error {
	ctx, cancel := context.WithTimeout(ctx, refusedKeptWithin)
	defer cancel()
	for i, m := range all {
		if err := ps.store.CountRefused(ctx, m.Provider, m.Reason, m.Count); err != nil {
			ps.refused.back(all[i:])
			return err
		}
	}
	return nil
}

// refusedAs is the key by which refused messages are counted.
type refusedAs struct{ provider, reason string }

// refused counts the messages that this process has refused. Its zero value is ready.
type refused struct {
	mu  sync.Mutex
	all map[refusedAs]*refusedCount
}

// refusedCount holds how many messages are not logged yet, how many are not written yet,
// and when each was last done.
type refusedCount struct {
	unlogged, unkept int64
	logged, kept     time.Time
}

// add counts a message, and returns how many are to be logged now.
func (r *refused) add(as refusedAs, now time.Time) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.of(as)
	c.unkept++
	c.unlogged++
	if now.Sub(c.logged) < refusedSaidEvery {
		return 0
	}
	n := c.unlogged
	c.unlogged, c.logged = 0, now
	return n
}

// count counts a message that is logged elsewhere.
func (r *refused) count(as refusedAs) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of(as).unkept++
}

// of is called with the lock held.
func (r *refused) of(as refusedAs) *refusedCount {
	if r.all == nil {
		r.all = make(map[refusedAs]*refusedCount)
	}
	c := r.all[as]
	if c == nil {
		c = &refusedCount{}
		r.all[as] = c
	}
	return c
}

// due takes the counts that are to be written now.
func (r *refused) due(now time.Time) []record.RefusedMessages {
	return r.take(now, func(c *refusedCount) bool { return now.Sub(c.kept) >= refusedKeptEvery })
}

// rest takes all of them.
func (r *refused) rest(now time.Time) []record.RefusedMessages {
	return r.take(now, func(*refusedCount) bool { return true })
}

func (r *refused) take(now time.Time, which func(*refusedCount) bool) (all []record.RefusedMessages) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for as, c := range r.all {
		if c.unkept > 0 && which(c) {
			all = append(all, record.RefusedMessages{Provider: as.provider, Reason: as.reason, Count: c.unkept})
			c.unkept, c.kept = 0, now
		}
	}
	return all
}

// back adds counts again that could not be written.
func (r *refused) back(all []record.RefusedMessages) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range all {
		r.all[refusedAs{m.Provider, m.Reason}].unkept += m.Count
	}
}
