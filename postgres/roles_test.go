package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

// newRoles are names that no other test has, of roles that go with the test.
func (f *fixture) newRoles() Roles {
	f.Helper()
	unique := strings.ReplaceAll(newID(), "-", "_")
	r := Roles{
		Owner: "curfew_test_o_" + unique, Service: "curfew_test_s_" + unique, Reader: "curfew_test_r_" + unique,
		Writer: "curfew_test_w_" + unique, Report: "curfew_test_p_" + unique, Settings: true,
	}
	f.Cleanup(func() {
		if err := f.run(f.url, r.Drop()); err != nil {
			f.Error(err)
		}
	})
	return r
}

// secured is a database with rights and policies as they are printed.
func secured(t *testing.T) (*fixture, Roles) {
	t.Helper()
	f := newFixture(t)
	r := f.newRoles()
	f.must(f.run(f.url, r.Create()+r.Grant()))
	return f, r
}

// run runs a text of SQL as psql does, on a connection of its own.
func (f *fixture) run(address, text string) error {
	ctx := context.WithoutCancel(f.Context())
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the test's own
	_, err = conn.PgConn().Exec(ctx, text).ReadAll()
	return err
}

// urlOf is the URL of another user.
func (f *fixture) urlOf(user string) string {
	f.Helper()
	address, err := url.Parse(f.url)
	f.must(err)
	address.User = url.User(user)
	return address.String()
}

// administrator is a role that may create roles and schemas, and is no superuser.
func (f *fixture) administrator() string {
	f.Helper()
	name := "curfew_test_a_" + strings.ReplaceAll(newID(), "-", "_")
	f.exec(`CREATE ROLE ` + name + ` LOGIN CREATEROLE`)
	f.exec(`DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO ` + name + `', current_database()); END $$`)
	f.Cleanup(func() {
		if err := f.run(f.url, `REASSIGN OWNED BY `+name+` TO CURRENT_USER; DROP OWNED BY `+name+`; DROP ROLE `+name); err != nil {
			f.Error(err)
		}
	})
	return f.urlOf(name)
}

// standing is all that Grant and Create change.
func (f *fixture) standing() []string {
	return slices.Concat(
		f.rows(`SELECT c.oid::regclass::text, c.relowner::regrole, c.relrowsecurity, c.relforcerowsecurity,
				(SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(c.relacl) a) FROM pg_class c
			WHERE c.relnamespace IN (to_regnamespace('curfew'), to_regnamespace('curfew_api')) AND c.relkind IN ('r', 'v') ORDER BY 1`),
		f.rows(`SELECT p.polrelid::regclass::text, p.polname, p.polcmd, p.polroles::regrole[]::text, pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p ORDER BY 1, 2`),
		f.rows(`SELECT n.nspname, n.nspowner::regrole::text, n.nspacl::text FROM pg_namespace n WHERE n.nspname LIKE 'curfew%' ORDER BY 1`),
		f.rows(`SELECT p.oid::regprocedure::text, p.proowner::regrole::text, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(p.proacl) a)
			FROM pg_proc p WHERE p.pronamespace = to_regnamespace('curfew') ORDER BY 1`),
	)
}

func TestThePrintedRolesAreMadeAndGoAgain(t *testing.T) {
	t.Parallel()
	f := emptyFixture(t)
	admin, r := f.administrator(), f.newRoles()

	f.must(f.run(admin, r.Create()))
	f.must(f.run(admin, r.Create()))
	owner := open(t, f.urlOf(r.Owner))
	_, err := owner.Migrate(t.Context())
	f.must(err)
	f.must(f.run(f.urlOf(r.Owner), r.Grant()))
	once := f.standing()
	f.must(f.run(admin, r.Create()+r.Grant()))
	f.must(f.run(admin, r.Grant()))
	f.same("what a second run changes", f.standing(), once)

	f.same("objects of others", f.rows(`SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace IN ('curfew'::regnamespace, 'curfew_api'::regnamespace)
		AND c.relowner <> $1::regrole`, r.Owner), []string(nil))
	f.same("what the service is", f.rows(`SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin FROM pg_roles WHERE rolname = $1`,
		r.Service), []string{"false false false false false true"})
	f.same("what the service owns", f.rows(`SELECT objid FROM pg_shdepend WHERE refobjid = $1::regrole AND deptype = 'o'`, r.Service), []string(nil))
	service := open(t, f.urlOf(r.Service))
	f.must(service.Verify(t.Context()))
	st, err := service.Admit(t.Context(), admission("ada"))
	f.must(err)
	owner.Close()
	service.Close()

	f.must(f.run(admin, r.Drop()))
	f.must(f.run(admin, r.Drop()))
	f.same("roles that are left", f.rows(`SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)`, r.names()), []string(nil))
	f.same("policies that are left", f.rows(`SELECT polname FROM pg_policy`), []string(nil))
	f.same("tables with row-level security", f.rows(`SELECT relname FROM pg_class WHERE relrowsecurity`), []string(nil))
	f.same("what others may do", f.rows(`SELECT DISTINCT c.relname FROM pg_class c, aclexplode(c.relacl) a
		WHERE c.relnamespace = 'curfew'::regnamespace AND a.grantee <> c.relowner ORDER BY 1`), []string{"outcome_steps", "session_transitions"})
	f.must(open(t, admin).Verify(t.Context()))
	f.same("the session", f.read(st.ID).Status, curfew.Waiting)
}

// Somebody began without roles: their tables go over to the owner, and back.
func TestADatabaseInUseIsTakenOver(t *testing.T) {
	t.Parallel()
	f := emptyFixture(t)
	admin, r := f.administrator(), f.newRoles()
	first := open(t, admin)
	_, err := first.Migrate(t.Context())
	f.must(err)
	before := f.standing()
	f.must(f.run(admin, r.Create()))
	f.must(f.run(admin, r.Grant()))
	f.same("objects of others", f.rows(`SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'curfew'::regnamespace AND c.relowner <> $1::regrole`,
		r.Owner), []string(nil))
	_, err = open(t, f.urlOf(r.Owner)).Migrate(t.Context())
	f.must(err)
	f.must(open(t, f.urlOf(r.Owner)).SetGuards(t.Context(), true))
	f.must(open(t, f.urlOf(r.Service)).Verify(t.Context()))
	f.must(f.run(admin, r.Drop()))
	trimmed := func(lines []string) (short []string) {
		for _, line := range lines { // rights of the owner's own may stand there in words afterwards
			name, rest, _ := strings.Cut(line, " ")
			owner, _, _ := strings.Cut(rest, " ")
			short = append(short, name+" "+owner)
		}
		return short
	}
	f.same("what is whose afterwards", trimmed(f.standing()), trimmed(before))
}

func TestARoleThatPoliciesDoNotBindIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for what, how := range map[string]string{
		"a superuser": `CREATE ROLE %[1]s SUPERUSER`, "BYPASSRLS": `CREATE ROLE %[1]s BYPASSRLS`,
		"a member of the owner": `CREATE ROLE %[2]s; CREATE ROLE %[1]s IN ROLE %[2]s`,
	} {
		r := f.newRoles()
		f.must(f.run(f.url, fmt.Sprintf(how, r.Service, r.Owner)))
		f.Cleanup(func() {
			if err := f.run(f.url, `DROP ROLE `+r.Service+`; DROP ROLE IF EXISTS `+r.Owner); err != nil {
				f.Error(err)
			}
		})
		if err := f.run(f.url, r.Create()); err == nil || !strings.Contains(err.Error(), r.Service+" would see every row") {
			t.Errorf("%s: %v", what, err)
		}
		f.same("whose the schema is", f.only(`SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'curfew'`), "postgres")
	}
}

func TestNamesOfRolesAreChecked(t *testing.T) {
	t.Parallel()
	good := Roles{Owner: "curfew_owner", Service: "curfew-service", Reader: "authenticated"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for what, spoil := range map[string]func(*Roles){
		"no owner": func(r *Roles) { r.Owner = "" }, "no service": func(r *Roles) { r.Service = "" },
		"everybody": func(r *Roles) { r.Reader = "public" }, "everybody, shouted": func(r *Roles) { r.Reader = "PUBLIC" },
		"whoever runs it": func(r *Roles) { r.Writer = "current_user" }, "the server's own": func(r *Roles) { r.Report = "pg_monitor" },
		"one role for two": func(r *Roles) { r.Service = r.Owner }, "the owner reads": func(r *Roles) { r.Reader = r.Owner },
		"SQL": func(r *Roles) { r.Writer = `x"; DROP SCHEMA curfew; --` }, "a quote": func(r *Roles) { r.Writer = "o'neil" },
		"a dollar": func(r *Roles) { r.Writer = "a$$b" }, "too long": func(r *Roles) { r.Report = strings.Repeat("r", 64) },
	} {
		r := good
		spoil(&r)
		if err := r.Check(); !errors.Is(err, curfew.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Names that SQL has to quote are quoted everywhere.
func TestOddNamesOfRolesWork(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.newRoles()
	for _, name := range []*string{&r.Owner, &r.Service, &r.Reader, &r.Writer, &r.Report} {
		*name = strings.Replace(*name, "curfew_test", "Curfew.test-", 1)
	}
	f.must(r.Check())
	f.must(f.run(f.url, r.Create()+r.Grant()+r.Grant()))
	f.must(open(t, f.urlOf(r.Service)).Verify(t.Context()))
	f.must(f.run(f.url, r.Drop()))
	f.same("roles that are left", f.rows(`SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)`, r.names()), []string(nil))
}

// Rights that somebody added, and policies of names that are not used any more, go with the next run.
func TestARunBringsExactlyTheRights(t *testing.T) {
	t.Parallel()
	f, r := secured(t)
	want := f.standing()
	f.exec(`GRANT ALL ON ALL TABLES IN SCHEMA curfew TO ` + r.Service + `, ` + r.Reader)
	f.exec(`GRANT ALL ON SCHEMA curfew TO ` + r.Service + `, ` + r.Reader)
	f.exec(`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA curfew TO ` + r.Reader)
	f.exec(`CREATE POLICY curfew_mechanic ON curfew.events TO ` + r.Reader + ` USING (true)`)
	f.exec(`ALTER TABLE curfew.checkouts DISABLE ROW LEVEL SECURITY`)
	f.must(f.run(f.url, r.Grant()))
	f.same("rights and policies", f.standing(), want)
}

// What another program writes gets its version, its event and its money's due, though it owns nothing
// and may write one table alone.
func TestAnotherProgramWritesUnderPolicies(t *testing.T) {
	t.Parallel()
	f, r := secured(t)
	service := &fixture{t, f.url, open(t, f.urlOf(r.Service))}
	ours := service.accept(service.admit("kim"), "max")
	shop := f.urlOf(r.Writer)
	f.must(f.run(shop, fmt.Sprintf(foreign, "waiting")))
	f.same("its session", f.rows(`SELECT version, status FROM curfew.sessions WHERE customer_id = 'ada'`), []string{"1 waiting"})
	f.same("its event", f.rows(`SELECT number, from_status || '>' || to_status, actor FROM curfew.events WHERE customer_id = 'ada'`), []string{"1 >waiting system:foreign"})
	f.must(f.run(shop, `UPDATE curfew.sessions SET status = 'cancelled' WHERE customer_id = 'kim'`))
	f.same("our session", service.read(ours.ID).EndReason, curfew.Foreign)
	f.same("its version", service.read(ours.ID).Version, ours.Version+1)
	f.same("the slot", f.rows(`SELECT mechanic_id FROM curfew.mechanic_slots`), []string(nil))
	f.same("the request", f.rows(`SELECT status FROM curfew.session_requests WHERE customer_id = 'kim'`), []string{"cancelled"})
	f.same("the money", f.rows(`SELECT money_due FROM curfew.checkouts WHERE customer_id = 'kim'`), []string{"true"})
	due, err := service.store.Unsettled(t.Context(), "", 9)
	f.must(err)
	f.same("what the service has to settle", len(due), 1)
	f.must(f.run(shop, `UPDATE curfew.sessions SET expires_at = now() - interval '1 minute' WHERE customer_id = 'ada'`))
	f.must(f.run(shop, fmt.Sprintf(foreign, "waiting"))) // the overdue one is settled first
	f.same("both sessions", f.rows(`SELECT status, version FROM curfew.sessions WHERE customer_id = 'ada' ORDER BY created_at`), []string{"cancelled 2", "waiting 1"})
	service.wantCounted()
	for _, statement := range []string{
		`UPDATE curfew.checkouts SET plan = ''`, `SELECT * FROM curfew.events`, `DELETE FROM curfew.sessions`, `SELECT curfew.tally('session', 'cancelled', 1)`,
	} {
		if err := f.run(shop, statement); code(err) != insufficientPrivilege {
			t.Errorf("%s: %v", statement, err)
		}
	}
	f.must(f.run(f.urlOf(r.Report), `SELECT count(*) FROM curfew.checkouts`))
	f.same("what a report sees", f.as(r.Report).reads(t, `SELECT count(*) FROM curfew.sessions`), "3")
	for _, statement := range []string{`UPDATE curfew.sessions SET plan = ''`, `SELECT * FROM curfew.webhook_endpoints`, `SELECT * FROM curfew.provider_messages`} {
		if err := f.run(f.urlOf(r.Report), statement); code(err) != insufficientPrivilege {
			t.Errorf("%s: %v", statement, err)
		}
	}
	for _, statement := range []string{
		`CREATE TABLE curfew.x ()`, `DELETE FROM curfew.sessions`, `DELETE FROM curfew.events`, `TRUNCATE curfew.sessions`, `SELECT curfew.tally('session', 'cancelled', 1)`, `ALTER TABLE curfew.sessions DISABLE ROW LEVEL SECURITY`,
		`CREATE POLICY mine ON curfew.sessions USING (true)`, `SELECT * FROM curfew_api.sessions`,
	} {
		if err := f.run(f.urlOf(r.Service), statement); code(err) != insufficientPrivilege {
			t.Errorf("%s: %v", statement, err)
		}
	}
	// It has the right for erasures; the guard lets it change nothing but what they take away.
	if err := f.run(f.urlOf(r.Service), `UPDATE curfew.events SET reason = ''`); code(err) != "23514" {
		t.Errorf("history was changed: %v", err)
	}
}

// reads is one text.
func (s *Store) reads(t *testing.T, sql string) (text string) {
	t.Helper()
	if err := s.pool.QueryRow(t.Context(), `SELECT (`+sql+`)::text`).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// An upgrade's owner goes on while policies are there, and a sweep of many rows works under them.
func TestMigratingAndSweepingUnderPolicies(t *testing.T) {
	t.Parallel()
	f, r := secured(t)
	owner, service := open(t, f.urlOf(r.Owner)), &fixture{t, f.url, open(t, f.urlOf(r.Service))}
	_, err := owner.Migrate(t.Context())
	f.must(err)
	f.must(owner.SetGuards(t.Context(), true))
	var late []curfew.Snapshot
	for n := range 40 {
		st := service.admit(fmt.Sprintf("customer-%d", n))
		f.age(st.ID, time.Hour)
		late = append(late, service.read(st.ID))
	}
	ended, err := service.store.End(t.Context(), batch(late...))
	f.must(err)
	f.same("ended", len(ended), 40)
	f.same("events", f.only(`SELECT count(*) FROM curfew.events WHERE from_status = 'waiting' AND to_status = 'cancelled'`), "40")
	f.must(service.store.Tidy(t.Context(), time.Hour))
	service.wantCounted()
}

// Every table that there is has a policy. One that a migration adds without its line in rights fails here.
func TestEveryTableHasAPolicy(t *testing.T) {
	t.Parallel()
	f, r := secured(t)
	f.same("tables", f.only(`SELECT count(*) FROM pg_class WHERE relnamespace = 'curfew'::regnamespace AND relkind IN ('r', 'p')`), fmt.Sprint(len(rights)))
	f.same("tables without a policy", f.rows(selectUnsecure), []string(nil))
	f.same("tables whose policies the service does not have", f.rows(`SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'curfew'::regnamespace
		AND c.relkind IN ('r', 'p') AND c.relname <> ALL ($2) AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND $1::regrole = ANY (p.polroles))`,
		r.Service, constants), []string(nil))
	f.same("what preflight says", f.facts(), []string{onEveryTable()})
	f.exec(`CREATE TABLE curfew.moods (mood text)`)
	f.exec(`CREATE TABLE curfew.tempers (temper text)`)
	f.exec(`ALTER TABLE curfew.tempers ENABLE ROW LEVEL SECURITY`)
	f.same("tables without a policy", f.rows(selectUnsecure), []string{"curfew.moods", "curfew.tempers"})
}

// onEveryTable is what preflight says where all is well.
func onEveryTable() string {
	return fmt.Sprintf("row-level security: on %d tables", len(rights)-len(constants))
}

// facts are preflight's about row-level security.
func (f *fixture) facts() []string {
	f.Helper()
	all, err := f.store.Inspect(f.Context())
	f.must(err)
	var lines []string
	for _, fact := range all {
		if fact.Name == "row-level security" {
			lines = append(lines, strings.TrimSuffix(fact.Name+": "+fact.Value+": "+fact.Problem, ": "))
		}
	}
	return lines
}

// Preflight names what somebody opened, whatever way.
func TestWhatIsOpenIsNamed(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ do, says string }{
		"a table that is not secured":             {`ALTER TABLE curfew.events DISABLE ROW LEVEL SECURITY`, "no policy guards curfew.events"},
		"a table that a migration added":          {`CREATE TABLE curfew.moods (mood text)`, "no policy guards curfew.moods"},
		"a view of the owner's":                   {`CREATE VIEW public.seen AS SELECT * FROM curfew.sessions; GRANT SELECT ON public.seen TO {reader}`, "customers and mechanics see every row through public.seen"},
		"a view for everybody":                    {`CREATE VIEW public.seen AS SELECT plan FROM curfew.checkouts; GRANT SELECT ON public.seen TO PUBLIC`, "customers and mechanics see every row through public.seen"},
		"a materialized view":                     {`CREATE MATERIALIZED VIEW public.seen AS SELECT * FROM curfew.sessions; GRANT SELECT ON public.seen TO {reader}`, "customers and mechanics see every row through public.seen"},
		"a view that lost its option":             {`ALTER VIEW curfew_api.sessions SET (security_invoker = off)`, "customers and mechanics see every row through curfew_api.sessions"},
		"a right to write":                        {`GRANT INSERT ON curfew.sessions TO {reader}`, "{reader} may use schema curfew directly"},
		"a right to truncate":                     {`GRANT TRUNCATE ON curfew.events TO {reader}`, "{reader} may use schema curfew directly"},
		"a right by another role":                 {`GRANT SELECT ON curfew.events TO {report}; GRANT {report} TO {reader}`, "{reader} may use schema curfew directly"},
		"the schema":                              {`GRANT USAGE ON SCHEMA curfew TO {reader}`, "{reader} may use schema curfew directly"},
		"a view as the reader, which is harmless": {`CREATE VIEW public.seen WITH (security_invoker = 1) AS SELECT * FROM curfew.sessions; GRANT SELECT ON public.seen TO {reader}`, ""},
		"a view for the reporting role":           {`CREATE VIEW public.seen AS SELECT * FROM curfew.sessions; GRANT SELECT ON public.seen TO {report}`, ""},
		"nothing":                                 {`SELECT 1`, ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f, r := secured(t)
			named := strings.NewReplacer("{reader}", r.Reader, "{report}", r.Report)
			f.must(f.run(f.url, named.Replace(c.do)))
			want := []string{onEveryTable()}
			if c.says != "" {
				want = append(want, "row-level security: incomplete: "+named.Replace(c.says))
			}
			f.same("facts", f.facts(), want)
			if strings.Contains(c.do, "public.seen") {
				f.exec(`DROP ` + map[bool]string{true: "MATERIALIZED "}[strings.Contains(c.do, "MATERIALIZED")] + `VIEW public.seen`)
			}
			if strings.Contains(c.do, "GRANT {report} TO") {
				f.exec(named.Replace(`REVOKE {report} FROM {reader}`))
			}
		})
	}
}

// A policy that shows the service less than everything is refused: what it cannot see it would take for none.
func TestAPolicyThatHidesRowsFromTheServiceIsRefused(t *testing.T) {
	t.Parallel()
	for what, do := range map[string]string{
		"a restrictive policy": `CREATE POLICY eu ON curfew.sessions AS RESTRICTIVE TO {service} USING (plan <> 'us')`,
		"one for everybody":    `CREATE POLICY eu ON curfew.sessions AS RESTRICTIVE USING (plan <> 'us')`,
		"no policy":            `DROP POLICY curfew_service ON curfew.sessions`,
		"a narrower one":       `ALTER POLICY curfew_service ON curfew.sessions USING (plan <> 'us')`,
		"one that may not write": `DROP POLICY curfew_service ON curfew.sessions;
			CREATE POLICY curfew_service ON curfew.sessions FOR SELECT TO {service} USING (true)`,
		"a check": `ALTER POLICY curfew_service ON curfew.sessions WITH CHECK (plan <> 'us')`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f, r := secured(t)
			s := open(t, f.urlOf(r.Service))
			f.must(s.Verify(t.Context()))
			f.must(f.run(f.url, strings.ReplaceAll(do, "{service}", r.Service)))
			err := s.Verify(t.Context())
			if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), "row-level security hides rows of curfew.sessions") ||
				!strings.Contains(err.Error(), "curfew roles grant") {
				t.Fatalf("Verify says %v", err)
			}
			f.must(f.run(f.url, `DROP POLICY IF EXISTS eu ON curfew.sessions;`+r.Grant()))
			f.must(s.Verify(t.Context()))
		})
	}
}
