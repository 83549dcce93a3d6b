package httpapi

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/strictjson"
)

// paramsOf returns the query parameters that a route's input declares.
func paramsOf(input reflect.Type) []string {
	params := []string{}
	for _, field := range reflect.VisibleFields(input) {
		if name, _, _ := strings.Cut(field.Tag.Get("query"), ","); name != "" {
			params = append(params, name)
		}
	}
	return params
}

// checkQuery rejects parameters that a handler would not see: unknown ones, duplicates, and empty
// ones, which would count as absent and thus select everything.
func checkQuery(r *http.Request, declared []string) error {
	given, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return problem.Malformed("the query cannot be read: it is not name=value&name=value, percent-encoded")
	}
	for name := range given {
		if !slices.Contains(declared, name) {
			return curfew.Errorf(curfew.Invalid, "there is no query parameter %q%s", strictjson.Short(name), choiceOf(declared))
		}
	}
	return problem.CheckParams(given, declared)
}

// checkKey rejects an empty idempotency key: a caller who sends the header wants the call to be
// made only once.
func checkKey(r *http.Request) error {
	switch given := r.Header.Values("Idempotency-Key"); {
	case len(given) > 1:
		return curfew.Errorf(curfew.Invalid, "the header Idempotency-Key is given %d times: give it once", len(given))
	case len(given) == 1 && strings.TrimSpace(given[0]) == "":
		return curfew.Errorf(curfew.Invalid, "the header Idempotency-Key must not be empty: leave it out instead")
	}
	return nil
}

func choiceOf(declared []string) string {
	if len(declared) == 0 {
		return ": none is taken here"
	}
	return ": the parameters are " + strings.Join(declared, ", ")
}
