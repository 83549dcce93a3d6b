package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/curfewhq/curfew"
)

// Lock keeps other serving or migrating processes from the file, which is made
// if it is missing. Two locks, which the system drops with the process, see to
// it: one of PATH.lock, and where the system can (Linux) one of the file's own
// inode, whatever its name. If another process holds one, or the file has
// several names, the error is Conflict. The lock's file stays: removing it would
// let two hold it.
//
// Take it before the file is opened, and release it after it was closed.
func Lock(path string) (unlock func() error, err error) {
	path, err = locate(path, Options{Create: true})
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(lockName(path), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, curfew.Errorf(curfew.Unavailable, "%s cannot be locked: %v", path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(held(f, path, err), f.Close())
	}
	release, err := lockInode(path)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := sign(f); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), release(), f.Close())
	}
	return func() error { return errors.Join(release(), f.Close()) }, nil
}

// lockName follows links, so that every name of a file has one lock.
func lockName(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path + ".lock"
}

const heldText = "%s is held by another `curfew serve` or `curfew migrate`%s: stop it first; every other command works beside it"

// held says who holds the lock.
func held(f *os.File, path string, err error) error {
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return curfew.Errorf(curfew.Unavailable, "%s cannot be locked: %v", path, err)
	}
	holder, _ := readLock(f.Name())
	return curfew.Errorf(curfew.Conflict, heldText, path, " (process "+holder.process+")")
}

// lockText is what a lock's file says: the process that holds it, and of which
// file the log beside it is. The second outlives the process.
type lockText struct {
	process   string
	main, log inode
}

const logFormat = "file %d:%d log %d:%d"

func readLock(name string) (lockText, error) {
	text, err := os.ReadFile(name) //nolint:gosec // the operator's own path
	process, rest, _ := strings.Cut(string(text), "\n")
	l := lockText{process: strings.TrimSpace(process)}
	if n, _ := fmt.Sscanf(rest, logFormat, &l.main.device, &l.main.number, &l.log.device, &l.log.number); n < 4 {
		l.main, l.log = inode{}, inode{} // a lock of an older release says nothing of files
	}
	return l, err
}

func (l lockText) write(name string) error {
	text := l.process + "\n"
	if l.main != (inode{}) {
		text += fmt.Sprintf(logFormat, l.main.device, l.main.number, l.log.device, l.log.number) + "\n"
	}
	return os.WriteFile(name, []byte(text), 0o600)
}

// sign writes who we are.
func sign(f *os.File) error {
	l, err := readLock(f.Name())
	if err != nil {
		return err
	}
	l.process = fmt.Sprint(os.Getpid())
	return l.write(f.Name())
}

// noteLog remembers of which file a log is, where a service was ever started. It
// is for the worst case only, so nothing fails with it.
func noteLog(real string, main, log inode) {
	l, err := readLock(lockName(real))
	if err != nil || l.main == main && l.log == log {
		return
	}
	l.main, l.log = main, log
	_ = l.write(lockName(real))
}

const (
	strayLogFormat = "%s was replaced, but %s is still the log of the file that was there before: SQLite would write the one into the other. " +
		"Put the log aside with `mv %s %s.old` and start again; if the two do belong together, remove %s"
	orphanFormat = "%s is missing, but its log %s is there: the file was deleted or moved. " +
		"Put it back, or start with a new database after `mv %s %s.old`"
	emptiedFormat = "%s is empty, but its log %s is not: another program has emptied it. " +
		"Bring a backup back, or start with a new database after `mv %s %s.old`"
)

// refuseOrphanLog keeps a new database from being made where only the file of
// another has gone.
func refuseOrphanLog(path string) error {
	log := path + logSuffix
	if info, err := os.Stat(log); err != nil || info.Size() == 0 {
		return nil
	}
	return curfew.Errorf(curfew.Conflict, orphanFormat, path, log, log, log)
}

// refuseStrayLog keeps SQLite from a log that lies beside another file than its
// own, as after a backup was moved over a file that was not closed. It would
// also remove the log of a file that was emptied, and begin a new database.
func refuseStrayLog(name, real string) error {
	log := real + logSuffix
	st, err := stat(real)
	if err != nil {
		return nil //nolint:nilerr // whoever opens it finds out
	}
	logSt, err := stat(log)
	if err != nil || logSt.size == 0 {
		return nil //nolint:nilerr // there is no log
	}
	if st.size == 0 {
		return curfew.Errorf(curfew.Conflict, emptiedFormat, name, log, log, log)
	}
	l, err := readLock(lockName(real))
	if err != nil || l.main == (inode{}) || logSt.inode != l.log || st.inode == l.main {
		return nil
	}
	return curfew.Errorf(curfew.Conflict, strayLogFormat, name, log, log, log, lockName(real))
}
