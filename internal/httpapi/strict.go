package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a JSON text.
const (
	maxDepth = 32
	// maxNumber is the largest integer that every JSON reader keeps exactly
	// (RFC 8259, section 6).
	maxNumber = 1 << 53
)

// strict says what is wrong with a JSON text that encoding/json would let pass,
// or would read otherwise than somebody else: doubled keys, trailing data,
// invalid UTF-8, depth, NUL, numbers beyond 2^53 or with an exponent. With a list
// of fields, an object may have only those. It takes time in proportion to the
// text.
func strict(text []byte, fields []string) error {
	return check(text, &reader{fields: fields, number: plainNumber})
}

// unambiguous is strict for what others write: any number and every field goes.
func unambiguous(text []byte) error {
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

// reader walks through a JSON text that is known to be valid.
type reader struct {
	dec    *json.Decoder
	fields []string // of the outermost object; nil: any
	number func(json.Number) error
	// lossless: the text itself has U+FFFD, so one in a string is no sign of half
	// a surrogate pair.
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
			return fmt.Errorf("the field %q stands there twice", short(key))
		case depth == 1 && r.fields != nil && !slices.Contains(r.fields, key):
			return fmt.Errorf("there is no field %q%s", short(key), list(r.fields))
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

// plainNumber refuses what not every reader takes for the same number. A body's
// numbers are amounts in minor units, minutes and the like.
func plainNumber(n json.Number) error {
	if strings.ContainsAny(string(n), "eE") {
		return fmt.Errorf("the number %s has an exponent: write it out", short(string(n)))
	}
	whole, _, _ := strings.Cut(string(n), ".")
	if i, err := strconv.ParseInt(whole, 10, 64); err != nil || i > maxNumber || i < -maxNumber {
		return fmt.Errorf("the number %s is beyond 2^53", short(string(n)))
	}
	return nil
}

// short is a name of the caller's, bounded.
func short(s string) string {
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
