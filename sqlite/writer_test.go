package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func made(t *testing.T) *Store {
	t.Helper()
	return madeIn(t, t.TempDir())
}

func madeIn(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(dir, "curfew.db"), Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// count is a number that the reader sees.
func count(t *testing.T, s *Store, query string) int64 {
	t.Helper()
	n, err := one(t.Context(), s.reader, value[int64], query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func tryAdmit(s *Store, i int) error {
	customer := fmt.Sprintf("customer-%d", i)
	_, err := s.Admit(context.Background(), record.Admission{
		Checkout: curfew.Checkout{ID: newID(), CustomerID: customer, Ref: newID(), Plan: "chat10"},
		Session:  curfew.Session{ID: newID(), CustomerID: customer, Plan: "chat10", Kind: curfew.Chat, Duration: time.Minute},
		Request:  curfew.Request{ID: newID(), CustomerName: "Ada"},
		Deadline: curfew.Deadline{After: time.Minute},
	})
	return err
}

// TestWrite_AFullFileTakesAllOrNothing lets the file run full in the middle of
// transactions, at every number of pages that is left.
func TestWrite_AFullFileTakesAllOrNothing(t *testing.T) {
	t.Parallel()
	s := made(t)
	admitted := int64(0)
	for room := range int64(30) {
		limit := fmt.Sprintf("PRAGMA max_page_count = %d", count(t, s, "SELECT page_count FROM pragma_page_count")+room%6)
		err := s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
			_, err := tx.w.conn.ExecContext(ctx, limit)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; ; i++ {
			err := tryAdmit(s, int(admitted))
			if err == nil {
				admitted++
				continue
			}
			if !errors.Is(err, curfew.Unavailable) {
				t.Fatalf("a full file is %v", err)
			}
			break
		}
		for _, table := range []string{"sessions", "session_requests", "checkouts", "payment_refs", "events WHERE subject = 'session'", "events WHERE subject = 'checkout'"} {
			if n := count(t, s, "SELECT count(*) FROM "+table); n != admitted {
				t.Fatalf("%d admissions were acknowledged, but there are %d %s", admitted, n, table)
			}
		}
		s.writer.discard() // the limit is the connection's
		if err := tryAdmit(s, int(admitted)); err != nil {
			t.Fatalf("with room again: %v", err)
		}
		admitted++
	}
	ok, err := one(t.Context(), s.reader, value[string], "PRAGMA integrity_check")
	if err != nil || ok != "ok" {
		t.Errorf("integrity: %s, %v", ok, err)
	}
}

func TestWrite_AnErrorEndsTheTransactionWhateverCameBefore(t *testing.T) {
	t.Parallel()
	s := made(t)
	wrong := errors.New("wrong")
	for name, fail := range map[string]func(ctx context.Context, tx *transaction) error{
		"its own error": func(context.Context, *transaction) error { return wrong },
		"SQLite has rolled back already": func(ctx context.Context, tx *transaction) error {
			if _, err := tx.exec(ctx, "ROLLBACK"); err != nil {
				return err
			}
			return wrong
		},
		"the statement is wrong": func(ctx context.Context, tx *transaction) error {
			if _, err := tx.exec(ctx, "INSERT INTO nowhere VALUES (1)"); err == nil {
				t.Error("there is a table nowhere")
			}
			return wrong
		},
	} {
		err := s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
			if _, err := tx.exec(ctx, insertRefusal, name, newID(), newID(), micros(tx.now)); err != nil {
				return err
			}
			return fail(ctx, tx)
		})
		if !errors.Is(err, wrong) {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.RecordQueueRead(t.Context()); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_ = s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
			_, _ = tx.exec(ctx, insertRefusal, "panic", newID(), newID(), micros(tx.now))
			panic("wrong")
		})
	}()
	if n := count(t, s, "SELECT count(*) FROM refusals"); n != 0 {
		t.Errorf("%d rows of failed transactions stayed", n)
	}
	if err := s.RecordQueueRead(t.Context()); err != nil {
		t.Errorf("after a panic: %v", err)
	}
}

// The file may disappear between its last check and the end of the commit. The caller then learns that the
// outcome is unknown, not that it is saved.
func TestWrite_WhatGoesDuringTheCommitIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	s := made(t)
	if err := tryAdmit(s, 1); err != nil {
		t.Fatal(err)
	}
	name := s.writer.file.name
	if err := s.writer.conn.Raw(func(conn any) error {
		conn.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 { //nolint:errcheck,forcetypeassert // the driver's connections are
			if err := os.Rename(name, name+".away"); err != nil {
				t.Error(err)
			}
			return 0
		})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := tryAdmit(s, 2); !errors.Is(err, curfew.Unavailable) || !strings.Contains(err.Error(), "its outcome is not known") {
		t.Errorf("it is said to be saved: %v", err)
	}
}
