package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/curfewhq/curfew"
)

// SQLite keeps these two beside the file while it is open. The log holds the
// newest commits; the index holds the locks of all processes.
const (
	logSuffix   = "-wal"
	indexSuffix = "-shm"
)

// file is the database's file as it was opened. A path is not a file: what it
// leads to can be deleted, moved or replaced at any time, while SQLite goes on
// writing into the file it has open. So nothing is acknowledged unless the path
// still leads to the same inode, and so do the paths of the log and the index.
//
// An inode's number is not reused while somebody has the file open, and the
// anchor has all three open. Nothing here opens one of them directly: closing
// any descriptor of a file drops every POSIX lock that the process holds on it,
// including SQLite's.
type file struct {
	name string // absolute, as it was asked for
	real string // the same without symbolic links
	// SQLite names the log and the index after the latter.
	logName, indexName string

	main inode
	// What does not shrink unseen: the file, and the log.
	size, logSize atomic.Int64

	with atomic.Pointer[pair] // nil: the file is not in WAL mode yet
	lost atomic.Pointer[loss] // nil: all is well

	mu      sync.Mutex // guards the rest
	db      *sql.DB    // one connection, the anchor
	anchor  *sql.Conn
	settled bool // a lost file was left in a good state
}

// pair holds the inodes of log and index.
type pair struct{ log, index inode }

// inode identifies a file, whatever its name.
type inode struct{ device, number uint64 }

// loss is why a file is no longer trusted. There is no way back, because nobody
// knows what another program did meanwhile. A restart checks again.
type loss struct {
	err     error
	damaged bool // its content is wrong: do not touch it
}

// anchored opens a file and records its identity. SQLite keeps the log and the
// index as long as the anchor is open.
func anchored(ctx context.Context, name string) (*file, error) {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, curfew.Errorf(curfew.Unavailable, "%s cannot be looked at: %v", name, err)
	}
	if err := refuseStrayLog(name, real); err != nil {
		return nil, err
	}
	f := &file{name: name, real: real, logName: real + logSuffix, indexName: real + indexSuffix}
	for range 3 { // a file may change its inode when it is first opened: overlayfs copies it
		before, err := f.look()
		if err != nil {
			return nil, err
		}
		if err := f.drop(ctx); err != nil {
			return nil, err
		}
		after, err := f.look()
		if err != nil {
			return nil, errors.Join(err, f.close())
		}
		if before == after {
			f.main = after
			return f, f.watch(ctx)
		}
		err = f.close()
		if err != nil {
			return nil, err
		}
	}
	return nil, curfew.Errorf(curfew.Unavailable, "%s was replaced again and again while it was opened: try again", name)
}

// drop opens the anchor.
func (f *file) drop(ctx context.Context) (err error) {
	f.db = open(dsn(f.real))
	f.db.SetMaxOpenConns(1)
	if f.anchor, err = f.db.Conn(ctx); err != nil {
		return errors.Join(translate(err), f.db.Close())
	}
	return nil
}

// look returns the inode that the name leads to now. A file with two names is
// refused: each name would have its own log.
func (f *file) look() (inode, error) {
	st, err := stat(f.name)
	if err != nil {
		return inode{}, curfew.Errorf(curfew.Unavailable, "%s cannot be looked at: %v", f.name, err)
	}
	if st.links > 1 {
		return inode{}, refuseNames(f.name, st.links)
	}
	f.size.Store(st.size)
	return st.inode, nil
}

func refuseNames(name string, links uint64) error {
	return curfew.Errorf(curfew.Conflict, namesFormat, name, links, name)
}

// watch starts checking log and index, once the file has them. Migrate, which
// creates them, calls it again.
func (f *file) watch(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.with.Load() != nil {
		return nil
	}
	var parts int // only after a look into the file its mode is known anew
	var mode string
	err := f.anchor.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&parts)
	if err == nil {
		err = f.anchor.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode)
	}
	if err != nil || mode != "wal" {
		return translate(err)
	}
	log, err := beside(f.logName)
	if err != nil {
		return f.lose(err)
	}
	index, err := beside(f.indexName)
	if err != nil {
		return f.lose(err)
	}
	f.with.Store(&pair{log, index})
	noteLog(f.real, f.main, log)
	return nil
}

// beside returns the inode of a file that SQLite has created.
func beside(name string) (inode, error) {
	st, err := stat(name)
	if err != nil {
		return inode{}, wrap(err, "%s was deleted as soon as it was made", name)
	}
	return st.inode, nil
}

// trusted returns why the file must not be used any more, or nil. It checks
// nothing itself.
func (f *file) trusted() error {
	if f == nil {
		return nil
	}
	if l := f.lost.Load(); l != nil {
		return l.err
	}
	return nil
}

// check compares the open files with those that the names lead to now: three
// calls of stat.
func (f *file) check() error {
	if err := f.trusted(); err != nil {
		return err
	}
	if err := f.checkMain(); err != nil {
		return err
	}
	with := f.with.Load()
	if with == nil {
		return nil
	}
	if _, err := f.checkPart(f.indexName, with.index); err != nil {
		return err
	}
	log, err := f.checkPart(f.logName, with.log)
	if err != nil || log.size == f.logSize.Load() {
		return err
	}
	return f.resized(&f.logSize, log.size)
}

// checkMain checks the file itself.
func (f *file) checkMain() error {
	switch st, err := stat(f.name); {
	case gone(err):
		return f.lose(fmt.Errorf("%s was deleted or moved while it was open", f.name))
	case err != nil:
		return f.unseen(f.name, err)
	case st.inode != f.main:
		return f.lose(fmt.Errorf("another file has taken the place of %s while it was open", f.name))
	case st.links > 1:
		return as(curfew.Unavailable, namesText, fmt.Errorf(namesFormat, f.name, st.links, f.name))
	case st.size != f.size.Load():
		return f.resized(&f.size, st.size)
	}
	return nil
}

// checkPart checks the log or the index.
func (f *file) checkPart(name string, own inode) (fileInfo, error) {
	st, err := stat(name)
	switch {
	case gone(err):
		return st, f.lose(fmt.Errorf("%s was deleted while %s was open", name, f.name))
	case err != nil:
		return st, f.unseen(name, err)
	case st.inode != own:
		return st, f.lose(fmt.Errorf("%s was deleted while %s was open, and another program has made a new one", name, f.name))
	}
	return st, nil
}

// The texts that callers may read. Details, such as file names, are for operators.
const (
	lostText    = "the database file is not the one that was opened any more, so nothing is saved: an operator must look after it and restart the service"
	unseenText  = "the database file cannot be looked at now, so nothing is saved"
	namesText   = "the database file has more than one name, so nothing is saved: an operator must remove the others"
	unknownText = "the database file was changed from outside while this was being saved, so its outcome is not known: " +
		"repeat it with the same reference or key once the service runs again"
	unansweredText = "the disk failed while this was being saved, so its outcome is not known: repeat it with the same reference or key"
	namesFormat    = "%s has %d names (hard links), and under each of them SQLite would keep another log: " +
		"find the others with `find DIR -samefile %s` and remove them, or use a copy"
	restartText = "nothing is written any more. Put back what was there, or the file that is to be used, and restart: see docs/runbooks/database-file.md"
)

// lose records permanently that the file is not to be trusted. The first reason
// is kept.
func (f *file) lose(why error) error {
	return f.loseAs(&loss{err: lostAs(why)})
}

func lostAs(why error) error {
	return as(curfew.Unavailable, lostText, fmt.Errorf("%w: %s", why, restartText))
}

func (f *file) loseAs(l *loss) error {
	f.lost.CompareAndSwap(nil, l)
	return f.lost.Load().err
}

// unseen returns an error for now: the next check may succeed.
func (f *file) unseen(name string, err error) error {
	return as(curfew.Unavailable, unseenText, wrap(err, "look at %s", name))
}

// unknown is the error for a loss that was found after a commit.
func unknown(err error) error { return as(curfew.Unavailable, unknownText, err) }

func gone(err error) bool { return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) }
