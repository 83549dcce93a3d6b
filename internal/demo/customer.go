package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew/api"
)

// shop is a customer's life: one visit after the other.
func (s *scene) shop(ctx context.Context, c *customer) {
	v := VisitOf(s.options.Seed, c.number, c.visits)
	if c.visits == 0 {
		c.due = v.Pause
	}
	s.attend(ctx, c, v) // what the last season left
	for s.sleep(ctx, c.due-s.Clock.At(time.Now())) {
		c.visits++
		s.buy(ctx, c, v)
		if s.attend(ctx, c, v) == "expired" && v.Back > 0 && s.sleep(ctx, v.Back) {
			s.comeBack(ctx, c, v)
			s.attend(ctx, c, v)
		}
		v = VisitOf(s.options.Seed, c.number, c.visits)
		c.due = s.Clock.At(time.Now()) + v.Pause
	}
}

// buy pays, sometimes twice.
func (s *scene) buy(ctx context.Context, c *customer, v Visit) {
	s.pay(ctx, c, v)
	if v.Twice > 0 && s.sleep(ctx, v.Twice) {
		s.pay(ctx, c, Visit{Plan: v.Plan})
	}
}

// attend follows whatever session holds the customer's slot, until none does,
// and returns why the last one ended.
func (s *scene) attend(ctx context.Context, c *customer, v Visit) (reason string) {
	for ctx.Err() == nil {
		began := time.Now()
		status, err := as(ctx, s, "customer", c.id, func(ctx context.Context, a *api.Client) (api.SessionStatus, error) {
			return a.SessionStatus(ctx, c.id)
		})
		switch {
		case err != nil:
			s.wait(ctx)
		case status.Session == nil:
			return reason
		default:
			s.tally.inTheWay("customer "+c.id, status.Session, began)
			reason = s.follow(ctx, c, v, status.Session.ID)
		}
	}
	return reason
}

// follow looks at a session now and then until it has ended: comes when a
// mechanic has accepted, and cancels when it takes too long.
func (s *scene) follow(ctx context.Context, c *customer, v Visit, id string) (reason string) {
	since := s.Clock.At(time.Now())
	for s.wait(ctx) {
		now, err := as(ctx, s, "customer", c.id, func(ctx context.Context, a *api.Client) (api.Session, error) {
			return a.Session(ctx, id)
		})
		switch {
		case err != nil:
		case ended(now):
			s.tally.saw(c, now)
			return now.EndReason
		case now.Status != "waiting":
		case now.MechanicID != "" && !v.Leaves:
			_, _ = s.move(ctx, "customer", c.id, id, (*api.Client).Join) // the next look sees what became of it
		case now.MechanicID == "" && v.Patience > 0 && s.Clock.At(time.Now())-since > v.Patience:
			_, _ = s.move(ctx, "customer", c.id, id, (*api.Client).Cancel)
		}
	}
	return ""
}

// move joins, ends or cancels. That it came too late shows at the next look.
func (s *scene) move(ctx context.Context, role, who, id string, how func(*api.Client, context.Context, string) (api.Session, error)) (api.Session, error) {
	return as(ctx, s, role, who, func(ctx context.Context, a *api.Client) (api.Session, error) { return how(a, ctx, id) })
}

// comeBack asks for a session for the credit that the expired one left. Whose
// credit is spent already gets none.
func (s *scene) comeBack(ctx context.Context, c *customer, v Visit) {
	key := fmt.Sprintf("%s-back-%d", c.id, c.visits)
	done, err := as(ctx, s, "customer", c.id, func(ctx context.Context, a *api.Client) (api.Fulfilment, error) {
		return a.CreateSession(ctx, api.NewSession{Plan: v.Plan}, key)
	})
	if err == nil {
		c.credits = append(c.credits, done.SessionID)
		s.tally.tell("%s comes back with the credit", c.name)
	}
}
