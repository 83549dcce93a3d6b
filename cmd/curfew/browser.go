package main

import (
	"context"
	"net"
	"net/url"
	"os/exec"
	"runtime"
	"time"

	"github.com/curfewhq/curfew/internal/auth"
)

// refusesWithin is how long the program that opens browsers has to say that there is none. One that goes on is the
// browser itself.
const refusesWithin = 2 * time.Second

// browserLine returns the command that opens an address on a system.
func browserLine(system, address string) []string {
	switch system {
	case "darwin":
		return []string{"open", address}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", address}
	}
	return []string{"xdg-open", address}
}

// openInBrowser asks the system to open an address. If that fails, it says how people open the link that has been
// printed.
func openInBrowser(ctx context.Context, term terminal, address string) {
	line := browserLine(runtime.GOOS, address)
	if err := begins(exec.CommandContext(context.WithoutCancel(ctx), line[0], line[1:]...)); err != nil { //nolint:gosec // G204: our own words and our own address
		term.notef("No browser was opened (%s: %v): open the link yourself, in a browser on this machine.%s\n", line[0], err, tunnel(address))
	}
}

// begins starts a command. The error says that it could not be started, or failed soon.
func begins(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // waiting leaves no zombie
	select {
	case err := <-ended:
		return err
	case <-time.After(refusesWithin):
		return nil
	}
}

// tunnel says how a browser on another machine reaches an address of this one; empty if it needs no help.
func tunnel(address string) string {
	at, err := url.Parse(address)
	if err != nil || !auth.Local(address) {
		return ""
	}
	return "\nFor one on another machine, run there first: ssh -N -L " + at.Port() + ":" + net.JoinHostPort(at.Hostname(), at.Port()) + " THIS-HOST"
}
