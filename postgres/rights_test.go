package postgres

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// as is a store of a role that owns nothing.
func (f *fixture) as(role string) *Store {
	f.Helper()
	address, err := url.Parse(f.url)
	f.must(err)
	q := address.Query()
	q.Set("role", strings.Trim(role, `"`))
	address.RawQuery = q.Encode()
	return open(f.T, address.String())
}

// service is a role with all that the service needs.
func (f *fixture) service() string {
	f.Helper()
	role := f.role()
	for _, grant := range grants(strings.Trim(role, `"`)) {
		f.exec(grant)
	}
	return role
}

func TestARoleThatOwnsNothingIsEnough(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.as(f.service())
	f.must(s.Verify(t.Context()))
	begun := time.Now()
	grants, err := s.Denied(t.Context())
	f.must(err)
	t.Logf("trying the rights took %s", time.Since(begun))
	f.same("missing grants", grants, []string(nil))
	st, err := s.Admit(t.Context(), admission("ada"))
	f.must(err)
	_, err = s.Change(t.Context(), endChange(st, curfew.Cancelled, curfew.ByRequest))
	f.must(err)
	f.wantCounted()
}

// Each right that is taken away is named by the statement that gives it back,
// and that statement does.
func TestAMissingRightIsNamedWithItsGrant(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	role := f.service()
	name := strings.Trim(role, `"`)
	before := f.rows(`SELECT * FROM curfew.tallies`)
	for table, verbs := range rights {
		if testing.Short() { // one of each table's
			verbs = verbs[len(table)%len(verbs):][:1]
		}
		for _, verb := range verbs {
			s := f.as(role)
			f.exec(fmt.Sprintf(`REVOKE %s ON curfew.%s FROM %s`, verb, table, role))
			if strings.HasPrefix(table, "session_t") || strings.HasPrefix(table, "outcome_s") {
				continue // everybody may read them
			}
			want := grant(table, []string{verb}, name)
			err := s.Verify(t.Context())
			if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("without %s on %s Verify says %v, not %s", verb, table, err, want)
			}
			f.exec(want)
			f.must(s.Verify(t.Context()))
			s.Close()
		}
	}
	f.exec(`REVOKE USAGE ON SCHEMA curfew FROM ` + role)
	if err := f.as(role).Verify(t.Context()); err == nil || !strings.Contains(err.Error(), "GRANT USAGE ON SCHEMA curfew TO "+quoted(name)) {
		t.Errorf("without the schema Verify says %v", err)
	}
	f.same("tallies", f.rows(`SELECT * FROM curfew.tallies`), before)
	f.same("sessions", f.rows(`SELECT * FROM curfew.sessions`), []string(nil))
}

// A grant of some columns is no grant of the table.
func TestARightOfSomeColumnsIsNotEnough(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	role := f.service()
	f.exec(`REVOKE SELECT, UPDATE ON curfew.checkouts FROM ` + role)
	f.exec(`GRANT SELECT (id, customer_id), UPDATE (outcome) ON curfew.checkouts TO ` + role)
	grants, err := f.as(role).Denied(t.Context())
	f.must(err)
	f.same("missing grants", grants, []string{grant("checkouts", []string{"SELECT", "UPDATE"}, strings.Trim(role, `"`))})
}

var (
	// Statements as they stand in this package; FOR UPDATE is an update.
	verbs   = regexp.MustCompile(`\b(INSERT INTO|UPDATE|DELETE FROM|FROM|JOIN) curfew\.(\w+)`)
	inserts = regexp.MustCompile(`&insert\{\s*table:\s*"(\w+)"`)
	upserts = regexp.MustCompile("INSERT INTO curfew\\.(\\w+)[^`]*?\\bDO UPDATE\\b")
	// What these files do is the owner's: they migrate, install and restore.
	owners = []string{"migrate.go", "guards.go", "backup.go", "verify.go", "rights.go", "roles.go", "readers.go", "access.go"}
)

// The table of rights is what the statements of this package need, and no more.
func TestRightsAreThoseOfTheStatements(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	needed := map[string]map[string]bool{
		// Read by the schema's checks and the guards' own functions.
		"curfew_migrations": {"SELECT": true}, "session_transitions": {"SELECT": true}, "outcome_steps": {"SELECT": true},
		// Of package adopt, and of the functions that it calls.
		"adoptions":         {"SELECT": true, "INSERT": true, "UPDATE": true},
		"adoption_findings": {"SELECT": true, "INSERT": true, "UPDATE": true, "DELETE": true},
		"adoption_verdicts": {"SELECT": true, "INSERT": true, "UPDATE": true, "DELETE": true},
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || slices.Contains(owners, file) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range verbs.FindAllStringSubmatch(string(text), -1) {
			verb := map[string]string{"INSERT INTO": "INSERT", "DELETE FROM": "DELETE", "FROM": "SELECT", "JOIN": "SELECT"}[m[1]]
			if verb == "" {
				verb = m[1]
			}
			if needed[m[2]] == nil {
				needed[m[2]] = map[string]bool{"SELECT": true} // what is written is also read: RETURNING, WHERE, backup
			}
			needed[m[2]][verb] = true
		}
		for _, m := range inserts.FindAllStringSubmatch(string(text), -1) {
			if needed[m[1]] == nil {
				needed[m[1]] = map[string]bool{"SELECT": true}
			}
			needed[m[1]]["INSERT"] = true
		}
	}
	want := make(map[string][]string)
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && !slices.Contains(owners, file) {
			for _, m := range upserts.FindAllStringSubmatch(string(text), -1) {
				needed[m[1]]["UPDATE"] = true
			}
		}
	}
	for table, set := range needed {
		want[table] = slices.Sorted(maps.Keys(set))
	}
	got := make(map[string][]string)
	for table, list := range rights {
		for _, verb := range list {
			verb, _, _ = strings.Cut(verb, " ")
			got[table] = append(got[table], verb)
		}
		slices.Sort(got[table])
	}
	(&fixture{T: t}).same("rights", got, want)
}

// Whoever serves adds to the audit log, and neither changes nor removes what is younger than any pruning, nor does the owner remove it.
func TestTheAuditLogIsOnlyAppendedTo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.as(f.service())
	for i, ago := range []time.Duration{31 * 24 * time.Hour, 29 * 24 * time.Hour} {
		n := int64(i + 1)
		at := time.Now().Add(-ago).UTC().Truncate(time.Microsecond)
		f.must(s.AppendAudit(t.Context(), record.AuditLink{Number: n, Batch: newID(), First: n, Last: n, At: at, Hash: "h"}, []record.AuditEntry{
			{Number: n, At: at, Actor: curfew.Actor{Role: curfew.Admin, ID: "mara"}, Action: "explain", About: record.AuditSubject{Customer: "ada", Salt: "s"}, Commitment: "c"},
		}))
	}
	for _, statement := range []string{
		`UPDATE curfew.audit_entries SET actor = 'admin:otto'`, `UPDATE curfew.audit_links SET hash = 'x'`, `UPDATE curfew.audit_subjects SET subject = 'bob'`,
		`DELETE FROM curfew.audit_entries WHERE number = 2`, `DELETE FROM curfew.audit_links WHERE number = 2`, `TRUNCATE curfew.audit_entries`,
	} {
		if _, err := s.pool.Exec(t.Context(), statement); code(err) != insufficientPrivilege {
			t.Errorf("the service may run %s: %v", statement, err)
		}
	}
	f.isRefused("the audit log of the last 30 days cannot be deleted", `DELETE FROM curfew.audit_entries WHERE number = 2`)
	n, err := s.PruneAudit(t.Context(), record.MinAuditKeep, 100)
	f.must(err)
	f.same("pruned", n, 1)
	f.same("left", f.rows(`SELECT number FROM curfew.audit_entries`), []string{"2"})
}
