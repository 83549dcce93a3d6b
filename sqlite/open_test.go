package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/sqlite"
)

func TestOpen_TakesFilesAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file    string
		content string
		kind    curfew.Kind
		says    string
	}{
		"a missing file is not made":                  {file: "none.db", kind: curfew.NotFound, says: "curfew migrate"},
		"a file in a missing folder is not found":     {file: "none/none.db", kind: curfew.NotFound, says: "none.db"},
		"a file that is no database is said to be so": {file: "text.db", content: strings.Repeat("no database ", 100), kind: curfew.Invalid, says: "no SQLite database"},
		"there is no database without a file":         {file: ":memory:", kind: curfew.Invalid, says: "needs a file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := test.file
			if path != ":memory:" {
				path = filepath.Join(t.TempDir(), test.file)
			}
			if test.content != "" {
				if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want kind %s and %q", err, test.kind, test.says)
			}
			if _, err := os.Stat(path); test.kind == curfew.NotFound && err == nil {
				t.Error("it made the file")
			}
		})
	}
}

func TestOpen_MakesAPrivateFileOfAnyName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a ?name#of%20 some&kind.db")
	s := migrated(t, path, sqlite.Options{Create: true})
	st := admit(t, s, "ada")
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", name, info.Mode())
		}
	}
	again := opened(t, path, sqlite.Options{})
	if got, err := again.Session(t.Context(), st.ID); err != nil || got.Version != 1 {
		t.Errorf("read back: %+v, %v", got, err)
	}
}

func TestStore_WorksBesideAnotherProcessOnTheFile(t *testing.T) {
	t.Parallel()
	first, path := fresh(t)
	second := opened(t, path, sqlite.Options{})
	var wait sync.WaitGroup
	for i, s := range []*sqlite.Store{first, second} {
		for j := range 4 {
			wait.Go(func() {
				for k := range 10 {
					_, err := s.Admit(context.Background(), admission(fmt.Sprintf("customer-%d-%d-%d", i, j, k)))
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wait.Wait()
	for _, s := range []*sqlite.Store{first, second} {
		f, err := s.SessionFigures(t.Context(), curfew.DefaultPolicy())
		if err != nil || f.ByStatus[curfew.Waiting] != 80 {
			t.Errorf("%v, %v", f, err)
		}
	}
}

// holding takes the write lock as another program would, until it is released.
func holding(t *testing.T, path string) (release func()) {
	t.Helper()
	conn, err := beside(t, path).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestStore_SaysWhenTheFileIsHeldAndGoesOnAfter(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	release := holding(t, path)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Admit(ctx, admission("ada")); !errors.Is(err, curfew.Unavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write that cannot begin: %v", err)
	}
	if _, err := s.Find(t.Context(), record.Search{Limit: 1}); err != nil {
		t.Errorf("a reading beside: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.Admit(context.Background(), admission("ada"))
		done <- err
	}()
	release()
	if err := <-done; err != nil {
		t.Errorf("after the release: %v", err)
	}
}

func TestStore_ServesWhoAskedFirstEvenIfOthersGiveUp(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	release := holding(t, path)
	first := make(chan error, 1)
	go func() {
		_, err := s.Admit(context.Background(), admission("ada"))
		first <- err
	}()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Admit(ctx, admission("bob")); !errors.Is(err, curfew.Unavailable) {
		t.Errorf("a caller who has given up: %v", err)
	}
	release()
	if err := <-first; err != nil {
		t.Error(err)
	}
	if _, err := s.Open(t.Context(), "bob"); !errors.Is(err, curfew.NotFound) {
		t.Errorf("the caller who gave up has a session: %v", err)
	}
}
