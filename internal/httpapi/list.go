package httpapi

import (
	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
)

// pageInput is the input of a list.
type pageInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"The length of a page"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The nextCursor of the page before"`
}

// after is the place behind which the page begins.
func (p pageInput) after() (curfew.Cursor, error) { return problem.ParseCursor(p.Cursor) }
