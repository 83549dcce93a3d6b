package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test's program a curfew too: testscript puts it into PATH
// under that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"curfew": main})
}
