package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/curfewhq/curfew"
)

// The log's last page may have reached the disk before the disk failed: nobody knows.
func TestGroup_ADiskThatFailsWithinTheCommitLeavesItUnknown(t *testing.T) {
	t.Parallel()
	s := noting(t)
	if err := s.write(t.Context(), note("before")); err != nil {
		t.Fatal(err)
	}
	atCommit(t, s, func() bool { failWrites(t, s.path+logSuffix); return true })
	for i, err := range atOnce(t, s, note("ada"), note("bob"), note("cyd")) {
		if !errors.Is(err, curfew.Unavailable) || !strings.Contains(err.Error(), "outcome is not known") {
			t.Errorf("place %d: %v", i, err)
		}
	}
	if err := s.write(t.Context(), note("dan")); err != nil { // by another connection
		t.Errorf("afterwards: %v", err)
	}
	if got := noted(t, s); !slices.Equal(got, []string{"before", "dan"}) {
		t.Errorf("there is %v", got)
	}
}

// failWrites makes this process's descriptors of a file take no writes.
func failWrites(t *testing.T, name string) {
	t.Helper()
	all, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Error(err)
	}
	for _, link := range all {
		if to, err := os.Readlink(link); err != nil || to != name {
			continue
		}
		deaf, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Error(err)
			return
		}
		var fd int
		_, _ = fmt.Sscan(filepath.Base(link), &fd)
		if err := errors.Join(unix.Dup3(deaf, fd, unix.O_CLOEXEC), unix.Close(deaf)); err != nil {
			t.Error(err)
		}
	}
}

// On a disk that is really full, whoever is told that it is saved is, whoever is told otherwise is not, and with
// room again everything goes on.
func TestGroup_AFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := syscall.Mount("curfew", disk, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	s := madeIn(t, disk)
	ballast := make([]byte, 3<<20)
	if err := os.WriteFile(filepath.Join(disk, "ballast"), ballast, 0o600); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	saved, full := 0, false
	var callers sync.WaitGroup
	for caller := range 32 {
		callers.Go(func() {
			for i := 0; ; i++ {
				err := tryAdmit(s, caller*1000+i)
				mu.Lock()
				if err == nil {
					saved++
				} else if full = true; !errors.Is(err, curfew.Unavailable) || strings.Contains(err.Error(), "not known") {
					t.Errorf("a full disk is %v", err)
				}
				enough := full
				mu.Unlock()
				if enough {
					return
				}
			}
		})
	}
	callers.Wait()
	if n := count(t, s, "SELECT count(*) FROM sessions"); n != int64(saved) {
		t.Errorf("%d rows are saved, but %d callers were told so", n, saved)
	}
	if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
		t.Fatal(err)
	}
	if err := tryAdmit(s, -1); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
