package curfew_test

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// walk is one section of docs/first-change.md.
type walk struct {
	title string
	words []string            // what the example goes by
	files map[string][]string // where to write in each file
	tests []string            // that are named
}

const walksDoc = "docs/first-change.md"

func TestWalksNameWhatIsThere(t *testing.T) {
	t.Parallel()
	tests := testNames(t)
	for _, w := range walks(t) {
		for file, anchors := range w.files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%s: %v", w.title, err)
				continue
			}
			for _, anchor := range anchors {
				if !mentions(string(text), anchor) {
					t.Errorf("%s: %s has no %s", w.title, file, anchor)
				}
			}
			if !slices.ContainsFunc(w.words, func(word string) bool { return mentions(string(text), word) }) {
				t.Errorf("%s: %s does not mention its example %s", w.title, file, w.words)
			}
		}
		for _, name := range w.tests {
			if !tests[name] {
				t.Errorf("%s: there is no %s", w.title, name)
			}
		}
	}
}

func TestWalksNameEveryFileThatTheirExampleTouches(t *testing.T) {
	t.Parallel()
	all := walks(t)
	for file, text := range walkable(t) {
		for _, w := range all {
			if w.missed(file, text) {
				t.Errorf("%s: %s mentions %s, and no step names it", w.title, file, w.words)
			}
		}
	}
}

// The check is worth nothing if it cannot say no.
func TestAWalkThatMissesAFileIsFound(t *testing.T) {
	t.Parallel()
	w := walk{words: []string{"revives", "Revives"}, files: map[string][]string{"session.go": nil}}
	for text, want := range map[string]bool{"s.Revives = id": true, "a.revives": true, "revivesOnce": false, "revived": false} {
		if got := w.missed("other.go", text); got != want {
			t.Errorf("a file with %q is missed: %t", text, got)
		}
	}
	if w.missed("session.go", "s.Revives") {
		t.Error("a file that is named is missed")
	}
	if got := said("a.go", "package a // revives\n/* Revives */\nvar live = `x.revives`"); mentions(got, "Revives") || !mentions(got, "revives") {
		t.Errorf("comments count: %s", got)
	}
	if got := said("a.md", "It revives what `session.status` says."); mentions(got, "revives") || !mentions(got, "status") {
		t.Errorf("prose counts: %s", got)
	}
}

func (w walk) missed(file, text string) bool {
	_, named := w.files[file]
	return !named && slices.ContainsFunc(w.words, func(word string) bool { return mentions(text, word) })
}

var (
	codeSpan    = regexp.MustCompile("`([^`\n]+)`")
	fileInStep  = regexp.MustCompile("`([^` ]+\\.[a-z]+)` \\(((?:`[^`]+`(?:,\\s+)?)+)\\)")
	testInStep  = regexp.MustCompile("`(Test\\w+)`")
	stepInWalk  = regexp.MustCompile(`(?m)^\d+\. `)
	exampleLine = regexp.MustCompile(`(?m)^Example: .+$`)
)

// walks reads the sections of docs/first-change.md.
func walks(t *testing.T) []walk {
	t.Helper()
	var all []walk
	for _, section := range strings.Split(read(t, walksDoc), "\n## ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		w := walk{
			title: title, words: firsts(codeSpan, exampleLine.FindString(text)), files: map[string][]string{}, tests: firsts(testInStep, text),
		}
		for i, step := range stepInWalk.Split(text, -1)[1:] {
			found := fileInStep.FindAllStringSubmatch(step, -1)
			if len(found) == 0 {
				t.Errorf("%s: step %d names no file with its place", title, i+1)
			}
			for _, f := range found {
				w.files[f[1]] = firsts(codeSpan, f[2])
			}
		}
		if len(w.words) == 0 || len(w.files) == 0 {
			t.Errorf("%s: has no example, or no steps", title)
		}
		all = append(all, w)
	}
	if len(all) != 4 {
		t.Errorf("found %d walks", len(all))
	}
	return all
}

func firsts(of *regexp.Regexp, text string) []string {
	var all []string
	for _, m := range of.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// mentions reports whether a text has a word that is not part of a longer one.
func mentions(text, word string) bool {
	return regexp.MustCompile(`(?:^|\W)` + regexp.QuoteMeta(word) + `(?:\W|$)`).MatchString(text)
}

// walkable returns what the files say that a walk must name: sources and documents, without tests,
// what is generated, and what tells of the past.
func walkable(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (elsewhere(name) || name == "docs/decisions"):
			return filepath.SkipDir
		case entry.IsDir() || forTests(name) || name == walksDoc || name == "CHANGELOG.md":
			return nil
		case slices.Contains([]string{".go", ".sql", ".md", ".tmpl", ".txt", ".js", ".yml", ".json"}, path.Ext(name)):
			all[name] = said(name, read(t, name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if all["session.go"] == "" || all["docs/settings.md"] == "" {
		t.Errorf("the walks were compared with %v", slices.Sorted(maps.Keys(all)))
	}
	return all
}

func forTests(name string) bool {
	in, ok := roomOf(path.Dir(name))
	return strings.HasSuffix(name, "_test.go") || ok && rooms[in].forTests
}

// said returns what a file says about the example: Go without its comments, and what documents mark
// as code.
func said(name, text string) string {
	switch path.Ext(name) {
	case ".go":
		return code(text)
	case ".md":
		return strings.Join(firsts(codeSpan, text), "\n")
	}
	return text
}

// code returns the identifiers and strings of a Go source.
func code(text string) string {
	var (
		s     scanner.Scanner
		words []string
	)
	files := token.NewFileSet()
	s.Init(files.AddFile("", files.Base(), len(text)), []byte(text), nil, 0)
	for {
		_, kind, literal := s.Scan()
		switch kind {
		case token.EOF:
			return strings.Join(words, "\n")
		case token.IDENT, token.STRING:
			words = append(words, literal)
		}
	}
}

// testNames returns the names of this module's tests and fuzz targets.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, pkg := range packages(t) {
		files, err := filepath.Glob(filepath.Join(pkg.dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			for _, name := range firsts(declared, read(t, file)) {
				names[name] = true
			}
		}
	}
	return names
}
