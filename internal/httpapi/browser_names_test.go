package httpapi_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/curfewhq/curfew/internal/browsertest"
)

// A client's types are called like the schemas. None hides a global of browsers, or a type of TypeScript's own.
func TestNoSchemaIsCalledLikeAGlobalOfBrowsers(t *testing.T) {
	t.Parallel()
	text, err := description()
	must(t, err)
	var doc struct {
		Components struct{ Schemas map[string]any }
	}
	must(t, json.Unmarshal(text, &doc))
	names, err := json.Marshal(append(slices.Sorted(maps.Keys(doc.Components.Schemas)), "Event"))
	must(t, err)
	taken, err := chromedp.Run(browsertest.Start(t), chromedp.Evaluate[[]string](
		string(names)+`.filter((n) => n in globalThis || ["Record", "Partial", "Required", "Readonly", "Pick", "Omit", "Exclude", "Extract", "Parameters", "Awaited", "Iterable"].includes(n))`))
	must(t, err)
	if !slices.Equal(taken, []string{"Event"}) { // which is there to be found
		t.Errorf("these names are taken: %v", taken)
	}
}
