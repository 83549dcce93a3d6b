//go:build !linux

package sqlite

// lockInode refuses a file with several names. Only Linux has locks on an inode
// that do not interfere with SQLite's own.
func lockInode(path string) (release func() error, err error) {
	if st, err := stat(path); err == nil && st.links > 1 {
		return nil, refuseNames(path, st.links)
	}
	return func() error { return nil }, nil
}
