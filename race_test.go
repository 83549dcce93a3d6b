package curfew_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The race detector does not look into SQLite and regular expressions, which the
// Makefile's flags leave out of it. It still finds a race between goroutines that use SQLite, and
// reports none where there is none.
func TestTheMakefilesFlagsFindRaces(t *testing.T) {
	t.Parallel()
	// As make expands it, its flags and not its text.
	flags, err := exec.CommandContext(t.Context(), "make", "--silent", "--no-print-directory", "print-race").Output()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "race")
	build := append(append([]string{"build"}, strings.Fields(string(flags))...), "-o", program, "./testdata/race")
	if out, err := exec.CommandContext(t.Context(), "go", build...).CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(build, " "), err, out)
	}
	for _, c := range []struct {
		name string
		race bool
	}{{"planted", true}, {"clean", false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), program, c.name).CombinedOutput()
			if found := strings.Contains(string(out), "WARNING: DATA RACE"); found != c.race || (err != nil) != c.race {
				t.Errorf("race found: %t, want %t (%v)\n%s", found, c.race, err, out)
			}
		})
	}
}
