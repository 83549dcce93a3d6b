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

// Lock keeps other processes from serving or migrating the file, which is
// created if it is missing. It holds two locks, which the system releases when
// the process ends: one on PATH.lock and, where the system supports it (Linux),
// one on the file's own inode, whatever its name. If another process holds one,
// or the file has several names, the error is Conflict. The lock file is never
// removed: otherwise two processes could each hold one.
//
// Take it before opening the file, and release it after closing it.
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
	// A child that is being started has copies of both files until it runs its program, and would hold the locks
	// so long: they are released, and not only closed.
	return func() error { return errors.Join(release(), syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close()) }, nil
}

// lockName follows links, so that all names of a file share one lock.
func lockName(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path + ".lock"
}

const heldText = "%s is held by another `curfew serve` or `curfew migrate`%s: stop it first; every other command works beside it"

// held returns the error that names the holder of the lock.
func held(f *os.File, path string, err error) error {
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return curfew.Errorf(curfew.Unavailable, "%s cannot be locked: %v", path, err)
	}
	holder, _ := readLock(f.Name())
	return curfew.Errorf(curfew.Conflict, heldText, path, " (process "+holder.process+")")
}

// lockText is the content of a lock file: the process that holds the lock, and
// to which file the log beside it belongs. The latter outlives the process.
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

// sign writes this process into the lock file.
func sign(f *os.File) error {
	l, err := readLock(f.Name())
	if err != nil {
		return err
	}
	l.process = fmt.Sprint(os.Getpid())
	return l.write(f.Name())
}

// noteLog records to which file a log belongs, if a service was ever started. It
// is needed only in the worst case, so its errors are ignored.
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

// refuseOrphanLog prevents creating a new database where only the main file of
// another one is gone.
func refuseOrphanLog(path string) error {
	log := path + logSuffix
	if info, err := os.Stat(log); err != nil || info.Size() == 0 {
		return nil
	}
	return curfew.Errorf(curfew.Conflict, orphanFormat, path, log, log, log)
}

// refuseStrayLog refuses a file beside another file's log, as after a backup was
// moved over a file that was not closed. It also refuses an emptied file, whose
// log SQLite would remove to begin a new database.
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
