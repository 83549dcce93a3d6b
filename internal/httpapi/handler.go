package httpapi

import (
	"net/http"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/wire"
)

// response is what a handler returns.
type response[T any] struct {
	Status int
	Body   T
}

// okay returns a response with status 200.
func okay[T any](body T, err error) (*response[T], error) {
	return &response[T]{http.StatusOK, body}, err
}

// idInput is the input of a route with only the {id} in its path.
type idInput struct {
	ID string `path:"id"`
}

// pageInput is the input of a list.
type pageInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"How many to return on a page"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The nextCursor of the previous page"`
}

// after returns the position after which the page begins.
func (p pageInput) after() (curfew.Cursor, error) { return problem.ParseCursor(p.Cursor) }

// checkAfter checks a cursor that is an id. The empty text means the first page.
func checkAfter(id string) error {
	if id != wire.CanonicalID(id) {
		return problem.Malformed("after is none that Curfew gave: leave it out for the first page")
	}
	return nil
}
