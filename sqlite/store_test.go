package sqlite_test

import (
	"testing"

	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, stores.SQLite)
}
