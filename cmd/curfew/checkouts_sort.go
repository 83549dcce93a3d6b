package main

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

type creditCheckout struct{ sortedCheckout }

// Run credits a forfeited payment.
func (c *creditCheckout) Run(ctx context.Context, s *settings, term terminal) error {
	return c.sort(ctx, s, term, (*lifecycle.Checkouts).CreditCheckout)
}

type ignoreCheckout struct{ sortedCheckout }

// Run ignores a held payment.
func (c *ignoreCheckout) Run(ctx context.Context, s *settings, term terminal) error {
	return c.sort(ctx, s, term, (*lifecycle.Checkouts).IgnoreCheckout)
}

type restoreCheckout struct{ sortedCheckout }

// Run holds an ignored payment.
func (c *restoreCheckout) Run(ctx context.Context, s *settings, term terminal) error {
	return c.sort(ctx, s, term, (*lifecycle.Checkouts).RestoreCheckout)
}

// sortedCheckout identifies a payment that gets another outcome, and gives the reason.
type sortedCheckout struct {
	Checkout string `arg:"" help:"Its id, or the payment's reference."`
	Reason   string `required:"" placeholder:"TEXT" help:"Kept in the payment's history."`
}

func (c *sortedCheckout) sort(
	ctx context.Context, s *settings, term terminal,
	move func(cs *lifecycle.Checkouts, ctx context.Context, by curfew.Actor, idOrRef, reason string) (curfew.Checkout, error),
) error {
	return s.withKeeper(ctx, term, func(_ database, keeper *lifecycle.Keeper) error {
		k, err := move(keeper.Checkouts, ctx, operator(), c.Checkout, c.Reason)
		if err != nil {
			return asUsage(err)
		}
		printCheckout(term, k)
		return nil
	})
}
