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

// Options are who is there. Curfew must sell the built-in plans.
type Options struct {
	Seed                 uint64
	Customers, Mechanics int
}

// Door lets somebody in: a role and an id.
type Door func(role, id string) (*api.Client, error)

// Market is the marketplace.
type Market struct {
	Clock Clock

	options   Options
	customers []*customer
	mechanics []*mechanic
	tally     tally
}

// New is a marketplace before anything has happened.
func New(o Options) *Market {
	m := &Market{options: o, tally: tally{overdue: map[string]bool{}, deferred: map[string]bool{}}}
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
	// callTime is how long one call may take; a call that has begun is not
	// broken off when the season ends.
	callTime = 30 * time.Second
	// glance is how often people look how things are, in the marketplace's
	// time; leastGlance in ours.
	glance      = 15 * time.Second
	leastGlance = 100 * time.Millisecond
)

// Run lets everybody live until the context ends, so many times as fast as
// ours, and returns when all have finished what they were at.
func (m *Market) Run(ctx context.Context, door Door, speed float64) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	m.Clock.Set(time.Now(), speed)
	s := &scene{Market: m, door: door, fail: stop}
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

// scene is the market in one season.
type scene struct {
	*Market
	door Door
	fail context.CancelCauseFunc
	all  sync.WaitGroup
}

// as calls Curfew for somebody. A refusal is the caller's to understand; that
// nobody is let in ends the season.
func as[T any](ctx context.Context, s *scene, role, id string, call func(context.Context, *api.Client) (T, error)) (answer T, err error) {
	client, err := s.door(role, id)
	if err != nil {
		s.fail(fmt.Errorf("let %s %s in: %w", role, id, err))
		return answer, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
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

// wait lets people do something else for a moment.
func (s *scene) wait(ctx context.Context) bool { return s.Clock.sleep(ctx, glance, leastGlance) }

func (s *scene) sleep(ctx context.Context, d time.Duration) bool { return s.Clock.sleep(ctx, d, 0) }

func ended(s api.Session) bool { return s.Status == "completed" || s.Status == "cancelled" }
