// Command bench measures Curfew beside what it is compared with, in one run and in interleaved
// slices, because a ratio survives a busy machine and an absolute figure does not. It creates
// its own databases on the server that CURFEW_TEST_POSTGRES names (make bench starts one) and
// drops them. It knows no targets: docs/performance.md lists them and explains the columns.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// options say what is measured, and how much of it.
type options struct {
	sections []string
	server   string // PostgreSQL's URL
	seed     uint64
	clients  []int         // admission: at once
	rounds   int           // slices of each way
	slice    time.Duration // of one way
	history  int           // ended sessions that are there before the admissions
	overdue  int           // sessions the sweep ends
	pace     int           // admissions a second beside the sweep
	pending  int           // requests in the queue
	ended    int           // ended sessions under the health figures
	spread   time.Duration // of the deadlines
	// deadlines is how many deadlines are to be met.
	deadlines int
	pool      int    // connections; 0: one a client
	streams   int    // clients of live streams
	sizes     []int  // of the histories over which the slope is measured
	plot      string // file for the slope's picture
}

// section is one question with its tables.
type section struct {
	name  string
	about string
	run   func(context.Context, options, *report) error
}

var sections = []section{
	{"admission", "paid checkouts on PostgreSQL, beside the bare INSERTs and beside check-then-act", admission},
	{"contention", "many callers for one customer: who ends with two open sessions", contention},
	{"sweep", "overdue sessions ended, beside a bare UPDATE, and what admission feels of it", sweep},
	{"adopted", "INSERTs into a table of the marketplace's own that Curfew enforces, and what they feel of a sweep", adopted},
	{"expiry", "how late deadlines are met, beside a poll and a job queue", expiry},
	{"queue", "the questions asked all the time: is anything overdue, what is in the queue", queue},
	{"health", "the health figures over many ended rows, beside GROUP BY", health},
	{"slope", "what the hot calls cost, as ended sessions accumulate", slope},
	{"stream", "clients of live streams: how soon they are there, what each costs, and one event to all", streams},
	{"sqlite", "paid checkouts on SQLite, beside the bare INSERTs", onSQLite},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if len(os.Args) > 1 && os.Args[1] == readersCommand {
		err = read(ctx, os.Args[2:])
	} else {
		err = bench(ctx, os.Args[1:], os.Stdout)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, args []string, to io.Writer) error {
	out := &report{to: to}
	o, err := parse(args, os.Getenv("CURFEW_TEST_POSTGRES"))
	if err != nil {
		return err
	}
	if err := header(ctx, o, out); err != nil {
		return err
	}
	for _, s := range sections {
		if !slices.Contains(o.sections, s.name) {
			continue
		}
		out.say("\n## %s: %s\n\n", s.name, s.about)
		begun := time.Now()
		if err := s.run(ctx, o, out); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		out.say("\nTook %s.\n", time.Since(begun).Round(time.Second))
	}
	return out.err
}

// names returns the names of the sections, in the order in which they run.
func names() []string {
	var all []string
	for _, s := range sections {
		all = append(all, s.name)
	}
	return all
}

// parse reads the command line: -short first, because it only changes the defaults of the
// others.
func parse(args []string, server string) (options, error) {
	o := options{
		server: server, clients: []int{1, 8, 32, 64}, rounds: 7, slice: time.Second,
		history: 200_000, overdue: 100_000, pace: 200, pending: 100_000, ended: 1_000_000,
		deadlines: 10_000, spread: time.Minute, streams: 10_000, sizes: []int{10_000, 200_000, 2_000_000},
	}
	if slices.Contains(args, "-short") || slices.Contains(args, "--short") {
		o.clients, o.rounds, o.slice = []int{1, 8}, 3, 200*time.Millisecond
		o.history, o.overdue, o.pending, o.ended = 2_000, 3_000, 2_000, 5_000
		o.deadlines, o.spread = 300, 2*time.Second
		o.streams, o.sizes = 200, []int{1_000, 4_000}
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.Bool("short", false, "a minute instead of many: small data, short slices")
	only := flags.String("only", strings.Join(names(), ","), "the `sections` to run")
	clients := flags.String("clients", join(o.clients), "how many clients admit at once")
	flags.IntVar(&o.rounds, "rounds", o.rounds, "slices of each way; medians are over them")
	flags.DurationVar(&o.slice, "slice", o.slice, "how long a slice is")
	flags.IntVar(&o.history, "history", o.history, "ended sessions before the admissions (5000000: an hour to load)")
	flags.IntVar(&o.overdue, "overdue", o.overdue, "sessions that the sweep ends")
	flags.IntVar(&o.pace, "pace", o.pace, "admissions a second beside the sweep")
	flags.IntVar(&o.pending, "pending", o.pending, "requests in the queue")
	flags.IntVar(&o.ended, "ended", o.ended, "ended sessions under the health figures")
	flags.IntVar(&o.deadlines, "deadlines", o.deadlines, "sessions whose deadlines are to be met")
	flags.DurationVar(&o.spread, "spread", o.spread, "the time over which those deadlines are spread")
	flags.IntVar(&o.streams, "streams", o.streams, "clients of live streams (at most 10000)")
	sizes := flags.String("sizes", join(o.sizes), "ended sessions of each history of the slope (10000000: 40 GB)")
	flags.StringVar(&o.plot, "plot", "", "a `file` for the slope's picture, as SVG")
	flags.IntVar(&o.pool, "pool", o.pool, "connections of the admissions' pool (0: one a client)")
	flags.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "of customers' names")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var err error
	if o.clients, err = split("clients", *clients); err != nil {
		return o, err
	}
	if o.sizes, err = split("sizes", *sizes); err != nil {
		return o, err
	}
	o.sections = strings.Split(*only, ",")
	return o, o.check()
}

func (o options) check() error {
	for _, name := range o.sections {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("there is no section %q: they are %s", name, strings.Join(names(), ", "))
		}
	}
	switch {
	case slices.Min(append(slices.Concat(o.clients, o.sizes), o.rounds, o.overdue, o.pending, o.ended, o.pace, o.deadlines, o.streams)) < 1 || o.history < 0 || o.pool < 0 || o.slice <= 0 || o.spread <= 0:
		return errors.New("sizes must be more than 0")
	case o.server == "" && !slices.Equal(o.sections, []string{"sqlite"}):
		return errors.New("the server is not known: set CURFEW_TEST_POSTGRES, or run make bench")
	}
	return nil
}

func split(name, list string) ([]int, error) {
	var all []int
	for field := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(field)
		if err != nil {
			return nil, fmt.Errorf("-%s: %w", name, err)
		}
		all = append(all, n)
	}
	return all, nil
}

func join(all []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(all), " ", ","), "[]")
}

// header describes where the figures come from.
func header(ctx context.Context, o options, out *report) error {
	out.say("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	if o.server != "" {
		db, err := pgx.Connect(ctx, o.server)
		if err != nil {
			return err
		}
		defer db.Close(ctx) //nolint:errcheck // it was only read
		var version, durable string
		err = db.QueryRow(ctx, `SELECT current_setting('server_version'),
			'fsync ' || current_setting('fsync') || ', synchronous_commit ' || current_setting('synchronous_commit')`).Scan(&version, &durable)
		if err != nil {
			return err
		}
		out.say(", PostgreSQL %s (%s)", version, durable)
	}
	out.say("\nseed %d, %d slices of %s each\n", o.seed, o.rounds, o.slice)
	return nil
}
