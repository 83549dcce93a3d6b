package console

import (
	"context"
	"net/url"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/wire"
)

// runsRead is how many runs a page of the history looks at for those that its filter lets through.
const runsRead = 200

// runFilters are the filters of the history, by their value in the address.
var runFilters = []struct {
	value, name string
	shows       func(curfew.Run) bool
}{
	{"", "All", func(curfew.Run) bool { return true }},
	{"hand", "By hand", func(r curfew.Run) bool { return r.Actor.Role != curfew.System }},
	{"undoable", "Undoable", curfew.Run.Undoable},
}

// runs returns the runs after a position that a filter lets through, and where the next page begins.
func (s *Site) runs(ctx context.Context, after curfew.Cursor, filter string) (shown []curfew.Run, next *string, err error) {
	shows := (func(curfew.Run) bool)(nil)
	for _, f := range runFilters {
		if f.value == filter {
			shows = f.shows
		}
	}
	if shows == nil {
		return nil, nil, curfew.Errorf(curfew.Invalid, "runs must be hand or undoable, or left out for all")
	}
	read := runsRead
	if filter == "" {
		read = runsShown
	}
	all, err := s.keeper.Cleanups.Runs(ctx, after, read+1)
	if err != nil {
		return nil, nil, err
	}
	position := func(r curfew.Run) curfew.Cursor { return curfew.Cursor{At: r.StartedAt, ID: r.ID} }
	all, next = wire.Page(all, read, position)
	for i, r := range all {
		if shows(r) {
			shown = append(shown, r)
		}
		if len(shown) == runsShown && i+1 < len(all) {
			_, next = wire.Page(all, i+1, position)
			break
		}
	}
	return shown, next, nil
}

// runTabs returns the choices among the filters.
func runTabs(filter string) []Tab {
	all := make([]Tab, len(runFilters))
	for i, f := range runFilters {
		all[i] = Tab{Link: Link{Name: f.name, Path: runsPath(f.value, ""), Here: f.value == filter}}
	}
	return all
}

// runsPath returns the address of a page of the history.
func runsPath(filter, cursor string) string {
	q := url.Values{}
	if filter != "" {
		q.Set("runs", filter)
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return "/" + CleanupPage + "?" + q.Encode() + "#runs"
}
