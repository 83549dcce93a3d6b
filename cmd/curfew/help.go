package main

import (
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/curfewhq/curfew/internal/config"
)

// helpCommand only appears in the list of commands. It never runs: helpArgs has turned it into
// --help, which works whatever the settings are.
type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command, and its subcommand."`
}

// helpArgs turns `curfew help [COMMAND]…` into `curfew [COMMAND]… --help`.
func helpArgs(args []string) []string {
	if len(args) == 0 || args[0] != "help" {
		return args
	}
	return append(slices.Clone(args[1:]), "--help")
}

// commandTable returns every command that can be typed, in the order of the help, for completions
// and the man page.
func commandTable(term terminal) (*kong.Node, error) {
	parser, err := newParser(&commandLine{}, term)
	if err != nil {
		return nil, err
	}
	return parser.Model.Node, nil
}

// eachCommand calls do with every visible command below a node; subcommands come after their
// parent.
func eachCommand(n *kong.Node, do func(*kong.Node)) {
	for _, child := range n.Children {
		if child.Type == kong.CommandNode && !child.Hidden {
			do(child)
			eachCommand(child, do)
		}
	}
}

// ownFlags returns the flags of a command, without settings and --help.
func ownFlags(n *kong.Node) []*kong.Flag {
	return slices.DeleteFunc(slices.Clone(n.Flags), func(f *kong.Flag) bool { return f.Hidden || key(f) != "" || f.Name == "help" })
}

// takesValue reports whether a value follows a flag.
func takesValue(f *kong.Flag) bool { return !f.IsBool() && !f.IsCounter() }

// takesPath reports whether a flag's value is the name of a file or a folder.
func takesPath(f *kong.Flag) bool { return f.PlaceHolder == "FILE" || f.PlaceHolder == "DIR" }

// words lists the only possible values of some types of settings.
var words = map[reflect.Type][]string{
	reflect.TypeFor[config.OnOff]():     {"on", "off"},
	reflect.TypeFor[config.LogFormat](): {"text", "json"},
	reflect.TypeFor[config.LogLevel]():  {"debug", "info", "warn", "error"},
}

// valuesOf returns the values that a flag can have; nil if there is no list of them.
func valuesOf(v *kong.Value) []string {
	if v.Enum != "" {
		return slices.DeleteFunc(v.EnumSlice(), func(text string) bool { return text == "" })
	}
	return words[v.Target.Type()]
}

// pathOf returns a command's words without the program's name: "checkouts list".
func pathOf(n *kong.Node) string {
	if n.Parent == nil {
		return ""
	}
	return strings.TrimSpace(pathOf(n.Parent) + " " + n.Name)
}
