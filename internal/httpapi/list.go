package httpapi

import (
	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/wire"
)

// paged is the input of a list.
type paged struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"The length of a page"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The nextCursor of the page before"`
}

// after is the place behind which the page begins.
func (p paged) after() (curfew.Cursor, error) { return parseCursor(p.Cursor) }

// parseCursor reads a cursor from a query. One that Curfew did not issue is malformed.
func parseCursor(cursor string) (curfew.Cursor, error) {
	c, err := wire.ParseCursor(cursor)
	if err != nil {
		return c, malformed(err.Error())
	}
	return c, nil
}
