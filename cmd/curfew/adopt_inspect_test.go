package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew/internal/pgtest"
)

// helpDesk is a database with the tables of a help desk.
func helpDesk(t *testing.T) (url string) {
	t.Helper()
	sql, err := os.ReadFile("../../internal/adopt/testdata/live_help.sql")
	if err != nil {
		t.Fatal(err)
	}
	url = pgtest.Database(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // it has done its work
	if _, err := conn.Exec(t.Context(), string(sql)); err != nil {
		t.Fatal(err)
	}
	return url
}

func commanded(t *testing.T, args ...string) (out, said string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, terminal{&stdout, &stderr, false})
	return stdout.String(), stderr.String(), code
}

// What inspect prints is a settings file as it stands.
func TestAnInspectionIsASettingsFile(t *testing.T) {
	t.Parallel()
	url := helpDesk(t)
	for _, table := range []string{"sessions", "public.sessions", `public."sessions"`} {
		out, said, code := commanded(t, "adopt", "inspect", table, "--database-url", url)
		if code != 0 || said != "" {
			t.Fatalf("exit code %d: %s", code, said)
		}
		s, err := parse(t, "--config", write(t, out))
		if err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		if got := s.Adopted(); len(got) != 1 || got[0].Name != "sessions" || got[0].Customer[0] != "customer_user_id" {
			t.Errorf("the file maps %+v", got)
		}
		for _, line := range []string{
			"# public.sessions: a table, owned by ", ", 160 rows",
			"#   pending     12    ", "  waiting    CHECK sessions_status_check",
			"# To decide, marked in the mapping below:", "# To know:", `CREATE INDEX CONCURRENTLY "sessions_curfew_open"`,
		} {
			if !strings.Contains(out, line) {
				t.Errorf("%q is not in\n%s", line, out)
			}
		}
	}
}

func TestAnInspectionAsJSONHoldsTheSetting(t *testing.T) {
	t.Parallel()
	out, said, code := commanded(t, "adopt", "inspect", "sessions", "--json", "--database-url", helpDesk(t))
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	var found struct {
		Table    string
		Rows     int64
		Statuses []struct{ Word, As string }
		Decide   []struct{ Part, Text string }
		Adopt    json.RawMessage
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatal(err)
	}
	if found.Table != "public.sessions" || found.Rows != 160 || len(found.Statuses) != 8 || len(found.Decide) == 0 {
		t.Errorf("got %+v", found)
	}
	s, err := parse(t, "--adopt", string(found.Adopt))
	if err != nil || len(s.Adopted()) != 1 {
		t.Errorf("its setting is %s: %v", found.Adopt, err)
	}
}

func TestTablesThatMayHoldSessionsAreListed(t *testing.T) {
	t.Parallel()
	url := helpDesk(t)
	out, said, code := commanded(t, "adopt", "inspect", "--database-url", url)
	if code != 0 || !strings.Contains(out, "\n  public.sessions") || !strings.HasSuffix(out, " adopt inspect public.sessions\n") {
		t.Errorf("exit code %d: %s%s", code, out, said)
	}
	out, said, code = commanded(t, "adopt", "inspect", "--json", "--database-url", url)
	var found []struct{ Table string }
	if err := json.Unmarshal([]byte(out), &found); err != nil || code != 0 || found[0].Table != "public.sessions" {
		t.Errorf("exit code %d: %s%s", code, out, said)
	}
	out, _, code = commanded(t, "adopt", "inspect", "--adopt-database-url", url)
	if code != 0 || !strings.Contains(out, "public.sessions") {
		t.Errorf("of a database beside Curfew's: exit code %d, %s", code, out)
	}
	out, _, code = commanded(t, "adopt", "inspect", "--database-url", pgtest.Database(t))
	if code != 0 || !strings.HasPrefix(out, "No table looks like sessions") {
		t.Errorf("of an empty database: exit code %d, %s", code, out)
	}
}

func TestAnInspectionThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	url := helpDesk(t)
	for sentence, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"SQLite":        {[]string{"sessions", "--database-url", "sqlite:curfew.db"}, exitUsage, "only tables in PostgreSQL can be adopted"},
		"no such table": {[]string{"visits", "--database-url", url}, exitFailed, "there is no table public.visits"},
		"no status":     {[]string{"mechanics", "--database-url", url}, exitUsage, "inspect public.mechanics: no column looks like the status of a session"},
	} {
		_, said, code := commanded(t, append([]string{"adopt", "inspect"}, c.args...)...)
		if code != c.code || !strings.Contains(said, c.want) {
			t.Errorf("%s: exit code %d, %s", sentence, code, said)
		}
	}
}

func TestTablesAreNamedAsTheyAreTyped(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"sessions": "public.sessions", "care.calls": "care.calls", "Booking": `public."Booking"`, "public.Booking": `public."Booking"`,
		`"Booking"`: `public."Booking"`, `public."Booking"`: `public."Booking"`, "My Schema.calls": `"My Schema".calls`,
	} {
		if got := relationNamed(typed); got != want {
			t.Errorf("%s is %s, want %s", typed, got, want)
		}
	}
}
