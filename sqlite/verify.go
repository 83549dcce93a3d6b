package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/curfewhq/curfew"
)

// selectSchema describes a file's schema as sentences. Guards are not part of the
// schema: they may be switched off.
const selectSchema = `
SELECT type || ' ' || name FROM sqlite_schema
WHERE type IN ('table', 'index', 'trigger') AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'guard_*'
UNION ALL
SELECT 'column ' || m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'`

// Verify returns an error, of kind Invalid, that names everything the schema lacks, and
// the remedy. A newer schema is fine: the program may have been rolled back.
func (s schema) Verify(ctx context.Context) error {
	if err := s.verifyMigrated(ctx); err != nil {
		return err
	}
	if err := s.verifyLog(ctx); err != nil {
		return err
	}
	want, err := expected()
	if err != nil {
		return wrap(err, "verify %s", s.path)
	}
	have, err := many(ctx, s.db, value[string], selectSchema)
	if err != nil {
		return wrap(err, "verify %s", s.path)
	}
	missing := slices.DeleteFunc(slices.Clone(want), func(part string) bool { return slices.Contains(have, part) })
	if len(missing) > 0 {
		return curfew.Errorf(curfew.Invalid, "the schema of %s lacks %s: restore it from a backup, or put back what was dropped",
			s.path, strings.Join(missing, ", "))
	}
	return nil
}

func (s schema) verifyMigrated(ctx context.Context) error {
	all, err := s.Migrations(ctx)
	if err != nil {
		return err
	}
	pending := slices.DeleteFunc(slices.Clone(all), func(m Migration) bool { return !m.AppliedAt.IsZero() })
	if len(pending) == len(all) {
		return s.verifyOwn(ctx)
	}
	if len(pending) > 0 {
		return curfew.Errorf(curfew.Invalid, "the schema of %s is older than this program, %d of %d migrations are pending: run `curfew migrate`",
			s.path, len(pending), len(all))
	}
	return nil
}

// verifyLog refuses a file that is no longer in WAL mode: readers and the writer
// would block each other.
func (s schema) verifyLog(ctx context.Context) error {
	mode, err := one(ctx, s.db, value[string], "PRAGMA journal_mode")
	if err != nil {
		return wrap(err, "verify %s", s.path)
	}
	if mode != "wal" {
		return curfew.Errorf(curfew.Invalid, "%s is in journal mode %s instead of wal: run `curfew migrate`", s.path, mode)
	}
	return nil
}

// verifyOwn distinguishes a new file from another program's.
func (s schema) verifyOwn(ctx context.Context) error {
	name, err := one(ctx, s.db, value[string], "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' LIMIT 1")
	if errors.Is(err, curfew.NotFound) {
		return curfew.Errorf(curfew.Invalid, "%s has no tables yet: run `curfew migrate`", s.path)
	}
	if err != nil {
		return wrap(err, "verify %s", s.path)
	}
	return curfew.Errorf(curfew.Invalid, "%s is another program's database (it has a table %s and none of Curfew's): name another file", s.path, name)
}

// expected returns the schema that the embedded migrations produce, in their
// order. It is computed once, because health asks for it often.
var expected = sync.OnceValues(func() (parts []string, err error) {
	ctx := context.Background()
	migrations, err := embedded()
	if err != nil {
		return nil, err
	}
	r := &reader{db: open(":memory:"), timeout: callTimeout, stmts: map[string]*sql.Stmt{}}
	r.db.SetMaxOpenConns(1) // each connection has its own memory database
	defer func() { err = errors.Join(err, r.close()) }()
	for _, m := range migrations {
		if _, err := r.db.ExecContext(ctx, m.SQL); err != nil {
			return nil, err
		}
	}
	return many(ctx, r, value[string], selectSchema)
})
