package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/curfewhq/curfew/internal/record"
)

// Inspect reports the properties that the file's promises depend on. It reads
// the whole file.
func (s schema) Inspect(ctx context.Context) ([]record.Fact, error) {
	version, err := one(ctx, s.db, value[string], selectLibrary)
	if err != nil {
		return nil, wrap(err, "inspect %s", s.path)
	}
	facts := []record.Fact{{Name: "SQLite", Value: version}} // Open refuses one that is not sound
	for _, look := range []func(context.Context) (record.Fact, error){s.journal, s.synchronous, s.integrity} {
		fact, err := look(ctx)
		if err != nil {
			return nil, wrap(err, "inspect %s", s.path)
		}
		facts = append(facts, fact)
	}
	return facts, nil
}

func (s schema) journal(ctx context.Context) (record.Fact, error) {
	mode, err := one(ctx, s.db, value[string], "PRAGMA journal_mode")
	f := record.Fact{Name: "journal_mode", Value: mode}
	if mode != "wal" {
		f.Problem, f.Fix = "readers and the writer wait for each other", "run `curfew migrate`"
	}
	return f, err
}

// synchronous is a property of each connection. Curfew's own use FULL, which
// the line says.
func (s schema) synchronous(ctx context.Context) (record.Fact, error) {
	const full = 2
	level, err := one(ctx, s.db, value[int64], "PRAGMA synchronous")
	f := record.Fact{Name: "synchronous", Value: "full"}
	if level < full {
		f.Value = fmt.Sprint(level)
		f.Problem, f.Fix = "a crash of the machine can lose payments that were acknowledged", "use a build of Curfew as it was released"
	}
	return f, err
}

// integrity checks every page, and names at most ten faults.
func (s schema) integrity(ctx context.Context) (record.Fact, error) {
	found, err := many(ctx, unlimited{s.reader}, value[string], "PRAGMA quick_check(10)")
	if e := (*sqlite.Error)(nil); errors.As(err, &e) && e.Code()&0xff == lib.SQLITE_CORRUPT {
		found, err = []string{"the check itself broke off"}, nil
	}
	f := record.Fact{Name: "integrity", Value: strings.Join(found, "; ")}
	if f.Value != "ok" {
		f.Problem, f.Fix = "the file is damaged", "stop the service, keep the file, and restore a backup with `curfew restore DIR`"
	}
	return f, err
}
