package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// The version is the newest in the changelog, or says that the source has gone on since.
func TestTheVersionIsTheChangelogs(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ changelog, version, date, wrong string }{
		"a release": {
			changelog: "## [Unreleased]\n\n## [0.2.0] - 2027-01-05\n\n- New.\n\n## [0.1.0] - 2026-11-28\n", version: "0.2.0", date: "2027-01-05",
		},
		"a release without the heading for what comes": {changelog: "## [0.2.0] - 2027-01-05\n\n- New.\n", version: "0.2.0", date: "2027-01-05"},
		"something since": {
			changelog: "## [Unreleased]\n\n### Fixed\n\n- A bug.\n\n## [0.1.3] - 2026-11-28\n\n- New.\n", version: "0.2.0-dev", date: "2026-11-28",
		},
		"nothing yet":           {changelog: "## [Unreleased]\n\n- New.\n", wrong: "names no version"},
		"a version without day": {changelog: "## [0.2.0]\n", wrong: "0.2.0 has no date"},
		"a word for a version":  {changelog: "## [Unreleased]\n\n- New.\n\n## [first] - 2026-11-28\n", wrong: `"first" is no version`},
	} {
		version, date, err := versionOf(c.changelog)
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		if err != nil || version != c.version || date.Format(time.DateOnly) != c.date {
			t.Errorf("%s: %s of %s (%v)", what, version, date, err)
		}
	}
}

// What comes before a release sorts before it, for dpkg and rpm.
func TestWhatComesBeforeAReleaseSortsBeforeIt(t *testing.T) {
	t.Parallel()
	if got := debVersion("0.2.0-dev"); got != "0.2.0~dev" {
		t.Error(got)
	}
}

// The order of files, and the time, are no accident of the moment.
func TestAnArchiveIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	at := time.Unix(1795824000, 0).UTC()
	one, two := []file{{name: "b/x", mode: 0o644, body: []byte("1")}, {name: "a", mode: 0o755}}, []file{{name: "a", mode: 0o755}, {name: "b/x", mode: 0o644, body: []byte("1")}}
	for name, pack := range map[string]func([]file, time.Time) ([]byte, error){"tar": tarball, "zip": zipped} {
		first, err := pack(one, at)
		if err != nil {
			t.Fatal(err)
		}
		second, err := pack(two, at)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s: two orders of the same files make two archives (%v)", name, err)
		}
	}
}

// The roots that an image trusts are those of the public list.
func TestTheImageTrustsThePublicRoots(t *testing.T) {
	t.Parallel()
	if n := bytes.Count(roots(), []byte("BEGIN CERTIFICATE")); n < 100 {
		t.Errorf("%d roots", n)
	}
}
