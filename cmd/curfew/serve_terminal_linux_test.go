package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Whoever starts the service at a terminal gets a link that signs in once, and leads to the overview. No log has it.
func TestATerminalGetsALinkThatSignsIn(t *testing.T) {
	t.Parallel()
	said, stop := servedAtTerminal(t)
	link := regexp.MustCompile(`http://127.0.0.1:\d+/login\?ticket=\S+`).FindString(said)
	if _, ticket, _ := strings.Cut(link, "ticket="); ticket == "" || strings.Count(said, ticket) != 1 {
		t.Fatalf("no link, or more than one:\n%s", said)
	}
	leadsToOverviewOnce(t, link)
	if rest := stop(); strings.Contains(rest, "ticket=") {
		t.Errorf("the log has the ticket:\n%s", rest)
	}
}

func leadsToOverviewOnce(t *testing.T, link string) {
	t.Helper()
	for i, want := range []string{"Nothing has happened here yet", "This link does not sign you in"} {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		request, err := redeeming(t.Context(), link)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := (&http.Client{Jar: jar}).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(answer.Body)
		if err != nil || answer.Body.Close() != nil || !strings.Contains(string(page), want) {
			t.Errorf("use %d leads to %s (%v):\n%s", i+1, answer.Request.URL, err, page)
		}
	}
}

// servedAtTerminal runs `curfew serve` at a terminal until stop. It returns what is said before anybody calls, and stop
// returns the rest.
func servedAtTerminal(t *testing.T) (said string, stop func() string) {
	t.Helper()
	ours, theirs := terminalPair(t)
	cmd := exec.CommandContext(t.Context(), "curfew", "serve", "--listen=127.0.0.1:0", "--listen-ops=127.0.0.1:0")
	cmd.Dir, cmd.Env, cmd.Stderr = t.TempDir(), withoutSettings(os.Environ()), theirs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close() // the process has its own
	lines := bufio.NewReader(ours)
	for !strings.Contains(said, "curfew login") {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after\n%s", err, said)
		}
		said += line
	}
	return said, func() string {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(lines) // a terminal ends with an error
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		return string(rest)
	}
}

// terminalPair opens a pseudoterminal: our side, and the side of a program.
func terminalPair(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	if err := unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}
