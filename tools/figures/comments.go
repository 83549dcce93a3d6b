package main

import (
	"fmt"
	"go/ast"
	"slices"
)

// understood are methods whose contract is that of an interface in the standard library.
var understood = []string{"Error", "Is", "Read", "ServeHTTP", "String", "Unwrap", "Write"}

// undocumented lists exported names without a comment: top-level names, and methods of exported types. A
// comment on a group or at the end of the line is enough. Fields and interface methods have no limit: in a
// documented type, a plain name often says it all.
func undocumented(m *module) section {
	outside := figure{what: "outside internal/ and commands", show: 10}
	inside := figure{what: "inside internal/ and commands", show: 10}
	bare := figure{what: "fields and methods of exported types and interfaces", limit: noLimit}
	for _, p := range m.packages {
		names := bareNames(m, p)
		bare.value += bareMembers(p)
		if p.public() {
			outside.places = append(outside.places, names...)
		} else {
			inside.places = append(inside.places, names...)
		}
	}
	outside.value, inside.value = len(outside.places), len(inside.places)
	return section{title: "Comments: exported names without one", figures: []figure{outside, inside, bare}}
}

// bareNames returns the exported names of a package without a comment.
func bareNames(m *module, p *pkg) []string {
	var names []string
	for _, f := range p.files {
		for _, decl := range f.syntax.Decls {
			for _, id := range bareDeclared(decl) {
				names = append(names, fmt.Sprintf("%s  %s", m.where(p, id.Pos()), id.Name))
			}
		}
	}
	return names
}

func bareDeclared(decl ast.Decl) []*ast.Ident {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if !says(d.Doc) && d.Name.IsExported() && !understoodMethod(d) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		var bare []*ast.Ident
		for _, spec := range d.Specs {
			if !says(d.Doc) && !commented(spec) {
				bare = append(bare, slices.DeleteFunc(slices.Clone(specified(spec)), isUnexported)...)
			}
		}
		return bare
	}
	return nil
}

func isUnexported(id *ast.Ident) bool { return !id.IsExported() }

// understoodMethod reports whether a function is a method that needs no comment.
func understoodMethod(fn *ast.FuncDecl) bool {
	return fn.Recv != nil && (!ast.IsExported(receiver(fn)) || slices.Contains(understood, fn.Name.Name))
}

func commented(spec ast.Spec) bool {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return says(s.Doc, s.Comment)
	case *ast.ValueSpec:
		return says(s.Doc, s.Comment)
	}
	return true
}

// says reports whether a comment has text. Directives are not text.
func says(comments ...*ast.CommentGroup) bool {
	return slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return c.Text() != "" })
}

// bareMembers counts exported fields and interface methods, of exported types, without a comment.
func bareMembers(p *pkg) int {
	n := 0
	for _, f := range p.files {
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			spec, ok := node.(*ast.TypeSpec)
			if ok && spec.Name.IsExported() {
				n += bareFields(spec.Type)
			}
			return !ok
		})
	}
	return n
}

func bareFields(expr ast.Expr) int {
	var list []*ast.Field
	switch t := expr.(type) {
	case *ast.StructType:
		list = t.Fields.List
	case *ast.InterfaceType:
		list = t.Methods.List
	}
	n := 0
	for _, field := range list {
		for _, id := range field.Names {
			if id.IsExported() && !says(field.Doc, field.Comment) {
				n++
			}
		}
	}
	return n
}
