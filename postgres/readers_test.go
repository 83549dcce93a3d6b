package postgres

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest/seed"
)

// A caller is somebody who reads, as a backend or PostgREST says who it is.
type caller struct{ customer, mechanic string }

// becomes is what says so, for one transaction.
func (c caller) becomes(r Roles) string {
	local := func(name, value string) string {
		return fmt.Sprintf("SELECT set_config('%s', '%s', true); ", name, value)
	}
	become := "SET LOCAL ROLE " + quoted(r.Reader) + "; "
	switch {
	case c == caller{}:
		return become
	case r.Settings:
		return become + local("curfew.customer", c.customer) + local("curfew.mechanic", c.mechanic)
	case c.mechanic != "":
		return become + local("request.jwt.claims", `{"sub": "`+c.mechanic+`", "role": "authenticated", "app_metadata": {"role": "mechanic"}}`)
	}
	return become + local("request.jwt.claims", `{"sub": "`+c.customer+`", "role": "authenticated", "user_metadata": {"role": "mechanic"}}`)
}

// reading runs do in a transaction of a caller, which is rolled back.
func (f *fixture) reading(r Roles, c caller, do func(tx pgx.Tx)) {
	f.Helper()
	tx, err := f.store.pool.Begin(f.Context())
	f.must(err)
	defer tx.Rollback(context.WithoutCancel(f.Context())) //nolint:errcheck // nothing of it is to stay
	_, err = tx.Conn().PgConn().Exec(f.Context(), c.becomes(r)).ReadAll()
	f.must(err)
	do(tx)
}

// sees is what a caller gets, a line a row.
func (f *fixture) sees(r Roles, c caller, sql string) (lines []string) {
	f.Helper()
	f.reading(r, c, func(tx pgx.Tx) {
		f.Helper()
		rows, _ := tx.Query(f.Context(), sql, pgx.QueryExecModeSimpleProtocol)
		var err error
		if lines, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			f.Fatalf("%s: %v", sql, err)
		}
	})
	return lines
}

// peopled is a marketplace: ada waits, kim has max, lou has ended, pia has moe, and every table has a row of somebody's.
func peopled(t *testing.T, claims bool) (*fixture, Roles) {
	t.Helper()
	f := newFixture(t)
	r := f.newRoles()
	r.Settings = !claims
	f.must(f.run(f.url, r.Create()+r.Grant()))
	f.admit("ada")
	f.accept(f.admit("kim"), "max")
	lou := f.admit("lou")
	_, err := f.store.Change(t.Context(), endChange(lou, curfew.Cancelled, curfew.ByRequest))
	f.must(err)
	f.accept(f.admit("pia"), "moe")
	for _, table := range f.tables() {
		if f.only(`SELECT count(*) FROM `+table) == "0" {
			f.must(f.run(f.url, `SET session_replication_role = replica; `+f.row(table)))
		}
		if f.only(`SELECT count(*) FROM `+table) == "0" {
			t.Fatalf("%s has no row", table)
		}
	}
	f.exec(`UPDATE curfew.sessions SET plan = 'of ' || customer_id`)
	return f, r
}

// tables are those with rows of people.
func (f *fixture) tables() []string {
	f.Helper()
	return f.rows(`SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'curfew'::regnamespace AND c.relkind IN ('r', 'p')
		AND c.relname <> ALL ($1) ORDER BY 1`, constants)
}

// row is an INSERT of a row that no constraint refuses, of a customer called ivy.
func (f *fixture) row(table string) string {
	f.Helper()
	values := map[string]map[string]string{
		"curfew.sessions":         {"status": "'cancelled'", "ended_at": "now()", "version": "1"},
		"curfew.session_requests": {"status": "'expired'"},
		"curfew.checkouts":        {"outcome": "'refunded'"},
	}[table]
	if values == nil {
		values = make(map[string]string)
	}
	// The first word of a CHECK is one that it allows.
	for _, line := range f.rows(`SELECT a.attname, format_type(a.atttypid, NULL), coalesce((SELECT substring(pg_get_constraintdef(c.oid) FROM '''[^'']*''')
			FROM pg_constraint c WHERE c.conrelid = a.attrelid AND c.contype = 'c' AND c.conkey = ARRAY[a.attnum] LIMIT 1), '')
		FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''`, table) {
		field := strings.Fields(strings.Replace(line, "timestamp with time zone", "timestamptz", 1) + " ''")
		kinds := map[string]string{"uuid": "gen_random_uuid()", "text": "'ivy'", "jsonb": "'{}'", "timestamptz": "now()", "boolean": "true", "bytea": "'ivy'"}
		values[field[0]] = cmp.Or(values[field[0]], strings.TrimSuffix(field[2], "''"), kinds[field[1]], "1")
	}
	names := slices.Sorted(maps.Keys(values))
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = values[name]
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(names, ", "), strings.Join(texts, ", "))
}

// strangers may see nothing at all.
var strangers = map[string]caller{
	"nobody":               {},
	"a customer of nobody": {customer: "eve"},
	"a name in part":       {customer: "ad"},
	"a pattern":            {customer: "%"},
	"the nameless":         {customer: "\x7f"},
}

// Whatever somebody grants readers, they see no row of others, change none and add none, in any table.
func TestStrangersSeeNothingWhateverIsGranted(t *testing.T) {
	t.Parallel()
	for how, claims := range map[string]bool{"settings": false, "claims": true} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			f, r := peopled(t, claims)
			f.exec(`UPDATE curfew.checkouts SET customer_id = E'\x7f' WHERE customer_id = 'lou'`)
			f.deniesAll(r)
			f.exec(`GRANT USAGE ON SCHEMA curfew TO ` + r.Reader)
			f.exec(`GRANT ALL ON ALL TABLES IN SCHEMA curfew, curfew_api TO ` + r.Reader)
			tables := f.tables()
			for who, c := range strangers {
				if claims && c.customer == "\x7f" {
					c.customer = `\u007f`
				}
				for _, table := range tables {
					f.denies(r, who, c, table, nil)
				}
				for _, view := range published {
					f.same(who+" sees of "+view.name, f.sees(r, c, `SELECT v::text FROM curfew_api.`+view.name+` v`), []string{})
				}
			}
			f.people(r, tables)
		})
	}
}

// people are refused all but what is theirs.
func (f *fixture) people(r Roles, tables []string) {
	f.Helper()
	for who, c := range map[string]struct {
		caller
		own map[string][]string // what it sees of a table, as the customers of the rows
	}{
		"a customer who waits": {caller{customer: "ada"}, map[string][]string{
			"curfew.sessions": {"ada"}, "curfew.session_requests": {"ada"}, "curfew.checkouts": {"ada"},
		}},
		"a customer with a mechanic": {caller{customer: "kim"}, map[string][]string{
			"curfew.sessions": {"kim"}, "curfew.session_requests": {"kim"}, "curfew.checkouts": {"kim"},
		}},
		"a mechanic without a session": {caller{mechanic: "zoe"}, map[string][]string{
			"curfew.sessions": {"ada"}, "curfew.session_requests": {"ada"},
		}},
		"a mechanic with one": {caller{mechanic: "max"}, map[string][]string{
			"curfew.sessions": {"ada", "kim"}, "curfew.session_requests": {"ada", "kim"}, "curfew.mechanic_slots": {"kim"},
		}},
	} {
		for _, table := range tables {
			f.denies(r, who, c.caller, table, c.own[table])
		}
	}
}

// denies: of a table the caller sees only its own, and changes nothing.
func (f *fixture) denies(r Roles, who string, c caller, table string, own []string) {
	f.Helper()
	column := "*"
	if own != nil {
		column = "customer_id"
	}
	f.reading(r, c, func(tx pgx.Tx) {
		f.Helper()
		rows, _ := tx.Query(f.Context(), `SELECT `+column+` FROM `+table+` ORDER BY 1`)
		seen, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
			values, err := row.Values()
			return fmt.Sprint(values[0]), err
		})
		f.must(err)
		if !slices.Equal(seen, own) {
			f.Errorf("%s sees of %s: %v, not %v", who, table, seen, own)
		}
		name := strings.Fields(columns[strings.TrimPrefix(table, "curfew.")] + " tstamp")[0]
		for _, change := range []string{`UPDATE ` + table + ` SET ` + name + ` = ` + name, `DELETE FROM ` + table} {
			tag, err := tx.Exec(f.Context(), change)
			if err != nil || tag.RowsAffected() != 0 {
				f.Errorf("%s, %s: %d rows, %v", who, change, tag.RowsAffected(), err)
			}
		}
		if _, err := tx.Exec(f.Context(), f.row(table)); code(err) != insufficientPrivilege || !strings.Contains(err.Error(), "row-level security") {
			f.Errorf("%s adds to %s: %v", who, table, err)
		}
	})
}

// deniesAll: with the printed rights nobody may even ask a table, and views are for reading.
func (f *fixture) deniesAll(r Roles) {
	f.Helper()
	refused := func(c caller, sql string) {
		f.Helper()
		f.reading(r, c, func(tx pgx.Tx) {
			f.Helper()
			if _, err := tx.Exec(f.Context(), sql); code(err) != insufficientPrivilege && code(err) != "55000" { // a view of two tables
				f.Errorf("%s: %v", sql, err)
			}
		})
	}
	for _, table := range f.tables() {
		for _, sql := range []string{`SELECT FROM ` + table, f.row(table), `DELETE FROM ` + table, `TRUNCATE ` + table} {
			refused(caller{customer: "ada"}, sql)
		}
	}
	for _, view := range published {
		for _, sql := range []string{
			`INSERT INTO curfew_api.` + view.name + ` DEFAULT VALUES`, `UPDATE curfew_api.` + view.name + ` SET plan = ''`, `DELETE FROM curfew_api.` + view.name,
		} {
			refused(caller{customer: "ada"}, strings.Replace(sql, "requests SET plan", "requests SET status", 1))
		}
	}
	refused(caller{customer: "ada"}, `CREATE VIEW curfew_api.mine AS SELECT 1`)
	refused(caller{customer: "ada"}, `SELECT curfew.tally('session', 'cancelled', 1)`)
}

// Each sees their own, and of the queue no more than what decides whether to take it.
func TestReadersSeeTheirOwn(t *testing.T) {
	t.Parallel()
	for how, claims := range map[string]bool{"settings": false, "claims": true} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			f, r := peopled(t, claims)
			ada, lou, max := caller{customer: "ada"}, caller{customer: "lou"}, caller{mechanic: "max"}
			for _, c := range []struct {
				who  caller
				sql  string
				want []string
			}{
				{ada, `SELECT plan || ' ' || status FROM curfew_api.sessions`, []string{"of ada waiting"}},
				{ada, `SELECT status FROM curfew_api.requests`, []string{"pending"}},
				{ada, `SELECT plan || ' ' || amount || ' ' || outcome FROM curfew_api.checkouts`, []string{"chat10 999 fulfilled"}},
				{lou, `SELECT status || ' ' || end_reason FROM curfew_api.sessions`, []string{"cancelled " + string(curfew.ByRequest)}},
				{lou, `SELECT outcome FROM curfew_api.checkouts`, []string{"credited"}},
				{ada, `SELECT 'sees' FROM curfew_api.queue`, []string{}},
				{ada, `SELECT 'sees' FROM curfew_api.assigned`, []string{}},
				{max, `SELECT plan FROM curfew_api.queue`, []string{"of ada"}},
				{max, `SELECT customer_id || ' ' || status FROM curfew_api.assigned`, []string{"kim waiting"}},
				{max, `SELECT 'sees' FROM curfew_api.sessions`, []string{}},
				{max, `SELECT 'sees' FROM curfew_api.checkouts`, []string{}},
				{caller{mechanic: "zoe"}, `SELECT 'sees' FROM curfew_api.assigned`, []string{}},
			} {
				f.same(c.sql+" of "+c.who.customer+c.who.mechanic, f.sees(r, c.who, c.sql), c.want)
			}
			f.same("what the queue has of ada", f.sees(r, max, `SELECT count(*)::text FROM curfew_api.queue q WHERE q::text LIKE '%Ada%' OR q::text LIKE '%"ada"%'`), []string{"0"})
			f.exec(`UPDATE curfew.sessions SET end_reason = 'the customer swore at us' WHERE customer_id = 'lou'`)
			f.same("what another program wrote", f.sees(r, lou, `SELECT end_reason FROM curfew_api.sessions`), []string{"foreign"})
			f.exec(`UPDATE curfew.sessions SET created_at = created_at - interval '1 hour', expires_at = expires_at - interval '1 hour' WHERE customer_id = 'ada'`)
			f.same("the queue without the overdue", f.sees(r, max, `SELECT plan FROM curfew_api.queue`), []string{})
		})
	}
}

// Somebody's claims that are no claims are nobody's: the statement fails.
func TestBrokenClaimsShowNothing(t *testing.T) {
	t.Parallel()
	f, r := peopled(t, true)
	for _, claims := range []string{`null`, `{}`, `{"sub": null}`, `{"sub": ""}`, `{"sub": ["ada"]}`, `{"sub": {"ada": 1}}`, `"ada"`, `[{"sub": "ada"}]`, `{"sub": "ada'"}`} {
		f.reading(r, caller{}, func(tx pgx.Tx) {
			if _, err := tx.Exec(t.Context(), `SELECT set_config('request.jwt.claims', $1, true)`, claims); err != nil {
				t.Fatal(err)
			}
			var n int
			if err := tx.QueryRow(t.Context(), `SELECT count(*) FROM curfew_api.sessions`).Scan(&n); err == nil && n != 0 {
				t.Errorf("%s shows %d sessions", claims, n)
			}
		})
	}
	f.reading(r, caller{}, func(tx pgx.Tx) {
		if _, err := tx.Exec(t.Context(), `SELECT set_config('request.jwt.claims', '{"sub": ', true)`); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `SELECT FROM curfew_api.sessions`); code(err) != "22P02" {
			t.Errorf("half a token: %v", err)
		}
	})
}

// Two customers, a mechanic and nobody take turns on one connection, with statements that stay prepared: a
// setting by SET LOCAL ends with its transaction, however that ends.
func TestTurnsOnOneConnectionLeakNothing(t *testing.T) {
	t.Parallel()
	turns := 100_000
	if testing.Short() {
		turns = 2_000
	}
	f, r := peopled(t, false)
	random := seed.Dice(seed.New(t), "turns")
	conn, err := pgx.Connect(t.Context(), f.url)
	f.must(err)
	defer conn.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // the test's own
	who := []struct {
		caller
		sessions, queue, assigned string
	}{
		{caller{customer: "ada"}, "of ada", "", ""},
		{caller{customer: "kim"}, "of kim", "", ""},
		{caller{mechanic: "max"}, "", "of ada", "of kim"},
		{caller{}, "", "", ""},
	}
	const list = `SELECT coalesce(string_agg(plan, ', ' ORDER BY plan), '') FROM curfew_api.`
	leaks, rows := 0, 0
	for range turns {
		c := who[random.IntN(len(who))]
		var b pgx.Batch
		b.Queue(`BEGIN`)
		b.Queue(`SET LOCAL ROLE ` + r.Reader)
		if (c.caller != caller{}) {
			b.Queue(`SELECT set_config('curfew.customer', $1, true), set_config('curfew.mechanic', $2, true)`, c.customer, c.mechanic)
		}
		for view, want := range map[string]string{"sessions": c.sessions, "queue": c.queue, "assigned": c.assigned} {
			b.Queue(list + view).QueryRow(func(row pgx.Row) error {
				var got string
				if err := row.Scan(&got); err != nil {
					return err
				}
				if got != want {
					leaks++
				}
				rows += len(got)
				return nil
			})
		}
		b.Queue([]string{`COMMIT`, `ROLLBACK`}[random.IntN(2)])
		f.must(conn.SendBatch(t.Context(), &b).Close())
	}
	if leaks > 0 || rows < turns {
		t.Errorf("%d leaks in %d turns, which saw %d letters", leaks, turns, rows)
	}
}

// A SET without LOCAL stays with its connection, and so with whoever the pool gives that to next. This is
// what docs/roles.md warns of.
func TestASettingThatIsNotLocalLeaksThroughAPool(t *testing.T) {
	t.Parallel()
	f, r := peopled(t, false)
	config, err := pgxpool.ParseConfig(f.url)
	f.must(err)
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	f.must(err)
	defer pool.Close()
	request := func(say string) (seen string) {
		f.must(pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), `SET LOCAL ROLE `+r.Reader); err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), say); err != nil {
				return err
			}
			return tx.QueryRow(t.Context(), `SELECT coalesce(string_agg(plan, ', '), 'nothing') FROM curfew_api.sessions`).Scan(&seen)
		}))
		return seen
	}
	f.same("ada, by SET LOCAL", request(`SET LOCAL curfew.customer = 'ada'`), "of ada")
	f.same("the next one, who says nothing", request(`SELECT`), "nothing")
	f.same("ada, by SET", request(`SET curfew.customer = 'ada'`), "of ada")
	f.same("the next one, who says nothing", request(`SELECT`), "of ada") // the leak
	f.same("kim, by SET LOCAL", request(`SET LOCAL curfew.customer = 'kim'`), "of kim")
	f.same("the one after", request(`SELECT`), "of ada") // and it stays
}

// A function that tells what it is given is given nothing that its caller does not see anyway: neither
// behind a view nor, where somebody grants that, behind a table.
func TestALeakyFunctionSeesNothingMore(t *testing.T) {
	t.Parallel()
	f, r := peopled(t, false)
	both := caller{customer: "kim", mechanic: "max"}
	for _, view := range published {
		got, may := f.leaked(r, both, "curfew_api."+view.name)
		f.same("what leaks of "+view.name, got, may)
	}
	// A view that is no barrier, and whose condition may leak itself, shows what this test would see.
	f.exec(`CREATE VIEW curfew_api.probe WITH (security_invoker = true) AS SELECT customer_id FROM curfew.sessions WHERE lower(upper(lower(upper(customer_id)))) = 'kim'`)
	f.exec(`GRANT SELECT ON curfew_api.probe TO ` + r.Reader)
	got, may := f.leaked(r, both, "curfew_api.probe")
	f.same("what leaks of a view that is no barrier", got, []string{"(ada)", "(kim)"})
	f.same("what it shows", may, []string{"(kim)"})
	f.exec(`ALTER VIEW curfew_api.probe SET (security_barrier = true)`)
	got, _ = f.leaked(r, both, "curfew_api.probe")
	f.same("what leaks of a barrier", got, []string{"(kim)"})
	f.exec(`DROP VIEW curfew_api.probe`)
	f.exec(`GRANT USAGE ON SCHEMA curfew TO ` + r.Reader)
	f.exec(`GRANT ALL ON ALL TABLES IN SCHEMA curfew TO ` + r.Reader)
	for _, table := range f.tables() {
		got, may := f.leaked(r, both, table)
		f.same("what leaks of "+table, got, may)
	}
}

// leaked is what a cheap function was given of a relation's rows, and what its caller may see.
func (f *fixture) leaked(r Roles, c caller, relation string) (got, may []string) {
	f.Helper()
	config, err := pgx.ParseConfig(f.url)
	f.must(err)
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if row, ok := strings.CutPrefix(n.Message, "saw "); ok {
			got = append(got, row)
		}
	}
	conn, err := pgx.ConnectConfig(f.Context(), config)
	f.must(err)
	defer conn.Close(context.WithoutCancel(f.Context())) //nolint:errcheck // the test's own
	_, err = conn.PgConn().Exec(f.Context(), `BEGIN; `+c.becomes(r)+`
		SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexonlyscan = off;
		CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END $$;
		SELECT count(*) FROM `+relation+` v WHERE pg_temp.leak(v::text)`).ReadAll()
	f.must(err)
	may = f.sees(r, c, `SELECT v::text FROM `+relation+` v`)
	slices.Sort(got)
	slices.Sort(may)
	if len(may) == 0 {
		may = nil
	}
	return got, may
}

// The policies cost no reading of a whole table: who reads is computed once, and an index finds their rows.
func TestPoliciesUseTheIndexes(t *testing.T) {
	t.Parallel()
	for how, claims := range map[string]bool{"settings": false, "claims": true} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			f, r := peopled(t, claims)
			f.crowd()
			for _, c := range []struct {
				who   caller
				view  string
				index []string
			}{
				{caller{customer: "ada"}, "sessions", []string{"on sessions", "Index Cond: (customer_id = $"}},
				{caller{customer: "ada"}, "requests", []string{"on session_requests", "Index Cond: (customer_id = $"}},
				{caller{customer: "ada"}, "checkouts", []string{"on checkouts", "Index Cond: (customer_id = $"}},
				{caller{mechanic: "max"}, "assigned", []string{"mechanic_slots_pkey", "Index Cond: (mechanic_id = $"}},
				{caller{mechanic: "max"}, "queue", []string{"on sessions", "Index"}},
			} {
				plan := strings.Join(f.sees(r, c.who, `EXPLAIN (COSTS OFF) SELECT * FROM curfew_api.`+c.view), "\n")
				for _, want := range append(c.index, "InitPlan") {
					if !strings.Contains(plan, want) {
						t.Errorf("%s: no %q in\n%s", c.view, want, plan)
					}
				}
				if strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "SubPlan") {
					t.Errorf("%s reads a whole table, or asks again for each row:\n%s", c.view, plan)
				}
			}
		})
	}
}

// crowd is so many others that nobody would read them all.
func (f *fixture) crowd() {
	f.Helper()
	f.must(f.run(f.url, `SET session_replication_role = replica;
		INSERT INTO curfew.sessions (customer_id, id, status, version, ended_at, mechanic_id)
			SELECT 'customer-' || n, gen_random_uuid(), 'completed', 3, now(), 'mechanic-' || n % 50 FROM generate_series(1, 5000) n;
		INSERT INTO curfew.session_requests (customer_id, id, session_id, status) SELECT customer_id, gen_random_uuid(), id, 'completed' FROM curfew.sessions
			WHERE status = 'completed';
		INSERT INTO curfew.checkouts (customer_id, id, plan, outcome, version) SELECT customer_id, gen_random_uuid(), 'chat10', 'fulfilled', 1 FROM curfew.sessions
			WHERE status = 'completed';
		INSERT INTO curfew.mechanic_slots (mechanic_id, customer_id, session_id) SELECT 'busy-' || customer_id, customer_id, id FROM curfew.sessions
			WHERE status = 'completed';
		ANALYZE curfew.sessions, curfew.session_requests, curfew.checkouts, curfew.mechanic_slots`))
}

// The service's policy is true for every row, and so its statements are planned as without one.
func TestTheServicesPlansAreThoseWithoutPolicies(t *testing.T) {
	t.Parallel()
	f, r := peopled(t, false)
	f.crowd()
	for _, sql := range []string{
		`SELECT * FROM curfew.sessions WHERE customer_id = 'ada' AND status IN ('waiting', 'live')`,
		`SELECT * FROM curfew.sessions WHERE status IN ('scheduled', 'waiting', 'live') AND adopted_from = '' AND expires_at < now() ORDER BY expires_at, id LIMIT 100`,
		`UPDATE curfew.sessions SET plan = plan WHERE customer_id = 'ada' AND status = 'waiting'`,
		`SELECT * FROM curfew.checkouts c JOIN curfew.sessions s ON s.customer_id = c.customer_id AND s.checkout_id = c.id WHERE c.outcome = 'credited'`,
		`DELETE FROM curfew.mechanic_slots WHERE session_id = gen_random_uuid()`,
	} {
		explained := `EXPLAIN (COSTS OFF) ` + sql
		service := Roles{Reader: r.Service, Settings: true}
		f.same(sql, f.sees(service, caller{}, explained), f.rows(explained))
	}
}
