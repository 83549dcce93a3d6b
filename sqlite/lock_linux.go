package sqlite

import (
	"errors"
	"io"
	"syscall"

	"github.com/curfewhq/curfew"
)

// The inode's lock is one byte far beyond the largest file, away from the bytes
// that SQLite locks. It is an OFD lock (fcntl(2)): it belongs to the
// descriptor, and conflicts with POSIX locks, including SQLite's, like another
// process's lock.
const (
	setOFD   = 37 // F_OFD_SETLK of <fcntl.h>, which package syscall lacks
	lockByte = 1 << 50
)

// lockInode locks the file itself. Releasing the lock does not close the
// descriptor: that would drop every POSIX lock that this process holds on the
// file, which may still be open. The descriptor is a plain number, so that the
// garbage collector does not close it either.
func lockInode(path string) (release func() error, err error) {
	fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, curfew.Errorf(curfew.Unavailable, "%s cannot be locked: %v", path, err)
	}
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return nil, curfew.Errorf(curfew.Unavailable, "%s cannot be locked: %v", path, err)
	}
	if links := infoOf(&st).links; links > 1 {
		return nil, refuseNames(path, links)
	}
	switch err := lockOFD(fd, syscall.F_WRLCK); {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EACCES):
		return nil, curfew.Errorf(curfew.Conflict, heldText, path, " under another name")
	case err != nil: // this file system does not support such locks: the other lock must do
		return func() error { return nil }, nil
	}
	return func() error { return lockOFD(fd, syscall.F_UNLCK) }, nil
}

func lockOFD(fd int, kind int16) error {
	return syscall.FcntlFlock(uintptr(fd), setOFD, &syscall.Flock_t{Type: kind, Whence: io.SeekStart, Start: lockByte, Len: 1})
}
