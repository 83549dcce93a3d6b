package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/demo"
	"github.com/curfewhq/curfew/lifecycle"
)

// announceDemo prints where the console is, and how to sign in.
func announceDemo(svc demoService, speed float64, link string) {
	s := svc.settings
	svc.term.notef("A marketplace at %g times its speed: a session nobody accepts expires after %s, not %s.\n\n",
		speed, s.WaitingTTL, config.Duration(time.Duration(float64(s.WaitingTTL)*speed).Round(time.Second)))
	columns(svc.term.err,
		[]string{"console", link},
		[]string{"another link", s.loginLine(svc.url)},
		[]string{"a mechanic's", s.loginLine(svc.url) + " --role mechanic --subject mia"},
		[]string{"about Kim", program() + " explain kim --database-url " + quoted(string(s.DatabaseURL))},
		[]string{"stop", "Ctrl-C"},
	)
	svc.term.notef("\n")
}

// watch prints the state of the marketplace every second; on a terminal it rewrites one line.
func watch(ctx context.Context, simulation *demo.Simulation, svc demoService) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if svc.term.watched {
				svc.term.rewrite("")
			}
			return nil
		case <-tick.C:
		}
		operator, err := svc.client(string(curfew.Admin), "demo")
		if err != nil {
			return err
		}
		health, err := operator.Health(context.WithoutCancel(ctx))
		if err != nil || health.Sessions.Total == nil {
			continue // the next second shows it
		}
		if svc.term.watched {
			svc.term.rewrite(demoLine(simulation, health))
		} else {
			svc.term.notef("%s\n", demoLine(simulation, health))
		}
	}
}

func demoLine(simulation *demo.Simulation, health api.Health) string {
	at, c, by := simulation.Clock.At(time.Now()), simulation.Counts(), health.Sessions.ByStatus
	return fmt.Sprintf("%d:%02d h  %d waiting  %d live  %d paid  %d repeated  %d wrongly blocked  %s",
		int(at.Hours()), int(at.Minutes())%60, by["waiting"], by["live"], c.Payments, c.Repeats, c.Overdue, simulation.Happened())
}

// printDemo prints what happened, and what would have happened without Curfew.
func printDemo(term terminal, speed float64, seed uint64, r demo.Report) {
	term.printf("%s of a marketplace with %s (speed %g, seed %d)\n\n", lifecycle.Span(r.Lasted), plural(r.Customers, "customer"), speed, seed)
	row := func(n int, format string, args ...any) []string {
		return []string{fmt.Sprintf("%5d", n), fmt.Sprintf(format, args...)}
	}
	columns(term.out,
		row(r.Payments, "payments, %s in all; %d met a busy customer and were deferred", euros(r.Amount), r.Deferred),
		row(r.Repeats, "times their provider told one again; %d answers named another session", r.Contradicted),
		row(r.Sessions, "sessions: %d accepted, %s", r.Accepted, endReasons(r)),
		row(r.Overdue, "customers or mechanics blocked by an overdue session"),
		row(r.WithoutOutcome, "payments without an outcome"),
	)
	w := r.Without
	term.printf("\nWithout Curfew\n\n")
	columns(term.out,
		row(w.Stuck, "customers stuck behind a session that nobody accepted, half of them for over %s, one for %s",
			lifecycle.Span(w.Median), lifecycle.Span(w.Longest)),
		row(w.Refused, "of them came again, and would have been refused %s", plural(w.Calls, "time")),
		[]string{"     ", euros(w.Amount) + " paid for nothing"},
	)
	term.printf("\nCounted so: %s.\n", demo.Model)
}

// endReasons lists how many sessions ended for each reason.
func endReasons(r demo.Report) string {
	words := []string{}
	for _, reason := range curfew.EndReasons() {
		if n := r.Ended[string(reason)]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(reason), "_", " ")))
		}
	}
	return strings.Join(append(words, fmt.Sprintf("%d open", r.Open)), ", ")
}

func euros(cents int64) string { return fmt.Sprintf("%d.%02d EUR", cents/100, cents%100) }
