// Package directory finds sessions, payments and deliveries for operators: it lists and searches them. It only
// reads, and each page reads a limited number of rows, however many there are.
package directory

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Store is what the directory needs of a database.
type Store interface {
	// ListSessions returns the sessions that match, in the order of the search. Invalid if a list by age is to be both of
	// a customer and of a mechanic.
	ListSessions(ctx context.Context, q record.SessionSearch) ([]curfew.Snapshot, error)
	// SessionMark returns the position of the row that is so many behind the search's, whether it matches or not. The
	// zero position means that there are fewer.
	SessionMark(ctx context.Context, q record.SessionSearch, depth int) (curfew.Cursor, error)
}

// Directory finds things for operators. It is safe for concurrent use.
type Directory struct {
	Store Store
	Find  FindStore
	Lists ListStore
}

// New returns the directory of a database.
func New(store interface {
	Store
	FindStore
	ListStore
},
) Directory {
	return Directory{store, store, store}
}

// Sessions returns a page of sessions, and where the next one begins; nil if this is the last. It looks at no more than
// record.SearchDepth rows, so a page may have fewer sessions than the search's limit, and still not be the last. Errors:
// Invalid, Unavailable.
func (d Directory) Sessions(ctx context.Context, q record.SessionSearch) ([]curfew.Snapshot, *curfew.Cursor, error) {
	limit := q.Limit
	q.Limit++
	if q.Filtered() {
		mark, err := d.Store.SessionMark(ctx, q, record.SearchDepth)
		if err != nil {
			return nil, nil, err
		}
		q.Until = mark
	}
	found, err := d.Store.ListSessions(ctx, q)
	switch {
	case err != nil:
		return nil, nil, err
	case len(found) > limit:
		next := q.Place(found[limit-1].Session)
		return found[:limit], &next, nil
	case q.Until.ID != "":
		return found, &q.Until, nil
	}
	return found, nil, nil
}
