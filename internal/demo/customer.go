package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew/api"
)

// shop makes one purchase after another.
func (s *round) shop(ctx context.Context, c *customer) {
	v := PurchaseOf(s.options.Seed, c.number, c.purchases)
	if c.purchases == 0 {
		c.due = v.Pause
	}
	s.attend(ctx, c, v) // the session of the previous round, if any
	for s.sleep(ctx, c.due-s.Clock.At(time.Now())) {
		c.purchases++
		s.buy(ctx, c, v)
		if s.attend(ctx, c, v) == "expired" && v.Back > 0 && s.sleep(ctx, v.Back) {
			s.comeBack(ctx, c, v)
			s.attend(ctx, c, v)
		}
		v = PurchaseOf(s.options.Seed, c.number, c.purchases)
		c.due = s.Clock.At(time.Now()) + v.Pause
	}
}

// buy pays, sometimes twice.
func (s *round) buy(ctx context.Context, c *customer, v Purchase) {
	s.pay(ctx, c, v)
	if v.Twice > 0 && s.sleep(ctx, v.Twice) {
		s.pay(ctx, c, Purchase{Plan: v.Plan})
	}
}

// attend follows the customer's open sessions until there is none, and returns why the last one ended.
func (s *round) attend(ctx context.Context, c *customer, v Purchase) (reason string) {
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
			s.tally.blockedBy("customer "+c.id, status.Session, began)
			reason = s.follow(ctx, c, v, status.Session.ID)
		}
	}
	return reason
}

// follow polls a session until it has ended. The customer joins once a mechanic has accepted, and cancels if that
// takes too long.
func (s *round) follow(ctx context.Context, c *customer, v Purchase, id string) (reason string) {
	since := s.Clock.At(time.Now())
	for s.wait(ctx) {
		now, err := as(ctx, s, "customer", c.id, func(ctx context.Context, a *api.Client) (api.Session, error) {
			return a.Session(ctx, id)
		})
		switch {
		case err != nil:
		case ended(now):
			s.tally.ended(c, now)
			return now.EndReason
		case now.Status != "waiting":
		case now.MechanicID != "" && !v.Leaves:
			_, _ = s.move(ctx, "customer", c.id, id, (*api.Client).Join) // the next poll sees the result
		case now.MechanicID == "" && v.CancelAfter > 0 && s.Clock.At(time.Now())-since > v.CancelAfter:
			_, _ = s.move(ctx, "customer", c.id, id, (*api.Client).Cancel)
		}
	}
	return ""
}

// move joins, ends or cancels. The next poll shows whether it came too late.
func (s *round) move(ctx context.Context, role, who, id string, how func(*api.Client, context.Context, string) (api.Session, error)) (api.Session, error) {
	return as(ctx, s, role, who, func(ctx context.Context, a *api.Client) (api.Session, error) { return how(a, ctx, id) })
}

// comeBack asks for a session on the credit of the expired one. It is refused if the credit is already spent.
func (s *round) comeBack(ctx context.Context, c *customer, v Purchase) {
	key := fmt.Sprintf("%s-back-%d", c.id, c.purchases)
	done, err := as(ctx, s, "customer", c.id, func(ctx context.Context, a *api.Client) (api.Fulfillment, error) {
		return a.CreateSession(ctx, api.NewSession{Plan: v.Plan}, key)
	})
	if err == nil {
		c.credits = append(c.credits, done.SessionID)
		s.tally.note("%s comes back with the credit", c.name)
	}
}
