package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// aPage is the smallest page size of a database, in bytes.
const aPage = 512

// resized judges a new size of the file or the log. Both normally grow. One
// that has shrunk was either vacuumed or checkpointed by SQLite, or truncated
// or overwritten by a program that does not know SQLite.
func (f *file) resized(known *atomic.Int64, size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if size < known.Load() {
		if err := f.sound(); err != nil {
			return err
		}
	}
	known.Store(size)
	return nil
}

// sound reads everything on a connection without a cache. It does not open a
// file without a page: SQLite would remove the log beside it.
func (f *file) sound() error {
	if st, err := stat(f.real); err == nil && st.size < aPage {
		return f.cut("nothing is left in it")
	}
	db := open(dsn(f.real))
	defer db.Close() //nolint:errcheck // it has only read
	found := ""
	switch err := db.QueryRowContext(context.Background(), "PRAGMA quick_check(1)").Scan(&found); {
	case damaged(err):
		return f.cut(err.Error())
	case err != nil:
		return translate(err)
	case found != "ok":
		return f.cut(found)
	}
	return nil
}

func (f *file) cut(found string) error {
	return f.ruin(fmt.Errorf("%s or its log was cut off or written over while it was open: %s", f.name, found))
}

// ruin marks a file as lost because its content is wrong.
func (f *file) ruin(why error) error {
	return f.loseAs(&loss{err: lostAs(why), damaged: true})
}

// damaged reports whether SQLite says that the file's content is wrong, or that
// the file ends too early.
func damaged(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code()&0xff == lib.SQLITE_CORRUPT || e.Code()&0xff == lib.SQLITE_NOTADB || e.Code() == lib.SQLITE_IOERR_SHORT_READ)
}

// settle leaves a lost file in a good state. It moves the log's content into
// the file itself, wherever that is now, so that whoever finds the file has
// every commit. Then it renames a log that lies beside another file, because
// SQLite would write it into that file. It retries until it has succeeded once.
// Nobody writes meanwhile.
//
// If another program has made its own log or index for this very file, nothing
// is touched: two writers would ruin it.
func (f *file) settle(ctx context.Context) {
	l, with := f.lost.Load(), f.with.Load()
	if l == nil || l.damaged || with == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.anchor == nil {
		return
	}
	main, log, index := at(f.real), at(f.logName), at(f.indexName)
	if main == f.main && (foreign(log, with.log) || foreign(index, with.index)) {
		return
	}
	f.settled = f.settled || f.empty(ctx)
	if f.settled && foreign(main, f.main) && log == with.log {
		aside := f.logName + time.Now().UTC().Format(".20060102-150405")
		if os.Rename(f.logName, aside) == nil && index == with.index {
			_ = os.Remove(f.indexName) // it is made again from the log
		}
	}
}

// at returns the inode that a name leads to; zero if there is none or it cannot
// be seen.
func at(name string) inode {
	st, err := stat(name)
	if err != nil {
		return inode{}
	}
	return st.inode
}

// foreign reports whether a name leads to a file other than Curfew's.
func foreign(there, ours inode) bool { return there != inode{} && there != ours }

// empty moves the whole log into the file.
func (f *file) empty(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var busy, frames, moved int
	err := f.anchor.QueryRowContext(ctx, "PRAGMA wal_checkpoint(FULL)").Scan(&busy, &frames, &moved)
	return err == nil && busy == 0 && frames == moved
}

// close closes the anchor. The anchor of a lost file stays open until the
// process ends: closing the last connection of a file would remove the log
// beside its name, whoever owns that log.
func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.anchor == nil || f.trusted() != nil {
		return nil
	}
	err := errors.Join(f.anchor.Close(), f.db.Close())
	f.anchor = nil
	return err
}
