package main

import (
	"bytes"
	_ "embed"
	"os"
	"path/filepath"
	"strings"
)

var (
	//go:embed files/curfew.env
	envFile []byte
	//go:embed files/postinst
	postinst []byte
	//go:embed files/prerm
	prerm []byte
	//go:embed files/postrm
	postrm []byte
)

// What packages say of themselves.
const (
	homepage    = "https://github.com/curfewhq/curfew"
	maintainer  = "Curfew <https://github.com/curfewhq/curfew/issues>"
	summary     = "session keeper of a paid live-help marketplace"
	description = "Curfew ends every session that is overdue and gives every payment an outcome. It is one static program: service, console and command line, on SQLite or PostgreSQL."
)

// debVersion is a version as dpkg and rpm order it: what comes before a release sorts before it.
func debVersion(version string) string { return strings.Replace(version, "-", "~", 1) }

// installed is where a package of Linux puts everything. The service is the one of deploy/systemd.
func (r *release) installed(p program, zsh string) ([]file, error) {
	unit, err := os.ReadFile(filepath.Join(r.source, "deploy/systemd/curfew.service"))
	if err != nil {
		return nil, err
	}
	_, unit, _ = bytes.Cut(unit, []byte("\n\n")) // the comment above tells how to install it by hand
	manual, err := gzipped(r.text("man/curfew.1"))
	if err != nil {
		return nil, err
	}
	changes, err := gzipped(r.text("CHANGELOG.md"))
	if err != nil {
		return nil, err
	}
	return []file{
		{name: "usr/bin/curfew", mode: 0o755, body: p.body},
		{name: "usr/lib/systemd/system/curfew.service", mode: 0o644, body: replaced(unit, "/usr/local/bin/curfew", "/usr/bin/curfew")},
		{name: "usr/share/man/man1/curfew.1.gz", mode: 0o644, body: manual},
		{name: "usr/share/bash-completion/completions/curfew", mode: 0o644, body: r.text("completions/curfew.bash")},
		{name: "usr/share/zsh/" + zsh + "/_curfew", mode: 0o644, body: r.text("completions/_curfew")},
		{name: "usr/share/fish/vendor_completions.d/curfew.fish", mode: 0o644, body: r.text("completions/curfew.fish")},
		{name: "usr/share/doc/curfew/copyright", mode: 0o644, body: r.text("LICENSE")},
		{name: "usr/share/doc/curfew/changelog.gz", mode: 0o644, body: changes},
		{name: "etc/curfew/curfew.env", mode: 0o600, body: envFile},
	}, nil
}
