package wire

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
)

// ParseCursor reads a cursor that Cursor wrote. The empty text means the first page. For anything else the error is
// curfew.Invalid.
func ParseCursor(cursor string) (curfew.Cursor, error) {
	if cursor == "" {
		return curfew.Cursor{}, nil
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	micros, id, ok := strings.Cut(string(text), " ")
	at, err2 := strconv.ParseInt(micros, 10, 64)
	if err != nil || err2 != nil || !ok || CanonicalID(id) != id {
		return curfew.Cursor{}, curfew.Errorf(curfew.Invalid, "cursor is none that Curfew gave: leave it out for the first page")
	}
	return curfew.Cursor{At: time.UnixMicro(at).UTC(), ID: id}, nil
}

// Page cuts a list that was read with one item more than its limit, and returns the cursor of the next page. A nil
// cursor means that this is the last page.
func Page[T any](list []T, limit int, place func(T) curfew.Cursor) ([]T, *string) {
	if len(list) <= limit {
		return list, nil
	}
	next := Cursor(place(list[limit-1]))
	return list[:limit], &next
}

// Cursor writes a cursor the way callers send it back.
func Cursor(c curfew.Cursor) string {
	text := strconv.FormatInt(c.At.UnixMicro(), 10) + " " + c.ID
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// CanonicalID returns the canonical form of a UUID, or the empty text if id is not one.
func CanonicalID(id string) string {
	parsed, err := uuid.Parse(id)
	if err != nil || len(id) != len(parsed.String()) {
		return ""
	}
	return parsed.String()
}
