package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// TestMain builds curfew as its users build it and puts it into PATH, for the
// tests that run it as a process. It is without the race detector, under which a
// service takes ten times as long; what it is made of is tested with it, in this
// process.
func TestMain(m *testing.M) {
	noticeIgnored()
	os.Exit(withCurfew(m.Run))
}

// noticeIgnored makes the programs that tests start end by the signals that end
// programs. In the background, or under nohup, some are ignored, which a child
// inherits; it does not inherit that somebody takes notice.
func noticeIgnored() {
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGHUP} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
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
