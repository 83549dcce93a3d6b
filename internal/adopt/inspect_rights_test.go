package adopt

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

// asReader returns the URL of a role that may SELECT from some tables, and nothing else. A role
// belongs to the server, so it has a name that no other test uses.
func asReader(t *testing.T, at string, conn *pgx.Conn, tables string) string {
	t.Helper()
	role := "inspect_" + strings.ToLower(rand.Text())
	run(t, conn, "CREATE ROLE "+role+"; GRANT USAGE ON SCHEMA public TO "+role)
	t.Cleanup(func() {
		_, _ = conn.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY "+role+"; DROP ROLE "+role)
	})
	if tables != "" {
		run(t, conn, "GRANT SELECT ON "+tables+" TO "+role)
	}
	return at + "&role=" + role
}

// catalog is everything that an inspection could have created or changed.
const catalog = `SELECT coalesce(string_agg(t, ';' ORDER BY t), '') FROM (
	SELECT 'c' || oid || relname || relhastriggers AS t FROM pg_class WHERE relnamespace IN ('public'::regnamespace)
	UNION ALL SELECT 't' || tgname FROM pg_trigger UNION ALL SELECT 'p' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
	UNION ALL SELECT 'n' || nspname FROM pg_namespace WHERE nspname !~ '^pg_temp|^pg_toast_temp'
	UNION ALL SELECT 's' || md5(string_agg(s::text, ',' ORDER BY id)) FROM public.sessions s) all_of_it`

func TestARightToSelectIsEnoughAndNothingChanges(t *testing.T) {
	t.Parallel()
	at, conn := marketplace(t, "live_help")
	var before, after string
	if err := conn.QueryRow(t.Context(), catalog).Scan(&before); err != nil {
		t.Fatal(err)
	}
	owner := inspected(t, at, "public.sessions")
	reader := inspected(t, asReader(t, at, conn, "public.sessions, public.session_requests"), "public.sessions")
	if owner.YAML != reader.YAML || reader.Rows != owner.Rows {
		t.Errorf("with SELECT alone, it is\n%s\ninstead of\n%s", reader.YAML, owner.YAML)
	}
	if err := conn.QueryRow(t.Context(), catalog).Scan(&after); err != nil {
		t.Fatal(err)
	}
	if before != after {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
}

// A view may call functions. None of them can write while somebody looks.
func TestWhatAViewCallsCannotWrite(t *testing.T) {
	t.Parallel()
	at, conn := marketplace(t, "live_help")
	run(t, conn, `CREATE TABLE public.looks (at timestamptz);
		CREATE FUNCTION public.noted(s text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.looks VALUES (now()); RETURN s; END $$;
		CREATE VIEW public.watched AS SELECT id, customer_user_id, created_at, public.noted(status) AS status FROM public.sessions`)
	if _, err := Inspect(t.Context(), at, "public.watched"); err == nil || !strings.Contains(err.Error(), "read-only transaction") {
		t.Errorf("a function wrote: %v", err)
	}
}

func TestHiddenRowsAreNeverCountedAsNone(t *testing.T) {
	t.Parallel()
	at, conn := marketplace(t, "telehealth")
	found := inspected(t, asReader(t, at, conn, "public.telehealth_consultations"), "public.telehealth_consultations")
	if found.Rows != -1 || !strings.Contains(found.Unread, "row-level security hides rows from this role") {
		t.Errorf("%d rows, and %q", found.Rows, found.Unread)
	}
	if !noticed(found.Decide, "status", "no row was looked at, because row-level security") {
		t.Errorf("nothing is said: %v", found.Decide)
	}
	checkMapping(t, conn, found)
}

func TestATableThatMayNotBeReadIsGuessedFromItsNames(t *testing.T) {
	t.Parallel()
	at, conn := marketplace(t, "live_help")
	reader := asReader(t, at, conn, "")
	found := inspected(t, reader, "public.sessions")
	if found.Rows != -1 || !strings.Contains(found.Unread, "GRANT SELECT ON public.sessions") {
		t.Errorf("%d rows, and %q", found.Rows, found.Unread)
	}
	checkMapping(t, conn, found)
	ranked, err := Rank(t.Context(), reader)
	if err != nil || len(ranked) == 0 || ranked[0].Relation != "public.sessions" {
		t.Errorf("found %v, %v", ranked, err)
	}
}

// Somebody who rewrites the table holds it locked. Nobody waits for that.
func TestALockedTableIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	at, conn := marketplace(t, "live_help")
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context()) //nolint:errcheck // there is nothing to keep
	if _, err := tx.Exec(t.Context(), "LOCK TABLE public.sessions IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	if _, err := Inspect(t.Context(), at, "public.sessions"); curfew.KindOf(err) != curfew.Unavailable || !strings.Contains(err.Error(), "another program holds a lock on it") {
		t.Errorf("got %v", err)
	}
}
