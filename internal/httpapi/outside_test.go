package httpapi_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/curfewhq/curfew"
)

// The description of the API lists every code and every role that outsiders can
// read.
func TestTheDescriptionListsWhatOutsidersRead(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					AnyOf []struct{ Enum []string }
				}
			}
		}
	}
	must(t, json.Unmarshal([]byte(h.send("GET", "/openapi.json", "").body), &doc))
	event := doc.Components.Schemas["Event"].Properties
	for field, want := range map[string][]string{"actor": named(curfew.OutsideRoles()), "reason": named(curfew.ReasonCodes())} {
		if len(event[field].AnyOf) != 2 || !slices.Equal(event[field].AnyOf[0].Enum, want) {
			t.Errorf("%s is described as %+v, want one of %v", field, event[field], want)
		}
	}
}

func named[T ~string](all []T) []string {
	list := make([]string, len(all))
	for i, one := range all {
		list[i] = string(one)
	}
	return list
}
