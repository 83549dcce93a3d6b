package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

const maxExported = 430

// kinds are the kinds of names that a package declares at its top level.
var kinds = []string{"types", "functions", "constants", "variables"}

// surface counts what other modules can name. Methods are not counted: they come with their types.
func surface(m *module) section {
	var figures []figure
	all := figure{what: "exported names", limit: maxExported}
	byPackage := map[string]int{}
	for _, kind := range kinds {
		f := figure{what: kind, limit: noLimit}
		for _, p := range m.packages {
			if n := len(exportedNames(p, kind)); p.public() && n > 0 {
				f.value += n
				byPackage[p.dir] += n
			}
		}
		all.value += f.value
		figures = append(figures, f)
	}
	all.places = ranked(tally(byPackage))
	all.show = len(all.places)
	return section{title: "Surface: exported outside internal/ and commands, methods not counted", figures: append(figures, all)}
}

// exportedNames returns the names of one kind that a package exports.
func exportedNames(p *pkg, kind string) []string {
	var names []string
	for _, f := range p.files {
		for _, decl := range f.syntax.Decls {
			of, declared := declares(decl)
			for _, id := range declared {
				if of == kind && id.IsExported() {
					names = append(names, id.Name)
				}
			}
		}
	}
	return names
}

// declares returns the names of a top-level declaration and their kind. Methods and imports have none.
func declares(decl ast.Decl) (kind string, names []*ast.Ident) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return "functions", []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			names = append(names, specified(spec)...)
		}
		return map[token.Token]string{token.TYPE: "types", token.CONST: "constants", token.VAR: "variables"}[d.Tok], names
	}
	return "", nil
}

func specified(spec ast.Spec) []*ast.Ident {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return []*ast.Ident{s.Name}
	case *ast.ValueSpec:
		return s.Names
	}
	return nil
}

// counted is a name and its count.
type counted struct {
	name string
	n    int
}

func tally(byName map[string]int) []counted {
	var all []counted
	for name, n := range byName {
		all = append(all, counted{name, n})
	}
	return all
}

// ranked formats counts, largest first.
func ranked(all []counted) []string {
	slices.SortStableFunc(all, func(a, b counted) int {
		if a.n != b.n {
			return b.n - a.n
		}
		return strings.Compare(a.name, b.name)
	})
	var text []string
	for _, c := range all {
		text = append(text, fmt.Sprintf("%4d  %s", c.n, c.name))
	}
	return text
}

// judged counts how many exceed a limit, and lists them or the five largest, whichever is more.
func judged(what string, all []counted, limit int) figure {
	f := figure{what: what, limit: 0, places: ranked(all), show: 5}
	for _, c := range all {
		if c.n > limit {
			f.value++
		}
	}
	f.show = max(f.show, f.value)
	f.places = f.places[:min(f.show, len(f.places))]
	return f
}

// line returns the line number of a position.
func (m *module) line(at token.Pos) int { return m.fset.Position(at).Line }
