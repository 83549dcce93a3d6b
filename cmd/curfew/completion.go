package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help explains how to use the script.
func (*completionCommand) Help() string {
	return `For this shell:

  source <(curfew completion bash)
  source <(curfew completion zsh)
  curfew completion fish | source

Packages install the scripts where shells look for them.`
}

// Run prints the script, generated from the existing commands.
func (c *completionCommand) Run(term terminal) error {
	table, err := commandTable(term)
	if err != nil {
		return err
	}
	write := map[string]func(*kong.Node) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	term.printf("%s", write(table))
	return nil
}

// completion is what the scripts for bash and zsh need: what can follow the words typed so far.
type completion struct {
	paths   []string          // of all commands
	next    map[string]string // the commands that can follow a path, for the shell to read
	flags   map[string]string // the flags of a path; those of "" can follow every command
	values  map[string]string // the values of a flag that has a list of them
	valued  []string          // the flags that a value follows
	pathful []string          // of these, those that name a file or a folder
}

// completionOf collects it. Function entry writes a command or a flag with its help text.
func completionOf(table *kong.Node, entry func(name, help string) string) completion {
	c := completion{next: map[string]string{}, flags: map[string]string{}, values: map[string]string{}}
	c.add("", table.Flags, entry)
	eachCommand(table, func(n *kong.Node) {
		c.paths = append(c.paths, pathOf(n))
		c.next[pathOf(n.Parent)] += entry(n.Name, n.Help)
		c.add(pathOf(n), ownFlags(n), entry)
		for _, p := range n.Positional {
			for _, value := range valuesOf(p) {
				c.next[pathOf(n)] += entry(value, "")
			}
		}
	})
	return c
}

func (c *completion) add(path string, flags []*kong.Flag, entry func(name, help string) string) {
	for _, f := range flags {
		name := "--" + f.Name
		c.flags[path] += entry(name, f.Help)
		if !takesValue(f) {
			continue
		}
		c.valued = append(c.valued, name)
		if takesPath(f) {
			c.pathful = append(c.pathful, name)
		}
		if list := valuesOf(f.Value); list != nil {
			c.values[name] = strings.Join(list, " ")
		}
	}
}

// fishCompletion writes one line for each thing that can be completed.
func fishCompletion(table *kong.Node) string {
	var b strings.Builder
	b.WriteString("# fish completion for curfew, printed by curfew completion fish\ncomplete -c curfew -f\n")
	fishFlags(&b, "", table.Flags)
	eachCommand(table, func(n *kong.Node) {
		fmt.Fprintf(&b, "complete -c curfew -n %s -a %s -d %s\n", fishQuoted(fishBefore(n)), n.Name, fishQuoted(summary(n.Help)))
		fishFlags(&b, " -n "+fishQuoted(fishAfter(n)), ownFlags(n))
		for _, p := range n.Positional {
			if list := valuesOf(p); list != nil {
				fmt.Fprintf(&b, "complete -c curfew -n %s -a %s\n", fishQuoted(fishAfter(n)), fishQuoted(strings.Join(list, " ")))
			}
		}
	})
	return b.String()
}

func fishFlags(b *strings.Builder, when string, flags []*kong.Flag) {
	for _, f := range flags {
		fmt.Fprintf(b, "complete -c curfew%s -l %s", when, f.Name)
		switch list := valuesOf(f.Value); {
		case !takesValue(f):
		case list != nil:
			b.WriteString(" -x -a " + fishQuoted(strings.Join(list, " ")))
		case takesPath(f):
			b.WriteString(" -r -F")
		default:
			b.WriteString(" -x")
		}
		b.WriteString(" -d " + fishQuoted(summary(f.Help)) + "\n")
	}
}

// fishBefore returns a test that is true where a command can follow: after its parents and before
// any of its siblings.
func fishBefore(n *kong.Node) string {
	if n.Parent.Parent == nil {
		return "__fish_use_subcommand"
	}
	var siblings []string
	for _, s := range n.Parent.Children {
		siblings = append(siblings, s.Name)
	}
	return fishAfter(n.Parent) + "; and not __fish_seen_subcommand_from " + strings.Join(siblings, " ")
}

// fishAfter returns a test that is true after a command.
func fishAfter(n *kong.Node) string {
	test := "__fish_seen_subcommand_from " + n.Name
	if n.Parent.Parent == nil {
		return test
	}
	return fishAfter(n.Parent) + "; and " + test
}

func fishQuoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// summary returns the first sentence of a help text.
func summary(help string) string {
	help, _, _ = strings.Cut(help, ". ")
	return strings.TrimSuffix(help, ".")
}
