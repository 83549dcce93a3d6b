package httpapi

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
)

// ours turns what huma says of an input into a problem of the contract. Huma
// names the place and what was expected; the value is not echoed.
func ours(_ huma.Context, _ string, body any) (any, error) {
	theirs, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	details := make([]string, len(theirs.Errors))
	for i, e := range theirs.Errors {
		details[i] = strings.TrimPrefix(e.Location+": "+e.Message, ": ")
	}
	f := problem.OfKind(curfew.Invalid, strings.Join(details, "; "))
	if len(details) == 0 {
		f.Detail = theirs.Detail
	}
	f.Status = theirs.Status
	return f, nil
}
