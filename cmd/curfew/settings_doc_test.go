package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite docs/settings.md from the settings")

const (
	settingsDoc = "../../docs/settings.md"
	tableBegins = "<!-- written by go test ./cmd/curfew -update -->\n"
	tableEnds   = "<!-- end -->\n"
)

// docs/settings.md has a row for every setting, with its flag, variable and
// default: the same words that --help has.
func TestTheDocumentHasEverySetting(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(settingsDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), tableBegins)
	_, after, ok := strings.Cut(rest, tableEnds)
	if !ok {
		t.Fatalf("%s lacks the lines around its table", settingsDoc)
	}
	want := before + tableBegins + settingsTable(settingsFlags(t)) + tableEnds + after
	if *update {
		if err := os.WriteFile(settingsDoc, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("%s is not what the settings are; go test ./cmd/curfew -update rewrites it\n%s", settingsDoc, diff)
	}
}

func settingsTable(flags []*kong.Flag) string {
	var b strings.Builder
	b.WriteString("| key | flag | variable | default | what |\n|---|---|---|---|---|\n")
	for _, f := range flags {
		value := ""
		if f.Default != "" {
			value = "`" + f.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `--%s` | `%s` | %s | %s |\n",
			key(f), f.Name, variable(key(f)), value, strings.ReplaceAll(f.Help, "|", "\\|"))
	}
	return b.String()
}

// What the document shows can be used as it stands.
func TestTheDocumentsExamplesAreRead(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(settingsDoc)
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for block := range strings.SplitSeq(string(text), "```yaml\n") {
		example, _, ok := strings.Cut(block, "```")
		if !ok || strings.HasPrefix(block, "# Settings") {
			continue
		}
		examples++
		if _, err := parse(t, "--config", write(t, example)); err != nil {
			t.Errorf("%v in\n%s", err, example)
		}
	}
	if examples != 8 {
		t.Errorf("found %d examples", examples)
	}
}
