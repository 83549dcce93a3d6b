package postgres

import (
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// cost is what a call asks of the server. It is a figure of the code, not of the machine: unlike a
// time it can be held to a limit on any.
type cost struct {
	trips      int32   // round trips
	statements int     // with those of triggers
	rows       float64 // that plans touched
	buffers    float64 // pages, each time that one is looked at
	log        float64 // bytes of the write-ahead log, without images of full pages
}

func (c cost) String() string {
	return fmt.Sprintf("%d round trips, %d statements, %.0f rows, %.0f buffers, %.0f bytes of log", c.trips, c.statements, c.rows, c.buffers, c.log)
}

var unmeasured = cost{math.MaxInt32, math.MaxInt, math.Inf(1), math.Inf(1), math.Inf(1)}

func (c cost) least(other cost) cost {
	return cost{
		min(c.trips, other.trips), min(c.statements, other.statements),
		min(c.rows, other.rows), min(c.buffers, other.buffers), min(c.log, other.log),
	}
}

// over names what is more than the limit.
func (c cost) over(most cost) (what []string) {
	for name, pair := range map[string][2]float64{
		"round trips": {float64(c.trips), float64(most.trips)}, "statements": {float64(c.statements), float64(most.statements)},
		"rows": {c.rows, most.rows}, "buffers": {c.buffers, most.buffers}, "bytes of log": {c.log, most.log},
	} {
		if pair[0] > pair[1] {
			what = append(what, fmt.Sprintf("%.0f %s, at most %.0f", pair[0], name, pair[1]))
		}
	}
	return what
}

// costOf sums statements, and says whether one of them logged a whole page.
func costOf(all []plan) (c cost, image bool) {
	for _, p := range all {
		c.statements++
		c.buffers += p.Root.Hit + p.Root.Read
		c.log += p.Root.Log
		image = image || p.Root.Images > 0
		p.Root.each(func(n node) { c.rows += (n.Rows + n.Filtered + n.Joined) * max(n.Loops, 1) })
	}
	return c, image
}

// hotCalls are the calls that there are most of. Each returns a call that costs the same every time, and over
// how many sessions its cost is shared.
func (f *fixture) hotCalls(s *Store) map[string]hotCall {
	fresh := func() record.Admission { return admission(newID()) }
	return map[string]hotCall{
		"admission": {1, f.admitting(s, fresh)},
		"accept":    {1, f.accepting(s)},
		"queue":     {1, f.queueing(s)},
		"sweep":     {sweptAtOnce, f.sweeping(s)},
		"publish":   {2 * sweptAtOnce, f.publishing(s)},
	}
}

type hotCall struct {
	shared float64
	next   func() func() error
}

const sweptAtOnce = 20

func (f *fixture) queueing(s *Store) func() func() error {
	return func() func() error {
		return func() error { _, err := s.Pending(f.Context(), curfew.Cursor{}, 50); return err }
	}
}

// sweeping finds and ends sessions that wait past their deadline.
func (f *fixture) sweeping(s *Store) func() func() error {
	return func() func() error {
		f.overdue(sweptAtOnce)
		return func() error {
			found, err := s.Find(f.Context(), record.Search{Limit: sweptAtOnce})
			if err != nil || len(found) != sweptAtOnce {
				return fmt.Errorf("found %d: %w", len(found), err)
			}
			ended, err := s.End(f.Context(), batch(found...))
			if err == nil && len(ended) != sweptAtOnce {
				err = fmt.Errorf("ended %d", len(ended))
			}
			return err
		}
	}
}

// overdue is so many sessions past their deadline, of which everything is told.
func (f *fixture) overdue(n int) {
	f.Helper()
	for range n {
		f.admit(newID())
	}
	f.behindTriggers([]string{
		`UPDATE curfew.sessions SET expires_at = now() - interval '1 second' WHERE status = 'waiting'`, `UPDATE curfew.events SET told = true WHERE NOT told`,
	}, 0)
}

// publishing publishes two events of each session.
func (f *fixture) publishing(s *Store) func() func() error {
	return func() func() error {
		f.overdue(0)
		for range sweptAtOnce {
			f.admit(newID())
		}
		return func() error {
			if n := f.publishPage(s); n != 2*sweptAtOnce {
				return fmt.Errorf("published %d", n)
			}
			return nil
		}
	}
}

// whatACallCosts is what the hot calls cost at most, for each session or event. Whoever makes one cheaper lowers
// its limit; whoever raises one says why.
var whatACallCosts = map[string]cost{
	"admission": {1, 6, 10, 48, 3600},
	"accept":    {2, 11, 30, 68, 2500},
	"queue":     {1, 2, 20, 20, 0},
	"sweep":     {5, 53, 52, 110, 3600},
	"publish":   {4, 5, 25, 36, 560},
}

// TestWhatACallCosts holds the hot calls to a price that no noise of a machine changes.
func TestWhatACallCosts(t *testing.T) {
	t.Parallel()
	for name, most := range whatACallCosts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.behindTriggers(calm, 500)
			f.exec("VACUUM ANALYZE")
			got := f.costs(name)
			t.Logf("%s: %s", name, got)
			if over := got.over(most); len(over) > 0 {
				t.Errorf("%s costs %s", name, strings.Join(over, "; "))
			}
		})
	}
}

// costs is the least of some calls in each respect, after the statements were planned for good: another may have met a
// page's first change since a checkpoint, a page that was full, or the server's own work on a table.
func (f *fixture) costs(name string) cost {
	f.Helper()
	var seen plans
	var trips atomic.Int32
	call := f.hotCalls(f.configured(func(c *pgxpool.Config) {
		countTrips(c, &trips)
		explain(c, "auto", &seen)
	}))[name]
	least := unmeasured
	clean := 0
	for i := 0; i < 60 && clean < 5; i++ {
		do := call.next()
		seen.take()
		trips.Store(0)
		f.must(do())
		c, image := costOf(seen.take())
		c.trips = trips.Load()
		if i <= 6 {
			continue
		}
		if image { // its pages were logged whole, and nothing is known of the rest
			c.log = math.Inf(1)
		} else {
			clean++
		}
		least = least.least(c)
	}
	if clean == 0 {
		f.Log("the server makes checkpoints so often that each call logs whole pages: the log is not measured")
		least.log = 0
	}
	least.rows, least.buffers, least.log = least.rows/call.shared, least.buffers/call.shared, least.log/call.shared
	return least
}

// TestWhatACallAllocates counts on our side. It is not parallel: whatever runs beside it would count.
//
//nolint:paralleltest // see above
func TestWhatACallAllocates(t *testing.T) {
	for name, most := range map[string]float64{"admission": 200, "accept": 300, "queue": 70, "sweep": 145} {
		f := newFixture(t)
		c := f.hotCalls(f.store)[name]
		var all []func() error
		for range 12 {
			all = append(all, c.next())
		}
		n := -1
		got := testing.AllocsPerRun(len(all)-1, func() { n++; f.must(all[n]()) }) / c.shared
		t.Logf("%s: %.0f allocations", name, got)
		if got > most {
			t.Errorf("%s: %.0f allocations, at most %.0f", name, got, most)
		}
	}
}
