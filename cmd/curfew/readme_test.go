package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// The README's second terminal, as printed: from a paid checkout to an accepted
// session to health.
func TestTheLinesOfTheReadmeWork(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	try, _, _ := strings.Cut(string(readme), "## See it move")
	blocks := shellBlock.FindAllStringSubmatch(try, -1)
	if len(blocks) != 4 || blocks[0][1] != "make run\n" {
		t.Fatalf("the README begins with %d blocks: %q", len(blocks), blocks)
	}
	dir := t.TempDir()
	p := serving(t, dir, nil)
	script := ""
	for _, b := range blocks[1:] {
		script += b[1]
	}
	out := bash(t, dir, strings.ReplaceAll(script, "http://127.0.0.1:3001", p.url))
	for what, want := range map[string]string{
		"the paid checkout":   `"outcome":"fulfilled"`,
		"the second payment":  `"outcome":"deferred"`,
		"the check":           "kim is blocked.",
		"the whole story":     "Customer kim is blocked by session",
		"the accepted one":    `"mechanicId":"mia"`,
		"the health report":   `"recommendations":["All systems healthy"]`,
		"the health for eyes": "Healthy.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s: no %s in\n%s", what, want, out)
		}
	}
}

// bash runs lines in a folder that has bin/curfew, and returns what they print.
func bash(t *testing.T, dir, lines string) string {
	t.Helper()
	program, err := exec.LookPath("curfew")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(dir, "bin", "curfew")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", lines)
	cmd.Dir, cmd.Env = dir, withoutSettings(os.Environ())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
