package lifecycle_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
)

func TestTheDocumentationListsEveryTransition(t *testing.T) {
	t.Parallel()
	var documented []curfew.Transition
	for _, m := range regexp.MustCompile(`(?m)^//\t(\w+) → (\w+) `).FindAllStringSubmatch(readDoc(t), -1) {
		documented = append(documented, curfew.Transition{From: curfew.SessionStatus(m[1]), To: curfew.SessionStatus(m[2])})
	}
	legal := slices.DeleteFunc(curfew.Transitions(), func(step curfew.Transition) bool { return step.From == "" })
	if diff := cmp.Diff(legal, documented); diff != "" {
		t.Errorf("doc.go lists other transitions (-legal +documented):\n%s", diff)
	}
}

func TestTheDocumentationNamesEveryFileThatEndsASession(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("end_by_*.go")
	if err != nil {
		t.Fatal(err)
	}
	documented := regexp.MustCompile(`end_by_\w+\.go`).FindAllString(readDoc(t), -1)
	slices.Sort(documented)
	if diff := cmp.Diff(files, documented); diff != "" {
		t.Errorf("doc.go names other files (-files +documented):\n%s", diff)
	}
}

func readDoc(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
