package curfew_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Two builds of one commit, in two folders, are the same to the last byte, for every platform.
func TestTwoReleasesAreTheSame(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds twelve programs")
	}
	const all = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64"
	one := release(t, ".", all)
	other := release(t, copied(t), all)
	sums := read(t, filepath.Join(one.dir, "SHA256SUMS"))
	if again := read(t, filepath.Join(other.dir, "SHA256SUMS")); sums != again {
		t.Errorf("one folder:\n%s\nanother:\n%s", sums, again)
	}
	if n := strings.Count(sums, "\n"); n < 25 || !strings.Contains(sums, "homebrew/curfew.rb") {
		t.Errorf("%d files:\n%s", n, sums)
	}
	for _, archive := range []string{"linux_amd64.tar.gz", "linux_arm64.tar.gz", "darwin_amd64.tar.gz", "darwin_arm64.tar.gz", "windows_amd64.zip", "windows_arm64.zip"} {
		if info, err := os.Stat(one.path("curfew_*_" + archive)); err != nil || info.Size() > largestArchive {
			t.Errorf("%s: %d bytes, at most %d (%v)", archive, info.Size(), largestArchive, err)
		}
	}
}

// copied is the source in another folder, with its history.
func copied(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "elsewhere")
	if out, err := exec.CommandContext(t.Context(), "cp", "--archive", "--reflink=auto", ".", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}
