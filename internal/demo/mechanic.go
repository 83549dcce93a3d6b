package demo

import (
	"context"
	"time"

	"github.com/curfewhq/curfew/api"
)

// work takes one turn after another: look at the queue, accept a request, and behave as chosen.
func (s *round) work(ctx context.Context, k *mechanic) {
	for {
		t := TurnOf(s.options.Seed, k.number, k.turns)
		if !s.sleep(ctx, t.Pause) {
			return
		}
		k.turns++
		session, request := s.accept(ctx, k, t)
		if session != "" {
			s.do(ctx, k, t, session, request)
		}
	}
}

// accept accepts a request from the queue. It returns nothing if the request is gone, or if the mechanic is still
// busy with a forgotten session.
func (s *round) accept(ctx context.Context, k *mechanic, t Turn) (session, request string) {
	queue, err := as(ctx, s, "mechanic", k.id, func(ctx context.Context, a *api.Client) (api.Queue, error) {
		return a.Queue(ctx, api.Page{})
	})
	if err != nil || len(queue.Requests) == 0 {
		return "", ""
	}
	request = queue.Requests[t.Pick%len(queue.Requests)].ID
	offered, err := as(ctx, s, "mechanic", k.id, func(ctx context.Context, a *api.Client) (api.Offered, error) {
		return a.Accept(ctx, request)
	})
	if err != nil {
		return "", ""
	}
	return offered.Session.ID, request
}

func (s *round) do(ctx context.Context, k *mechanic, t Turn, session, request string) {
	switch t.Behavior {
	case Forgets:
		s.tally.note("%s accepts and forgets", k.id)
	case Vanishes:
		s.tally.note("%s accepts and goes offline", k.id)
		s.sleep(ctx, t.Offline)
	case Releases:
		if s.wait(ctx) {
			_, _ = as(ctx, s, "mechanic", k.id, func(ctx context.Context, a *api.Client) (api.Offered, error) {
				return a.Release(ctx, request)
			}) // fails if its deadline has released it
		}
	case Helps, Overruns:
		s.help(ctx, k, t, session)
	}
}

// help joins, waits for the customer, talks, and ends the session, unless the mechanic overruns.
func (s *round) help(ctx context.Context, k *mechanic, t Turn, id string) {
	var over time.Duration
	for s.wait(ctx) {
		now, err := s.move(ctx, "mechanic", k.id, id, (*api.Client).Join)
		switch {
		case err != nil && refusal(err):
			return // it has ended
		case err != nil || now.Status != "live":
		case over == 0:
			over = s.Clock.At(time.Now()) + time.Duration(t.Talk*float64(sold[now.Plan].duration))
		case t.Behavior == Helps && s.Clock.At(time.Now()) > over:
			_, _ = s.move(ctx, "mechanic", k.id, id, (*api.Client).End) // the next poll sees the result
		}
	}
}
