package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// turns counts how often a connection is read from after it was written to:
// the round trips.
type turns struct {
	net.Conn
	wrote *atomic.Bool
	n     *atomic.Int32
}

func (c turns) Write(b []byte) (int, error) {
	c.wrote.Store(true)
	return c.Conn.Write(b)
}

func (c turns) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.wrote.Swap(false) {
		c.n.Add(1)
	}
	return n, err
}

// counting is a store on one connection whose round trips are counted.
func (f *fixture) counting() (*Store, *atomic.Int32) {
	f.Helper()
	var n atomic.Int32
	return f.configured(func(c *pgxpool.Config) { countTrips(c, &n) }), &n
}

func countTrips(c *pgxpool.Config, n *atomic.Int32) {
	c.MaxConns = 1
	// A connection that was idle for a second is asked whether it lives.
	c.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	dial := c.ConnConfig.DialFunc
	c.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return turns{conn, new(atomic.Bool), n}, err
	}
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s, n := f.counting()
	f.admit("busy")
	keyed := func() record.Admission {
		a := admission(newID())
		a.Key = "key"
		return a
	}
	fresh := f.admitting(s, func() record.Admission { return admission(newID()) })
	for what, c := range map[string]struct {
		before, step func() func() error // before prepares the statements: at their first use
		want         int32
	}{
		"a fresh admission is one round trip":   {fresh, fresh, 1},
		"with a key it is one round trip":       {f.admitting(s, keyed), f.admitting(s, keyed), 1},
		"a refused admission is one round trip": {fresh, f.refusing(s, "busy"), 1},
		"accepting is two round trips":          {f.accepting(s), f.accepting(s), 2},
		"a look for what is overdue is one":     {f.finding(s), f.finding(s), 1},
	} {
		f.must(c.before()())
		step := c.step()
		before := n.Load()
		f.must(step())
		if got := n.Load() - before; got != c.want {
			t.Errorf("%s: %d", what, got)
		}
	}
}

func (f *fixture) admitting(s *Store, a func() record.Admission) func() func() error {
	return func() func() error {
		return func() error { _, err := s.Admit(f.Context(), a()); return err }
	}
}

func (f *fixture) refusing(s *Store, customer string) func() func() error {
	return func() func() error {
		return func() error {
			if _, err := s.Admit(f.Context(), admission(customer)); !errors.Is(err, curfew.Conflict) {
				return fmt.Errorf("got error %w, want a conflict", err)
			}
			return nil
		}
	}
}

func (f *fixture) accepting(s *Store) func() func() error {
	return func() func() error {
		c := accepting(f.admit(newID()), newID())
		return func() error { _, err := s.Change(f.Context(), c); return err }
	}
}

func (f *fixture) finding(s *Store) func() func() error {
	return func() func() error {
		return func() error { _, err := s.Find(f.Context(), record.Search{Limit: 10}); return err }
	}
}
