package postgres

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
)

// Roles names the database roles of a deployment. What makes them, and what gives them their
// rights, is SQL for people to read and run: each text can be run again without harm, and takes
// no superuser. Row-level security is switched on for every table, so that a role sees rows only
// where a policy says so, whatever somebody grants it.
type Roles struct {
	Owner   string // migrates, and owns schemas curfew and curfew_api
	Service string // of `curfew serve`: owns nothing
	Reader  string // optional: of customers and mechanics, who read their own rows in schema curfew_api
	Writer  string // optional: of another program that writes sessions
	Report  string // optional: reads, for dashboards and support
	// Settings says that readers are whoever the settings curfew.customer and curfew.mechanic
	// name. Otherwise they are who the claims of their token name, which PostgREST keeps in
	// request.jwt.claims: the subject is the customer, and the mechanic if its
	// app_metadata.role is mechanic.
	Settings bool
}

// constants are the tables that every role may read: they hold what is in the documentation.
var constants = []string{"session_transitions", "outcome_steps"}

// made is the comment on roles that Create made. Drop drops no other.
const made = "made by curfew roles"

// roleName is what a role may be called here: no name needs escaping within a text of SQL.
var roleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,62}$`)

// keywords mean somebody else where SQL expects a role.
var keywords = []string{"public", "none", "current_user", "current_role", "session_user"}

// Check is Invalid where the names are not those of different roles.
func (r Roles) Check() error {
	if r.Owner == "" || r.Service == "" {
		return curfew.Errorf(curfew.Invalid, "name the roles of the owner and of the service")
	}
	all := r.names()
	for i, name := range all {
		switch lower := strings.ToLower(name); {
		case !roleName.MatchString(name):
			return curfew.Errorf(curfew.Invalid, "%q is no name for a role here: use letters, digits and _ - . after a first letter, 63 at most", name)
		case slices.Contains(keywords, lower), strings.HasPrefix(lower, "pg_"):
			return curfew.Errorf(curfew.Invalid, "%q is PostgreSQL's own: choose another role", name)
		case slices.Contains(all[:i], name):
			return curfew.Errorf(curfew.Invalid, "%q is named twice: each role needs a name of its own", name)
		}
	}
	return nil
}

// names are the roles that there are, the owner first.
func (r Roles) names() []string {
	return slices.DeleteFunc([]string{r.Owner, r.Service, r.Writer, r.Report, r.Reader}, func(name string) bool { return name == "" })
}

// others are the roles to which policies apply, as SQL names and as texts.
func (r Roles) others() (names, texts string) {
	var quotedNames, quotedTexts []string
	for _, name := range r.names()[1:] {
		quotedNames, quotedTexts = append(quotedNames, quoted(name)), append(quotedTexts, "'"+name+"'")
	}
	return strings.Join(quotedNames, ", "), strings.Join(quotedTexts, ", ")
}

// Create makes the roles that are missing, and gives the schema and what is in it to its owner. It
// is for a role with CREATEROLE and CREATE on the database, before the first migration or after it.
func (r Roles) Create() string {
	var b strings.Builder
	b.WriteString("-- For a role that may create roles and schemas. It can be run again.\n")
	for _, name := range r.names() {
		login := " LOGIN"
		if name == r.Reader {
			login = "" // whoever serves readers takes this role by SET ROLE
		}
		fmt.Fprintf(&b, createRole, quoted(name), login, made)
	}
	_, others := r.others()
	b.WriteString(strings.NewReplacer("{owner}", quoted(r.Owner), "{others}", others).Replace(createSchemas))
	return b.String()
}

const (
	createRole = `
DO $$ BEGIN
    CREATE ROLE %[1]s%[2]s;
    COMMENT ON ROLE %[1]s IS '%[3]s';
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- it stays as it is
END $$;
`
	createSchemas = `
-- Policies bind neither a superuser, nor a role with BYPASSRLS, nor the owner.
DO $$ DECLARE
    unbound text;
BEGIN
    SELECT string_agg(r.rolname, ', ' ORDER BY r.rolname) INTO unbound FROM pg_roles r
    WHERE r.rolname IN ({others}) AND (r.rolsuper OR r.rolbypassrls OR pg_has_role(r.oid, '{owner}'::regrole, 'MEMBER'));
    IF unbound IS NOT NULL THEN
        RAISE EXCEPTION '% would see every row: choose roles that are no superusers, have no BYPASSRLS and are no members of {owner}', unbound;
    END IF;
    IF NOT pg_has_role('{owner}'::regrole, 'USAGE') THEN
        GRANT {owner} TO CURRENT_USER; -- to hand over the schemas, and to act for the owner later
    END IF;
    IF to_regnamespace('curfew') IS NULL THEN
        CREATE SCHEMA curfew AUTHORIZATION {owner};
    END IF;
    IF to_regnamespace('curfew_api') IS NULL THEN
        CREATE SCHEMA curfew_api AUTHORIZATION {owner};
    END IF;
END $$;

-- What somebody else made there becomes the owner's. A running service waits for no lock of this.
DO $$ DECLARE
    hand text;
BEGIN
    PERFORM set_config('lock_timeout', '400ms', true);
    FOR hand IN SELECT o.hand FROM (
        SELECT 1 AS first, n.nspowner AS owner, format('ALTER SCHEMA %I', n.nspname) AS hand FROM pg_namespace n
        WHERE n.nspname IN ('curfew', 'curfew_api')
        UNION ALL SELECT 2, c.relowner, format('ALTER %s %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::regclass) FROM pg_class c
        WHERE c.relnamespace IN ('curfew'::regnamespace, 'curfew_api'::regnamespace) AND c.relkind IN ('r', 'p', 'v')
        UNION ALL SELECT 3, t.typowner, format('ALTER TYPE %s', t.oid::regtype) FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
        WHERE c.relnamespace = 'curfew'::regnamespace AND c.relkind = 'c'
        UNION ALL SELECT 4, p.proowner, format('ALTER ROUTINE %s', p.oid::regprocedure) FROM pg_proc p
        WHERE p.pronamespace = 'curfew'::regnamespace
    ) o WHERE o.owner <> '{owner}'::regrole ORDER BY o.first, o.hand
    LOOP
        EXECUTE hand || ' OWNER TO {owner}';
    END LOOP;
END $$;
`
)

// Grant gives each role exactly its rights, and the policies that go with them. It is for the
// owner or a member of that role, after each migration.
func (r Roles) Grant() string {
	var b strings.Builder
	b.WriteString("-- For " + r.Owner + " or a member of that role, after each `curfew migrate`. It can be run again.\n")
	for _, table := range slices.Sorted(maps.Keys(rights)) {
		if !slices.Contains(constants, table) {
			r.transaction(&b, append([]string{"SET LOCAL lock_timeout = '2s'"}, r.secure(table)...)...)
		}
	}
	r.transaction(&b, r.rights()...)
	if r.Reader != "" {
		r.transaction(&b, r.views()...)
	}
	return b.String()
}

// transaction writes statements that take effect together, run as the owner.
func (r Roles) transaction(b *strings.Builder, statements ...string) {
	b.WriteString("\nBEGIN;\nSET LOCAL ROLE " + quoted(r.Owner) + ";\n")
	for _, statement := range statements {
		b.WriteString(statement + ";\n")
	}
	b.WriteString("COMMIT;\n")
}

// secure replaces the policies of a table. The owner's triggers see every row, so they are not forced
// on the owner.
func (r Roles) secure(table string) []string {
	all := []string{fmt.Sprintf(`DO $$ DECLARE p text; BEGIN
    FOR p IN SELECT polname FROM pg_policy WHERE polrelid = 'curfew.%[1]s'::regclass AND polname LIKE 'curfew\_%%' LOOP
        EXECUTE format('DROP POLICY %%I ON curfew.%[1]s', p);
    END LOOP;
END $$`, table)}
	policy := func(name, role, what string) {
		if role != "" {
			all = append(all, fmt.Sprintf("CREATE POLICY curfew_%s ON curfew.%s %s", name, table, strings.ReplaceAll(what, "{role}", quoted(role))))
		}
	}
	policy("service", r.Service, "TO {role} USING (true) WITH CHECK (true)")
	if table == "sessions" {
		policy("writer", r.Writer, "TO {role} USING (true) WITH CHECK (true)")
	}
	if slices.Contains(reported, table) {
		policy("report", r.Report, "FOR SELECT TO {role} USING (true)")
	}
	for _, of := range []string{"customer", "mechanic"} {
		if shows := readers[table][of]; shows != "" {
			policy(of, r.Reader, "FOR SELECT TO {role} USING ("+r.identified(shows)+")")
		}
	}
	return append(all, "ALTER TABLE curfew."+table+" ENABLE ROW LEVEL SECURITY")
}

// reported are the tables that a reporting role reads. The others hold secrets, or nothing of interest.
var reported = []string{
	"sessions", "session_requests", "checkouts", "payment_refs", "payment_repayments", "payment_facts", "mechanic_slots", "events", "runs",
	"refusals", "deliveries", "tallies",
}

// rights are the grants, after everything that these roles had before is taken away.
func (r Roles) rights() []string {
	others, _ := r.others()
	all := []string{
		"REVOKE ALL ON ALL TABLES IN SCHEMA curfew FROM " + others,
		"REVOKE ALL ON ALL ROUTINES IN SCHEMA curfew FROM " + others,
		"REVOKE ALL ON SCHEMA curfew FROM " + others,
	}
	all = append(all, grants(r.Service)...)
	if r.Writer != "" {
		all = append(all, grantUsage(r.Writer), grant("sessions", []string{"SELECT", "INSERT", "UPDATE"}, r.Writer))
	}
	if r.Report != "" {
		all = append(all, grantUsage(r.Report))
		for _, table := range reported {
			all = append(all, grant(table, []string{"SELECT"}, r.Report))
		}
	}
	return all
}

// Drop undoes Grant and Create: who runs it gets everything that the owner had, with its rows, and
// roles that Create did not make stay.
func (r Roles) Drop() string {
	_, others := r.others()
	return "-- For a role that may create roles. The tables stay, with their rows, and become its own.\n" +
		strings.NewReplacer("{owner}", r.Owner, "{others}", others, "{made}", made, "{views}", viewNames()).Replace(dropRoles)
}

const dropRoles = `
DO $$ DECLARE
    one record;
BEGIN
    IF to_regrole('"{owner}"') IS NOT NULL AND NOT pg_has_role(to_regrole('"{owner}"')::oid, 'USAGE') THEN
        GRANT "{owner}" TO CURRENT_USER;
    END IF;
    PERFORM set_config('lock_timeout', '400ms', true);
    FOR one IN SELECT c.oid::regclass AS tablename, c.relrowsecurity, p.polname FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid AND p.polname LIKE 'curfew\_%'
        WHERE c.relnamespace = to_regnamespace('curfew') AND c.relkind IN ('r', 'p') AND c.relrowsecurity ORDER BY 1
    LOOP
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', one.tablename);
        IF one.polname IS NOT NULL THEN
            EXECUTE format('DROP POLICY %I ON %s', one.polname, one.tablename);
        END IF;
    END LOOP;
    DROP VIEW IF EXISTS {views};
    DROP SCHEMA IF EXISTS curfew_api;
    FOR one IN SELECT r.rolname FROM pg_roles r WHERE r.rolname IN ({others}) AND to_regnamespace('curfew') IS NOT NULL LOOP
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA curfew FROM %I', one.rolname);
        EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA curfew FROM %I', one.rolname);
        EXECUTE format('REVOKE ALL ON SCHEMA curfew FROM %I', one.rolname);
    END LOOP;
    FOR one IN SELECT r.rolname, pg_has_role(r.oid, 'USAGE') AS member FROM pg_roles r
        WHERE r.rolname IN ('{owner}', {others}) AND shobj_description(r.oid, 'pg_authid') = '{made}' ORDER BY r.rolname
    LOOP
        IF NOT one.member THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', one.rolname);
        END IF;
        EXECUTE format('REASSIGN OWNED BY %I TO CURRENT_USER', one.rolname);
        EXECUTE format('DROP OWNED BY %I', one.rolname);
        EXECUTE format('DROP ROLE %I', one.rolname);
    END LOOP;
END $$;
`
