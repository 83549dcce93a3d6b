package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/sqlite"
)

// place is a database in a folder of its own, with a backup of before it had
// any rows.
type place struct{ dir, path, backup, away string }

func newPlace(t *testing.T) place {
	t.Helper()
	root := t.TempDir()
	p := place{filepath.Join(root, "data"), "", filepath.Join(root, "backup.db"), filepath.Join(root, "away.db")}
	p.path = filepath.Join(p.dir, "curfew.db")
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := migrated(t, p.backup, sqlite.Options{Create: true}).Close(); err != nil {
		t.Fatal(err)
	}
	return p
}

// do does some things to files, one after the other.
func do(t *testing.T, steps ...error) {
	t.Helper()
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
}

// mishap is what happens to a file while a store has it open.
type mishap struct {
	happens func(t *testing.T, p place)
	says    string
	// mends puts everything back; nil: it cannot be put back.
	mends func(t *testing.T, p place)
	// left is where all that was acknowledged must be; nil: nobody can have it.
	left func(p place) string
	// ruined: what is in place is no sound database any more.
	ruined bool
}

func inPlace(p place) string { return p.path }
func isAway(p place) string  { return p.away }

var mishaps = map[string]mishap{
	"it is deleted": {
		happens: func(t *testing.T, p place) { t.Helper(); do(t, os.Remove(p.path)) }, says: "was deleted or moved",
	},
	"it is moved away": {
		happens: func(t *testing.T, p place) { t.Helper(); do(t, os.Rename(p.path, p.away)) }, says: "was deleted or moved",
		mends: func(t *testing.T, p place) { t.Helper(); do(t, os.Rename(p.away, p.path)) }, left: inPlace,
	},
	"it is moved away for good": {
		happens: func(t *testing.T, p place) { t.Helper(); do(t, os.Rename(p.path, p.away)) }, says: "was deleted or moved", left: isAway,
	},
	"a backup is moved over it": {
		happens: func(t *testing.T, p place) { t.Helper(); do(t, os.Rename(p.backup, p.path)) }, says: "another file has taken the place",
	},
	"it is moved away, and a backup takes its place": {
		happens: func(t *testing.T, p place) { t.Helper(); do(t, os.Rename(p.path, p.away), os.Rename(p.backup, p.path)) },
		says:    "another file has taken the place", left: isAway,
	},
	"its log is deleted": {
		happens: func(t *testing.T, p place) { t.Helper(); do(t, os.Remove(p.path+"-wal")) }, says: "curfew.db-wal was deleted", left: inPlace,
	},
	"its index is deleted": {
		happens: func(t *testing.T, p place) { t.Helper(); do(t, os.Remove(p.path+"-shm")) }, says: "curfew.db-shm was deleted", left: inPlace,
	},
	"its log and index are deleted": {
		happens: func(t *testing.T, p place) { t.Helper(); do(t, os.Remove(p.path+"-wal"), os.Remove(p.path+"-shm")) },
		says:    "curfew.db-shm was deleted", left: inPlace,
	},
	"another program makes a new log": {
		happens: func(t *testing.T, p place) {
			t.Helper()
			do(t, os.Remove(p.path+"-wal"), os.WriteFile(p.path+"-wal", nil, 0o600))
		},
		says: "another program has made a new one", ruined: true,
	},
	"its folder is moved": {
		happens: func(t *testing.T, p place) { t.Helper(); do(t, os.Rename(p.dir, p.dir+"2")) }, says: "was deleted or moved",
		left: func(p place) string { return filepath.Join(p.dir+"2", "curfew.db") },
	},
	"its folder is moved and comes back": {
		happens: func(t *testing.T, p place) { t.Helper(); do(t, os.Rename(p.dir, p.dir+"2")) }, says: "was deleted or moved",
		mends: func(t *testing.T, p place) { t.Helper(); do(t, os.Rename(p.dir+"2", p.dir)) }, left: inPlace,
	},
	"its folder becomes a file": {
		happens: func(t *testing.T, p place) {
			t.Helper()
			do(t, os.Rename(p.dir, p.dir+"2"), os.WriteFile(p.dir, nil, 0o600))
		},
		says: "was deleted or moved", left: func(p place) string { return filepath.Join(p.dir+"2", "curfew.db") },
	},
	"it is emptied": {
		happens: func(t *testing.T, p place) { t.Helper(); do(t, os.Truncate(p.path, 0)) }, says: "cut off or written over", ruined: true,
	},
	"it is cut off": {
		happens: func(t *testing.T, p place) { t.Helper(); do(t, os.Truncate(p.path, 8192)) }, says: "cut off or written over", ruined: true,
	},
	"its log is emptied": {
		happens: func(t *testing.T, p place) { t.Helper(); do(t, os.Truncate(p.path+"-wal", 0)) }, says: "cut off or written over", ruined: true,
	},
	"a smaller file is copied over it": {
		happens: func(t *testing.T, p place) {
			t.Helper()
			must(t, p.path, "PRAGMA wal_checkpoint(TRUNCATE)")
			do(t, os.WriteFile(p.path, bytes.Repeat([]byte("ruined"), 1000), 0o600))
		},
		says: "is damaged", ruined: true,
	},
}

func TestFile_NothingIsSavedOnceTheFileIsNotTheOne(t *testing.T) {
	t.Parallel()
	for sentence, m := range mishaps {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			s := migrated(t, p.path, sqlite.Options{Create: true})
			for i := range 3 {
				admit(t, s, fmt.Sprint("customer-", i))
			}
			m.happens(t, p)
			refusesAll(t, s, m.says)
			if m.mends != nil {
				m.mends(t, p)
				refusesAll(t, s, m.says) // for ever: who knows what was done to it meanwhile
			}
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			if m.left != nil {
				soundWith(t, m.left(p), 3)
			}
			if !m.ruined {
				startsAgain(t, p.path)
			}
		})
	}
}

// refusesAll fails unless the store neither writes nor reads, and says why.
func refusesAll(t *testing.T, s *sqlite.Store, why string) {
	t.Helper()
	ctx := context.Background()
	_, write := s.Admit(ctx, admission("late"))
	_, read := s.Find(ctx, record.Search{Limit: 1})
	for what, err := range map[string]error{
		"a payment": write, "a reading": read, "a look": s.Ping(ctx), "a sign of life": s.RecordQueueRead(ctx),
	} {
		if !errors.Is(err, curfew.Unavailable) || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "restart") {
			t.Errorf("%s: %v; want it unavailable, and why: %q", what, err, why)
		}
		var shown *curfew.Error
		if errors.As(err, &shown) && strings.Contains(shown.Message, "/") {
			t.Errorf("%s shows callers where files are: %s", what, shown.Message)
		}
	}
}

// soundWith fails unless a file is whole and has so many sessions, and none of
// what was refused.
func soundWith(t *testing.T, path string, sessions int) {
	t.Helper()
	if got := must(t, path, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("%s: %s", path, got)
	}
	if got := must(t, path, "SELECT count(*) FROM sessions"); got != fmt.Sprint(sessions) {
		t.Errorf("%s has %s sessions, want %d", path, got, sessions)
	}
}

// startsAgain fails unless a restart works on what is in place now.
func startsAgain(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		return
	}
	s := opened(t, path, sqlite.Options{})
	admit(t, s, "restarted")
	if got := must(t, path, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("after a restart: %s", got)
	}
}

// Payments come in all the time while the file is taken away: what was
// acknowledged is in it, wherever it is, and nothing else.
func TestFile_WhatWasAcknowledgedIsInTheFileThatWasTakenAway(t *testing.T) {
	t.Parallel()
	for sentence, happens := range map[string]func(p place) error{
		"moved":    func(p place) error { return os.Rename(p.path, p.away) },
		"replaced": func(p place) error { return errors.Join(os.Rename(p.path, p.away), os.Rename(p.backup, p.path)) },
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			s := migrated(t, p.path, sqlite.Options{Create: true})
			acknowledged, unsure := payAll(s, 400, func() error { return happens(p) })
			if len(acknowledged) == 0 || len(acknowledged) == 400 {
				t.Fatalf("not in the middle: %d", len(acknowledged))
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			there := strings.Fields(must(t, p.away, "SELECT customer_id FROM sessions"))
			for _, customer := range acknowledged {
				if !slices.Contains(there, customer) {
					t.Errorf("%s was acknowledged and is lost", customer)
				}
			}
			if len(there) > len(acknowledged)+unsure {
				t.Errorf("%d are there, %d were acknowledged and %d may be there", len(there), len(acknowledged), unsure)
			}
			soundWith(t, p.away, len(there))
			startsAgain(t, p.path)
		})
	}
}

// payAll admits customers by eight callers; in the middle something happens. It
// returns who was acknowledged, and how many outcomes are not known.
func payAll(s *sqlite.Store, n int, happens func() error) (acknowledged []string, unsure int) {
	var mu sync.Mutex
	var wait sync.WaitGroup
	customers := make(chan string)
	for range 8 {
		wait.Go(func() {
			for customer := range customers {
				_, err := s.Admit(context.Background(), admission(customer))
				mu.Lock()
				switch {
				case err == nil:
					acknowledged = append(acknowledged, customer)
				case strings.Contains(err.Error(), "outcome is not known"):
					unsure++
				}
				mu.Unlock()
			}
		})
	}
	for i := range n {
		if i == n/2 {
			if err := happens(); err != nil {
				panic(err)
			}
		}
		customers <- fmt.Sprint("customer-", i)
	}
	close(customers)
	wait.Wait()
	return acknowledged, unsure
}

func TestFile_HasOneName(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := migrated(t, p.path, sqlite.Options{Create: true})
	admit(t, s, "ada")
	do(t, os.Link(p.path, p.away))
	_, err := s.Admit(t.Context(), admission("bob"))
	if !errors.Is(err, curfew.Unavailable) || errors.Is(err, curfew.Conflict) || !strings.Contains(err.Error(), "2 names") {
		t.Errorf("a payment into a file of two names: %v", err)
	}
	for _, name := range []string{p.path, p.away} {
		if _, err := sqlite.Open(t.Context(), name, sqlite.Options{}); !errors.Is(err, curfew.Conflict) || !strings.Contains(err.Error(), "find DIR -samefile") {
			t.Errorf("open %s of two names: %v", name, err)
		}
		if _, err := sqlite.Lock(name); !errors.Is(err, curfew.Conflict) || !strings.Contains(err.Error(), "2 names") {
			t.Errorf("lock %s of two names: %v", name, err)
		}
	}
	do(t, os.Remove(p.away)) // a backup tool may have made it, and removed it again
	admit(t, s, "bob")
	soundWith(t, p.path, 2)
}

func TestFile_ASymbolicLinkIsTheSameFileUntilItLeadsElsewhere(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	if err := migrated(t, p.path, sqlite.Options{Create: true}).Close(); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	do(t, os.Symlink(p.path, link))
	s := opened(t, link, sqlite.Options{})
	beside := opened(t, p.path, sqlite.Options{})
	admit(t, s, "ada")
	admit(t, beside, "bob")
	do(t, os.Remove(link), os.Symlink(p.backup, link))
	refusesAll(t, s, "another file has taken the place")
	admit(t, beside, "cyd")
	soundWith(t, p.path, 3)
}

// A new connection opens what stands at the path, so it must look twice.
func TestFile_NoConnectionIsOpenedToAnotherFile(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := migrated(t, p.path, sqlite.Options{Create: true})
	admit(t, s, "ada")
	do(t, os.Rename(p.path, p.away), os.Rename(p.backup, p.path))
	if _, err := s.Migrate(t.Context()); !errors.Is(err, curfew.Unavailable) {
		t.Errorf("migrate by a new connection: %v", err)
	}
	refusesAll(t, s, "another file has taken the place")
}

// After a kill nobody has put the log aside, and a backup is moved over the
// file: SQLite would write that log into it.
func TestOpen_RefusesTheLogOfAnotherFile(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	killed(t, p)
	do(t, os.Rename(p.backup, p.path))
	_, err := sqlite.Open(t.Context(), p.path, sqlite.Options{})
	if !errors.Is(err, curfew.Conflict) || !strings.Contains(err.Error(), "curfew.db-wal") || !strings.Contains(err.Error(), "mv ") {
		t.Fatalf("a backup beside the log of another file: %v", err)
	}
	do(t, os.Rename(p.path+"-wal", p.path+"-wal.old"))
	s := opened(t, p.path, sqlite.Options{})
	admit(t, s, "ada")
	soundWith(t, p.path, 1)
}

func TestOpen_TakesUpTheLogOfAKilledProcess(t *testing.T) {
	t.Parallel()
	for sentence, moves := range map[string]func(t *testing.T, p place) string{
		"as it is": func(_ *testing.T, p place) string { return p.path },
		"in a folder that was moved": func(t *testing.T, p place) string {
			t.Helper()
			do(t, os.Rename(p.dir, p.dir+"2"))
			return filepath.Join(p.dir+"2", "curfew.db")
		},
		"in a folder that was copied": func(t *testing.T, p place) string {
			t.Helper()
			do(t, os.CopyFS(p.dir+"2", os.DirFS(p.dir)))
			return filepath.Join(p.dir+"2", "curfew.db")
		},
		"restored with its log": func(t *testing.T, p place) string {
			t.Helper()
			do(t, os.CopyFS(p.dir+"2", os.DirFS(p.dir)), os.Remove(p.path), os.Remove(p.path+"-wal"), os.Remove(p.path+"-shm"))
			do(t, os.Rename(p.dir+"2/curfew.db", p.path), os.Rename(p.dir+"2/curfew.db-wal", p.path+"-wal"))
			return p.path
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			killed(t, p)
			path := moves(t, p)
			s := opened(t, path, sqlite.Options{})
			admit(t, s, "bob")
			soundWith(t, path, 2)
		})
	}
}

func TestOpen_RefusesAnEmptyFileBesideALog(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	killed(t, p)
	do(t, os.Truncate(p.path, 0))
	_, err := sqlite.Open(t.Context(), p.path, sqlite.Options{})
	if !errors.Is(err, curfew.Conflict) || !strings.Contains(err.Error(), "is empty, but its log") {
		t.Fatalf("an emptied file: %v", err)
	}
	if info, err := os.Stat(p.path + "-wal"); err != nil || info.Size() == 0 {
		t.Errorf("its log: %v, %v", info, err)
	}
}

func TestOpen_MakesNoDatabaseBesideTheLogOfAMissingOne(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	killed(t, p)
	do(t, os.Rename(p.path, p.away))
	for what, err := range map[string]error{
		"open": func() error { _, err := sqlite.Open(t.Context(), p.path, sqlite.Options{Create: true}); return err }(),
		"lock": func() error { _, err := sqlite.Lock(p.path); return err }(),
	} {
		if !errors.Is(err, curfew.Conflict) || !strings.Contains(err.Error(), "is missing, but its log") {
			t.Errorf("%s: %v", what, err)
		}
	}
	do(t, os.Rename(p.away, p.path))
	startsAgain(t, p.path)
	soundWith(t, p.path, 2)
}

// killed leaves a database as a killed service does: one session, in the log
// alone.
func killed(t *testing.T, p place) {
	t.Helper()
	source := filepath.Join(t.TempDir(), "curfew.db")
	unlock, err := sqlite.Lock(source)
	if err != nil {
		t.Fatal(err)
	}
	s := migrated(t, source, sqlite.Options{Create: true})
	admit(t, s, "ada")
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		do(t, os.Link(source+suffix, p.path+suffix))
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		do(t, os.Remove(source+suffix))
	}
	_ = s.Ping(t.Context()) // it notices, so that its end leaves the files alone
	do(t, s.Close(), unlock())
}

func TestLock_IsOfTheFileWhateverItsName(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	unlock, err := sqlite.Lock(p.backup)
	if err != nil {
		t.Fatal(err)
	}
	do(t, os.Rename(p.backup, p.away), os.Remove(p.backup+".lock"))
	_, err = sqlite.Lock(p.away)
	if !errors.Is(err, curfew.Conflict) || !strings.Contains(err.Error(), "under another name") {
		t.Errorf("a second lock of a file that was moved: %v", err)
	}
	do(t, unlock())
	again, err := sqlite.Lock(p.away)
	if err != nil {
		t.Fatal(err)
	}
	do(t, again())
}

func BenchmarkCheck(b *testing.B) {
	s, _ := fresh(b)
	for b.Loop() {
		if err := sqlite.Check(s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdmit(b *testing.B) {
	s, _ := fresh(b)
	for i := 0; b.Loop(); i++ {
		admit(b, s, fmt.Sprint("customer-", i))
	}
}

// BenchmarkAdmitTogether has 32 callers.
func BenchmarkAdmitTogether(b *testing.B) {
	s, _ := fresh(b)
	var n atomic.Int64
	b.SetParallelism(max(1, 32/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			admit(b, s, fmt.Sprint("customer-", n.Add(1)))
		}
	})
}

func TestFile_SomebodyElseMayVacuumButNotChangeTheJournal(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	must(t, path, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
		INSERT INTO refusals (customer_id, id, session_id) SELECT 'kim', i, 's' FROM n; PRAGMA wal_checkpoint(TRUNCATE)`)
	admit(t, s, "ada")
	must(t, path, "DELETE FROM refusals; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
	admit(t, s, "bob")
	if out, err := shell(t, path, "PRAGMA journal_mode = DELETE"); err == nil || !strings.Contains(out, "locked") {
		t.Errorf("the journal was changed beside a store: %s, %v", out, err)
	}
	admit(t, s, "cyd")
	soundWith(t, path, 3)
}
