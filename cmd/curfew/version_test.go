package main

import (
	"runtime/debug"
	"testing"
)

// The version is what is known, and never more.
func TestTheVersionTellsTheTruth(t *testing.T) {
	t.Parallel()
	of := func(version, revision, modified string) *debug.BuildInfo {
		info := &debug.BuildInfo{Main: debug.Module{Version: version}}
		if revision != "" {
			info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: modified}}
		}
		return info
	}
	const hash = "0123456789abcdef0123456789abcdef01234567"
	for what, c := range map[string]struct {
		given build
		info  *debug.BuildInfo
		want  string
	}{
		"a release": {
			build{Version: "0.1.0", Commit: hash}, of("(devel)", "", ""), "curfew 0.1.0 (commit 0123456789ab, go, os/arch)",
		},
		"a release from an archive of the source": {
			build{Version: "0.1.0"}, of("(devel)", "", ""), "curfew 0.1.0 (go, os/arch)",
		},
		"go install of a tag": {
			build{}, of("v0.1.0", "", ""), "curfew 0.1.0 (go, os/arch)",
		},
		"a clone": {
			build{}, of("v0.1.1-0.20261128215559-0123456789ab", hash, "false"), "curfew 0.1.1-0.20261128215559-0123456789ab (commit 0123456789ab, go, os/arch)",
		},
		"a clone that was changed": {
			build{}, of("v0.1.1-0.20261128215559-0123456789ab+dirty", hash, "true"), "curfew 0.1.1-0.20261128215559-0123456789ab+dirty (go, os/arch)",
		},
		"a build without a history": {
			build{}, of("(devel)", "", ""), "curfew devel (go, os/arch)",
		},
		"a build of nothing known": {
			build{}, &debug.BuildInfo{}, "curfew devel (go, os/arch)",
		},
	} {
		c.given.Go, c.given.OS, c.given.Arch = "go", "os", "arch"
		if got := c.given.stamped(c.info).String(); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
}
