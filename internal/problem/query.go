package problem

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/wire"
)

// CheckParams reports what is wrong with the known parameters of a query: one that is given twice, or that is
// empty. Other parameters are ignored, because links from elsewhere bring their own.
func CheckParams(given url.Values, known []string) error {
	for _, name := range known {
		switch values := given[name]; {
		case len(values) == 0:
		case len(values) > 1:
			return curfew.Errorf(curfew.Invalid, "the query parameter %s is given %d times: give it once", name, len(values))
		case strings.TrimSpace(values[0]) == "":
			return curfew.Errorf(curfew.Invalid, "the query parameter %s must not be empty: leave it out instead", name)
		default:
			if err := curfew.CheckText(name, values[0]); err != nil {
				return err
			}
		}
	}
	return nil
}

// PageQuery returns the query of a page. Each known parameter is given once or not at all.
func PageQuery(r *http.Request, known ...string) (url.Values, error) {
	given, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, curfew.Errorf(curfew.Invalid, "the address of this page is broken: it is not name=value&name=value, percent-encoded")
	}
	return given, CheckParams(given, known)
}

// QueryValue returns the value of a parameter that is given exactly once, or the empty text.
func QueryValue(r *http.Request, name string) string {
	q, err := PageQuery(r, name)
	if err != nil {
		return ""
	}
	return q.Get(name)
}

// ParseCursor reads a cursor from a query. The empty text means the first page; what Curfew did not issue is malformed.
func ParseCursor(cursor string) (curfew.Cursor, error) {
	c, err := wire.ParseCursor(cursor)
	if err != nil {
		return c, Malformed(err.Error())
	}
	return c, nil
}
