package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func checkFigure(t *testing.T, s section, begins string, value int, over bool) {
	t.Helper()
	i := slices.IndexFunc(s.figures, func(f figure) bool { return strings.HasPrefix(f.what, begins) })
	switch {
	case i < 0:
		t.Fatalf("no figure begins with %q: %+v", begins, s.figures)
	case s.figures[i].value != value || s.figures[i].over() != over:
		t.Errorf("%d, over: %t; want %d, %t\n%+v", s.figures[i].value, s.figures[i].over(), value, over, s.figures[i])
	}
}

// one is a module of one package, with one file.
func one(text string) map[string]string {
	return map[string]string{"a.go": "package a\n\n" + text}
}

// repeat is n lines, in which the line's number replaces %d.
func repeat(n int, format string) string {
	var text strings.Builder
	for i := range n {
		text.WriteString(strings.ReplaceAll(format, "%d", strconv.Itoa(i)) + "\n")
	}
	return text.String()
}

// function is one of so many lines.
func function(lines int) string {
	return "func f() {\n" + strings.Repeat("\t_ = 1\n", lines-2) + "}\n"
}

// read takes a module example.com/m from texts by file name.
func read(t *testing.T, texts map[string]string) *module {
	t.Helper()
	m := &module{path: "example.com/m", fset: token.NewFileSet()}
	byFolder := map[string]*pkg{}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		syntax, err := parser.ParseFile(m.fset, name, texts[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		p := byFolder[path.Dir(name)]
		if p == nil {
			p = &pkg{dir: path.Dir(name), name: syntax.Name.Name}
			byFolder[p.dir], m.packages = p, append(m.packages, p)
		}
		if strings.HasSuffix(name, "_test.go") {
			p.tests = append(p.tests, sources(m.fset, []*ast.File{syntax})...)
			continue
		}
		p.files = append(p.files, sources(m.fset, []*ast.File{syntax})...)
		for _, imported := range syntax.Imports {
			if text := strings.Trim(imported.Path.Value, `"`); strings.HasPrefix(text, m.path) {
				p.imports = append(p.imports, folder(m.path, text))
			}
		}
	}
	l := &loader{module: m}
	for _, p := range m.packages {
		l.check(p)
	}
	return m
}

// loader gives packages of a module to the type checker. Other packages are not there, which it forgives.
type loader struct {
	module *module
}

func (l *loader) Import(imported string) (*types.Package, error) {
	for _, p := range l.module.packages {
		if path.Join(l.module.path, p.dir) == imported {
			l.check(p)
			return p.types, nil
		}
	}
	return nil, fmt.Errorf("no package %s", imported)
}

func (l *loader) check(p *pkg) {
	if p.types != nil {
		return
	}
	var all []*ast.File
	for _, f := range p.files {
		all = append(all, f.syntax)
	}
	p.info = &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: l, Error: func(error) {}}
	p.types, _ = config.Check(path.Join(l.module.path, p.dir), l.module.fset, all, p.info)
}
