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
				Enum       []string
				Properties map[string]struct {
					AnyOf []struct {
						Ref string `json:"$ref"`
					}
				}
			}
		}
	}
	must(t, json.Unmarshal([]byte(h.send("GET", "/openapi.json", "").body), &doc))
	schemas := doc.Components.Schemas
	for field, want := range map[string]struct {
		list  string
		words []string
	}{"actor": {"EventActor", named(curfew.OutsideRoles())}, "reason": {"EventReason", named(curfew.ReasonCodes())}} {
		described := schemas["HistoryEvent"].Properties[field].AnyOf
		if len(described) != 2 || described[0].Ref != "#/components/schemas/"+want.list || !slices.Equal(schemas[want.list].Enum, want.words) {
			t.Errorf("%s is described as %+v, want one of %v", field, described, want.words)
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
