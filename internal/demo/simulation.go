package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/curfewhq/curfew/api"
)

// Options says who takes part. Curfew must offer the built-in plans.
type Options struct {
	Seed                 uint64
	Customers, Mechanics int
}

// ClientFor returns a client that acts as somebody, given a role and an id.
type ClientFor func(role, id string) (*api.Client, error)

// Simulation is a simulated marketplace. It runs in rounds, which continue where the last one ended.
type Simulation struct {
	Clock Clock

	options   Options
	customers []*customer
	mechanics []*mechanic
	tally     tally
}

// New returns a simulation in which nothing has happened yet.
func New(o Options) *Simulation {
	m := &Simulation{options: o, tally: tally{overdue: map[string]bool{}, deferred: map[string]bool{}}}
	for i := range o.Customers {
		name := named(customerNames, i)
		m.customers = append(m.customers, &customer{number: i, id: idOf(name), name: name})
	}
	for i := range o.Mechanics {
		m.mechanics = append(m.mechanics, &mechanic{number: i, id: idOf(named(mechanicNames, i))})
	}
	return m
}

const (
	// callTimeout limits one call. A call is not cut short when the round ends.
	callTimeout = 30 * time.Second
	// pollInterval is how often people poll, in marketplace time; minPollInterval in real time.
	pollInterval    = 15 * time.Second
	minPollInterval = 100 * time.Millisecond
)

// Run simulates a round until the context ends, at a multiple of real time. It returns when everybody has finished
// what they were doing.
func (m *Simulation) Run(ctx context.Context, clientFor ClientFor, speed float64) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	m.Clock.Set(time.Now(), speed)
	s := &round{Simulation: m, clientFor: clientFor, fail: stop}
	for _, c := range m.customers {
		s.all.Go(func() { s.shop(ctx, c) })
	}
	for _, k := range m.mechanics {
		s.all.Go(func() { s.work(ctx, k) })
	}
	s.all.Wait()
	m.Clock.Set(time.Now(), 0)
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// round is one run of the simulation at one speed.
type round struct {
	*Simulation
	clientFor ClientFor
	fail      context.CancelCauseFunc
	all       sync.WaitGroup
}

// as calls Curfew on behalf of somebody. Callers handle refusals; a failed authentication ends the
// round.
func as[T any](ctx context.Context, s *round, role, id string, call func(context.Context, *api.Client) (T, error)) (answer T, err error) {
	client, err := s.clientFor(role, id)
	if err != nil {
		s.fail(fmt.Errorf("client of %s %s: %w", role, id, err))
		return answer, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	began := time.Now()
	answer, err = call(ctx, client)
	if p := (*api.Problem)(nil); errors.As(err, &p) {
		s.tally.refused(role+" "+id, p.Session, began)
		if p.Status == http.StatusUnauthorized || p.Status == http.StatusForbidden {
			s.fail(fmt.Errorf("%s %s: %w", role, id, err))
		}
	}
	return answer, err
}

// wait waits until the next poll.
func (s *round) wait(ctx context.Context) bool {
	return s.Clock.sleep(ctx, pollInterval, minPollInterval)
}

func (s *round) sleep(ctx context.Context, d time.Duration) bool { return s.Clock.sleep(ctx, d, 0) }

func ended(s api.Session) bool { return s.Status == "completed" || s.Status == "cancelled" }
