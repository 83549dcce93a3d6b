package adopt

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

const (
	// readLimit limits one read of a table, and connectLimit a connection attempt.
	readLimit    = 30 * time.Second
	connectLimit = 5 * time.Second
	// closeLimit limits how long closing a connection may take.
	closeLimit = time.Second
	// idPage is how many rows are looked up by id at once, and oddPage how many rows with unmapped
	// words are read.
	idPage  = 5000
	oddPage = 200
)

// beginReading makes a transaction read-only and impatient, and makes the server refuse a query
// where a policy would hide rows. Its settings also make values read as the same text in every
// database.
const beginReading = `SET LOCAL row_security = off; SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '25s';
	SET LOCAL idle_in_transaction_session_timeout = '30s'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres';
	SET LOCAL TimeZone = 'UTC'; SET LOCAL search_path = pg_catalog, pg_temp`

// theirRow is a row of an adopted table as it was read.
type theirRow struct {
	id       string
	customer string
	status   curfew.SessionStatus // empty: its word is not mapped
	text     string               // of its curfew.adopted_row
}

// open reports whether the row can have an open mirror.
func (r theirRow) open() bool {
	return r.customer != "" && (r.status == curfew.Scheduled || r.status == curfew.Waiting || r.status == curfew.Live)
}

// found is the result of one read, from one snapshot.
type found struct {
	rows []theirRow
	gone []string // ids that were asked for and are not there
	took time.Duration
}

// theirs is a connection to the database with the adopted table. It must be used by one goroutine
// only.
type theirs struct {
	config *pgx.ConnConfig
	conn   *pgx.Conn // nil: there is none
}

// within runs do in a read-only transaction. After an error the next transaction gets a new
// connection.
func (t *theirs) within(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	err := t.try(ctx, do)
	if err != nil {
		t.close(ctx)
	}
	return err
}

func (t *theirs) try(ctx context.Context, do func(context.Context, pgx.Tx) error) (err error) {
	if t.conn == nil {
		if t.conn, err = pgx.ConnectConfig(ctx, t.config); err != nil {
			return err
		}
	}
	return pgx.BeginTxFunc(ctx, t.conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, beginReading, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		return do(ctx, tx)
	})
}

func (t *theirs) close(ctx context.Context) {
	if t.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	_ = t.conn.Close(ctx) // what cannot say goodbye is gone as well
	t.conn = nil
}

// question says what to read from a table.
type question struct {
	known map[string]string // the ids of rows that must be found, open or not
	odd   bool              // also rows with words that nobody has mapped
	first bool              // in the order in which they were created
}

// read reads the rows that are open, and those known ones that no longer are.
func (r reading) read(ctx context.Context, tx pgx.Tx, q question) (found, error) {
	begun := time.Now()
	open := r.selects() + " AND " + r.open(r.column("t", r.Status.Column)) + " AND " + r.customer("t") + " IS NOT NULL"
	if q.first {
		open += " ORDER BY " + r.moment("t", r.Times.Created)
	}
	f := found{}
	if err := addRows(ctx, tx, &f.rows, open); err != nil {
		return found{}, err
	}
	missing := maps.Clone(q.known)
	for _, row := range f.rows {
		delete(missing, row.id)
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(missing)), idPage) {
		before := len(f.rows)
		if err := addRows(ctx, tx, &f.rows, r.selects()+" AND "+r.column("t", r.ID)+" = ANY ($1::text[]::"+r.columns[r.ID].Type+"[])", ids); err != nil {
			return found{}, err
		}
		for _, row := range f.rows[before:] {
			delete(missing, row.id)
		}
	}
	f.gone = slices.Sorted(maps.Keys(missing))
	if q.odd {
		if err := r.readOdd(ctx, tx, &f); err != nil {
			return found{}, err
		}
	}
	f.took = time.Since(begun)
	return f, nil
}

// readOdd adds rows with unmapped words.
func (r reading) readOdd(ctx context.Context, tx pgx.Tx, f *found) error {
	seen := make(map[string]bool, len(f.rows))
	for _, row := range f.rows {
		seen[row.id] = true
	}
	var odd []theirRow
	err := addRows(ctx, tx, &odd, fmt.Sprintf("%s AND (%s) IS NULL LIMIT %d", r.selects(), r.status("t"), oddPage))
	for _, row := range odd {
		if !seen[row.id] {
			f.rows = append(f.rows, row)
		}
	}
	return err
}

// selects is the beginning of every query for rows.
func (r reading) selects() string {
	return "SELECT " + strings.Join([]string{r.id("t"), r.customer("t"), r.status("t"), r.fields("t") + "::text"}, ", ") +
		" FROM " + r.Relation + " t WHERE " + r.there("t")
}

func addRows(ctx context.Context, tx pgx.Tx, to *[]theirRow, sql string, args ...any) error {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	var id, customer, status *string
	var text string
	_, err = pgx.ForEachRow(rows, []any{&id, &customer, &status, &text}, func() error {
		if id == nil {
			return curfew.Errorf(curfew.Invalid, "a row has no id")
		}
		*to = append(*to, theirRow{*id, value(customer), curfew.SessionStatus(value(status)), text})
		return nil
	})
	return err
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// role is the reading role, quoted for SQL.
func (t *theirs) role() string {
	if role := t.config.RuntimeParams["role"]; role != "" {
		return name(role)
	}
	return name(t.config.User)
}
