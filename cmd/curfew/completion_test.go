package main

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// table is the commands that there are.
func table(t *testing.T) *kong.Node {
	t.Helper()
	n, err := commandTable(terminal{out: &bytes.Buffer{}, err: &bytes.Buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What bash would suggest, from the script in a real bash.
func TestBashCompletesWhatCanBeTyped(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]struct{ has, not string }{
		"curfew che":                               {"check checkouts", "cleanup"},
		"curfew checkouts ":                        {"list show refund", "serve --json"},
		"curfew checkouts list --":                 {"--json --customer --waiting-ttl --help", "list"},
		"curfew --log-format ":                     {"text json", "serve"},
		"curfew serve --log-format = js":           {"json", "text"},
		"curfew --log-level debug serve --sweep":   {"--sweeper", "--json"},
		"curfew --sweeper ":                        {"on off", "serve"},
		"curfew check --json=":                     {"", "serve"},
		"curfew token --role admin ":               {"inspect revoke", "serve"},
		"curfew completion ":                       {"bash zsh fish", "serve"},
		"curfew help ":                             {"", "list"},
		"curfew preflight --database-url serve --": {"--backup", "--role"},
		"curfew --config /et":                      {"/etc", "serve"},
	} {
		words := strings.Split(line, " ")
		script := bashCompletion(table(t)) + "\nCOMP_WORDS=(" + strings.Join(quotedWords(words), " ") + ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_curfew\n" + `echo "${COMPREPLY[*]}"`
		out, err := exec.CommandContext(t.Context(), "bash", "-uc", script).CombinedOutput()
		if err != nil {
			t.Errorf("%q: %v\n%s", line, err, out)
			continue
		}
		got := strings.Fields(string(out))
		for _, w := range strings.Fields(want.has) {
			if !slices.Contains(got, w) {
				t.Errorf("%q: no %s in %v", line, w, got)
			}
		}
		for _, w := range strings.Fields(want.not) {
			if slices.Contains(got, w) {
				t.Errorf("%q: %s in %v", line, w, got)
			}
		}
	}
}

func quotedWords(words []string) (all []string) {
	for _, w := range words {
		all = append(all, "'"+w+"'")
	}
	return all
}

// zsh and fish read their scripts, where they are installed.
func TestTheOtherShellsReadTheirScripts(t *testing.T) {
	t.Parallel()
	for shell, script := range map[string]string{"zsh": zshCompletion(table(t)), "fish": fishCompletion(table(t))} {
		for _, want := range []string{"checkouts", "refund", "waiting-ttl", "debug", "inspect"} {
			if !strings.Contains(script, want) {
				t.Errorf("the completion for %s lacks %s", shell, want)
			}
		}
		program, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("there is no %s here that could read its script", shell)
			continue
		}
		cmd := exec.CommandContext(t.Context(), program, "-n", "/dev/stdin")
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}

// The manual has every command and every setting, and nothing that roff takes for its own.
func TestTheManualHasEverything(t *testing.T) {
	t.Parallel()
	page := manual(table(t))
	plain := strings.NewReplacer(`\-`, "-", `\(dq`, `"`).Replace(page)
	eachCommand(table(t), func(n *kong.Node) {
		if !strings.Contains(plain, "\n.B curfew "+n.Summary()+"\n") {
			t.Errorf("the manual has no %s", pathOf(n))
		}
	})
	for _, f := range table(t).Flags {
		if key(f) != "" && !strings.Contains(plain, "--"+f.Name+` " (`+key(f)+", $"+variable(key(f))+`)"`) {
			t.Errorf("the manual has no %s", key(f))
		}
	}
	for line := range strings.Lines(page) {
		if name, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); strings.HasPrefix(name, ".") &&
			!slices.Contains([]string{".TH", ".SH", ".TP", ".B", ".BR", ".I", ".RS", ".RE"}, name) {
			t.Errorf("roff knows no %s: %s", name, line)
		}
	}
}
