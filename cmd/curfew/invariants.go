package main

import (
	"context"
	"fmt"

	"github.com/curfewhq/curfew/internal/invariant"
)

// brokenInvariants describes the invariants that the rows violate.
func brokenInvariants(ctx context.Context, db database) ([]string, error) {
	broken := []string{}
	for _, check := range invariant.Checks() {
		n, first, err := db.Broken(ctx, check.SQL)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			broken = append(broken, fmt.Sprintf("%s: %s, the first is %s", check.Name, plural(n, "row"), first))
		}
	}
	return broken, nil
}
