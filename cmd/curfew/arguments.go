package main

import (
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/curfewhq/curfew"
)

// breaks are the control characters allowed in JSON on the command line.
var breaks = strings.NewReplacer("\n", " ", "\r", " ", "\t", " ")

// checkArgs rejects empty arguments: with an unset variable, --customer "$ID" would mean everybody. It also rejects
// text that is displayed differently from what it is.
func checkArgs(args []string) error {
	for i, arg := range args {
		what, text := "argument "+arg, arg
		if name, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(arg, "--") {
			what, text = name, value
		} else if i > 0 && strings.HasPrefix(args[i-1], "--") && !strings.Contains(args[i-1], "=") && !strings.HasPrefix(arg, "--") {
			what = args[i-1]
		}
		if strings.TrimSpace(text) == "" && strings.HasPrefix(what, "--") {
			return usagef("%s must not be empty: give it a value or leave it out", what)
		}
		if err := curfew.CheckText(curfew.Visible(what), breaks.Replace(text)); err != nil {
			return usageError{err}
		}
	}
	return nil
}

// checkParsed rejects empty positional arguments, lists with an empty entry, and a command's flag
// given twice, of which only the last would count. A setting may be given twice: the last one
// counts. The commands check customer ids themselves.
func checkParsed(parsed *kong.Context) error {
	given := map[*kong.Flag]bool{}
	for _, p := range parsed.Path {
		if f := p.Flag; f != nil && !p.Resolved && key(f) == "" && !f.IsBool() && !f.IsCumulative() {
			if given[f] {
				return usagef("--%s is given twice: give it once", f.Name)
			}
			given[f] = true
		}
		if p.Positional != nil && p.Positional.Name != "customer" {
			if text, ok := p.Positional.Target.Interface().(string); ok && strings.TrimSpace(text) == "" {
				return usagef("%s must not be empty", p.Positional.Name)
			}
		}
		if p.Flag != nil && !p.Resolved && hasBlank(p.Flag.Target) {
			return usagef("--%s has an empty entry: write one value after the other, with a comma between them", p.Flag.Name)
		}
	}
	return nil
}

// hasBlank reports whether a list has a blank entry, or no entry at all.
func hasBlank(list reflect.Value) bool {
	texts, ok := list.Interface().([]string)
	for _, text := range texts {
		if strings.TrimSpace(text) == "" {
			return true
		}
	}
	return ok && len(texts) == 0
}
