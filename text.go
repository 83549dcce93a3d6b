package curfew

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxEmail is the longest e-mail address, in bytes (RFC 3696, erratum 1690: 254;
// 320 is what its parts could be).
const maxEmail = 320

// CheckText checks a text for people, such as a name or a reason. It may be empty.
// Characters that do not show, or that reorder the text, can make one text look like
// another, so they are refused. The error names the code point; its kind is Invalid.
func CheckText(field, text string) error {
	if !utf8.ValidString(text) {
		return Errorf(Invalid, "%s must be valid UTF-8", field)
	}
	return checkVisible(field, text, hiddenInText)
}

// CheckEmail checks an e-mail address. The kind of its error is Invalid.
func CheckEmail(field, text string) error {
	if err := checkText(field, text, maxEmail); err != nil {
		return err
	}
	local, domain, ok := strings.Cut(text, "@")
	switch at := strings.LastIndex(text, "@"); {
	case ok && strings.HasPrefix(text, `"`): // a quoted name may hold an @
		local, domain = text[:at], text[at+1:]
	case strings.Contains(domain, "@"):
		ok = false
	}
	if !ok || local == "" || !hostLike(domain) || strings.ContainsFunc(text, unicode.IsSpace) && !strings.HasPrefix(text, `"`) ||
		strings.ContainsAny(local, "<>(),;:[]") && !strings.HasPrefix(text, `"`) {
		return Errorf(Invalid, "%s is not an e-mail address: write it like ada@example.org", field)
	}
	return nil
}

// hostLike reports whether a text can follow the @ of an e-mail address.
func hostLike(domain string) bool {
	if strings.HasPrefix(domain, "[") && strings.HasSuffix(domain, "]") {
		return len(domain) > len("[]") // an address literal
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, r := range label {
			if r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
				return false
			}
		}
	}
	return true
}

// Joiners do not show either, but Persian, Hindi and others cannot be written
// without them, nor can some emoji.
const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

// fillers do not show, though Unicode does not call them ignorable: line
// separators and the empty pattern of Braille.
var fillers = &unicode.RangeTable{R16: []unicode.Range16{{0x2028, 0x2029, 1}, {0x2800, 0x2800, 1}}}

// invisible reports whether a character does not show, or changes the order of those that
// do: format characters, including all controls of the writing direction, line separators,
// fillers, variation selectors and what Unicode reserves for more of them, but not control
// characters.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, fillers, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// hiddenInText is invisible for texts of people. These may hold joiners, and
// variation selectors, which emoji, Mongolian and some Japanese names need.
func hiddenInText(r rune) bool {
	return invisible(r) && r != joiner && r != nonJoiner && !unicode.Is(unicode.Variation_Selector, r)
}

// checkVisible refuses control characters, and others that are hidden.
func checkVisible(field, text string, hidden func(rune) bool) error {
	for _, r := range text {
		switch {
		case unicode.IsControl(r):
			return Errorf(Invalid, "%s must not contain control characters (U+%04X)", field, r)
		case hidden(r):
			return Errorf(Invalid, "%s must not contain the invisible character U+%04X", field, r)
		}
	}
	return nil
}

// Visible returns a text that is safe to show: characters that do not show are escaped as
// in JSON, \u202e. Use it for text from elsewhere that was stored unchanged.
func Visible(text string) string {
	hidden := func(r rune) bool {
		return hiddenInText(r) || unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	}
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if !hidden(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
