package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// openNow is how many sessions wait beside each history, and dueAtOnce how many of them a sweep ends.
const (
	openNow   = 2_000
	dueAtOnce = 200
)

// aged is a database with a history of some length.
type aged struct {
	database
	sessions int
	keeper   *lifecycle.Keeper
	names    *customers
	known    string // somebody with a history
}

// slope measures what the hot calls cost, as ended sessions accumulate. All histories are there at once, and are
// measured in turns.
func slope(ctx context.Context, o options, out *report) error {
	return withHistories(ctx, o, out, o.sizes, nil)
}

func withHistories(ctx context.Context, o options, out *report, sizes []int, made []*aged) error {
	if len(sizes) == 0 {
		return slopes(ctx, o, out, made)
	}
	// With one connection, all that the server counts is of the call that was made.
	return withDatabase(ctx, o.server, 1, func(db database) error {
		begun := time.Now()
		if err := db.copyEnded(ctx, o.seed, sizes[0]); err != nil {
			return err
		}
		bytes, err := db.count(ctx, "SELECT pg_database_size(current_database())")
		if err != nil {
			return err
		}
		out.say("%s ended sessions with all that hangs on them: loaded in %s, %d MB.\n", words(sizes[0]), time.Since(begun).Round(time.Second), bytes>>20)
		keeper, err := lifecycle.New(db.store, lifecycle.Options{})
		if err != nil {
			return err
		}
		if err := db.loadWaiting(ctx, o.seed, openNow, fresh); err != nil {
			return err
		}
		if err := db.exec(ctx, countLoaded, vacuum); err != nil {
			return err
		}
		a := &aged{db, sizes[0], keeper, crowd(o.seed, 7, 1)[0], history{o.seed, sizes[0], time.Now()}.past(0).customer}
		return withHistories(ctx, o, out, sizes[1:], append(made, a))
	})
}

// aging is a call whose cost must not grow.
type aging struct {
	name string
	// prepare brings what one slice of calls needs, and returns the calls and over how many things each is shared.
	prepare func(ctx context.Context, a *aged, calls int) (call func(context.Context) error, shared int, err error)
}

var agings = []aging{
	{"admission", func(_ context.Context, a *aged, _ int) (func(context.Context) error, int, error) {
		return func(ctx context.Context) error { return a.curfew(ctx, a.names.next()) }, 1, nil
	}},
	{"accept", acceptances},
	{"queue", func(_ context.Context, a *aged, _ int) (func(context.Context) error, int, error) {
		return func(ctx context.Context) error { _, err := a.store.Pending(ctx, curfew.Cursor{}, 50); return err }, 1, nil
	}},
	{"sweep, a session", dueSessions},
	{"health", func(_ context.Context, a *aged, _ int) (func(context.Context) error, int, error) {
		return a.health, 1, nil
	}},
	{"a customer's history", func(_ context.Context, a *aged, _ int) (func(context.Context) error, int, error) {
		return a.explain, 1, nil
	}},
}

func acceptances(ctx context.Context, a *aged, calls int) (func(context.Context) error, int, error) {
	var waiting []curfew.Snapshot
	for range calls {
		st, err := a.store.Admit(ctx, paid(a.names.next()))
		if err != nil {
			return nil, 0, err
		}
		waiting = append(waiting, st)
	}
	return func(ctx context.Context) error {
		st := waiting[0]
		waiting = waiting[1:]
		_, err := a.store.Change(ctx, record.Change{
			From: st.Session, To: curfew.Waiting, Reason: "accepted", Actor: curfew.Actor{Role: curfew.Mechanic, ID: newID()},
			Deadline: curfew.Deadline{After: time.Hour}, Assign: newID(), RequestTo: curfew.Accepted,
		})
		return err
	}, 1, nil
}

func dueSessions(ctx context.Context, a *aged, _ int) (func(context.Context) error, int, error) {
	err := a.exec(ctx, triggersOff, `UPDATE curfew.sessions SET expires_at = now() - interval '1 s' WHERE (customer_id, id) IN (
		SELECT customer_id, id FROM curfew.sessions WHERE status = 'waiting' AND mechanic_id IS NULL AND expires_at > now() ORDER BY expires_at LIMIT `+
		fmt.Sprint(dueAtOnce)+`)`, triggersOn)
	return func(ctx context.Context) error { _, err := a.keeper.Sweeper.Sweep(ctx); return err }, dueAtOnce, err
}

func (a *aged) health(ctx context.Context) error {
	for _, f := range a.figures() {
		if _, err := f.counts(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *aged) explain(ctx context.Context) error {
	if _, err := a.store.History(ctx, a.known, curfew.Cursor{}, 100); err != nil {
		return err
	}
	_, err := a.store.Checkouts(ctx, a.known)
	return err
}

// weight is what one call took: pages are counted by the server, so no other program changes them.
type weight struct {
	latency time.Duration // median
	cpu     time.Duration
	pages   float64
}

// weigh makes the calls of a slice.
func (g aging) weigh(ctx context.Context, a *aged, calls int) (w weight, err error) {
	call, shared, err := g.prepare(ctx, a, calls)
	if err != nil {
		return w, err
	}
	if shared > 1 {
		calls = 1 // each has to be prepared
	}
	pages, err := a.pages(ctx)
	if err != nil {
		return w, err
	}
	before, err := a.spent(ctx)
	if err != nil {
		return w, err
	}
	all, err := timed(calls, func() error { return call(ctx) })
	if err != nil {
		return w, err
	}
	after, err := a.spent(ctx)
	if err != nil {
		return w, err
	}
	touched, err := a.pages(ctx)
	n := time.Duration(len(all) * shared)
	return weight{percentile(all, .5) / time.Duration(shared), after.since(before) / n, (touched - pages) / float64(n)}, err
}

// pages is how often a page of this database was looked at so far.
func (a *aged) pages(ctx context.Context) (float64, error) {
	if err := a.exec(ctx, "SELECT pg_stat_force_next_flush()", "SELECT"); err != nil {
		return 0, err
	}
	n, err := a.count(ctx, "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()")
	return float64(n), err
}

// slopes weighs every call in every history, in turns, and prints the medians over the rounds.
func slopes(ctx context.Context, o options, out *report, all []*aged) error {
	t := newTable("call", "ended sessions", "p50 ms", "CPU µs", "to the shortest", "pages", "to the shortest")
	picture := chart{title: "Pages touched by a call, to the shortest history", sizes: o.sizes}
	for _, g := range agings {
		weights := make([][]weight, len(all))
		for round := range o.rounds + 1 {
			for i := range all {
				at := (i + round) % len(all)
				w, err := g.weigh(ctx, all[at], 100)
				if err != nil {
					return fmt.Errorf("%s after %d sessions: %w", g.name, all[at].sessions, err)
				}
				if round > 0 {
					weights[at] = append(weights[at], w)
				}
			}
		}
		var line []float64
		for i, a := range all {
			pages := func(w weight) float64 { return w.pages }
			cpu := func(w weight) float64 { return float64(w.cpu) }
			line = append(line, over(weights[i], weights[0], pages))
			t.add(g.name, fmt.Sprint(a.sessions), millis(time.Duration(middle(weights[i], func(w weight) float64 { return float64(w.latency) }))),
				whole(middle(weights[i], cpu)/1000), fraction(over(weights[i], weights[0], cpu)),
				fmt.Sprintf("%.1f", middle(weights[i], pages)), fraction(line[i]))
		}
		picture.lines = append(picture.lines, chartLine{g.name, line})
	}
	out.say("\n")
	t.print(out)
	if o.plot == "" {
		return nil
	}
	return os.WriteFile(o.plot, []byte(picture.svg()), 0o644) //nolint:gosec // a picture for everybody
}

func middle(all []weight, of func(weight) float64) float64 {
	var figures []float64
	for _, w := range all {
		figures = append(figures, of(w))
	}
	return median(figures)
}

// over is the median of the ratios within a round.
func over(these, those []weight, of func(weight) float64) float64 {
	var figures []float64
	for i := range these {
		figures = append(figures, of(these[i])/max(of(those[i]), 1e-9))
	}
	return median(figures)
}

// chart is lines over the length of the history, a picture without a library.
type chart struct {
	title string
	sizes []int
	lines []chartLine
}

type chartLine struct {
	name   string
	values []float64
}

// svg draws from 0.8 to 1.3, or as high as the highest; the limit of 1.1 is dashed.
func (c chart) svg() string {
	const width, height, left, top = 560, 260, 50, 30
	highest := 1.3
	for _, l := range c.lines {
		highest = max(highest, slices.Max(l.values))
	}
	x := func(i int) float64 { return left + float64(i)*(width-left-180)/float64(max(len(c.sizes)-1, 1)) }
	y := func(v float64) float64 { return top + (highest-v)/(highest-.8)*(height-top-40) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11"><rect width="100%%" height="100%%" fill="#fff"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="%d" y="18" font-size="13">%s</text>`+"\n", left, c.title)
	for _, v := range []float64{1, 1.1} {
		fmt.Fprintf(&b, `<line x1="%d" x2="%.0f" y1="%.1f" y2="%.1f" stroke="#999" stroke-dasharray="%d"/><text x="20" y="%.1f">%.1f</text>`+"\n", left, x(len(c.sizes)-1), y(v), y(v), int((v-1)*40), y(v)+4, v)
	}
	for i, n := range c.sizes {
		fmt.Fprintf(&b, `<text x="%.0f" y="%d" text-anchor="middle">%s</text>`+"\n", x(i), height-12, words(n))
	}
	for k, l := range c.lines {
		colour := []string{"#1f6feb", "#bf3989", "#1a7f37", "#9a6700", "#cf222e", "#57606a"}[k%6]
		var points []string
		for i, v := range l.values {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(i), y(v)))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%d" y="%d" fill="%s">%s</text>`+"\n",
			strings.Join(points, " "), colour, width-165, top+20+k*18, colour, l.name)
	}
	return b.String() + "</svg>\n"
}
