package adopt

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

func TestAMirrorFollowsEveryKindOfWrite(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct {
		writes         []string
		want, findings string
	}{
		"an update through to the end": {[]string{
			`INSERT INTO public.help (customer) VALUES ('ada')`,
			`UPDATE public.help SET mechanic = 'bob', accepted_at = now()`,
			`UPDATE public.help SET status = 'running', started_at = now()`,
			`UPDATE public.help SET status = 'done', ended_at = now()`,
		}, "1 completed finished", ""},
		"a row that is deleted":       {[]string{`INSERT INTO public.help (customer) VALUES ('ada'), ('bob')`, `DELETE FROM public.help WHERE id = 1`}, "1 cancelled foreign, 2 waiting", ""},
		"a table that is emptied":     {[]string{`INSERT INTO public.help (customer) VALUES ('ada'), ('bob')`, `TRUNCATE public.help CASCADE`}, "1 cancelled foreign, 2 cancelled foreign", ""},
		"a row that is opened again":  {[]string{`INSERT INTO public.help (customer) VALUES ('ada')`, `UPDATE public.help SET status = 'gone'`, `UPDATE public.help SET status = 'asked'`}, "1 cancelled foreign, 1 waiting", ""},
		"a customer who comes later":  {[]string{`INSERT INTO public.help (status) VALUES ('asked')`, `UPDATE public.help SET customer = 'ada'`}, "1 waiting", ""},
		"a customer who is taken out": {[]string{`INSERT INTO public.help (customer) VALUES ('ada')`, `UPDATE public.help SET customer = NULL`}, "1 cancelled foreign", ""},
		"another customer":            {[]string{`INSERT INTO public.help (customer) VALUES ('ada')`, `UPDATE public.help SET customer = 'bob'`}, "1 cancelled foreign, 1 waiting", ""},
		"another id":                  {[]string{`INSERT INTO public.help (customer) VALUES ('ada')`, `UPDATE public.help SET id = 7`}, "1 cancelled foreign, 7 waiting", ""},
		"an unknown status": {
			[]string{`INSERT INTO public.help (customer) VALUES ('ada')`, `UPDATE public.help SET status = 'hm'`},
			"1 waiting", "1 unknown_status status hm is not mapped",
		},
		"an upsert": {[]string{
			`INSERT INTO public.help (id, customer) VALUES (1, 'ada') ON CONFLICT (id) DO UPDATE SET status = 'gone'`,
			`INSERT INTO public.help (id, customer) VALUES (1, 'ada'), (2, 'bob') ON CONFLICT (id) DO UPDATE SET status = 'gone'`,
		}, "1 cancelled foreign, 2 waiting", ""},
		"history that is imported":                    {[]string{`INSERT INTO public.help (customer, status) SELECT 'ada', 'done' FROM generate_series(1, 100)`}, "", ""},
		"a write that changes nothing that is mapped": {[]string{`INSERT INTO public.help (customer) VALUES ('ada')`, `UPDATE public.help SET note = 'hello'`}, "1 waiting", ""},
		"the second of two that are open, once the first has ended": {
			[]string{`INSERT INTO public.help (customer) VALUES ('ada')`, `INSERT INTO public.help (customer) VALUES ('ada')`, `UPDATE public.help SET status = 'gone' WHERE id = 1`},
			"1 cancelled foreign, 2 waiting", "",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			m, a := enforced(t, helpTable)
			for _, sql := range test.writes {
				m.exec(sql)
			}
			m.expect("the mirrors", m.states(), test.want)
			m.expect("findings", m.findings(), test.findings)
			m.verified(a)
		})
	}
}

// verified expects no drift.
func (m *market) verified(a table) {
	m.Helper()
	drift, err := a.Verify(m.Context(), false)
	if err != nil || len(drift) > 0 {
		m.Errorf("drift: %v (%v)", drift, err)
	}
}

func TestARowThatIsMarkedAsDeletedIsGone(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"timestamptz", "boolean"} {
		m := newMarket(t, helpTable+`ALTER TABLE public.help ADD COLUMN hidden `+kind)
		mark := map[string]string{"timestamptz": "now()", "boolean": "true"}[kind]
		mapped := help()
		mapped.Deleted = "hidden"
		a := m.adopted(mapped)
		m.exec(`INSERT INTO public.help (customer, hidden) VALUES ('eve', ` + mark + `)`)
		m.enforce(a)
		m.exec(`INSERT INTO public.help (customer, hidden) VALUES ('ada', NULL), ('bob', ` + mark + `)`)
		m.expect("new ones", m.states(), "2 waiting")
		m.exec(`UPDATE public.help SET hidden = ` + mark + ` WHERE id = 2`)
		m.expect("a deleted one", m.states(), "2 cancelled foreign")
		m.exec(`UPDATE public.help SET note = 'x'`)
		m.expect("a deleted one that is written", m.states(), "2 cancelled foreign")
		m.exec(`UPDATE public.help SET hidden = NULL WHERE id = 2`)
		m.expect("one that is there again", m.states(), "2 cancelled foreign, 2 waiting")
		m.verified(a)
	}
}

func TestTwoOpenRowsOfACustomerAreOneMirrorAndAFinding(t *testing.T) {
	t.Parallel()
	m, a := enforced(t, helpTable)
	m.exec(`INSERT INTO public.help (customer) VALUES ('ada'), ('bob'), ('ada')`)
	m.expect("the mirrors", m.states(), "1 waiting, 2 waiting")
	if got := m.findings(); !strings.HasPrefix(got, "3 second_open customer ada has another open session: ") {
		t.Errorf("findings: %s", got)
	}
	m.verified(a)
}

func TestRowsThatAreCopiedAreMirrored(t *testing.T) {
	t.Parallel()
	m, a := enforced(t, helpTable)
	m.exec(overdueRow)
	_, err := m.pool.CopyFrom(t.Context(), pgx.Identifier{"public", "help"}, []string{"customer", "note"},
		pgx.CopyFromSlice(1000, func(i int) ([]any, error) { return []any{fmt.Sprint("c", i), "x"}, nil }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.pool.CopyFrom(t.Context(), pgx.Identifier{"public", "help"}, []string{"customer"},
		pgx.CopyFromRows([][]any{{"ada"}})); err != nil {
		t.Fatal(err)
	}
	m.expect("open mirrors", m.text(`SELECT count(*) FROM curfew.sessions WHERE status = 'waiting'`), "1001")
	m.expect("ada's", m.text(`SELECT string_agg(status, ' ' ORDER BY id) FROM public.help WHERE customer = 'ada'`), "expired asked")
	m.verified(a)
}

func TestARollbackOfTheAppLeavesNothing(t *testing.T) {
	t.Parallel()
	m, a := enforced(t, helpTable)
	m.exec(overdueRow)
	m.exec(`INSERT INTO public.offers (help) VALUES (1)`)
	before := m.states()
	tx, err := m.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `INSERT INTO public.help (customer) VALUES ('ada'), ('bob')`); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.expect("the mirrors", m.states(), before)
	m.expect("their rows", m.rows(), "1 asked")
	m.expect("their request", m.text(`SELECT state FROM public.offers`), "open")
	m.verified(a)
}

func TestCheckThenInsertWorksOnceTheSweepHasEndedTheRow(t *testing.T) {
	t.Parallel()
	m, a := enforced(t, helpTable)
	m.exec(overdueRow)
	const buy = `INSERT INTO public.help (customer) SELECT 'ada' WHERE NOT EXISTS (SELECT FROM public.help WHERE customer = 'ada' AND status IN ('asked', 'queued', 'running'))`
	m.exec(buy)
	m.expect("before the sweep", m.rows(), "1 asked")
	if n, err := m.sweep(t.Context(), a); n != 1 || err != nil {
		t.Fatalf("swept %d: %v", n, err)
	}
	m.exec(buy)
	m.expect("after the sweep", m.rows(), "1 expired, 2 asked")
	m.expect("the mirrors", m.states(), "1 cancelled expired, 2 waiting")
	m.expect("the event", m.text(`SELECT actor || ' ' || reason FROM curfew.events WHERE to_status = 'cancelled'`), "system:sweeper expired")
}

// An app that asks for more than READ COMMITTED gets the errors that it must expect, and no other.
func TestAnAppOfAHigherIsolationIsToldToRepeat(t *testing.T) {
	t.Parallel()
	for _, level := range []pgx.TxIsoLevel{pgx.RepeatableRead, pgx.Serializable} {
		t.Run(string(level), func(t *testing.T) {
			t.Parallel()
			m, a := enforced(t, helpTable)
			m.exec(overdueRow)
			buy := func() error {
				return pgx.BeginTxFunc(t.Context(), m.pool, pgx.TxOptions{IsoLevel: level}, func(tx pgx.Tx) error {
					var n int
					if err := tx.QueryRow(t.Context(), `SELECT count(*) FROM public.help`).Scan(&n); err != nil {
						return err
					}
					if m.text(`SELECT count(*) FROM public.help WHERE mechanic = 'bob'`) == "0" { // another is first, once
						m.exec(`UPDATE public.help SET mechanic = 'bob', accepted_at = now() - interval '1 hour'`)
					}
					_, err := tx.Exec(t.Context(), `INSERT INTO public.help (customer) VALUES ('ada')`)
					return err
				})
			}
			if err := buy(); code(err) != serializationFailure {
				t.Errorf("the first try: %v", err)
			}
			if err := buy(); err != nil {
				t.Errorf("the second try: %v", err)
			}
			m.expect("their rows", m.rows(), "1 gone, 3 asked")
			m.expect("findings", m.findings(), "")
			m.verified(a)
		})
	}
}

func TestTheirAlterTableAndTheirWritesSucceed(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct{ alter, insert, finding string }{
		"a column is dropped": {`ALTER TABLE public.help DROP COLUMN mechanic`, `INSERT INTO public.help (customer) VALUES ('ada')`, "mechanic"},
		"a column is renamed": {`ALTER TABLE public.help RENAME COLUMN customer TO client`, `INSERT INTO public.help (client) VALUES ('ada')`, "customer"},
		"the id is retyped": {
			`ALTER TABLE public.offers DROP CONSTRAINT offers_help_fkey; ALTER TABLE public.help ALTER COLUMN id DROP DEFAULT, ALTER COLUMN id TYPE text USING 'x' || id`,
			`INSERT INTO public.help (id, customer) VALUES ('x9', 'ada')`, "type of parameter",
		},
		"a number becomes a text":    {`ALTER TABLE public.help ALTER COLUMN minutes TYPE text`, `INSERT INTO public.help (customer, minutes) VALUES ('ada', 'many')`, "type of parameter"},
		"the table is renamed":       {`ALTER TABLE public.help RENAME TO assistance; CREATE VIEW public.help AS SELECT * FROM public.assistance`, `INSERT INTO public.assistance (customer) VALUES ('ada')`, ""},
		"a column is added":          {`ALTER TABLE public.help ADD COLUMN extra json`, `INSERT INTO public.help (customer, extra) VALUES ('ada', '{}')`, ""},
		"Curfew's schema has broken": {`ALTER TABLE curfew.sessions RENAME TO lost`, `INSERT INTO public.help (customer) VALUES ('ada')`, "curfew.sessions"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			m, _ := enforced(t, helpTable)
			conn, err := pgx.Connect(t.Context(), m.url) // a session that has used the triggers before
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context()) //nolint:errcheck // its database is dropped
			for _, sql := range []string{
				`INSERT INTO public.help (customer) VALUES ('eve')`, `UPDATE public.help SET note = 'x'`, test.alter, test.insert,
				strings.Replace(`UPDATE public.help SET note = note || 'y'`, "public.help", map[bool]string{true: "public.assistance", false: "public.help"}[strings.Contains(test.alter, "assistance")], 1),
			} {
				if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
			}
			if got := m.findings(); !strings.Contains(got, test.finding) || (test.finding != "") != strings.Contains(got, "trigger_failed") {
				t.Errorf("findings: %q", got)
			}
		})
	}
}

func TestVerifyFindsAndMendsWhatTheTriggersMissed(t *testing.T) {
	t.Parallel()
	m, a := enforced(t, helpTable)
	m.exec(`INSERT INTO public.help (customer) VALUES ('ada'), ('bob'), ('cyd'), ('dan')`)
	m.exec(`SET session_replication_role = replica;
		INSERT INTO public.help (customer) VALUES ('eve');
		UPDATE public.help SET mechanic = 'max' WHERE id = 1;
		UPDATE public.help SET status = 'gone' WHERE id = 2;
		DELETE FROM public.help WHERE id = 3;
		SET session_replication_role = origin`)
	m.exec(`INSERT INTO curfew.adoption_findings (name, code, detail, last_at) VALUES ('help', 'trigger_failed', 'long ago', now() - interval '2 hours')`)
	want := []Drift{
		{"1", "its mechanic is max, its mirror's nobody"},
		{"2", "it is not open, and its mirror is"},
		{"3", "it is not open, and its mirror is"},
		{"5", "it is open and has no mirror"},
	}
	got, err := a.Verify(t.Context(), false)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatalf("the drift (%v, -want +got):\n%s", err, diff)
	}
	m.expect("the findings", m.text(`SELECT string_agg(adopted_id || code, ' ' ORDER BY adopted_id) FROM curfew.adoption_findings`), "1drift 2drift 3drift 5drift")
	if _, err := a.Verify(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	m.expect("the mirrors", m.states(), "1 waiting, 2 cancelled foreign, 3 cancelled foreign, 4 waiting, 5 waiting")
	m.verified(a)
	m.expect("the findings", m.findings(), "")
}

// A role with no rights but to insert its own rows buys while its overdue one is hidden from it.
func TestRowLevelSecurityHidesNothingFromTheTriggers(t *testing.T) {
	t.Parallel()
	for _, force := range []string{"", `ALTER TABLE public.help FORCE ROW LEVEL SECURITY;`} {
		t.Run("force "+force, func(t *testing.T) {
			t.Parallel()
			m := newMarket(t, helpTable+`ALTER TABLE public.help ENABLE ROW LEVEL SECURITY;`+force+`
				CREATE POLICY own ON public.help FOR INSERT WITH CHECK (customer = current_setting('app.uid'));`)
			writer := m.role()
			m.exec(`GRANT INSERT ON public.help TO ` + writer + `; GRANT USAGE ON SEQUENCE public.help_id_seq TO ` + writer)
			a := m.adopted(help())
			m.exec(overdueRow)
			m.enforce(a)
			err := pgx.BeginFunc(t.Context(), m.pool, func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), `SET LOCAL ROLE `+writer+`; SET LOCAL app.uid = 'ada'; INSERT INTO public.help (customer) VALUES ('ada')`, pgx.QueryExecModeSimpleProtocol)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			m.expect("their rows", m.rows(), "1 expired, 2 asked")
			m.expect("the mirrors", m.states(), "1 cancelled expired, 2 waiting")
			m.verified(a)
		})
	}
}

func TestARoleThatRowLevelSecurityAppliesToCannotEnforce(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`ALTER TABLE public.help ENABLE ROW LEVEL SECURITY; ALTER TABLE public.help FORCE ROW LEVEL SECURITY`)
	owner := m.role()
	m.exec(strings.ReplaceAll(`ALTER TABLE public.help OWNER TO them; ALTER TABLE public.offers OWNER TO them;
		GRANT ALL ON SCHEMA curfew TO them; GRANT ALL ON ALL TABLES IN SCHEMA curfew TO them; GRANT ALL ON ALL ROUTINES IN SCHEMA curfew TO them`, "them", owner))
	m.exec(overdueRow)
	a := m.adopted(help())
	a.pool = m.with("role", owner)
	err := a.Enforce(t.Context(), Enforcement{Yes: true})
	if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), `ALTER ROLE "`+owner+`" BYPASSRLS`) {
		t.Errorf("enforce: %v", err)
	}
	m.exec(`ALTER TABLE public.help NO FORCE ROW LEVEL SECURITY`)
	m.enforce(a)
	m.exec(`ALTER TABLE public.help FORCE ROW LEVEL SECURITY`)
	if n, err := m.sweep(t.Context(), a); n != 0 || err == nil {
		t.Errorf("a sweep that cannot see rows ended %d: %v", n, err)
	}
	m.exec(`INSERT INTO public.help (customer) VALUES ('ada')`)
	if got := m.findings(); !strings.Contains(got, "row-level security") {
		t.Errorf("findings: %s", got)
	}
}

func TestZonelessTimesAreReadAndWrittenInTheirZone(t *testing.T) {
	t.Parallel()
	m := newMarket(t, `CREATE TABLE public.calls (id serial PRIMARY KEY, caller integer, state text NOT NULL DEFAULT 'queued', mins integer NOT NULL DEFAULT 10,
		made timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'Asia/Kolkata'), began timestamp(3), over timestamp)`)
	a := m.adopted(mapping.Table{
		Name: "calls", Relation: "public.calls", ID: "id", Customer: []string{"caller"},
		Status: mapping.Status{Column: "state", Words: map[curfew.SessionStatus][]string{
			curfew.Waiting: {"queued"}, curfew.Live: {"on"}, curfew.Completed: {"done"}, curfew.Cancelled: {"lost"},
		}},
		Times:    mapping.Times{Zone: "Asia/Kolkata", Created: "made", Started: "began", Ended: []string{"over"}},
		Duration: mapping.Duration{Column: "mins", Unit: "minutes"},
		End: map[curfew.EndReason]mapping.Ending{
			curfew.Expired: {Status: "lost", Set: map[string]string{"over": mapping.Now}},
			curfew.Overran: {Status: "done", Set: map[string]string{"over": mapping.PlannedEnd}},
		},
	})
	m.enforce(a)
	m.pool = m.with("timezone", "America/New_York")
	a.pool = m.pool
	m.exec(`INSERT INTO public.calls (caller) VALUES (1), (2)`)
	m.exec(`INSERT INTO public.calls (caller, state, began) VALUES (3, 'on', (now() - interval '26 minutes') AT TIME ZONE 'Asia/Kolkata')`)
	m.exec(`UPDATE public.calls SET made = made - interval '14 minutes' WHERE id = 1`)
	if n, err := m.sweep(t.Context(), a); n != 1 || err != nil {
		t.Fatalf("swept %d: %v", n, err)
	}
	m.expect("the deadlines", m.text(`SELECT string_agg(round(extract(epoch FROM expires_at - now()) / 60)::text, ' ' ORDER BY adopted_id) FROM curfew.sessions WHERE status = 'waiting'`), "15 15")
	m.expect("the live one", m.text(`SELECT format('%s %s', state, round(extract(epoch FROM (over AT TIME ZONE 'Asia/Kolkata') - now()) / 60)) FROM public.calls WHERE id = 3`), "done -16")
}

// with is a pool whose sessions have a setting.
func (m *market) with(setting, value string) *pgxpool.Pool {
	m.Helper()
	config, err := pgxpool.ParseConfig(m.url)
	if err != nil {
		m.Fatal(err)
	}
	config.ConnConfig.RuntimeParams[setting] = value
	pool, err := pgxpool.NewWithConfig(m.Context(), config)
	if err != nil {
		m.Fatal(err)
	}
	m.Cleanup(pool.Close)
	return pool
}
