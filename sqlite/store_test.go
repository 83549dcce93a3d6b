package sqlite_test

import (
	"testing"

	"github.com/curfewhq/curfew/storetest"
	"github.com/curfewhq/curfew/storetest/stores"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, stores.SQLite)
}
