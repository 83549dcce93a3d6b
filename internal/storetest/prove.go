package storetest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// invariants proves the checkers: each detects its violation, unless a constraint of the database
// refuses it.
func invariants() contract {
	tests := contract{
		"a store after random operations breaks none": func(f *fixture) { everySort(f) },
		"every checker is proven by a violation":      everyCheckerIsProven,
	}
	for _, v := range violations {
		tests["a violation of "+v.breaks] = v.prove
	}
	return tests
}

func everyCheckerIsProven(f *fixture) {
	for _, c := range Checkers(f.Schema) {
		if !slices.ContainsFunc(violations, func(v violation) bool { return v.breaks == c.Name }) {
			f.Errorf("nothing proves the checker %q", c.Name)
		}
	}
}

func (v violation) prove(f *fixture) {
	f.guardsOff()
	placeholders := f.placeholders()
	if v.refusedUntil != nil {
		if f.attempt(placeholders, v.statements) == "" {
			f.Fatalf("the database let a violation of %q through", v.breaks)
		}
		for _, sql := range v.refusedUntil {
			f.corrupt(placeholders.Replace(sql))
		}
	}
	if refusal := f.attempt(placeholders, v.statements); refusal != "" {
		f.Fatalf("writing a violation of %q: %s", v.breaks, refusal)
	}
	if v.refusedUntil == nil && !slices.Contains(f.broken(), v.breaks) {
		f.Fatalf("a violation of %q was not seen; seen were %q", v.breaks, f.broken())
	}
}

// placeholders writes the rows that violations start from, and returns a replacer for their ids.
func (f *fixture) placeholders() *strings.Replacer {
	f.Helper()
	waiting, assigned := f.admit("w"), f.accepted("a", "max")
	CheckInvariants(f.T, f.Harness)
	quote := func(id string) string { return "'" + id + "'" }
	return strings.NewReplacer("NEW", quote(newID()), "= W", "= "+quote(waiting.ID), "= A", "= "+quote(assigned.ID),
		"= C", "= "+quote(waiting.CheckoutID))
}

// broken returns the names of the checkers that find violations.
func (f *fixture) broken() []string {
	f.Helper()
	var names []string
	for _, c := range Checkers(f.Schema) {
		if len(f.Query(f.T, c.SQL)) > 0 {
			names = append(names, c.Name)
		}
	}
	return names
}

// guardsOff removes the store's guards, if any: they would refuse or repair the violation.
func (f *base) guardsOff() {
	f.Helper()
	if g, ok := f.Store.(interface {
		SetGuards(ctx context.Context, on bool) error
	}); ok {
		f.must(g.SetGuards(f.Context(), false))
	}
}

// attempt runs statements until the database refuses one, and returns the refusal.
func (f *fixture) attempt(placeholders *strings.Replacer, statements []string) string {
	f.corrupted = true
	for _, sql := range statements {
		if refusal := f.try(placeholders.Replace(sql)); refusal != "" {
			return refusal
		}
	}
	return ""
}

// try runs a statement and returns the database's refusal, if any.
func (f *fixture) try(sql string, args ...any) string {
	t := &patient{TB: f.T}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.Exec(t, tablesOf(f.Schema, sql), args...)
	}()
	<-done
	return t.message
}

// patient is a test that records a failure instead of failing the surrounding test.
type patient struct {
	testing.TB
	message string
}

func (p *patient) Errorf(format string, args ...any) { p.message = fmt.Sprintf(format, args...) }

func (p *patient) Error(args ...any) { p.Errorf("%s", fmt.Sprint(args...)) }

func (p *patient) Fatalf(format string, args ...any) {
	p.Errorf(format, args...)
	runtime.Goexit()
}

func (p *patient) Fatal(args ...any) { p.Fatalf("%s", fmt.Sprint(args...)) }

func (p *patient) FailNow() { p.Fatalf("failed") }
