package adopt

import (
	"slices"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/record"
)

// service is one that maps these tables.
func (m *market) service(tables ...mapping.Table) *Service {
	return New(Options{Pool: m.pool, Policy: curfew.DefaultPolicy(), Tables: tables})
}

// health is the findings by code.
func (m *market) health(s *Service) map[string]record.Finding {
	m.Helper()
	all, err := s.Findings(m.Context())
	m.must(err)
	by := map[string]record.Finding{}
	for _, f := range all {
		if _, twice := by[f.Code]; twice || f.Problem == "" || f.Fix == "" || f.Count == 0 {
			m.Errorf("a finding is there twice, or says too little: %+v", f)
		}
		by[f.Code] = f
	}
	return by
}

// codes are the codes alone.
func codes(by map[string]record.Finding) string {
	var all []string
	for code := range by {
		all = append(all, code)
	}
	return strings.Join(slices.Sorted(slices.Values(all)), " ")
}

func TestWhoIsBlockedIsNamedByTheNextReading(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer, deadline) VALUES ('ada', now() - interval '1 minute'), ('bob', now() + interval '1 hour')`)
	p, s := m.shadowed(), m.service(help())
	m.polled(p)
	f := m.health(s)
	if got := codes(f); got != "adopted_blocked" {
		t.Fatalf("the findings are %s", got)
	}
	if b := f["adopted_blocked"]; b.Critical || b.Count != 1 || b.Customers[0] != "ada" || !strings.Contains(b.Problem, "the first one ada by row 1, since 2") {
		t.Errorf("the finding is %+v", b)
	}
	m.exec(`UPDATE public.help SET deadline = now() - interval '2 days' WHERE id = 2`)
	m.polled(p)
	if b := m.health(s)["adopted_blocked"]; !b.Critical || b.Count != 2 || b.Customers[0] != "bob" {
		t.Errorf("the finding is %+v", b)
	}
	m.exec(`UPDATE public.help SET status = 'gone'`)
	m.polled(p)
	if got := codes(m.health(s)); got != "" {
		t.Errorf("the findings are %s", got)
	}
}

func TestWhatIsOddIsAFindingWithSomethingToPaste(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer, status, deadline) SELECT c, s, now() + interval '1 day' FROM (VALUES ('ada', 'asked'), ('ada', 'asked'), ('bob', 'hm'), (repeat('x', 200), 'asked')) v (c, s)`)
	m.polled(m.shadowed())
	f := m.health(m.service(help()))
	if got := codes(f); got != "adopted_customer_unusable adopted_second_open adopted_unknown_status" {
		t.Fatalf("the findings are %s", got)
	}
	for _, code := range []string{"adopted_customer_unusable", "adopted_second_open"} {
		if got := m.text(`SELECT count(*)::text FROM (` + f[code].Fix + `) fix`); got != "1" {
			t.Errorf("the fix of %s finds %s rows: %s", code, got, f[code].Fix)
		}
	}
}

func TestATableThatNobodyCanReadIsAFinding(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer, deadline) VALUES ('ada', now() + interval '1 day')`)
	role := m.role()
	remote := func(o *Options, _ *mapping.Table) { o.TheirURL = m.as(role) }
	p := m.shadowed(remote)
	s := New(Options{Pool: m.pool, TheirURL: m.as(role), Policy: curfew.DefaultPolicy(), Tables: []mapping.Table{help()}})
	m.refuses(p)
	f := m.health(s)["adopted_unread"]
	if !strings.Contains(f.Problem, "permission denied") || !strings.Contains(f.Fix, "GRANT SELECT ON public.help TO ") {
		t.Fatalf("the finding is %+v", f)
	}
	m.exec(strings.TrimPrefix(f.Fix, "as its owner, run: "))
	m.polled(p)
	m.exec(`ALTER TABLE public.help ENABLE ROW LEVEL SECURITY`)
	m.refuses(p)
	f = m.health(s)["adopted_unread"]
	m.exec(strings.TrimPrefix(f.Fix, "as a superuser there, run: "))
	m.polled(p)
	if got := codes(m.health(s)); got != "" {
		t.Errorf("the findings are %s", got)
	}
	m.exec(`UPDATE curfew.adoptions SET read_at = now() - interval '2 minutes', since = now() - interval '1 day'`)
	if f = m.health(s)["adopted_unread"]; !f.Critical || !strings.Contains(f.Problem, "nobody reads public.help") {
		t.Errorf("the finding is %+v", f)
	}
	if f = m.health(m.service())["adopted_unread"]; !strings.Contains(f.Problem, "do not map it") {
		t.Errorf("the finding is %+v", f)
	}
}

func TestRegretsAreFiguresByRule(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer, deadline) VALUES ('ada', now() - interval '1 day'), ('bob', now() - interval '1 day')`)
	p, s := m.shadowed(), m.service(help())
	m.polled(p)
	m.exec(`UPDATE public.help SET mechanic = 'max' WHERE id = 1`)
	m.polled(p)
	f := m.health(s)["adopted_regrets"]
	if f.Count != 1 || !strings.Contains(f.Problem, "first one row 1") || len(f.Sessions) != 1 {
		t.Errorf("the finding is %+v", f)
	}
	all, err := s.Status(t.Context())
	m.must(err)
	if v := all[0].Verdicts; len(v) != 1 || v[0] != (record.AdoptedVerdict{Rule: curfew.Expired, Would: 2, Lived: 1, Open: 1}) {
		t.Errorf("the verdicts are %+v", v)
	}
	if all[0].Open != 2 || all[0].Overdue != 1 || all[0].Count != 1 || all[0].Blocked[0].Customer != "bob" || all[0].Mode != record.AdoptShadow {
		t.Errorf("the status is %+v", all[0])
	}
}

func TestAnEnforcedTableWithoutItsTriggersIsUnprotected(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	s := m.service(help())
	m.must(s.Enforce(t.Context(), "help", Enforcement{Yes: true}))
	if got := codes(m.health(s)); got != "" {
		t.Fatalf("the findings are %s", got)
	}
	if may, why := s.May("help", curfew.Expired); !may {
		t.Errorf("it may not end what expired: %s", why)
	}
	if got := m.text(`SELECT string_agg(p.proname, ' ') FROM pg_proc p WHERE p.pronamespace = 'curfew'::regnamespace AND has_function_privilege($1, p.oid, 'EXECUTE')`,
		m.role()); got != "" {
		t.Errorf("everybody may execute %s", got)
	}
	m.exec(`DROP TRIGGER zz_curfew_settle ON public.help`)
	if f := m.health(s)["adopted_unprotected"]; !f.Critical || !strings.Contains(f.Fix, "curfew adopt enforce help") {
		t.Errorf("the finding is %+v", f)
	}
	m.must(s.Shadow(t.Context(), "help"))
	if may, why := s.May("help", curfew.Expired); may || !strings.Contains(why, "mode shadow") {
		t.Errorf("it may end in mode shadow: %s", why)
	}
	m.must(s.Off(t.Context(), "help"))
	m.must(m.service().Release(t.Context(), "help", true))
	if got := m.text(`SELECT count(*)::text FROM curfew.adoptions`); got != "0" {
		t.Errorf("%s tables are adopted", got)
	}
	if err := s.Off(t.Context(), "healp"); err == nil || !strings.Contains(err.Error(), "did you mean help?") {
		t.Errorf("an unknown name: %v", err)
	}
}
