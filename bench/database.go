package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew/postgres"
)

// database is a fresh database with Curfew's tables, and copies of the two that everybody has.
type database struct {
	pool  *pgxpool.Pool
	store *postgres.Store // on pool
}

// withDatabase creates a database with that many connections for do, and drops it afterwards.
func withDatabase(ctx context.Context, server string, connections int, use func(database) error) error {
	admin, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer admin.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing follows
	name := "curfew_bench_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return err
	}
	defer admin.Exec(context.WithoutCancel(ctx), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") //nolint:errcheck // with-postgres deletes the whole server
	db, err := connect(ctx, server, name, connections)
	if err != nil {
		return err
	}
	defer db.pool.Close()
	if err := db.build(ctx); err != nil {
		return err
	}
	return use(db)
}

func connect(ctx context.Context, server, name string, connections int) (database, error) {
	there, err := url.Parse(server)
	if err != nil {
		return database{}, err
	}
	there.Path = "/" + name
	config, err := pgxpool.ParseConfig(there.String())
	if err != nil {
		return database{}, err
	}
	config.MaxConns = int32(connections) //nolint:gosec // G115: a number of clients
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return database{}, err
	}
	return database{pool: pool, store: postgres.New(pool)}, nil
}

func (db database) build(ctx context.Context) error {
	if _, err := db.store.Migrate(ctx); err != nil {
		return err
	}
	for _, sql := range []string{makeUUID, fmt.Sprintf(copyTables, "floor", ""), fmt.Sprintf(copyTables, "naive", "UNIQUE ")} {
		if _, err := db.pool.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// makeUUID creates time-ordered ids in SQL, for rows that are loaded.
const makeUUID = `CREATE SCHEMA bench;
	CREATE FUNCTION bench.uuid7(at timestamptz, salt text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
		(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(salt), 1, 3)
			|| '8' || substr(md5(salt), 4, 15))::uuid`

// copyTables creates a schema with sessions and session_requests and every index they have in
// Curfew, but without checks, foreign keys and triggers. The second parameter is removed from
// the definitions of partial indexes: 'UNIQUE ', for the marketplace that has no unique ones.
const copyTables = `DO $$
	DECLARE name text; definition text;
	BEGIN
		CREATE SCHEMA %[1]s;
		FOREACH name IN ARRAY ARRAY['sessions', 'session_requests'] LOOP
			EXECUTE format('CREATE TABLE %[1]s.%%1$I (LIKE curfew.%%1$I INCLUDING DEFAULTS)', name);
			FOR definition IN SELECT indexdef FROM pg_indexes WHERE schemaname = 'curfew' AND tablename = name LOOP
				definition := replace(definition, ' ON curfew.', ' ON %[1]s.');
				IF definition LIKE '%% WHERE %%' THEN
					definition := replace(definition, 'CREATE %[2]sINDEX', 'CREATE INDEX');
				END IF;
				EXECUTE definition;
			END LOOP;
		END LOOP;
	END $$`

// exec runs statements on one connection, without a caller's timeouts.
func (db database) exec(ctx context.Context, statements ...string) error {
	return db.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		for _, sql := range statements {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%w in %s", err, strings.Join(strings.Fields(sql), " "))
			}
		}
		return nil
	})
}

// count returns the single number that a query answers.
func (db database) count(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = db.pool.QueryRow(ctx, sql, args...).Scan(&n)
	return n, err
}

// logged returns the position of the server's write-ahead log, in bytes.
func (db database) logged(ctx context.Context) (int64, error) {
	return db.count(ctx, "SELECT (pg_current_wal_lsn() - '0/0')::bigint")
}
