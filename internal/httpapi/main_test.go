package httpapi_test

import (
	"testing"

	"github.com/curfewhq/curfew/internal/storetest/stores"
)

func TestMain(m *testing.M) { stores.Main(m) }
