package adopt

import (
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// schema is their schema as pg_dump writes it, without its random key.
func (m *market) schema() string {
	m.Helper()
	out, err := exec.CommandContext(m.Context(), "pg_dump", "--dbname", m.url, "--exclude-schema", "curfew", "--schema-only").Output()
	if err != nil {
		m.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^\\(un)?restrict .*$`).ReplaceAllString(string(out), "")
}

func (m *market) functions() string {
	m.Helper()
	return m.text(`SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'curfew'::regnamespace AND proname LIKE 'adopt\_help\_%'`)
}

func TestAReleaseLeavesTheirSchemaAsItWas(t *testing.T) {
	t.Parallel()
	for _, drop := range []bool{false, true} {
		m := newMarket(t, helpTable)
		a := m.adopted(help())
		m.exec(overdueRow)
		m.exec(`INSERT INTO public.help (customer, mechanic, accepted_at) VALUES ('bob', 'cyd', now())`)
		before := m.schema()
		m.enforce(a)
		m.exec(`INSERT INTO public.help (customer) VALUES ('ada')`)
		if during := m.schema(); during == before {
			t.Error("a table with triggers has the same dump")
		}
		if err := a.Release(t.Context(), drop); err != nil {
			t.Fatal(err)
		}
		m.expect("their schema", m.schema(), before)
		m.expect("functions", m.functions(), "")
		m.expect("what is left", m.text(`SELECT concat((SELECT count(*) FROM curfew.adoptions), (SELECT count(*) FROM curfew.adoption_findings))`), "00")
		m.expect("the mirrors", m.states(), "1 cancelled expired, 2 cancelled foreign, 3 cancelled foreign")
		m.expect("busy mechanics", m.text(`SELECT count(*) FROM curfew.mechanic_slots`), "0")
		m.expect("their rows", m.rows(), "1 expired, 2 asked, 3 asked")
		m.holds()
	}
}

// Whoever is killed between two steps begins again, and comes to the same end.
func TestStepsCanBeInterrupted(t *testing.T) {
	t.Parallel()
	whole, a := enforced(t, helpTable)
	enforcedSchema, rows := whole.schema(), `INSERT INTO public.help (customer) VALUES ('ada'), ('bob')`
	p, err := a.program(t.Context(), mapping.Reasons())
	if err != nil {
		t.Fatal(err)
	}
	for n := range a.enforcing(p) {
		t.Run(a.enforcing(p)[n].name, func(t *testing.T) {
			t.Parallel()
			m := newMarket(t, helpTable)
			before := m.schema()
			a := m.adopted(help())
			p, err := a.program(t.Context(), mapping.Reasons())
			if err != nil {
				t.Fatal(err)
			}
			m.exec(rows)
			if err := follow(t.Context(), a.enforcing(p)[:n]); err != nil {
				t.Fatal(err)
			}
			m.exec(`INSERT INTO public.help (customer) VALUES ('cyd')`)
			m.enforce(a)
			m.expect("their schema", m.schema(), enforcedSchema)
			m.expect("the mirrors", m.states(), "1 waiting, 2 waiting, 3 waiting")
			if wrong, err := a.Installed(t.Context(), mapping.Reasons()); wrong != "" || err != nil {
				t.Errorf("installed: %s (%v)", wrong, err)
			}
			m.verified(a)
			m.interruptedEnd(a, n, before)
		})
	}
}

func (m *market) interruptedEnd(a table, n int, before string) {
	m.Helper()
	steps := a.ending()
	if err := follow(m.Context(), steps[:min(n, len(steps))]); err != nil {
		m.Fatal(err)
	}
	m.exec(`INSERT INTO public.help (customer) VALUES ('dan')`)
	if err := a.Release(m.Context(), true); err != nil {
		m.Fatal(err)
	}
	m.expect("their schema", m.schema(), before)
	m.expect("functions", m.functions(), "")
	m.expect("open mirrors", m.text(`SELECT count(*) FROM curfew.sessions WHERE status IN ('scheduled', 'waiting', 'live')`), "0")
}

func TestOffWorksBeforeItGetsTheTable(t *testing.T) {
	t.Parallel()
	m, a := enforced(t, helpTable)
	m.exec(overdueRow)
	if err := follow(t.Context(), a.ending()[:2]); err != nil {
		t.Fatal(err)
	}
	m.exec(`INSERT INTO public.help (customer) VALUES ('ada')`)
	m.expect("their rows", m.rows(), "1 asked, 2 asked")
	m.expect("the mirrors", m.states(), "1 waiting")
}

func TestAnIdleTransactionIsNamedAndReadersAreUnharmed(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	m.exec(overdueRow)
	a := m.adopted(help())
	end := m.hold(`SET LOCAL application_name = 'shop'; UPDATE public.help SET note = 'x'`)
	gaveUp := make(chan error)
	go func() { gaveUp <- a.Enforce(t.Context(), Enforcement{Yes: true}) }()
	longest := time.Duration(0)
	for {
		begun := time.Now()
		m.expect("a reader", m.rows(), "1 asked")
		longest = max(longest, time.Since(begun))
		select {
		case err := <-gaveUp:
			if !errors.Is(err, curfew.Unavailable) || !strings.Contains(err.Error(), "public.help is locked by process") || !strings.Contains(err.Error(), "shop, idle in transaction") {
				t.Errorf("enforce: %v", err)
			}
			if longest > 900*time.Millisecond { // of the second that enforce waits for its lock
				t.Errorf("a reader waited for %s", longest)
			}
			end()
			m.enforce(a)
			m.verified(a)
			return
		default:
		}
	}
}

func TestWhatCannotBeEnforcedIsRefused(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct {
		tables string
		change func(*mapping.Table)
		want   string
	}{
		"a table elsewhere": {``, func(m *mapping.Table) { m.Relation = "public.nowhere" }, "there is no table public.nowhere in Curfew's own database"},
		"a view":            {`CREATE VIEW public.seen AS SELECT * FROM public.help`, func(m *mapping.Table) { m.Relation = "public.seen" }, "public.seen is a view"},
		"an ending that a CHECK refuses": {
			`ALTER TABLE public.help ADD CHECK (status <> 'expired'); INSERT INTO public.help (customer) VALUES ('ada')`, nil,
			"public.help refuses what adopt.help.end.expired writes: new row for relation",
		},
		"an ending that no enum has": {
			`CREATE TYPE public.state AS ENUM ('asked', 'queued', 'running', 'done', 'gone', 'planned');
			ALTER TABLE public.help ALTER COLUMN status DROP DEFAULT, ALTER COLUMN status TYPE public.state USING status::public.state`, nil,
			`invalid input value for enum state: "expired"`,
		},
		"a column that is not there": {``, func(m *mapping.Table) { m.Plan = "tariff" }, `public.help has no column "tariff"`},
		"a table without a shadow":   {``, nil, "help has been shadowed for 0s of 168h0m0s"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			m := newMarket(t, helpTable+test.tables)
			mapped := help()
			if test.change != nil {
				test.change(&mapped)
			}
			before := m.schema()
			err := m.adopted(mapped).Enforce(t.Context(), Enforcement{})
			if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("enforce: %v", err)
			}
			m.expect("their schema", m.schema(), before)
		})
	}
}

func TestTheShadowDecides(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	a := m.adopted(help())
	m.exec(`INSERT INTO curfew.adoptions (name, relation, mode, shadowed) VALUES ('help', 'public.help', 'shadow', now() - interval '6 days')`)
	m.exec(`INSERT INTO curfew.adoption_verdicts (name, session_id, adopted_id, reason, deadline, became) VALUES ('help', gen_random_uuid(), '1', 'expired', now(), 'lived')`)
	for _, test := range []struct {
		e    Enforcement
		want string
	}{
		{Enforcement{}, "shadowed for 144h0m0s of 168h0m0s"},
		{Enforcement{Shadow: time.Hour}, "1 sessions of help would have been ended and went on to live"},
		{Enforcement{Shadow: time.Hour, Rules: []curfew.EndReason{curfew.Orphaned}}, "has no ending for orphaned"},
	} {
		if err := a.Enforce(t.Context(), test.e); !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v", test.e, err)
		}
	}
	if err := a.Enforce(t.Context(), Enforcement{Shadow: time.Hour, Rules: []curfew.EndReason{curfew.Overran}}); err != nil {
		t.Errorf("a rule without regrets: %v", err)
	}
	m.exec(overdueRow)
	m.exec(`INSERT INTO public.help (customer) VALUES ('ada')`)
	m.expect("a rule that is not enforced", m.rows(), "1 asked, 2 asked")
	if err := a.Enforce(t.Context(), Enforcement{Shadow: time.Hour, Regrets: 1}); err != nil {
		t.Errorf("within the limit: %v", err)
	}
	m.expect("the adoption", m.text(`SELECT concat_ws(' ', mode, rules) FROM curfew.adoptions`), "enforce {expired,no_show,overran,missed}")
}
