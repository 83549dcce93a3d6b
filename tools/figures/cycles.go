package main

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// flat are the packages whose files must not use each other in a circle.
var flat = []string{"internal/httpapi", "server"}

// fileCycles looks for files of one package that use each other's declarations in a circle. Only the packages of
// flat have a limit.
func fileCycles(m *module) section {
	s := section{title: "Files of one package that use each other in a circle"}
	for _, p := range m.packages {
		uses := fileUses(m, p)
		f := circles(fmt.Sprintf("of %d files in %s", len(p.files), p.dir), uses.graph(), noLimit)
		if slices.Contains(flat, p.dir) {
			f.limit = 0
			f.places = append(f.places, uses.inCycles()...)
		} else {
			f.show = 0
		}
		if f.value > 0 || f.limit == 0 {
			s.figures = append(s.figures, f)
		}
	}
	if s.figures == nil {
		s.drawing = []string{"none"}
	}
	return s
}

// usage says which names a file uses of another: user, used, names.
type usage map[string]map[string]map[string]bool

// fileUses follows every name in a package's files to where the package declares it: types, functions,
// constants, variables, methods and fields.
func fileUses(m *module, p *pkg) usage {
	uses := usage{}
	ours := map[string]bool{}
	for _, f := range p.files {
		ours[f.name] = true
		uses[f.name] = map[string]map[string]bool{}
	}
	for id, object := range p.info.Uses {
		user, used := m.base(id), m.declaredIn(p, object)
		if user == used || !ours[user] || !ours[used] {
			continue
		}
		if uses[user][used] == nil {
			uses[user][used] = map[string]bool{}
		}
		uses[user][used][id.Name] = true
	}
	return uses
}

func (m *module) base(node ast.Node) string {
	return filepath.Base(m.fset.Position(node.Pos()).Filename)
}

// declaredIn is the file of a package that declares something, or "": another package has files of the same name.
func (m *module) declaredIn(p *pkg, object types.Object) string {
	if _, ok := object.(*types.PkgName); ok || object.Pkg() != p.types {
		return ""
	}
	return filepath.Base(m.fset.Position(object.Pos()).Filename)
}

func (u usage) graph() graph {
	g := graph{}
	for user, all := range u {
		g.node(user)
		for used := range all {
			g.arrow(user, used)
		}
	}
	return g
}

// inCycles lists the arrows within cycles, the thinnest first: what a cut would have to part.
func (u usage) inCycles() []string {
	var text []string
	for _, cycle := range u.graph().cycles() {
		for _, user := range cycle {
			for _, used := range cycle {
				if names := u[user][used]; names != nil {
					text = append(text, fmt.Sprintf("%3d  %s uses %s: %s", len(names), user, used, strings.Join(slices.Sorted(maps.Keys(names)), " ")))
				}
			}
		}
	}
	slices.Sort(text)
	return text
}
