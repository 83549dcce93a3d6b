package provider_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/provider"
)

func document(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/payments-door.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheExamplesOfTheDocumentAreRead(t *testing.T) {
	t.Parallel()
	found := regexp.MustCompile("(?ms)^```json\n(.*?)^```$").FindAllStringSubmatch(document(t), -1)
	if len(found) < 4 {
		t.Fatalf("the document has %d examples", len(found))
	}
	for _, example := range found {
		n := read(t, example[1])
		if n.Unread != "" || n.Order != nil && n.Order.Flaw != "" {
			t.Errorf("%s: %s %+v", example[1], n.Unread, n.Order)
		}
	}
}

// The document's tables name every field and every type, and no others.
func TestTheDocumentNamesEveryFieldAndType(t *testing.T) {
	t.Parallel()
	for heading, want := range map[string][]string{
		"| field | |":        fields[provider.PaymentEvent](),
		"| field of `order`": fields[provider.PaymentOrder](),
		"| type |":           provider.Types(),
	} {
		_, table, _ := strings.Cut(document(t), "\n"+heading)
		table, _, _ = strings.Cut(table, "\n\n")
		var named []string
		for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllStringSubmatch(table, -1) {
			for _, name := range strings.Split(row[1], ", ") {
				named = append(named, strings.Trim(name, "`"))
			}
		}
		slices.Sort(named)
		slices.Sort(want)
		if !slices.Equal(named, want) {
			t.Errorf("%s: the document names %v, the code %v", heading, named, want)
		}
	}
}

// fields lists the names of a type's fields in JSON.
func fields[T any]() (names []string) {
	for f := range reflect.TypeFor[T]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
