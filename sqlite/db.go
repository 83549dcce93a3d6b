package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

// db reads and writes the file. Every noun's type is made of it.
type db struct {
	path    string
	clock   func() time.Time
	trace   curfew.Trace
	timeout time.Duration // of Options
	file    *file
	writer  *writer
	reader  *reader
}

// now is the store's clock as rows hold it.
func (d *db) now() time.Time { return d.clock().UTC().Truncate(time.Microsecond) }

// Ping asks whether the file can be read, and is still in its place.
func (d *db) Ping(ctx context.Context) error {
	if err := d.file.check(); err != nil {
		return fmt.Errorf("ping %s: %w", d.path, err)
	}
	_, err := one(ctx, d.reader, value[int64], "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return fmt.Errorf("ping %s: %w", d.path, err)
	}
	return nil
}

// Close waits for what runs and closes the file. The anchor goes last: the last
// connection moves the log into the file, and readers may not write.
func (d *db) Close() error {
	return errors.Join(d.reader.close(), d.writer.close(), d.file.close())
}
