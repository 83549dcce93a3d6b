package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/pgtest"
)

// roledoc runs a page about roles, block by block, on a server of its own: roles are the whole server's.
type roledoc struct {
	*walk
	cluster *pgtest.Cluster
	blocks  []string // language, newline, text
	env     []string
}

var anyBlock = regexp.MustCompile("(?s)```(sh|sql)\n(.*?)```")

// newRoledoc has a database that belongs to an administrator, who is no superuser and has these attributes.
func newRoledoc(t *testing.T, page, attributes, before string) *roledoc {
	t.Helper()
	needPostgres(t)
	c := pgtest.Server(t, "")
	c.Exec(t, `CREATE ROLE administrator LOGIN `+attributes)
	c.Exec(t, before)
	url := c.Database(t, "project")
	c.Exec(t, `ALTER DATABASE project OWNER TO administrator`)
	text, err := os.ReadFile(filepath.Join("../../docs", page))
	if err != nil {
		t.Fatal(err)
	}
	d := &roledoc{walk: &walk{T: t, dir: t.TempDir(), url: url}, cluster: c}
	for _, m := range anyBlock.FindAllStringSubmatch(string(text), -1) {
		d.blocks = append(d.blocks, m[1]+"\n"+m[2])
	}
	for name, role := range map[string]string{"ADMIN_URL": "administrator", "OWNER_URL": "curfew_owner", "SERVICE_URL": "curfew_service"} {
		d.env = append(d.env, name+"="+d.of(role))
	}
	return d
}

// of is the URL of a user.
func (d *roledoc) of(user string) string { return strings.Replace(d.url, "postgres@", user+"@", 1) }

// next runs the page's next block, which holds these words. SQL runs as that user.
func (d *roledoc) next(user string, words ...string) string {
	d.Helper()
	if len(d.blocks) == 0 {
		d.Fatal("the page has no more blocks")
	}
	language, text, _ := strings.Cut(d.blocks[0], "\n")
	d.blocks = d.blocks[1:]
	d.says(text, words...)
	cmd := exec.CommandContext(d.Context(), "bash", "-c", "set -euo pipefail\n"+text)
	if language == "sql" {
		cmd = exec.CommandContext(d.Context(), "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", d.of(user))
		cmd.Stdin = strings.NewReader(text)
	}
	cmd.Dir, cmd.Env = d.dir, append(withoutSettings(os.Environ()), d.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.Fatalf("%s\n%v\n%s", text, err, out)
	}
	return string(out)
}

// asks runs a statement as a user, and returns what psql says.
func (d *roledoc) asks(user, sql string) string {
	d.Helper()
	cmd := exec.CommandContext(d.Context(), "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", d.of(user))
	cmd.Stdin = strings.NewReader(sql)
	out, _ := cmd.CombinedOutput() // a refusal is an answer
	return strings.TrimSpace(string(out))
}

// wants compares what a user is told.
func (d *roledoc) wants(user, sql, want string) {
	d.Helper()
	if got := d.asks(user, sql); got != want && (want == "" || !strings.Contains(got, want)) {
		d.Errorf("%s, %s: %q, not %q", user, sql, got, want)
	}
}

// buys is a paid session of a customer, kept by the service's role.
func (d *roledoc) buys(customer string) {
	d.Helper()
	there := *d.walk
	there.url = d.of("curfew_service")
	there.pay(customer, "ref-"+customer)
}

func TestTheRolesCanBeSetUpAsThePageSays(t *testing.T) {
	t.Parallel()
	d := newRoledoc(t, "roles.md", "CREATEROLE", "SELECT")
	d.next("", "curfew roles create")
	d.says(d.next("", "curfew migrate", "curfew roles grant", "curfew preflight"), "✓ rights", "✓ row-level security", "Ready.")
	d.buys("ada")
	d.buys("kim")
	d.next("administrator", "CREATE ROLE app_backend")
	if got := d.next("app_backend", "SET LOCAL curfew.customer = 'ada'"); !strings.HasPrefix(got, "chat10|waiting|") || strings.Count(got, "\n") != 1 {
		t.Errorf("ada sees %q", got)
	}
	d.wants("app_backend", `SELECT * FROM curfew_api.sessions`, "permission denied for schema curfew_api")
	d.wants("app_backend", `SET ROLE app_reader; SELECT count(*) FROM curfew_api.sessions`, "0")
	d.wants("app_backend", `SET ROLE app_reader; SELECT * FROM curfew.sessions`, "permission denied for schema curfew")
	d.wants("curfew_service", `SELECT count(*) FROM curfew.sessions`, "2")
	d.wants("curfew_service", `CREATE TABLE curfew.x ()`, "permission denied for schema curfew")
	for role, dumps := range map[string]bool{"curfew_owner": true, "curfew_service": false} {
		out, err := exec.CommandContext(t.Context(), "pg_dump", "--schema=curfew", d.of(role)).CombinedOutput()
		if (err == nil) != dumps {
			t.Errorf("%s dumps: %v\n%s", role, err, out)
		}
	}
	d.next("", "curfew roles drop")
	d.wants("administrator", `SELECT count(*) FROM curfew.sessions`, "2")
	d.wants("administrator", `SELECT rolname FROM pg_roles WHERE rolname IN ('curfew_owner', 'curfew_service', 'curfew_report', 'shop', 'app_reader')`, "")
	if len(d.blocks) > 0 {
		t.Errorf("nothing ran %q", d.blocks)
	}
}

// supabase is what a project has: the roles, and auth.uid() as Supabase makes it.
const supabase = `CREATE ROLE anon; CREATE ROLE authenticated; CREATE ROLE service_role BYPASSRLS; CREATE ROLE authenticator LOGIN NOINHERIT;
	GRANT anon, authenticated, service_role TO authenticator, administrator`

const supabaseAuth = `CREATE SCHEMA auth;
	CREATE TABLE auth.users (id uuid PRIMARY KEY, raw_app_meta_data jsonb NOT NULL DEFAULT '{}');
	INSERT INTO auth.users (id) VALUES ('5f0c1c3e-94ce-4bd0-9c35-3c1e7f6b2a10'), ('0b7cf0a8-6d0d-4d8a-8a3f-6f0a53a1a0c1');
	CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
		(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid $$;
	GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, administrator;
	GRANT SELECT, UPDATE ON auth.users TO administrator`

func TestSupabaseCanBeSetUpAsThePageSays(t *testing.T) {
	t.Parallel()
	const customer, mechanic = "0b7cf0a8-6d0d-4d8a-8a3f-6f0a53a1a0c1", "5f0c1c3e-94ce-4bd0-9c35-3c1e7f6b2a10"
	d := newRoledoc(t, "supabase.md", "CREATEROLE CREATEDB REPLICATION BYPASSRLS", supabase)
	if out := d.asks("postgres", supabaseAuth); out != "" {
		t.Fatal(out)
	}
	d.next("", "curfew roles create --reader authenticated")
	d.next("administrator", "ALTER ROLE curfew_owner PASSWORD", "ALTER ROLE curfew_service PASSWORD")
	d.says(d.next("", "curfew migrate", "curfew roles grant", "curfew preflight"), "✓ rights", "✓ row-level security", "Ready.")
	d.buys(customer)
	d.buys("somebody-else")
	d.next("administrator", "raw_app_meta_data", mechanic)
	if got := d.next("administrator", "SET LOCAL ROLE authenticated"); strings.Count(got, "chat10|waiting|") != 1 {
		t.Errorf("the customer sees %q", got)
	}

	// As PostgREST does for a token whose claims GoTrue has made of auth.users.
	request := func(role, id, sql string) string {
		claims := `SELECT set_config('request.jwt.claims', (SELECT json_build_object('sub', id, 'role', 'authenticated', 'app_metadata', raw_app_meta_data,
			'user_metadata', '{"role": "mechanic"}'::json)::text FROM auth.users WHERE id = '` + id + `'), false)`
		said := d.asks("postgres", claims)
		return d.asks("authenticator", `BEGIN; SET LOCAL ROLE `+role+`; SET LOCAL request.jwt.claims = '`+said+`'; `+sql+`; COMMIT`)
	}
	for _, c := range []struct{ role, id, sql, want string }{
		{"authenticated", customer, `SELECT count(*) FROM curfew_api.sessions`, "1"},
		{"authenticated", customer, `SELECT auth.uid()`, customer},
		{"authenticated", customer, `SELECT count(*) FROM curfew_api.queue`, "0"},
		{"authenticated", mechanic, `SELECT count(*) FROM curfew_api.queue`, "2"},
		{"authenticated", mechanic, `SELECT count(*) FROM curfew_api.sessions`, "0"},
	} {
		if got := request(c.role, c.id, c.sql); got != c.want {
			t.Errorf("%s, %s: %q, not %q", c.id, c.sql, got, c.want)
		}
	}
	for _, refused := range []struct{ role, sql string }{
		{"anon", `SELECT * FROM curfew_api.sessions`},
		{"authenticated", `SELECT * FROM curfew.sessions`},
		{"authenticated", `DELETE FROM curfew_api.sessions`},
		{"authenticated", `UPDATE curfew_api.checkouts SET outcome = 'credited'`},
	} {
		if got := request(refused.role, customer, refused.sql); !strings.Contains(got, "permission denied") {
			t.Errorf("%s, %s: %q", refused.role, refused.sql, got)
		}
	}
	d.next("", "curfew roles drop --reader authenticated")
	d.wants("administrator", `SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname IN ('curfew_owner', 'curfew_service', 'authenticated', 'anon')`,
		"anon authenticated")
	d.wants("authenticator", `SET ROLE authenticated; SELECT count(*) FROM curfew.sessions`, "permission denied for schema curfew")
	if len(d.blocks) > 0 {
		t.Errorf("nothing ran %q", d.blocks)
	}
}
