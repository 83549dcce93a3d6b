package wire

import (
	"regexp"
	"strings"

	"github.com/curfewhq/curfew"
)

// Bearer returns the part of a curl command that authenticates the caller. It has no quotes, because JSON would
// escape them and the command is pasted from there.
func Bearer(role curfew.Role) string {
	return "--oauth2-bearer $(curfew token --role " + string(role) + " --subject me)"
}

// plainWord matches what a shell takes as one word without quotes.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9._~/:%@-]+$`)

// ShellQuote returns a text as one word of a shell command.
func ShellQuote(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
