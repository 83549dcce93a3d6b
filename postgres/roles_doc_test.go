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
	w := emptyWorld(t)
	text, err := os.ReadFile("../docs/roles.md")
	w.must(err)
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
	w.Cleanup(func() { w.dropRoles(names) })

	w.writes(blocks[0])
	owner := w.as(names["curfew_owner"])
	_, err = owner.Migrate(t.Context())
	w.must(err)
	for _, block := range blocks[1:] {
		w.writes("SET ROLE "+names["curfew_owner"], block)
	}
	w.same("the grants of the page", slices.Collect(strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(blocks[1]), ";"), ";\n")),
		Grants(names["curfew_service"]))

	service := &world{t, w.url, w.as(names["curfew_service"])}
	w.must(service.store.Verify(t.Context()))
	st := service.accept(service.admit("ada"), "max")
	ours, err := service.store.Events(t.Context(), "ada", st.ID)
	w.must(err)
	w.same("our events", len(ours), 2)

	w.mayNot(names["curfew_service"], `CREATE TABLE curfew.x ()`, `DELETE FROM curfew.sessions`, `DELETE FROM curfew.events`,
		`UPDATE curfew.events SET reason = ''`, `TRUNCATE curfew.sessions`, `SELECT curfew.tally('session', 'cancelled', 1)`, `CREATE TABLE public.x ()`)
	w.mayNot(names["curfew_report"], `UPDATE curfew.sessions SET plan = ''`, `SELECT * FROM curfew.webhook_endpoints`)
	w.mayNot(names["shop"], `UPDATE curfew.checkouts SET plan = ''`, `SELECT * FROM curfew.events`)
	w.writes("SET ROLE "+names["curfew_report"], `SELECT count(*) FROM curfew.checkouts`)
	w.writes("SET ROLE "+names["shop"], `UPDATE curfew.sessions SET status = 'cancelled' WHERE customer_id = 'ada'`, fmt.Sprintf(foreign, "waiting"))
	w.same("the cancelled session", service.read(st.ID).EndReason, curfew.Foreign)
	due, err := service.store.Unsettled(t.Context(), "", 9)
	w.must(err)
	w.same("the money it left", len(due), 1)
	w.must(service.store.Tidy(t.Context(), time.Hour))
	w.must(owner.SetGuards(t.Context(), true)) // as an upgrade does
	w.must(service.store.Verify(t.Context()))
}

func (w *world) mayNot(role string, statements ...string) {
	w.Helper()
	for _, statement := range statements {
		if out, refused := w.psql("SET ROLE "+role, statement); !refused || !strings.Contains(out, "permission denied") {
			w.Errorf("as %s %s: refused %t: %s", role, statement, refused, out)
		}
	}
}

func (w *world) dropRoles(names map[string]string) {
	for _, statement := range []string{`DROP OWNED BY %s CASCADE`, `DROP ROLE %s`} {
		for _, role := range names {
			if _, err := w.store.pool.Exec(context.WithoutCancel(w.Context()), fmt.Sprintf(statement, role)); err != nil {
				w.Error(err)
			}
		}
	}
}
