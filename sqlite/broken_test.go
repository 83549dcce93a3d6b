package sqlite

import (
	"errors"
	"testing"

	"github.com/curfewhq/curfew"
)

// A connection of the writer that is of no use any more is given up: the call
// that meets it may fail, the next is served by another.
func TestWrite_GivesUpABrokenConnection(t *testing.T) {
	t.Parallel()
	for sentence, breaks := range map[string]func(t *testing.T, s *Store){
		"it is within a transaction still": func(t *testing.T, s *Store) {
			t.Helper()
			for _, statement := range []string{"BEGIN IMMEDIATE", "INSERT INTO refusals (customer_id, id, session_id) VALUES ('kim', 'x', 's')"} {
				if _, err := s.writer.conn.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
		},
		"it may not write": func(t *testing.T, s *Store) {
			t.Helper()
			if _, err := s.writer.conn.ExecContext(t.Context(), "PRAGMA query_only = 1"); err != nil {
				t.Fatal(err)
			}
		},
		"its statements are closed": func(t *testing.T, s *Store) {
			t.Helper()
			for _, stmt := range s.writer.stmts {
				if err := stmt.Close(); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			s := made(t)
			if err := tryAdmit(s, 1); err != nil {
				t.Fatal(err)
			}
			breaks(t, s)
			first := tryAdmit(s, 2)
			for i := 3; i < 6; i++ {
				if err := tryAdmit(s, i); err != nil {
					t.Fatalf("call %d after it broke: %v (the first said %v)", i, err, first)
				}
			}
			if n := count(t, s, "SELECT count(*) FROM refusals"); n != 0 {
				t.Error("what was left in it was committed")
			}
			want := int64(5)
			if first != nil {
				want--
			}
			if n := count(t, s, "SELECT count(*) FROM sessions"); n != want {
				t.Errorf("%d sessions, want %d", n, want)
			}
		})
	}
}

// A caller who gives up while the write lock is not to be had leaves a
// connection that works.
func TestWrite_GoesOnAfterOneThatCouldNotBegin(t *testing.T) {
	t.Parallel()
	s := made(t)
	if err := s.RecordQueueRead(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := s.file.open("").Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE; PRAGMA busy_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	before := s.writer.conn
	if err := s.RecordQueueRead(t.Context()); !errors.Is(err, curfew.Unavailable) {
		t.Errorf("while another program writes: %v", err)
	}
	if s.writer.conn == before {
		t.Error("a connection that could not begin is kept")
	}
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := s.RecordQueueRead(t.Context()); err != nil {
		t.Errorf("after it: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}
