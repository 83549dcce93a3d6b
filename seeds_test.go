package curfew_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unseeded are the files that may draw from the process's own randomness, with the reason.
var unseeded = map[string]string{
	"internal/storetest/seed/seed.go": "it draws the seed",
	"lifecycle/refund_test.go":        "names that only have to be new",
}

var drawn = regexp.MustCompile(`\brand\.(N|Int\w*|Uint\w*|Float\w*|Perm|Shuffle|NormFloat64|ExpFloat64)\(`)

// A test that failed by a random choice is repeated by CURFEW_TEST_SEED: none chooses without it.
func TestRandomChoicesHaveASeed(t *testing.T) {
	t.Parallel()
	looked, exempt := 0, 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "bench", "bin", "clients", "node_modules", "tools"}, path):
			return filepath.SkipDir
		case d.IsDir():
			return nil
		case !strings.HasSuffix(path, "_test.go") && !strings.HasPrefix(path, "internal/storetest/") && !strings.HasPrefix(path, "internal/stripe/stripetest/"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), `"math/rand`) {
			return err
		}
		looked++
		found := drawn.FindString(string(text))
		switch {
		case unseeded[path] != "":
			exempt++
			if found == "" {
				t.Errorf("%s draws from a seed: it is no exception any more", path)
			}
		case found != "":
			t.Errorf("%s: %s…) has no seed: draw from seed.Dice (internal/storetest/seed)", path, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if looked < 5 || exempt != len(unseeded) {
		t.Errorf("%d files were looked at, and %d exceptions", looked, exempt)
	}
}
