package postgres

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/curfewhq/curfew"
)

func TestWhatCallsItselfPostgreSQL(t *testing.T) {
	t.Parallel()
	for version, c := range map[string]struct{ number, says string }{
		"PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14) 12.2.0, 64-bit": {"150018", ""},
		"PostgreSQL 18beta1 on aarch64-unknown-linux-gnu":                                                                     {"180000", ""},
		"PostgreSQL 14.0 (EnterpriseDB Advanced Server 14.0.0) on x86_64-pc-linux-gnu":                                        {"140000", ""},
		"PostgreSQL 13.22 on x86_64-pc-linux-gnu":                                                                             {"130022", "PostgreSQL 13 is too old: upgrade the server to 14"},
		"PostgreSQL 9.6.24 on x86_64-pc-linux-gnu":                                                                            {"90624", "PostgreSQL 9 is too old"},
		"CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu, built 2024/05/15)":                                                     {"130000", "without a session"},
		"PostgreSQL 11.2-YB-2.20.1.3-b0 on x86_64-pc-linux-gnu, compiled by clang":                                            {"110002", "without a session"},
		"PostgreSQL 15.2-YB-2.25.0.0-b0 on x86_64-pc-linux-gnu":                                                               {"150002", "without a session"},
		"PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2, Redshift 1.0.77467":                          {"80002", "without a session"},
		"PostgreSQL 9.5.0 on x86_64-unknown-linux-gnu (Materialize v0.130.0)":                                                 {"90500", "without a session"},
		"PostgreSQL 12.12 (Greenplum Database 7.1.0 build commit:e7c2b1f14bb42a1018ac57d14f4436880e0a0515) on x86_64":         {"120012", "without a session"},
		"PostgreSQL 14.4 (Cloudberry Database 1.6.0 build 1) on x86_64-pc-linux-gnu":                                          {"140004", "without a session"},
		"PostgreSQL 10r1.1 (Postgres-XL 10r1.1) on x86_64":                                                                    {"100000", "without a session"},
		"PostgreSQL 13.14.0-RisingWave-2.1.0 (0000000)":                                                                       {"130014", "without a session"},
		"PostgreSQL 12.3, compiled by Visual C++ build 1914, 64-bit, QuestDB":                                                 {"", "without a session"},
		"CrateDB 5.9.5 (built 1234/2024, Linux 6.1 amd64)":                                                                    {"140000", "without a session"},
		"Somebody's database 1.0 (x86_64-pc-linux-gnu), compiled by gcc":                                                      {"160000", "without a session"},
	} {
		err := suits([][]byte{[]byte(version), []byte(c.number)})
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s is refused: %v", version, err)
		case c.says != "" && (!errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v", version, err)
		}
	}
}

// another answers every query by what it is, as an engine does that speaks
// PostgreSQL's protocol.
func another(t *testing.T, version string) string {
	t.Helper()
	at := serve(t, func(conn net.Conn) { answer(conn, version) })
	return "postgres://me@" + at + "/db?sslmode=disable"
}

func answer(conn net.Conn, version string) {
	defer conn.Close() //nolint:errcheck // the client has gone
	server := pgproto3.NewBackend(conn, conn)
	if _, err := server.ReceiveStartupMessage(); err != nil {
		return
	}
	server.Send(&pgproto3.AuthenticationOk{})
	server.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
	server.Send(&pgproto3.BackendKeyData{ProcessID: 7, SecretKey: []byte{1, 2, 3, 4}})
	server.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	for server.Flush() == nil {
		message, err := server.Receive()
		if err != nil {
			return
		}
		switch q := message.(type) {
		case *pgproto3.Query:
			if q.String != "SELECT version()" {
				server.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: "42601", Message: "I do not know that"})
				server.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
				continue
			}
			server.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("version"), DataTypeOID: 25, DataTypeSize: -1}}})
			server.Send(&pgproto3.DataRow{Values: [][]byte{[]byte(version)}})
			server.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
			server.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		case *pgproto3.Terminate:
			return
		}
	}
}

func TestAnotherEngineIsRefused(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), another(t, "CockroachDB CCL v24.1.0"))
	if !errors.Is(err, curfew.Invalid) || !strings.HasPrefix(err.Error(), "reach the database: this is not PostgreSQL, it calls itself \"CockroachDB") {
		t.Errorf("got error %v", err)
	}
}

func TestDistributedTablesAreRefused(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		do   []string
		says string // empty: it is fine
	}{
		"by Citus": {
			[]string{`CREATE TABLE public.pg_dist_partition (logicalrelid regclass)`, `INSERT INTO public.pg_dist_partition VALUES ('curfew.sessions')`},
			"curfew.sessions are distributed by Citus",
		},
		"a reference table, in a catalog nobody's path leads to": {
			[]string{
				`CREATE SCHEMA citus`, `CREATE TABLE citus.pg_dist_partition (logicalrelid regclass, partmethod "char")`,
				`INSERT INTO citus.pg_dist_partition VALUES ('curfew.events', 'h'), ('curfew.payment_refs', 'n')`,
			},
			"curfew.events, curfew.payment_refs are distributed by Citus",
		},
		"a view of oids": {
			[]string{`CREATE VIEW public.pg_dist_partition AS SELECT 'curfew.checkouts'::regclass::oid AS logicalrelid`},
			"SELECT undistribute_table('curfew.checkouts')",
		},
		"by TimescaleDB": {
			[]string{
				`CREATE SCHEMA _timescaledb_catalog`, `CREATE TABLE _timescaledb_catalog.hypertable (schema_name name, table_name name)`,
				`INSERT INTO _timescaledb_catalog.hypertable VALUES ('public', 'metrics'), ('curfew', 'events')`,
			},
			"curfew.events are hypertables",
		},
		"other tables are": {
			[]string{
				`CREATE TABLE public.sessions (id int)`, `CREATE TABLE public.pg_dist_partition (logicalrelid regclass)`,
				`INSERT INTO public.pg_dist_partition VALUES ('public.sessions')`, `CREATE SCHEMA _timescaledb_catalog`,
				`CREATE TABLE _timescaledb_catalog.hypertable (schema_name name, table_name name)`,
				`INSERT INTO _timescaledb_catalog.hypertable VALUES ('public', 'sessions')`,
			}, "",
		},
		"another program's table of that name": {[]string{`CREATE TABLE public.pg_dist_partition (n int)`}, ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			for _, sql := range c.do {
				f.exec(sql)
			}
			s, err := Open(t.Context(), f.url)
			if err == nil {
				s.Close()
			}
			for what, err := range map[string]error{"open": err, "verify": f.store.Verify(t.Context())} {
				switch {
				case c.says == "" && err != nil:
					t.Errorf("%s: %v", what, err)
				case c.says != "" && (!errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), c.says)):
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}
