package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew/internal/record"
)

// desk is a migrated database with the tables of a help desk, and the arguments that name it and its mapping.
func desk(t *testing.T) (exec func(sql string), args []string) {
	t.Helper()
	url := helpDesk(t)
	if _, said, code := commanded(t, "migrate", "--database-url", url); code != 0 {
		t.Fatal(said)
	}
	mapped, said, code := commanded(t, "adopt", "inspect", "sessions", "--database-url", url)
	if code != 0 {
		t.Fatal(said)
	}
	exec = func(sql string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context()) //nolint:errcheck // it has done its work
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return exec, []string{"--database-url", url, "--config", write(t, mapped)}
}

func TestATableIsAdoptedStepByStep(t *testing.T) {
	t.Parallel()
	exec, with := desk(t)
	for _, step := range []struct {
		line string
		code int
		want string
	}{
		{"adopt status", 0, "sessions: public.sessions, mode off"},
		{"adopt shadow session", exitUsage, "did you mean sessions?"},
		{"adopt shadow sessions", 0, "mode shadow"},
		{"adopt status sessions", 1, "What enforce would have ended"},
		{"health", 1, "adopt enforce sessions"},
		{"adopt enforce sessions", exitUsage, "or say --yes"},
		{"adopt enforce sessions --rule expired --yes", 0, "mode enforce (expired)"},
		{"adopt verify sessions", 0, "Every row of sessions is as Curfew knows it."},
		{"adopt off sessions", 0, "mode off"},
		{"adopt release sessions --drop", exitUsage, "add --yes if you mean that"},
		{"adopt release sessions --drop --yes", 0, "nothing of Curfew is on it"},
	} {
		out, said, code := commanded(t, append(strings.Fields(step.line), with...)...)
		if code != step.code || !strings.Contains(out+said, step.want) {
			t.Fatalf("%s: exit code %d, not %d, and %q is not in\n%s%s", step.line, code, step.code, step.want, out, said)
		}
	}
	exec(`ALTER TABLE public.sessions RENAME TO elsewhere`)
	if _, said, code := commanded(t, append([]string{"adopt", "shadow", "sessions"}, with...)...); code != exitFailed || !strings.Contains(said, "there is no table public.sessions") {
		t.Errorf("a table that is gone: exit code %d, %s", code, said)
	}
}

func TestTheStatusOfAdoptedTablesAsJSON(t *testing.T) {
	t.Parallel()
	_, with := desk(t)
	commanded(t, append([]string{"adopt", "shadow", "sessions"}, with...)...)
	out, said, code := commanded(t, append([]string{"adopt", "status", "--json"}, with...)...)
	var all []record.AdoptedTable
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != 1 {
		t.Fatalf("exit code %d: %v, %s", code, err, said)
	}
	if len(all) != 1 || all[0].Name != "sessions" || all[0].Open == 0 || all[0].Count == 0 || all[0].Blocked[0].Customer == "" || len(all[0].Findings) == 0 {
		t.Errorf("got %+v", all)
	}
}

func TestNothingIsAdoptedWithoutAMapping(t *testing.T) {
	t.Parallel()
	url := helpDesk(t)
	commanded(t, "migrate", "--database-url", url)
	for sentence, test := range map[string]struct {
		args []string
		want string
	}{
		"no mapping":     {[]string{"status", "--database-url", url}, "curfew adopt inspect finds tables"},
		"no mapping yet": {[]string{"shadow", "sessions", "--database-url", url}, "curfew adopt inspect finds tables"},
		"SQLite":         {[]string{"status", "--database-url", "sqlite:curfew.db"}, "only tables in PostgreSQL can be adopted"},
		"no such rule":   {[]string{"enforce", "sessions", "--rule", "late", "--database-url", url}, "there are expired, no_show, overran, missed"},
	} {
		_, said, code := commanded(t, append([]string{"adopt"}, test.args...)...)
		if code != exitUsage || !strings.Contains(said, test.want) {
			t.Errorf("%s: exit code %d, %s", sentence, code, said)
		}
	}
}
