package curfew_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMigrationsStayAsTheyWere: databases remember a migration by its number, so
// neither number, name nor text of one that was released may change.
func TestMigrationsStayAsTheyWere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/migrations.txt")
	if err != nil {
		t.Fatal(err)
	}
	pinned := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		pinned[line] = true
	}
	for _, store := range []string{"postgres", "sqlite"} {
		files, err := filepath.Glob(store + "/migrations/*.sql")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no migrations: %v", store, err)
		}
		for _, file := range files {
			sql, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			line := fmt.Sprintf("%x  %s", sha256.Sum256(sql), filepath.ToSlash(file))
			if !pinned[line] {
				t.Errorf("%s is new or was changed. A new one: add this line to testdata/migrations.txt. A released one: change it back, and write another.\n%s", file, line)
			}
			delete(pinned, line)
		}
	}
	for line := range pinned {
		t.Errorf("testdata/migrations.txt has a migration that is not there any more, or not like this: %s", line)
	}
}
