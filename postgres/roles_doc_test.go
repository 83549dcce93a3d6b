package postgres

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
)

var sqlBlocks = regexp.MustCompile("(?s)```sql\n(.*?)```")

// The page's statements are run as they stand, but for the roles' names: roles
// are the whole server's.
func TestTheRolesOfTheDocumentationWork(t *testing.T) {
	t.Parallel()
	f := emptyFixture(t)
	text, err := os.ReadFile("../docs/roles.md")
	f.must(err)
	names := make(map[string]string)
	var renamed []string
	for _, name := range []string{"curfew_owner", "curfew_service", "curfew_report", "shop"} {
		names[name] = strings.ReplaceAll("curfew_test_"+newID(), "-", "_")
		renamed = append(renamed, name, names[name])
	}
	rename := strings.NewReplacer(renamed...)
	var blocks []string
	for _, m := range sqlBlocks.FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, rename.Replace(m[1]))
	}
	if len(blocks) != 4 {
		t.Fatalf("the page has %d blocks", len(blocks))
	}
	f.Cleanup(func() { f.dropRoles(names) })

	f.writes(blocks[0])
	owner := f.as(names["curfew_owner"])
	_, err = owner.Migrate(t.Context())
	f.must(err)
	for _, block := range blocks[1:] {
		f.writes("SET ROLE "+names["curfew_owner"], block)
	}
	f.same("the grants of the page", slices.Collect(strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(blocks[1]), ";"), ";\n")),
		Grants(names["curfew_service"]))

	service := &fixture{t, f.url, f.as(names["curfew_service"])}
	f.must(service.store.Verify(t.Context()))
	st := service.accept(service.admit("ada"), "max")
	ours, err := service.store.Events(t.Context(), "ada", st.ID)
	f.must(err)
	f.same("our events", len(ours), 2)

	f.mayNot(names["curfew_service"], `CREATE TABLE curfew.x ()`, `DELETE FROM curfew.sessions`, `DELETE FROM curfew.events`,
		`UPDATE curfew.events SET reason = ''`, `TRUNCATE curfew.sessions`, `SELECT curfew.tally('session', 'cancelled', 1)`, `CREATE TABLE public.x ()`)
	f.mayNot(names["curfew_report"], `UPDATE curfew.sessions SET plan = ''`, `SELECT * FROM curfew.webhook_endpoints`)
	f.mayNot(names["shop"], `UPDATE curfew.checkouts SET plan = ''`, `SELECT * FROM curfew.events`)
	f.writes("SET ROLE "+names["curfew_report"], `SELECT count(*) FROM curfew.checkouts`)
	f.writes("SET ROLE "+names["shop"], `UPDATE curfew.sessions SET status = 'cancelled' WHERE customer_id = 'ada'`, fmt.Sprintf(foreign, "waiting"))
	f.same("the cancelled session", service.read(st.ID).EndReason, curfew.Foreign)
	due, err := service.store.Unsettled(t.Context(), "", 9)
	f.must(err)
	f.same("the money it left", len(due), 1)
	f.must(service.store.Tidy(t.Context(), time.Hour))
	f.must(owner.SetGuards(t.Context(), true)) // as an upgrade does
	f.must(service.store.Verify(t.Context()))
}

func (f *fixture) mayNot(role string, statements ...string) {
	f.Helper()
	for _, statement := range statements {
		if out, refused := f.psql("SET ROLE "+role, statement); !refused || !strings.Contains(out, "permission denied") {
			f.Errorf("as %s %s: refused %t: %s", role, statement, refused, out)
		}
	}
}

func (f *fixture) dropRoles(names map[string]string) {
	for _, statement := range []string{`DROP OWNED BY %s CASCADE`, `DROP ROLE %s`} {
		for _, role := range names {
			if _, err := f.store.pool.Exec(context.WithoutCancel(f.Context()), fmt.Sprintf(statement, role)); err != nil {
				f.Error(err)
			}
		}
	}
}
