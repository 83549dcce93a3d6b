package postgres_test

import (
	"testing"

	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/postgres"
)

var _ lifecycle.Store = (*postgres.Store)(nil)

// A role that owns nothing and has the printed grants keeps the contract.
func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, stores.PostgresService)
}

func TestContractAsTheOwner(t *testing.T) {
	if testing.Short() {
		t.Skip("the owner may do all that the service's role may: make long runs it")
	}
	t.Parallel()
	storetest.Run(t, stores.Postgres)
}
