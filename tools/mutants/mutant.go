package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is one planted bug.
type mutant struct {
	name    string // of its file, without .patch
	what    string // what is wrong with it, in a sentence
	patch   string // the file
	tests   []test // that must fail, each
	verdict verdict
}

// test is a pattern of go test in a package.
type test struct{ pkg, pattern string }

// verdict is what became of a mutant.
type verdict string

const (
	caught   verdict = "caught"
	survived verdict = "survived" // a test passed with it
	broken   verdict = "broken"   // it proves nothing: it does not apply or compile, or a test fails without it
)

const caughtBy = "Caught by: "

// read returns the mutants of a folder, in the order of their names.
func read(folder string) ([]mutant, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.patch"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("there are no patches in %s", folder)
	}
	slices.Sort(paths)
	var all []mutant
	for _, path := range paths {
		m, err := parse(path)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func parse(path string) (mutant, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the caller's folder
	if err != nil {
		return mutant{}, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return mutant{}, err
	}
	m := mutant{name: strings.TrimSuffix(filepath.Base(path), ".patch"), patch: absolute}
	head, _, found := strings.Cut(string(text), "\n--- ")
	for _, line := range strings.Split(head, "\n") {
		if by, ok := strings.CutPrefix(line, caughtBy); ok {
			pkg, pattern, _ := strings.Cut(by, " ")
			m.tests = append(m.tests, test{pkg, pattern})
		} else if m.what == "" {
			m.what = line
		}
	}
	if !found || m.what == "" || len(m.tests) == 0 || slices.ContainsFunc(m.tests, func(t test) bool { return t.pattern == "" }) {
		return mutant{}, fmt.Errorf("%s: above the patch belong a sentence and a line %q for each test", path, caughtBy+"./package TestName")
	}
	return m, nil
}

// table is the mutants as a document.
func table(all []mutant) string {
	var b strings.Builder
	b.WriteString("# Planted bugs\n\nEach of these bugs is planted by `make mutants`, and the named test has to fail with it. " +
		"The patches are in `tools/mutants/patches`.\n\n| bug | test | result |\n|---|---|---|\n")
	for _, m := range all {
		tests := make([]string, len(m.tests))
		for i, t := range m.tests {
			tests[i] = fmt.Sprintf("`%s` in `%s`", t.pattern, t.pkg)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.what, strings.Join(tests, ", "), m.verdict)
	}
	return b.String()
}
