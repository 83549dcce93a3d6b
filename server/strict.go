package server

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
// invalid UTF-8, depth, large numbers, NUL. With a list of fields, an object
// may have only those.
func strict(text []byte, fields []string) error {
	switch {
	case !utf8.Valid(text):
		return fmt.Errorf("it is not valid UTF-8")
	case !json.Valid(text):
		return fmt.Errorf("it is not one JSON value")
	}
	r := &reader{fields: fields, lossless: bytes.Contains(text, []byte("\uFFFD")) || bytes.Contains(bytes.ToLower(text), []byte(`\ufffd`))}
	r.dec = json.NewDecoder(bytes.NewReader(text))
	r.dec.UseNumber()
	return r.value(0)
}

// reader walks through a JSON text that is known to be valid.
type reader struct {
	dec    *json.Decoder
	fields []string // of the outermost object; nil: any
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
		return number(t)
	}
	return nil
}

func (r *reader) object(depth int) error {
	var seen []string
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string) // the text is valid
		switch {
		case r.text(key) != nil:
			return r.text(key)
		case slices.Contains(seen, key):
			return fmt.Errorf("the field %q stands there twice", short(key))
		case depth == 1 && r.fields != nil && !slices.Contains(r.fields, key):
			return fmt.Errorf("there is no field %q%s", short(key), list(r.fields))
		}
		seen = append(seen, key)
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

func number(n json.Number) error {
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || f > maxNumber || f < -maxNumber {
		return fmt.Errorf("a number is beyond 2^53")
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
