package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/pgtest"
)

// breakable is a fixture on a server of its own, whose calls take no longer than
// limit; 0: what they may take in production.
func breakable(t *testing.T, limit time.Duration) (*fixture, *pgtest.Cluster) {
	t.Helper()
	cluster := pgtest.Server(t, "")
	url := cluster.Database(t, "curfew")
	first, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.Close()
	s, err := OpenWith(t.Context(), url, Options{Timeout: limit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &fixture{t, url, s}, cluster
}

// busy calls the store from several sides at once until the test ends, and
// returns how many calls have succeeded, and the longest of all.
func (f *fixture) busy(calls ...func(context.Context, int) error) (succeeded func() int, longest func() time.Duration) {
	f.Helper()
	ctx, stop := context.WithCancel(f.Context())
	var mu sync.Mutex
	var working sync.WaitGroup
	var n int
	var worst time.Duration
	for _, call := range calls {
		working.Go(func() {
			// A server whose every moment is a commit would stop as a whole.
			for i, tick := 0, time.NewTicker(10*time.Millisecond); ctx.Err() == nil; i++ {
				<-tick.C
				begun := time.Now()
				err := call(ctx, i)
				mu.Lock()
				if worst = max(worst, time.Since(begun)); err == nil {
					n++
				}
				mu.Unlock()
			}
		})
	}
	f.Cleanup(func() { stop(); working.Wait() })
	return func() int { mu.Lock(); defer mu.Unlock(); return n },
		func() time.Duration { mu.Lock(); defer mu.Unlock(); return worst }
}

// eventually repeats a look until it is true.
func (f *fixture) eventually(what string, look func() bool) {
	f.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for giveUp := time.After(time.Minute); !look(); {
		select {
		case <-tick.C:
		case <-giveUp:
			f.Fatalf("never: %s", what)
		}
	}
}

// D: kill -STOP of every backend. No call has a deadline of its own.
func TestAConnectionThatDiesSilentlyHoldsUpNobodyForLong(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]time.Duration{"a limit of 1s": time.Second, "in production": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, cluster := breakable(t, limit)
			pay := func(ctx context.Context, customer string, i int) error {
				_, err := f.store.Admit(ctx, admission(fmt.Sprint(customer, i)))
				return err
			}
			succeeded, longest := f.busy(
				func(ctx context.Context, i int) error { return pay(ctx, "a-", i) },
				func(ctx context.Context, i int) error { return pay(ctx, "b-", i) },
				func(ctx context.Context, i int) error { return pay(ctx, "c-", i) },
				func(ctx context.Context, _ int) error { return f.store.RecordSweep(ctx, 0) },
				func(ctx context.Context, _ int) error { _, err := f.store.Heartbeats(ctx); return err },
				func(ctx context.Context, _ int) error { _, err := f.store.Unpublished(ctx, 10); return err },
			)
			f.eventually("there is traffic", func() bool { return succeeded() > 100 })
			frozen, at := cluster.Freeze(t), time.Now()
			before := succeeded()
			f.eventually("calls succeed again", func() bool { return succeeded() > before+50 })
			back := time.Since(at)
			t.Logf("%d backends stopped; calls succeeded again after %s, the longest took %s", frozen, back.Round(time.Millisecond), longest().Round(time.Millisecond))
			if most := f.store.pool.timeout + 3*time.Second; back > most || longest() > most {
				t.Errorf("calls succeeded again after %s, the longest took %s", back, longest())
			}
		})
	}
}

// A process with little to do finds a dead connection when it asks whether it is
// alive, and does not ask all others too: while it is closed, one more at most.
func TestOfIdleConnectionsThatAreDeadFewAreAsked(t *testing.T) {
	t.Parallel()
	f, cluster := breakable(t, 0)
	var idle []*pgxpool.Conn
	for range 6 {
		conn, err := f.store.pool.Acquire(t.Context())
		f.must(err)
		idle = append(idle, conn)
	}
	for _, conn := range idle {
		conn.Release()
	}
	released := time.Now()
	cluster.Freeze(t)
	f.eventually("they are old enough to be asked", func() bool { return time.Since(released) > 1100*time.Millisecond })
	begun := time.Now()
	_, err := f.store.Heartbeats(t.Context())
	took := time.Since(begun)
	t.Logf("the first call took %s", took.Round(time.Millisecond))
	if err != nil || took > 2*pingTimeout+time.Second {
		t.Errorf("the first call took %s: %v", took, err)
	}
}

// A role that may only read for a while leaves no connection behind that does.
func TestAConnectionThatOnlyReadsIsNotKept(t *testing.T) {
	t.Parallel()
	for attrs, want := range map[string]bool{"read-write": true, "any": false} {
		t.Run(attrs, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
			s, err := Open(t.Context(), f.url+"&target_session_attrs="+attrs)
			if want {
				if !errors.Is(err, curfew.Unavailable) || !errors.Is(err, errReadOnly) {
					t.Errorf("opening it: %v", err)
				}
				return
			}
			f.must(err)
			t.Cleanup(s.Close)
			if err := s.RecordQueueRead(t.Context()); !errors.Is(err, curfew.Unavailable) {
				t.Errorf("while it is read only: %v", err)
			}
			if _, err := s.Heartbeats(t.Context()); err != nil { // leaves an idle connection
				t.Error(err)
			}
			f.exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$`)
			if err := s.RecordQueueRead(t.Context()); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestAStandbyIsRefusedByName(t *testing.T) {
	t.Parallel()
	f, cluster := breakable(t, 0)
	cluster.Demote(t)
	if _, err := Open(t.Context(), f.url); !errors.Is(err, errStandby) || !errors.Is(err, curfew.Unavailable) {
		t.Errorf("opening a standby: %v", err)
	}
	if _, err := f.store.Heartbeats(t.Context()); !errors.Is(err, curfew.Unavailable) {
		t.Errorf("a primary that became a standby: %v", err)
	}
	reads := open(t, f.url+"&target_session_attrs=any")
	if _, err := reads.Heartbeats(t.Context()); err != nil {
		t.Errorf("whoever asks for it may read: %v", err)
	}
	cluster.Control(t, "promote")
	f.eventually("it writes again", func() bool { return f.store.RecordQueueRead(t.Context()) == nil })
}

// The URL decides what it names.
func TestLimitsComeFromTheURL(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	for query, want := range map[string]time.Duration{"": callTimeout, "&statement_timeout=30s": time.Minute, "&statement_timeout=1s": callTimeout} {
		if got := open(t, url+query).pool.timeout; got != want {
			t.Errorf("%q: a call may take %s, want %s", query, got, want)
		}
	}
	own := open(t, url+"&connect_timeout=7&pool_ping_timeout=3s").pool.Config()
	if own.ConnConfig.ConnectTimeout != 7*time.Second || own.PingTimeout != 3*time.Second {
		t.Errorf("connecting may take %s, a ping %s", own.ConnConfig.ConnectTimeout, own.PingTimeout)
	}
}
