package sqlite

import (
	"errors"
	"io"
	"syscall"

	"github.com/curfewhq/curfew"
)

// The lock of the inode is one byte far behind all that a file can hold, away
// from those that SQLite locks, and an OFD lock (fcntl(2)): it is the
// descriptor's and meets POSIX locks, SQLite's among them, as any other
// process's would.
const (
	setOFD   = 37 // F_OFD_SETLK of <fcntl.h>, which package syscall lacks
	lockByte = 1 << 50
)

// lockInode locks the file itself. The descriptor is not closed on release:
// closing it would drop every POSIX lock that this process holds on the file,
// and somebody may have it open still. It is a plain number, so that the
// collector does not close it either.
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
	case err != nil: // this file system knows no such locks: the other lock must do
		return func() error { return nil }, nil
	}
	return func() error { return lockOFD(fd, syscall.F_UNLCK) }, nil
}

func lockOFD(fd int, kind int16) error {
	return syscall.FcntlFlock(uintptr(fd), setOFD, &syscall.Flock_t{Type: kind, Whence: io.SeekStart, Start: lockByte, Len: 1})
}
