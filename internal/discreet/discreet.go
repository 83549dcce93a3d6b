// Package discreet keeps personal data and secrets out of logs: it hides attributes by name, and
// anything that looks like an e-mail address. Types that hold a name or an address hide them by a
// LogValue of their own.
package discreet

import (
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
)

const (
	// Hidden stands for a value that a log does not show.
	Hidden = "[hidden]"
	// Address stands for an e-mail address within a text.
	Address = "[address]"
)

// denied are the names of attributes whose values are hidden: of people, of how to reach them,
// of what they wrote, and of what proves who calls.
var denied = []string{
	"address", "body", "email", "mail", "metadata", "name", "note", "phone", "reason", "recipient",
	"authorization", "cookie", "password", "secret", "signature", "ticket", "token",
}

// Denied reports whether the value of an attribute with this name is hidden: customer_name is,
// and key_id is not.
func Denied(key string) bool {
	words := strings.FieldsFunc(strings.ToLower(key), func(r rune) bool { return r == '_' || r == '-' || r == '.' || r == ' ' })
	return len(words) > 0 && slices.Contains(denied, words[len(words)-1])
}

// address matches what looks like an e-mail address.
var address = regexp.MustCompile(`[^\s"'<>(),;:=/\\\[\]]+@[^\s"'<>(),;:=/\\\[\]]*[\pL\pN]`)

// Text is a text without what looks like an e-mail address.
func Text(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	return address.ReplaceAllString(text, Address)
}

// Replace is for slog.HandlerOptions.ReplaceAttr.
func Replace(_ []string, a slog.Attr) slog.Attr {
	if Denied(a.Key) && a.Value.Kind() != slog.KindGroup {
		a.Value = slog.StringValue(Hidden)
		return a
	}
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(Text(a.Value.String()))
	case slog.KindAny:
		if text := fmt.Sprintf("%+v", a.Value.Any()); strings.Contains(text, "@") {
			a.Value = slog.StringValue(Text(text))
		}
	}
	return a
}
