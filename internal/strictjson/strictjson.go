// Package strictjson checks JSON texts that strangers send. It rejects what encoding/json lets pass, or what two readers
// may understand differently: duplicate fields, trailing data, invalid UTF-8, deep nesting, NUL and numbers that are
// not exact everywhere. It decodes nothing itself: pass what it accepts to encoding/json.
package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deeply arrays and objects may be nested.
const maxDepth = 32

// MaxInteger is the largest integer that every JSON reader keeps exactly (RFC 8259, section 6).
const MaxInteger = 1 << 53

// Check reports what is wrong with a JSON text: duplicate fields, trailing data, invalid UTF-8, too deep nesting, NUL,
// half a surrogate pair, numbers beyond 2^53 or with an exponent. If fields is not nil, the outermost object may have
// only those. The error's text is safe to show. Check takes time in proportion to the text.
func Check(text []byte, fields []string) error {
	return check(text, &reader{fields: fields, number: plainNumber})
}

// Plain is Check, and returns the text with 12 for 12.0, as some writers put every number, and which encoding/json takes
// for no integer. It leaves 12.00, which is how people write euros.
func Plain(text []byte, fields []string) ([]byte, error) {
	r := &reader{fields: fields}
	var plain []byte
	end := 0
	r.number = func(n json.Number) error {
		whole, zeros, _ := strings.Cut(string(n), ".")
		if at := int(r.dec.InputOffset()); zeros == "0" {
			plain = append(append(plain, text[end:at-len(n)]...), whole...)
			end = at
		}
		return plainNumber(n)
	}
	if err := check(text, r); err != nil {
		return nil, err
	}
	if end == 0 { // as nearly always
		return text, nil
	}
	return append(plain, text[end:]...), nil
}

// Unambiguous is Check for texts in other people's formats: any number and any field is accepted.
func Unambiguous(text []byte) error {
	return check(text, &reader{number: func(json.Number) error { return nil }})
}

func check(text []byte, r *reader) error {
	switch {
	case !utf8.Valid(text):
		return fmt.Errorf("it is not valid UTF-8")
	case !json.Valid(text):
		return fmt.Errorf("it is not one JSON value")
	}
	r.lossless = bytes.Contains(text, []byte("\uFFFD")) || bytes.Contains(bytes.ToLower(text), []byte(`\ufffd`))
	r.dec = json.NewDecoder(bytes.NewReader(text))
	r.dec.UseNumber()
	return r.value(0)
}

// reader reads a JSON text that is known to be valid.
type reader struct {
	dec    *json.Decoder
	fields []string // of the outermost object; nil: any
	number func(json.Number) error
	// lossless means that the text itself contains U+FFFD, so finding one in a string does not mean that half a
	// surrogate pair was replaced.
	lossless bool
}

func (r *reader) value(depth int) error {
	token, err := r.dec.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		if depth == maxDepth {
			return fmt.Errorf("it is nested more than %d deep", maxDepth)
		}
		if t == '{' {
			return r.object(depth + 1)
		}
		return r.array(depth + 1)
	case string:
		return r.text(t)
	case json.Number:
		return r.number(t)
	}
	return nil
}

func (r *reader) object(depth int) error {
	seen := map[string]bool{}
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string) // the text is valid
		if err := r.text(key); err != nil {
			return err
		}
		switch {
		case seen[key]:
			return fmt.Errorf("the field %q is given twice", Short(key))
		case depth == 1 && r.fields != nil && !slices.Contains(r.fields, key):
			return fmt.Errorf("there is no field %q%s", Short(key), list(r.fields))
		}
		seen[key] = true
		if err := r.value(depth); err != nil {
			return err
		}
	}
	_, err := r.dec.Token()
	return err
}

func (r *reader) array(depth int) error {
	for r.dec.More() {
		if err := r.value(depth); err != nil {
			return err
		}
	}
	_, err := r.dec.Token()
	return err
}

func (r *reader) text(s string) error {
	switch {
	case strings.ContainsRune(s, 0):
		return fmt.Errorf("a text holds the character NUL")
	case !r.lossless && strings.ContainsRune(s, utf8.RuneError):
		return fmt.Errorf("a text holds half a surrogate pair")
	}
	return nil
}

// plainNumber rejects numbers that not every reader takes for the same. The numbers in our bodies are amounts in minor
// units, minutes and the like.
func plainNumber(n json.Number) error {
	if strings.ContainsAny(string(n), "eE") {
		return fmt.Errorf("the number %s has an exponent: write it out", Short(string(n)))
	}
	whole, _, _ := strings.Cut(string(n), ".")
	if i, err := strconv.ParseInt(whole, 10, 64); err != nil || i > MaxInteger || i < -MaxInteger {
		return fmt.Errorf("the number %s is beyond 2^53", Short(string(n)))
	}
	return nil
}

// Short returns a text that a caller chose, cut to 40 bytes, for an error message.
func Short(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

func list(fields []string) string {
	if len(fields) == 0 {
		return ": none is taken here"
	}
	return ": the fields are " + strings.Join(fields, ", ")
}
