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

// Lock keeps other serving or migrating processes from the file, by a lock on
// PATH.lock that the system drops with the process. If another holds it, the
// error is Conflict. The lock's file stays: removing it would let two hold it.
func Lock(path string) (unlock func() error, err error) {
	name := lockName(path)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, curfew.Errorf(curfew.Unavailable, "%s cannot be locked: %v", path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(held(f, path, err), f.Close())
	}
	if err := sign(f); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f.Close, nil
}

// lockName follows links, so that every name of a file has one lock.
func lockName(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path + ".lock"
}

// held says who holds the lock.
func held(f *os.File, path string, err error) error {
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return curfew.Errorf(curfew.Unavailable, "%s cannot be locked: %v", path, err)
	}
	holder, _ := os.ReadFile(f.Name())
	return curfew.Errorf(curfew.Conflict, "%s is held by another `curfew serve` or `curfew migrate` (process %s): "+
		"stop it first; every other command works beside it", path, strings.TrimSpace(string(holder)))
}

// sign writes who we are.
func sign(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(f, os.Getpid())
	return err
}
