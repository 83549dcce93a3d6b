package main

import (
	"context"

	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

type checkoutEvidence struct {
	Checkout string `arg:"" help:"Its id, or the payment's reference."`
}

// Run prints the evidence of a payment, for a dispute at Stripe.
func (c *checkoutEvidence) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withKeeper(ctx, term, func(db database, keeper *lifecycle.Keeper) error {
		evidence, err := timeline.New(db, keeper.Rules).Evidence(ctx, c.Checkout)
		if err != nil {
			return asUsage(err)
		}
		return term.json(evidence)
	})
}
