package main

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// Release builds set these: -ldflags "-X main.release=1.2.3 -X main.commit=…". The commit stays
// empty if the source has no history or differs from the commit.
var release, commit string

// build is what is known about how this program was built.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"` // empty: unknown
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// version returns the version of this build, as the changelog and package managers write it: 1.2.3.
// A build that is not a release, and does not know its place in the history, is "devel".
func version() string { return thisBuild().Version }

func thisBuild() build {
	b := build{Version: release, Commit: commit, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return b.stamped(info)
}

// stamped fills in what the toolchain recorded. It takes nothing from a source that was changed
// after its commit.
func (b build) stamped(info *debug.BuildInfo) build {
	of := map[string]string{}
	for _, s := range info.Settings {
		of[s.Key] = s.Value
	}
	if b.Commit == "" && of["vcs.modified"] == "false" {
		b.Commit = of["vcs.revision"]
	}
	if v := info.Main.Version; b.Version == "" && v != "" && v != "(devel)" {
		b.Version = strings.TrimPrefix(v, "v")
	}
	if b.Version == "" {
		b.Version = "devel"
	}
	return b
}

// String is what curfew version prints.
func (b build) String() string {
	from := ""
	if b.Commit != "" {
		from = "commit " + b.Commit[:min(len(b.Commit), 12)] + ", "
	}
	return "curfew " + b.Version + " (" + from + b.Go + ", " + b.OS + "/" + b.Arch + ")"
}

type versionCommand struct {
	JSON bool `help:"Print JSON."`
}

// Run prints the version.
func (c *versionCommand) Run(term terminal) error {
	if c.JSON {
		return term.json(thisBuild())
	}
	term.printf("%s\n", thisBuild())
	return nil
}

// versionFlag is --version, which works like --help whatever the settings are.
type versionFlag bool

// BeforeReset implements kong's hook.
func (versionFlag) BeforeReset(app *kong.Kong) error {
	if err := (&versionCommand{}).Run(terminal{out: app.Stdout, err: app.Stderr}); err != nil {
		return err
	}
	app.Exit(0)
	return nil
}
