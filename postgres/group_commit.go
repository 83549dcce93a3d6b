package postgres

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// How admissions share transactions. One that comes while nothing is being
// written is written at once; those that come meanwhile go together next.
const (
	// mostInGroup bounds what one failure sends back to be written alone.
	mostInGroup = 32
	// batchThreshold is how many waiting entries are worth a second connection:
	// fewer would only make the groups smaller, which costs more than it gains. A
	// third connection gained nothing.
	batchThreshold = 8
	mostWriting    = 2
	// groupLock makes a group give up where one of it has to wait for somebody
	// else's transaction: the others shall not wait with it.
	groupLock = `SELECT set_config('lock_timeout', '50ms', true)`
)

// errAlone sends an entry back: its group failed, and it may not be to blame.
var errAlone = errors.New("to be written alone")

// entry is a new admission on its way into the database.
type entry struct {
	a    record.Admission
	st   *curfew.Snapshot // gets the database's times
	done chan error
}

// groupCommit collects entries. No two of a customer are in it: the second one is
// written alone, and waits for the first as any two transactions do.
type groupCommit struct {
	mu        sync.Mutex
	waiting   []*entry
	customers map[string]bool
	writing   int // goroutines, each with a connection of the pool
	most      int // of them
}

func newGroupCommit(pool *pool) *groupCommit {
	return &groupCommit{customers: make(map[string]bool), most: min(mostWriting, int(pool.Config().MaxConns))}
}

// admitFresh writes a fresh admission, with others that come at the same time.
func (s admissions) admitFresh(ctx context.Context, a record.Admission, st *curfew.Snapshot) error {
	if err := ctx.Err(); err != nil {
		return translate(err) // a group would be written all the same
	}
	ctx, cancel := context.WithTimeout(ctx, s.pool.timeout)
	defer cancel()
	c := &entry{a, st, make(chan error, 1)}
	err := errAlone
	if s.join(ctx, c) {
		select {
		case err = <-c.done:
		case <-ctx.Done():
			s.groupCommit.leave(c)
			return translate(ctx.Err()) // it may be written yet: nobody knows
		}
	}
	if !errors.Is(err, errAlone) {
		return err
	}
	return s.send(ctx, func(b *pgx.Batch) { queueFresh(b, []*entry{c}) })
}

// join makes c wait for the next group, and starts one if necessary. Admissions with an
// idempotency key are rare and bypass grouping.
func (s admissions) join(ctx context.Context, c *entry) bool {
	g := s.groupCommit
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.a.Key != "" || g.customers[c.a.Session.CustomerID] {
		return false
	}
	g.customers[c.a.Session.CustomerID] = true
	g.waiting = append(g.waiting, c)
	if g.writing == 0 || len(g.waiting) >= batchThreshold && g.writing < g.most {
		g.writing++
		go s.writeGroups(context.WithoutCancel(ctx))
	}
	return true
}

// leave withdraws an entry that is not in a group yet.
func (g *groupCommit) leave(c *entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, c); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
		delete(g.customers, c.a.Session.CustomerID)
	}
}

// next returns the next group: the longest waiting, sorted in the order of locks. If it
// is empty, its goroutine has nothing left to write.
func (g *groupCommit) next() []*entry {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), mostInGroup)
	group := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	if n == 0 {
		g.writing--
	}
	slices.SortFunc(group, func(a, b *entry) int { return strings.Compare(a.a.Session.CustomerID, b.a.Session.CustomerID) })
	return group
}

// answer gives every entry its outcome.
func (g *groupCommit) answer(group []*entry, err error) {
	g.mu.Lock()
	for _, c := range group {
		delete(g.customers, c.a.Session.CustomerID)
	}
	g.mu.Unlock()
	for _, c := range group {
		c.done <- err
	}
}

// writeGroups writes until nothing waits.
func (s admissions) writeGroups(ctx context.Context) {
	for {
		runtime.Gosched() // those who have just been answered may be back at once
		group := s.groupCommit.next()
		if len(group) == 0 {
			return
		}
		s.groupCommit.answer(group, s.writeGroup(ctx, group))
	}
}

// writeGroup writes a group in one round trip, as one implicit transaction. Only
// an answer that did not come is everybody's error. No caller's context ends it:
// the pool's limit does.
func (s admissions) writeGroup(ctx context.Context, group []*entry) error {
	err := s.pool.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		var b pgx.Batch
		if len(group) > 1 {
			b.Queue(groupLock)
		}
		queueFresh(&b, group)
		return conn.SendBatch(ctx, &b).Close()
	})
	if err != nil && !unreachable(err) && (len(group) > 1 || repeatable(err)) {
		return errAlone
	}
	return translate(err)
}
