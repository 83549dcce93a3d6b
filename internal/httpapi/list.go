package httpapi

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// paged is the input of a list.
type paged struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"The length of a page"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The nextCursor of the page before"`
}

// after is the place behind which the page begins.
func (p paged) after() (curfew.Cursor, error) { return ParseCursor(p.Cursor) }

// ParseCursor is the inverse of cursorText; an empty text is the first page.
func ParseCursor(cursor string) (curfew.Cursor, error) {
	if cursor == "" {
		return curfew.Cursor{}, nil
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	micros, id, ok := strings.Cut(string(text), " ")
	at, err2 := strconv.ParseInt(micros, 10, 64)
	if err != nil || err2 != nil || !ok || canonical(id) != id {
		return curfew.Cursor{}, malformed("cursor is none that Curfew gave: leave it out for the first page")
	}
	return curfew.Cursor{At: time.UnixMicro(at).UTC(), ID: id}, nil
}

// cut shortens a list that was read one longer than its page, and says where
// the next page begins; nil: there is none.
func cut[T any](list []T, limit int, place func(T) curfew.Cursor) ([]T, *string) {
	if len(list) <= limit {
		return list, nil
	}
	next := cursorText(place(list[limit-1]))
	return list[:limit], &next
}

// cursorText is a place as callers hand it back.
func cursorText(c curfew.Cursor) string {
	text := strconv.FormatInt(c.At.UnixMicro(), 10) + " " + c.ID
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}
