package demo

import (
	"context"
	"time"

	"github.com/curfewhq/curfew/api"
)

// work is a mechanic's life: look at the queue, take a request, and what comes
// of it.
func (s *scene) work(ctx context.Context, k *mechanic) {
	for {
		t := TurnOf(s.options.Seed, k.number, k.turns)
		if !s.sleep(ctx, t.Pause) {
			return
		}
		k.turns++
		session, request := s.take(ctx, k, t)
		if session != "" {
			s.do(ctx, k, t, session, request)
		}
	}
}

// take accepts a request of the queue. It may be gone by then, or he may still
// be busy with a session that he forgot.
func (s *scene) take(ctx context.Context, k *mechanic, t Turn) (session, request string) {
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

func (s *scene) do(ctx context.Context, k *mechanic, t Turn, session, request string) {
	switch t.Deed {
	case Forgets:
		s.tally.tell("%s accepts and forgets", k.id)
	case Vanishes:
		s.tally.tell("%s accepts and goes offline", k.id)
		s.sleep(ctx, t.Offline)
	case Releases:
		if s.wait(ctx) {
			_, _ = as(ctx, s, "mechanic", k.id, func(ctx context.Context, a *api.Client) (api.Offered, error) {
				return a.Release(ctx, request)
			}) // too late: its deadline has done it
		}
	case Helps, Overruns:
		s.help(ctx, k, t, session)
	}
}

// help comes, waits for the customer, talks, and ends it, unless he leaves that
// to the deadline.
func (s *scene) help(ctx context.Context, k *mechanic, t Turn, id string) {
	var over time.Duration
	for s.wait(ctx) {
		now, err := s.move(ctx, "mechanic", k.id, id, (*api.Client).Join)
		switch {
		case err != nil && refusal(err):
			return // it has ended
		case err != nil || now.Status != "live":
		case over == 0:
			over = s.Clock.At(time.Now()) + time.Duration(t.Talk*float64(sold[now.Plan].duration))
		case t.Deed == Helps && s.Clock.At(time.Now()) > over:
			_, _ = s.move(ctx, "mechanic", k.id, id, (*api.Client).End) // shows at the next look
		}
	}
}
