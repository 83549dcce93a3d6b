package main

import (
	"context"
	"os/exec"
	"runtime"
)

// openInBrowser asks the system to open an address. Where that fails, the
// address has been printed.
func openInBrowser(ctx context.Context, term terminal, address string) {
	line := map[string][]string{
		"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"},
	}[runtime.GOOS]
	if line == nil {
		line = []string{"xdg-open"}
	}
	line = append(line, address)
	cmd := exec.CommandContext(context.WithoutCancel(ctx), line[0], line[1:]...)
	if err := cmd.Start(); err != nil {
		term.notef("No browser was opened (%v): open the link yourself.\n\n", err)
		return
	}
	go cmd.Wait() //nolint:errcheck // the browser's end is nobody's business; waiting leaves no zombie
}
