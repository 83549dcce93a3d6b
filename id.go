package curfew

import (
	"strings"
	"unicode/utf8"
)

// MaxID is the longest customer or mechanic id, in bytes.
const MaxID = 128

// MaxRef is the longest payment reference or idempotency key, in bytes.
const MaxRef = 255

// CheckID checks a customer's or mechanic's id. Ids are the marketplace's own: opaque
// text of 1 to MaxID bytes that is not blank and holds neither control characters nor
// invisible ones. The error names the field; its kind is Invalid.
func CheckID(field, text string) error { return checkText(field, text, MaxID) }

// CheckRef is CheckID for payment references and idempotency keys, up to
// MaxRef bytes.
func CheckRef(field, text string) error { return checkText(field, text, MaxRef) }

func checkText(field, text string, most int) error {
	switch {
	case text == "":
		return Errorf(Invalid, "%s must not be empty", field)
	case len(text) > most:
		return Errorf(Invalid, "%s must have at most %d bytes, not %d", field, most, len(text))
	case !utf8.ValidString(text):
		return Errorf(Invalid, "%s must be valid UTF-8", field)
	case strings.TrimSpace(text) == "":
		return Errorf(Invalid, "%s must not be blank", field)
	}
	return checkVisible(field, text, invisible)
}
