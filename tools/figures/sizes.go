package main

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
)

const (
	maxInterface   = 7
	maxMethods     = 60
	maxFunction    = 60 // lines, from the word func to the closing brace
	maxFunctionP90 = 25
	maxFile        = 320 // lines
)

// interfaces counts the methods that each interface declares itself.
func interfaces(m *module) section {
	var all []counted
	for _, p := range m.packages {
		for _, f := range p.files {
			all = append(all, interfacesOf(m, p, f)...)
		}
	}
	what := fmt.Sprintf("interfaces with more than %d", maxInterface)
	return section{title: "Interfaces: methods of their own, embedded ones not counted", figures: []figure{judged(what, all, maxInterface)}}
}

// interfacesOf finds the interfaces of a file. Those without a name are named by their position.
func interfacesOf(m *module, p *pkg, f file) []counted {
	names := map[*ast.InterfaceType]string{}
	var all []counted
	ast.Inspect(f.syntax, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.TypeSpec:
			if i, ok := n.Type.(*ast.InterfaceType); ok {
				names[i] = p.qualified(n.Name.Name)
			}
		case *ast.InterfaceType:
			name := names[n]
			if name == "" {
				name = "without a name, " + m.where(p, n.Pos())
			}
			if own := ownMethods(n); own > 0 {
				all = append(all, counted{name, own})
			}
		}
		return true
	})
	return all
}

func ownMethods(i *ast.InterfaceType) int {
	n := 0
	for _, field := range i.Methods.List {
		n += len(field.Names) // embedded interfaces and type sets have none
	}
	return n
}

// methods counts the methods declared on each type.
func methods(m *module) section {
	var all []counted
	for _, p := range m.packages {
		for name, n := range methodsOf(p) {
			all = append(all, counted{p.qualified(name), n})
		}
	}
	what := fmt.Sprintf("types with more than %d", maxMethods)
	return section{title: "Types: methods of their own, promoted ones not counted", figures: []figure{judged(what, all, maxMethods)}}
}

func methodsOf(p *pkg) map[string]int {
	n := map[string]int{}
	for _, f := range p.files {
		for _, decl := range f.syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv != nil {
				n[receiver(fn)]++
			}
		}
	}
	return n
}

// receiver returns the name of the type that a method is declared on.
func receiver(fn *ast.FuncDecl) string {
	expr := ast.Unparen(fn.Recv.List[0].Type)
	if star, ok := expr.(*ast.StarExpr); ok {
		expr = ast.Unparen(star.X)
	}
	switch e := expr.(type) {
	case *ast.IndexExpr:
		expr = e.X
	case *ast.IndexListExpr:
		expr = e.X
	}
	if id, ok := expr.(*ast.Ident); ok {
		return id.Name
	}
	return "?" // does not compile
}

// functions measures the lines of functions and methods. A literal counts as part of the function around it.
func functions(m *module) section {
	var all []counted
	var lengths []int
	for _, p := range m.packages {
		for _, f := range p.files {
			for _, fn := range functionsOf(m, p, f) {
				all, lengths = append(all, fn), append(lengths, fn.n)
			}
		}
	}
	slices.Sort(lengths)
	return section{
		title: "Functions: lines with signature, without doc comment",
		figures: []figure{
			{what: "median", value: percentile(lengths, 50), limit: noLimit},
			{what: "90th percentile", value: percentile(lengths, 90), limit: maxFunctionP90},
			{what: "99th percentile", value: percentile(lengths, 99), limit: noLimit},
			judged(fmt.Sprintf("of %d functions over %d lines", len(all), maxFunction), all, maxFunction),
		},
	}
}

// functionsOf measures the functions declared in a file, and the literals outside of them.
func functionsOf(m *module, p *pkg, f file) []counted {
	var all []counted
	for _, decl := range f.syntax.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok {
			name := fn.Name.Name
			if fn.Recv != nil {
				name = receiver(fn) + "." + name
			}
			all = append(all, counted{p.qualified(name), m.span(fn)})
			continue
		}
		ast.Inspect(decl, func(node ast.Node) bool {
			literal, ok := node.(*ast.FuncLit)
			if ok {
				all = append(all, counted{"without a name, " + m.where(p, literal.Pos()), m.span(literal)})
			}
			return !ok
		})
	}
	return all
}

// span returns how many lines a node covers.
func (m *module) span(node ast.Node) int { return m.line(node.End()) - m.line(node.Pos()) + 1 }

// percentile is the smallest value that at least percent of the sorted values do not exceed.
func percentile(sorted []int, percent int) int {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*percent+99)/100-1]
}

// files measures the lines of Go files.
func files(m *module) section {
	var all []counted
	for _, p := range m.packages {
		for _, f := range p.files {
			all = append(all, counted{path.Join(p.dir, f.name), f.lines})
		}
	}
	what := fmt.Sprintf("over %d lines", maxFile)
	return section{title: "Files", figures: []figure{judged(what, all, maxFile)}}
}
