package adopt

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/postgres"
)

// script runs a text of SQL.
func (m *market) script(text string) {
	m.Helper()
	ctx := context.WithoutCancel(m.Context())
	conn, err := pgx.Connect(ctx, m.url)
	if err == nil {
		_, err = conn.PgConn().Exec(ctx, text).ReadAll()
		err = errors.Join(err, conn.Close(ctx))
	}
	if err != nil {
		m.Errorf("%s: %v", text, err)
	}
}

// The owner makes the triggers, for an app that has no rights in schema curfew. The service, to which
// policies apply, ends rows, compares and mends, and still tells a hidden row from none.
func TestATableIsEnforcedUnderPolicies(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	unique := strings.ToLower(rand.Text())
	roles := postgres.Roles{Owner: "curfew_test_o_" + unique, Service: "curfew_test_s_" + unique}
	m.script(roles.Create() + roles.Grant())
	app := m.role()
	t.Cleanup(func() {
		m.script(`DROP TABLE public.offers, public.help;` + roles.Drop())
	})
	m.exec(`GRANT SELECT, UPDATE, TRIGGER ON public.help TO ` + roles.Owner)
	m.exec(`GRANT SELECT, UPDATE ON public.offers TO ` + roles.Owner)
	m.exec(`GRANT SELECT, UPDATE ON public.help, public.offers TO ` + roles.Service)
	m.exec(`GRANT SELECT, INSERT, UPDATE ON public.help, public.offers TO ` + app)
	m.exec(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ` + app)
	a := m.adopted(help())
	a.pool = m.with("role", roles.Service)
	if err := a.Enforce(t.Context(), Enforcement{Yes: true}); !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), "run this as "+roles.Owner) {
		t.Errorf("the service enforces: %v", err)
	}
	a.pool = m.with("role", roles.Owner)
	m.enforce(a)
	a.pool = m.with("role", roles.Service)

	writes := func(sql string) {
		m.Helper()
		m.script(`SET ROLE ` + app + `; ` + sql)
	}
	writes(`INSERT INTO public.help (customer) VALUES ('bob')`)
	writes(`UPDATE public.help SET mechanic = 'max', accepted_at = now()`)
	writes(overdueRow)
	m.expect("the mirrors", m.states(), "1 waiting, 2 waiting")
	if n, err := m.sweep(t.Context(), a); n != 1 || err != nil {
		t.Fatalf("swept %d: %v", n, err)
	}
	m.expect("their rows", m.rows(), "1 asked, 2 expired")
	m.expect("the mirrors", m.states(), "1 waiting, 2 cancelled expired")
	m.verified(a)
	m.script(`ALTER TABLE public.help DISABLE TRIGGER USER; INSERT INTO public.help (customer) VALUES ('cleo'); ALTER TABLE public.help ENABLE TRIGGER USER`)
	drift, err := a.Verify(t.Context(), true)
	if err != nil || len(drift) != 1 {
		t.Errorf("drift: %v (%v)", drift, err)
	}
	m.expect("the mirrors, mended", m.states(), "1 waiting, 2 cancelled expired, 3 waiting")
	m.expect("findings", m.findings(), "")

	writes(strings.Replace(overdueRow, "'ada'", "'dan'", 1))
	m.exec(`ALTER TABLE public.help ENABLE ROW LEVEL SECURITY`)
	if n, err := m.sweep(t.Context(), a); n != 0 || err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("a sweep that cannot see rows ended %d: %v", n, err)
	}
	if _, err := a.Verify(t.Context(), true); err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("a comparison that cannot see rows: %v", err)
	}
	m.expect("the mirrors of hidden rows", m.states(), "1 waiting, 2 cancelled expired, 3 waiting, 4 waiting")
}
