package stripe

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Maximum lengths of texts, in bytes.
const (
	maxEmail    = 320
	maxName     = 200
	maxMetadata = 500 // as Stripe itself says
	maxReason   = 200
	maxShown    = 64 // of a value that is wrong
)

// reason combines a code with its meaning in words, as far as Stripe supplies them.
func reason(code, message string) string {
	if code == "" || message == "" {
		return code + message
	}
	return code + ": " + message
}

// shown returns text for display: without control characters, and cut between
// characters.
func shown(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
