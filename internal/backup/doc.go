// Package backup saves a database as a folder of plain files and restores it. It knows files, checksums and JSON, but no
// SQL: a store reads and writes the rows, each in one transaction.
//
// A backup is a folder with a JSON Lines file for each of record.Tables, one row per line in the order of the primary
// key, and manifest.json, which is written last: a folder without it is not a backup. Times are RFC 3339 in UTC with
// microseconds, ids are lowercase UUIDs, documents are JSON with sorted keys. Two stores with the same rows therefore
// write the same files, byte for byte, whatever database they use, and each can restore the other's.
//
// The files contain names, e-mail addresses and payments, so only their owner may read them.
package backup

import (
	"context"
	"iter"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// Rows are the rows of a table. Each row has one value per column, in the table's order, of the Go
// type for the column's kind. Iteration ends at the first error.
type Rows = iter.Seq2[[]any, error]

// Source is a store that can be backed up.
type Source interface {
	// Dump passes each table's rows to save, in the order of the primary key and all from one
	// snapshot, and returns the time of that snapshot.
	Dump(ctx context.Context, tables []record.Table, save func(record.Table, Rows) error) (time.Time, error)
}

// Target is a store that a backup can be restored into.
type Target interface {
	// Load writes the rows of all tables, or nothing if anything fails. It returns Conflict if one
	// of record.Tables already has a row.
	Load(ctx context.Context, tables []record.Table, rows func(record.Table) Rows) error
}

// format is the version of the backup format. A later release may write a higher one.
const format = 1

const manifestName = "manifest.json"

// Manifest describes the contents of a backup.
type Manifest struct {
	Format  int       `json:"format"`
	Curfew  string    `json:"curfew"`  // the release that wrote it
	Schema  int64     `json:"schema"`  // the number of the last migration
	TakenAt time.Time `json:"takenAt"` // by the database's clock
	Tables  []File    `json:"tables"`
}

// File is the backup of one table.
type File struct {
	Name    string   `json:"name"` // of the table; the file adds .jsonl
	Rows    int      `json:"rows"`
	Bytes   int64    `json:"bytes"`
	SHA256  string   `json:"sha256"`
	Columns []string `json:"columns"`
}

// Rows counts the rows of the backup.
func (m Manifest) Rows() int {
	n := 0
	for _, f := range m.Tables {
		n += f.Rows
	}
	return n
}

func (f File) path() string { return f.Name + ".jsonl" }
