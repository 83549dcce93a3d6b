package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew/internal/config"
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

// The document shows each list and each map as JSON in a variable, and each is read.
func TestTheDocumentsVariablesAreRead(t *testing.T) {
	text, err := os.ReadFile(settingsDoc)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n## Lists and maps in a variable\n")
	_, rest, _ = strings.Cut(rest, "```sh\n")
	block, _, _ := strings.Cut(rest, "```")
	var shown, want []string
	for line := range strings.Lines(block) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		t.Setenv(name, strings.Trim(value, "'"))
		shown = append(shown, name)
	}
	s, err := parse(t)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.policy(); err != nil {
		t.Error(err)
	}
	for _, f := range settingsFlags(t) {
		if kind := f.Target.Type(); config.IsList(kind) || config.IsMap(kind) {
			want = append(want, variable(key(f)))
		}
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Error(diff)
	}
	if got := s.AllowedOrigins.All; len(got) != 2 || got[1] != "https://staff.example.org" {
		t.Errorf("the origins are %q", got)
	}
	if got := s.Approvals.RefundsOver.ByCurrency; got["eur"] != 50000 || len(got) != 2 {
		t.Errorf("the amounts are %v", got)
	}
}

// The settings file writes a list as YAML, and nothing else as a list.
func TestAListInTheFile(t *testing.T) {
	t.Parallel()
	s, err := parse(t, "--config", write(t, "stripe: {customer_keys: [user, customer_id]}\nallowed_origins:\n  - https://app.example.org\n"))
	if err != nil || cmp.Diff([]string{"user", "customer_id"}, s.Stripe.CustomerKeys.Names) != "" || len(s.AllowedOrigins.All) != 1 {
		t.Errorf("read %v, %v (%v)", s.Stripe.CustomerKeys, s.AllowedOrigins, err)
	}
	for text, want := range map[string]string{
		"waiting_ttl: [1m]\n":                  "waiting_ttl: must be one value, or a mapping of names to values",
		"auth: {issuer: [a, b]}\n":             "auth.issuer: must be one value, or a mapping of names to values",
		"allowed_origins: []\n":                "allowed_origins: must not be empty: give it a value or leave it out",
		"trusted_proxies: [10.1.2.0/24, x]\n":  `trusted_proxies: "x" is not a network: write it like 10.1.2.0/24`,
		"stripe.customer_keys: [user, user]\n": "stripe.customer_keys: user is set twice",
		"stripe.webhook_secret: [a, {b: c}]\n": "stripe.webhook_secret: must be one value",
	} {
		file := write(t, text)
		_, err := parse(t, "--config", file)
		checkRefusal(t, err, file+" line 1: "+want)
	}
}
