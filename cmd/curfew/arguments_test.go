package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// valued lists the flags of a command that take a value. Some flags are common
// to all commands, so only one command tries those.
func valued(node *kong.Node, everybodys bool) []*kong.Flag {
	var all []*kong.Flag
	for n := node; n != nil && (everybodys || n.Parent != nil); n = n.Parent {
		for _, f := range n.Flags {
			if !f.IsBool() && f.Name != "help" {
				all = append(all, f)
			}
		}
	}
	return all
}

func commands(t *testing.T) []*kong.Node {
	t.Helper()
	var line commandLine
	parser, err := newParser(&line, terminal{&bytes.Buffer{}, &bytes.Buffer{}, false})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Leaves(true)
}

// For every flag of every command, an empty value is a mistake of the caller,
// whose variable was not set. It never means everybody.
func TestNoFlagMayBeEmpty(t *testing.T) {
	t.Parallel()
	for n, command := range commands(t) {
		words := strings.Fields(command.FullPath())[1:]
		for i, word := range words { // positional ones stand in the path, too
			if strings.HasPrefix(word, "<") || strings.HasPrefix(word, "[") {
				words = words[:i]
				break
			}
		}
		for i, f := range valued(command, n == 0) {
			forms := [][]string{{"--" + f.Name + "="}, {"--" + f.Name, ""}, {"--" + f.Name + "= "}, {"--" + f.Name, "\t"}}
			if testing.Short() { // the forms take turns
				forms = forms[(n+i)%len(forms):][:1]
			}
			for _, empty := range forms {
				var said bytes.Buffer
				code := run(t.Context(), append(append([]string{}, words...), empty...), terminal{&bytes.Buffer{}, &said, false})
				if code != exitUsage || !strings.Contains(said.String(), "--"+f.Name+" must not be empty") {
					t.Errorf("%v %q: exit %d, %s", words, empty, code, &said)
				}
			}
		}
		for _, p := range command.Positional {
			var said bytes.Buffer
			if code := run(t.Context(), append(append([]string{}, words...), ""), terminal{&bytes.Buffer{}, &said, false}); code != exitUsage {
				t.Errorf("%v with an empty %s: exit %d, %s", words, p.Name, code, &said)
			}
		}
	}
}

// What is not visible as such is refused, naming its code point.
func TestArgumentsShowAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"check", "kim\u202e"},
		{"cleanup", "--reason=a\u200bb"},
		{"cleanup", "--customer", "kim\u2066"},
		{"explain", "\ufeffkim"},
		{"checkouts", "refund", "p", "--reason", "a\x1b[2J"},
		{"checkouts", "list", "--outcome", ","},
		{"webhooks", "add", "https://example.org", "--events", ",session.accepted"},
	} {
		var said bytes.Buffer
		code := run(t.Context(), args, terminal{&bytes.Buffer{}, &said, false})
		if code != exitUsage || !strings.Contains(said.String(), "U+") && !strings.Contains(said.String(), "empty entry") {
			t.Errorf("%q: exit %d, %s", args, code, &said)
		}
	}
}

// Of a flag that is given twice only one value could count, so neither does. Lists and settings may be repeated.
func TestNoFlagIsGivenTwice(t *testing.T) {
	t.Parallel()
	none := "--database-url=sqlite:" + filepath.Join(t.TempDir(), "none.db")
	for sentence, c := range map[string]struct {
		args  []string
		twice bool
	}{
		"whose":    {[]string{"cleanup", "--customer", "kim", "--customer=lea", "--dry-run"}, true},
		"why":      {[]string{"undo", "r", "--reason=a", "--reason=b"}, true},
		"a list":   {[]string{"cleanup", "--rule=noShows", "--rule=due", "--dry-run"}, false},
		"settings": {[]string{"cleanup", "--waiting-ttl=1m", "--waiting-ttl=2m", "--dry-run"}, false},
	} {
		var said bytes.Buffer
		code := run(t.Context(), append(c.args, none), terminal{&bytes.Buffer{}, &said, false})
		if twice := code == exitUsage && strings.Contains(said.String(), "is given twice: give it once"); twice != c.twice {
			t.Errorf("%s: exit %d, %s", sentence, code, &said)
		}
	}
}

func TestNoSettingMayBeEmpty(t *testing.T) {
	var line commandLine
	parser, err := newParser(&line, terminal{&bytes.Buffer{}, &bytes.Buffer{}, false})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range parser.Model.Flags {
		k := key(f)
		if k == "" {
			continue
		}
		forms := []string{"", " "}
		if testing.Short() { // the forms take turns, and so do the places
			forms = forms[i%2:][:1]
		}
		for n, empty := range forms {
			if !testing.Short() || (i+n)%4 < 2 {
				t.Run(fmt.Sprintf("%s=%q", variable(k), empty), func(t *testing.T) {
					t.Setenv(variable(k), empty)
					refused(t, variable(k))
				})
			}
			if !testing.Short() || (i+n)%4 >= 2 {
				refused(t, k, "--config", write(t, fmt.Sprintf("%s: %q\n", k, empty)))
			}
		}
	}
	t.Setenv(configVariable, "")
	refused(t, configVariable)
}

func refused(t *testing.T, name string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	args = append([]string{"check", "kim", "--database-url=sqlite:" + filepath.Join(t.TempDir(), "none.db")}, args...)
	code := run(t.Context(), args, terminal{&bytes.Buffer{}, &said, false})
	if code != exitUsage || !strings.Contains(said.String(), name+":") {
		t.Errorf("%s: exit %d, %s", name, code, &said)
	}
}
