package adopt

import (
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// adopted is a mapped table in that database.
func (m *market) adopted(t mapping.Table) table { return table{t, m.pool, curfew.DefaultPolicy()} }

// enforced is a market whose table is enforced by every rule.
func enforced(t *testing.T, tables string) (*market, table) {
	t.Helper()
	m := newMarket(t, tables)
	a := m.adopted(help())
	m.enforce(a)
	return m, a
}

func (m *market) enforce(a table) {
	m.Helper()
	if err := a.Enforce(m.Context(), Enforcement{Yes: true}); err != nil {
		m.Fatal(err)
	}
}

// states are of the mirrors, in the order of their rows.
func (m *market) states() string {
	m.Helper()
	return m.text(`SELECT string_agg(format('%s %s%s', adopted_id, status, ' ' || end_reason), ', ' ORDER BY length(adopted_id), adopted_id, adopted_generation)
		FROM curfew.sessions WHERE adopted_from <> ''`)
}

// rows are theirs.
func (m *market) rows() string {
	m.Helper()
	return m.text(`SELECT string_agg(format('%s %s', id, status), ', ' ORDER BY id) FROM public.help`)
}

func (m *market) findings() string {
	m.Helper()
	return m.text(`SELECT string_agg(concat_ws(' ', adopted_id, code, detail), ', ' ORDER BY adopted_id, code) FROM curfew.adoption_findings`)
}

func (m *market) expect(what, got, want string) {
	m.Helper()
	if got != want {
		m.Errorf("%s:\n%s\nnot\n%s", what, got, want)
	}
}

const overdueRow = `INSERT INTO public.help (customer, minutes, made_at) VALUES ('ada', 20, now() - interval '1 hour')`

// It could not be changed twice by one command.
func TestTheRowThatAnUpsertChangesIsNotEndedBeforeIt(t *testing.T) {
	t.Parallel()
	m, _ := enforced(t, helpTable)
	m.exec(overdueRow)
	m.exec(`INSERT INTO public.help (id, customer) VALUES (1, 'ada') ON CONFLICT (id) DO UPDATE SET note = 'again'`)
	m.expect("their rows", m.rows(), "1 asked")
	m.exec(`INSERT INTO public.help (customer) VALUES ('ada')`)
	m.expect("their rows", m.rows(), "1 expired, 2 asked")
}

func TestAnInsertEndsTheCustomersOverdueRow(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct{ more, row, rows, mirrors string }{
		"that nobody accepted": {"", overdueRow, "1 expired, 2 asked", "1 cancelled expired, 2 waiting"},
		"with a unique index": {
			`CREATE UNIQUE INDEX one_open ON public.help (customer) WHERE status IN ('asked', 'queued', 'running')`, overdueRow,
			"1 expired, 2 asked", "1 cancelled expired, 2 waiting",
		},
		"that nobody joined": {
			"", `INSERT INTO public.help (customer, mechanic, accepted_at) VALUES ('ada', 'bob', now() - interval '1 hour')`,
			"1 gone, 2 asked", "1 cancelled no_show, 2 waiting",
		},
		"that was live for too long": {
			"", `INSERT INTO public.help (customer, mechanic, status, minutes, started_at) VALUES ('ada', 'bob', 'running', 10, now() - interval '1 hour')`,
			"1 done, 2 asked", "1 completed overran, 2 waiting",
		},
		"that was missed": {
			"", `INSERT INTO public.help (customer, status, starts_at) VALUES ('ada', 'planned', now() - interval '1 hour')`,
			"1 gone, 2 asked", "1 cancelled missed, 2 waiting",
		},
		"but none that is not overdue": {
			"", `INSERT INTO public.help (customer, deadline, made_at) VALUES ('ada', now() + interval '1 minute', now() - interval '1 hour')`,
			"1 asked, 2 asked", "1 waiting",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			m := newMarket(t, helpTable+test.more)
			m.exec(test.row)
			m.exec(`INSERT INTO public.offers (help) VALUES (1)`)
			m.enforce(m.adopted(help()))
			m.exec(`INSERT INTO public.help (customer) VALUES ('ada')`)
			m.expect("their rows", m.rows(), test.rows)
			m.expect("the mirrors", m.states(), test.mirrors)
			if test.rows != "1 asked, 2 asked" {
				m.expect("their request", m.text(`SELECT state FROM public.offers`), "over")
				m.expect("findings", m.findings(), "")
			}
		})
	}
}
