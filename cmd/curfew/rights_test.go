package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"regexp"
	"strings"
	"testing"
)

// A role that may not write events would tell nobody anything: preflight prints
// the grant, serve does not start without it, and pasted it heals.
func TestAMissingRightIsNoticedBeforeServing(t *testing.T) {
	t.Parallel()
	w := begin(t)
	role := "curfew_test_" + strings.ToLower(rand.Text())
	w.psql(`CREATE ROLE ` + role)
	t.Cleanup(func() { w.psqlAfter(`DROP OWNED BY `+role, `DROP ROLE `+role) })
	w.psql(`GRANT USAGE ON SCHEMA curfew TO ` + role + `; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA curfew TO ` + role +
		`; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA curfew TO ` + role +
		`; REVOKE UPDATE ON curfew.events FROM ` + role)
	address := w.url + "&role=" + role
	there := []string{"CURFEW_DATABASE_URL=" + address}
	grant := `GRANT UPDATE (customer_id, told, actor, reason) ON curfew.events TO ` + role

	if _, err := start(w.dir, there); err == nil || !strings.Contains(err.Error(), grant) {
		t.Errorf("serve says: %v", err)
	}
	out, err := w.shell("CURFEW_DATABASE_URL='" + address + "' curfew preflight")
	line := regexp.MustCompile(`→ as the owner of the tables, run: (.*)`).FindStringSubmatch(out)
	if err == nil || line == nil || line[1] != grant {
		t.Fatalf("preflight says (%v):\n%s", err, out)
	}
	w.psql(line[1])
	serving(t, w.dir, there)
	w.says(w.run("CURFEW_DATABASE_URL='"+address+"' curfew preflight"), "✓ rights", "Ready.")
}

// psqlAfter runs statements when the test has ended.
func (w *walk) psqlAfter(statements ...string) {
	db, err := sql.Open("pgx", w.url)
	if err != nil {
		w.Error(err)
		return
	}
	defer db.Close() //nolint:errcheck // the test's own
	for _, statement := range statements {
		if _, err := db.ExecContext(context.WithoutCancel(w.Context()), statement); err != nil {
			w.Error(err)
		}
	}
}
