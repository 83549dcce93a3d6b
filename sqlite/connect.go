package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
)

// connector opens connections to one file. If the name leads to another file by
// now, it opens none.
type connector struct {
	driver.Connector
	file *file
}

// open returns connections with settings of their own.
func (f *file) open(settings string) *sql.DB {
	c, err := sqlite.NewConnector(dsn(f.real) + settings)
	if err != nil {
		panic(err) // the settings are constants
	}
	return sql.OpenDB(connector{c, f})
}

// Connect checks the file before opening it, and again when SQLite has opened
// the log too.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := c.file.check(); err != nil {
		return nil, err
	}
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(touch(ctx, conn), c.file.check()); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// touch makes SQLite open the log.
func touch(ctx context.Context, conn driver.Conn) error {
	q, ok := conn.(driver.QueryerContext)
	if !ok {
		return errors.New("the driver's connections answer no queries")
	}
	rows, err := q.QueryContext(ctx, "PRAGMA schema_version", nil)
	if err != nil {
		return err
	}
	return rows.Close()
}
