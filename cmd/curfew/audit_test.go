package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/curfewhq/curfew/internal/httpapi"
)

// What a command is called in the audit log is the operation of a route, and each that is named is a command. One that
// nobody has named is audited by its words.
func TestCommandsAreAudited(t *testing.T) {
	t.Parallel()
	var line commandLine
	parser, err := newParser(&line, terminal{})
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, leaf := range parser.Model.Leaves(false) {
		commands = append(commands, commandWords(leaf))
	}
	for words, action := range commandActions {
		if !slices.Contains(commands, words) {
			t.Errorf("there is no command %q", words)
		}
		if !slices.Contains(httpapi.Operations(), action) && action != "exportAudit" {
			t.Errorf("%s is called %s, which is no operation", words, action)
		}
	}
	for words := range unnoted {
		if !slices.Contains(commands, words) {
			t.Errorf("there is no command %q", words)
		}
	}
}

func commandWords(leaf *kong.Node) string {
	var words []string
	for n := leaf; n.Type == kong.CommandNode; n = n.Parent {
		words = append([]string{n.Name}, words...)
	}
	return strings.Join(words, " ")
}
