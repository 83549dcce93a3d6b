package sqlite

import (
	"errors"
	"syscall"
)

// fileInfo describes a file without opening it.
type fileInfo struct {
	inode
	links uint64
	size  int64
}

// stat describes the file that a name leads to. The error is a syscall.Errno.
func stat(name string) (fileInfo, error) {
	for {
		if info, err := statOnce(name); !errors.Is(err, syscall.EINTR) {
			return info, err
		}
	}
}

// statAll is stat with the call that every system has.
func statAll(name string) (fileInfo, error) {
	var st syscall.Stat_t
	err := syscall.Stat(name, &st)
	return infoOf(&st), err
}

//nolint:unconvert // other systems have other types
func infoOf(st *syscall.Stat_t) fileInfo {
	return fileInfo{inode{uint64(st.Dev), st.Ino}, uint64(st.Nlink), st.Size}
}
