package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/sqlite"
)

func TestLock_HasOneHolder(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	unlock, err := sqlite.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		_, err = sqlite.Lock(name)
		if !errors.Is(err, curfew.Conflict) {
			t.Fatalf("a second lock of %s: %v", name, err)
		}
		for _, word := range []string{"curfew serve", "curfew migrate", strconv.Itoa(os.Getpid()), "stop it first"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("the refusal does not say %q: %v", word, err)
			}
		}
	}
	admit(t, s, "ada") // the lock keeps no other command out
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := sqlite.Lock(link)
	if err != nil {
		t.Fatal(err)
	}
	if err := again(); err != nil {
		t.Fatal(err)
	}
}
