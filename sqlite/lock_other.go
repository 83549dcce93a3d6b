//go:build !linux

package sqlite

import "syscall"

// lockInode refuses a file of several names. Locks of an inode that do not meet
// SQLite's own are Linux's alone.
func lockInode(path string) (release func() error, err error) {
	var st syscall.Stat_t
	if err := stat(path, &st); err == nil && st.Nlink > 1 {
		return nil, refuseNames(path, &st)
	}
	return func() error { return nil }, nil
}
