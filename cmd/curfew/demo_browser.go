package main

import (
	"context"
	"os/exec"
	"runtime"
)

// browserLine returns the command line that opens an address on an operating system.
func browserLine(system, address string) []string {
	switch system {
	case "darwin":
		return []string{"open", address}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", address}
	}
	return []string{"xdg-open", address}
}

// openInBrowser asks the system to open an address. If that fails, people can use the link that has been printed.
func openInBrowser(ctx context.Context, term terminal, address string) {
	line := browserLine(runtime.GOOS, address)
	cmd := exec.CommandContext(context.WithoutCancel(ctx), line[0], line[1:]...) //nolint:gosec // G204: our own words and our own address
	if err := cmd.Start(); err != nil {
		term.notef("No browser was opened (%v): open the link yourself.\n\n", err)
		return
	}
	go cmd.Wait() //nolint:errcheck // the browser's end is nobody's business; waiting leaves no zombie
}
