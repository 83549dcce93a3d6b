//go:build !linux

package sqlite

// lockInode refuses a file of several names. Locks of an inode that do not meet
// SQLite's own are Linux's alone.
func lockInode(path string) (release func() error, err error) {
	if st, err := stat(path); err == nil && st.links > 1 {
		return nil, refuseNames(path, st.links)
	}
	return func() error { return nil }, nil
}
