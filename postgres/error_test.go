package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/pgtest"
)

func TestErrorsHaveAKind(t *testing.T) {
	t.Parallel()
	refused := func(code string) error {
		return fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: code, Message: "secret"})
	}
	for what, c := range map[string]struct {
		err  error
		want curfew.Kind
	}{
		"a taken key":            {refused("23505"), curfew.Conflict},
		"a deadlock at last":     {refused("40P01"), curfew.Unavailable},
		"a serialization":        {refused("40001"), curfew.Unavailable},
		"a lock timeout":         {refused("55P03"), curfew.Unavailable},
		"a statement timeout":    {refused("57014"), curfew.Unavailable},
		"a shutdown":             {refused("57P01"), curfew.Unavailable},
		"a crash":                {refused("57P02"), curfew.Unavailable},
		"a start":                {refused("57P03"), curfew.Unavailable},
		"a full disk":            {refused("53100"), curfew.Unavailable},
		"too many connections":   {refused("53300"), curfew.Unavailable},
		"a lost connection":      {refused("08006"), curfew.Unavailable},
		"a standby":              {refused("25006"), curfew.Unavailable},
		"a wrong state":          {refused("55000"), curfew.Unavailable},
		"a changed plan":         {refused("0A000"), curfew.Unavailable},
		"no transaction":         {refused("25P01"), curfew.Unavailable},
		"a transaction too long": {refused("25P04"), curfew.Unavailable},
		"an error not heeded":    {refused("25P02"), curfew.Internal},
		"a role that is gone":    {refused("28000"), curfew.Unavailable},
		"a database that is not": {refused("3D000"), curfew.Unavailable},
		"no schema":              {refused("3F000"), curfew.Unavailable},
		"no table":               {refused("42P01"), curfew.Unavailable},
		"no right":               {refused("42501"), curfew.Unavailable},
		"mixed up statements":    {refused("26000"), curfew.Unavailable},
		"statements made twice":  {refused("42P05"), curfew.Unavailable},
		"a dropped database":     {refused("57P04"), curfew.Unavailable},
		"an error of the disk":   {refused("58030"), curfew.Unavailable},
		"corruption":             {refused("XX001"), curfew.Unavailable},
		"a corrupted index":      {refused("XX002"), curfew.Unavailable},
		"a NUL in a text":        {refused("22021"), curfew.Invalid},
		"a broken id":            {refused("22P02"), curfew.Invalid},
		"a CHECK: a defect":      {refused("23514"), curfew.Internal},
		"a missing column":       {refused("42703"), curfew.Unavailable},
		"a missing function":     {refused("42883"), curfew.Unavailable},
		"no row":                 {pgx.ErrNoRows, curfew.NotFound},
		"a cut answer":           {io.ErrUnexpectedEOF, curfew.Unavailable},
		"a reset":                {&net.OpError{Op: "read", Err: errors.New("reset")}, curfew.Unavailable},
		"a deadline":             {context.DeadlineExceeded, curfew.Unavailable},
		"a caller who gave up":   {context.Canceled, curfew.Unavailable},
		"something else":         {errors.New("something"), curfew.Internal},
		"what has a kind has it": {curfew.Errorf(curfew.MechanicBusy, "busy"), curfew.MechanicBusy},
	} {
		got := translate(c.err)
		if curfew.KindOf(got) != c.want || !errors.Is(got, c.err) {
			t.Errorf("%s is %s: %v", what, curfew.KindOf(got), got)
		}
		var shown *curfew.Error
		if errors.As(got, &shown) && strings.Contains(shown.Message, "secret") {
			t.Errorf("%s shows %q", what, shown.Message)
		}
	}
	if translate(nil) != nil {
		t.Error("nil became an error")
	}
	if said := translate(refused("42P05")).Error(); !strings.Contains(said, "default_query_exec_mode=cache_describe") {
		t.Errorf("behind a pooler it says %q", said)
	}
}

func TestTransactionsAreRepeatedForTheirNeighbours(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for code, want := range map[string]int{serializationFailure: attempts, deadlockDetected: attempts, readOnly: attempts, "55P03": 1, "P0001": 1} {
		n := 0
		err := f.store.tx(t.Context(), func(tx *transaction) error {
			n++
			return tx.send(t.Context(), func(b *pgx.Batch) {
				b.Queue(fmt.Sprintf(`DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '%s'; END $$`, code))
			})
		})
		if err == nil || n != want {
			t.Errorf("%s: %d attempts, want %d (%v)", code, n, want, err)
		}
	}
}

func TestADeadlockIsRiddenOver(t *testing.T) {
	t.Parallel()
	pgtest.MayDeadlock(t)
	f := newFixture(t)
	f.admit("ada")
	f.admit("bob")
	lock := func(tx *transaction, customer string) error {
		return tx.send(t.Context(), func(b *pgx.Batch) {
			b.Queue(`SELECT FROM curfew.sessions WHERE customer_id = $1 FOR UPDATE`, customer)
		})
	}
	var bothHold sync.WaitGroup
	bothHold.Add(2)
	cross := func(one, other string) error {
		again := false
		return f.store.tx(t.Context(), func(tx *transaction) error {
			if err := lock(tx, one); err != nil {
				return err
			}
			if !again { // each holds one before either asks for the other's
				again = true
				bothHold.Done()
				bothHold.Wait()
			}
			return lock(tx, other)
		})
	}
	errs := make(chan error, 2)
	go func() { errs <- cross("ada", "bob") }()
	go func() { errs <- cross("bob", "ada") }()
	f.must(<-errs)
	f.must(<-errs)
}

func TestWhatCannotAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	st := f.late("ada")
	waiting := f.configured(func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["lock_timeout"] = "50ms" })
	commit := f.holdAcceptance(st)
	_, err := waiting.Change(t.Context(), endChange(st, curfew.Cancelled, curfew.Expired))
	if !errors.Is(err, curfew.Unavailable) {
		t.Errorf("a lock that does not come: %v", err)
	}
	commit()

	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := f.store.Session(late, st.ID); !errors.Is(err, curfew.Unavailable) {
		t.Errorf("a caller without time: %v", err)
	}

	nowhere, err := url.Parse(f.url)
	f.must(err)
	nowhere.Host = "127.0.0.1:1"
	if _, err := Open(t.Context(), nowhere.String()); !errors.Is(err, curfew.Unavailable) {
		t.Errorf("a server that is not there: %v", err)
	}
	if _, err := Open(t.Context(), "postgres://user:hush@host:port/x"); !errors.Is(err, curfew.Invalid) || strings.Contains(err.Error(), "hush") {
		t.Errorf("a URL that cannot be read: %v", err)
	}
}

// A backend that dies takes its connection along; the next call has another.
func TestAKilledBackendIsRiddenOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.admit("ada")
	f.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	for range 20 {
		if _, err := f.store.Open(t.Context(), "ada"); err == nil {
			return
		} else if !errors.Is(err, curfew.Unavailable) {
			t.Fatalf("got error %v", err)
		}
	}
	t.Error("the store does not recover")
}

func TestOpenSetsItsTimeouts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, want := range preferred {
		got := f.only(`SELECT current_setting($1)`, name)
		if got != want && name != "timezone" {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	own := open(t, f.url+"&lock_timeout=77ms&pool_max_conns=3")
	f.same("the pool", own.pool.Config().MaxConns, int32(3))
	var got string
	f.must(own.pool.QueryRow(t.Context(), `SHOW lock_timeout`).Scan(&got))
	f.same("the URL's own timeout", got, "77ms")
}
