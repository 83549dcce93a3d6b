package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMain builds curfew as its users build it and puts it into PATH, for the
// tests that run it as a process. It is without the race detector, under which a
// service takes ten times as long; what it is made of is tested with it, in this
// process.
func TestMain(m *testing.M) {
	os.Exit(withCurfew(m.Run))
}

func withCurfew(run func() int) (code int) {
	dir, err := os.MkdirTemp("", "curfew-built")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // nothing of it is needed
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(dir, "curfew"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return run()
}
