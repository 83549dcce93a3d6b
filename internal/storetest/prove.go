package storetest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// invariants proves the checkers: each sees the violation it is for, or a
// constraint of the database refuses it.
func invariants() contract {
	tests := contract{
		"a store where all sorts of things happened breaks none": func(s *scene) { everySort(s) },
		"every checker is proven by a violation":                 everyCheckerIsProven,
	}
	for _, v := range violations {
		tests["a violation of "+v.breaks] = v.prove
	}
	return tests
}

func everyCheckerIsProven(s *scene) {
	for _, c := range Checkers(s.Schema) {
		if !slices.ContainsFunc(violations, func(v violation) bool { return v.breaks == c.Name }) {
			s.Errorf("nothing proves the checker %q", c.Name)
		}
	}
}

func (v violation) prove(s *scene) {
	s.guardsOff()
	letters := s.letters()
	if v.refusedUntil != nil {
		if s.attempt(letters, v.plant) == "" {
			s.Fatalf("the database let a violation of %q through", v.breaks)
		}
		for _, sql := range v.refusedUntil {
			s.spoil(letters.Replace(sql))
		}
	}
	if refusal := s.attempt(letters, v.plant); refusal != "" {
		s.Fatalf("planting a violation of %q: %s", v.breaks, refusal)
	}
	if v.refusedUntil == nil && !slices.Contains(s.broken(), v.breaks) {
		s.Fatalf("a planted violation of %q was not seen; seen were %q", v.breaks, s.broken())
	}
}

// letters puts down what violations begins from.
func (s *scene) letters() *strings.Replacer {
	s.Helper()
	waiting, assigned := s.admit("w"), s.accepted("a", "max")
	CheckInvariants(s.T, s.Harness)
	quote := func(id string) string { return "'" + id + "'" }
	return strings.NewReplacer("NEW", quote(newID()), "= W", "= "+quote(waiting.ID), "= A", "= "+quote(assigned.ID),
		"= C", "= "+quote(waiting.CheckoutID))
}

// broken names the checkers that find something.
func (s *scene) broken() []string {
	s.Helper()
	var names []string
	for _, c := range Checkers(s.Schema) {
		if len(s.Query(s.T, c.SQL)) > 0 {
			names = append(names, c.Name)
		}
	}
	return names
}

// guardsOff takes the guards away where the store has some: they would refuse
// or repair what is planted.
func (s *scene) guardsOff() {
	s.Helper()
	if g, ok := s.Store.(interface {
		SetGuards(ctx context.Context, on bool) error
	}); ok {
		s.must(g.SetGuards(s.Context(), false))
	}
}

// attempt runs statements up to the first that the database refuses, and
// returns what it said.
func (s *scene) attempt(letters *strings.Replacer, statements []string) string {
	s.spoiled = true
	for _, sql := range statements {
		if refusal := s.try(letters.Replace(sql)); refusal != "" {
			return refusal
		}
	}
	return ""
}

// try runs a statement and returns what the database said if it refused it.
func (s *scene) try(sql string, args ...any) string {
	t := &patient{TB: s.T}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Exec(t, tablesOf(s.Schema, sql), args...)
	}()
	<-done
	return t.message
}

// patient is a test that notes its failure instead of failing the test around
// it.
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
