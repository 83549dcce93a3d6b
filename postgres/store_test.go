package postgres_test

import (
	"testing"

	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/postgres"
	"github.com/curfewhq/curfew/storetest"
	"github.com/curfewhq/curfew/storetest/stores"
)

var _ lifecycle.Store = (*postgres.Store)(nil)

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, stores.Postgres)
}

// A role that owns nothing and has the printed grants passes the same contract.
func TestContractAsARoleThatOwnsNothing(t *testing.T) {
	t.Parallel()
	storetest.Run(t, stores.PostgresService)
}
