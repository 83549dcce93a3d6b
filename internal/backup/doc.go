// Package backup writes a database into a folder of plain files, and brings
// such a folder back. It knows files, checksums and JSON; it knows no SQL: a
// store reads and writes the rows, in one transaction each way.
//
// A backup is a folder with a file of JSON Lines for each of curfew.Tables, a
// row a line and in the order of the primary key, and manifest.json, which is
// written last: a folder without it is no backup. Times are RFC 3339 in UTC with
// microseconds, ids are UUIDs in small letters, documents are JSON with sorted
// keys. So two stores with the same rows make the same files, byte for byte,
// whichever database they are on, and either can take in the other's.
//
// The files hold names, e-mail addresses and payments: only their owner may
// read them.
package backup

import (
	"context"
	"iter"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// Rows are a table's, each with a value a column in the order of the table's
// columns, of the Go type of the column's kind. They end at the first error.
type Rows = iter.Seq2[[]any, error]

// Source is a store that can be saved.
type Source interface {
	// Dump hands over each table's rows in the order of its primary key, all as
	// of one moment, and returns that moment.
	Dump(ctx context.Context, tables []record.Table, take func(record.Table, Rows) error) (time.Time, error)
}

// Target is a store that can take in a backup.
type Target interface {
	// Load writes the rows of each table, and nothing if anything fails. The error
	// is Conflict where one of curfew.Tables has a row already.
	Load(ctx context.Context, tables []record.Table, give func(record.Table) Rows) error
}

// format is the number of this package's way to write. One with a greater number
// was written by a later release.
const format = 1

const manifestName = "manifest.json"

// Manifest says what a backup holds.
type Manifest struct {
	Format  int       `json:"format"`
	Curfew  string    `json:"curfew"`  // the release that wrote it
	Schema  int64     `json:"schema"`  // the number of the last migration
	TakenAt time.Time `json:"takenAt"` // the moment of the rows, by the database's clock
	Tables  []File    `json:"tables"`
}

// File is one table's part of a backup.
type File struct {
	Name    string   `json:"name"` // of the table; the file's ends in .jsonl
	Rows    int      `json:"rows"`
	Bytes   int64    `json:"bytes"`
	SHA256  string   `json:"sha256"`
	Columns []string `json:"columns"`
}

// Rows is how many the backup holds.
func (m Manifest) Rows() int {
	n := 0
	for _, f := range m.Tables {
		n += f.Rows
	}
	return n
}

func (f File) path() string { return f.Name + ".jsonl" }
