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

// flat are the packages whose files must not use each other in cycles.
var flat = []string{"internal/httpapi", "server"}

// fileCycles looks for cycles between files of one package, by the declarations they use. Only the packages in
// flat have a limit.
func fileCycles(m *module) section {
	s := section{title: "File cycles: files of one package that use each other's declarations"}
	for _, p := range m.packages {
		uses := fileUses(m, p)
		f := circles(fmt.Sprintf("of %d files in %s", len(p.files), p.dir), uses.graph(), noLimit)
		f.places, f.show = append(f.places, uses.inCycles()...), 0
		if slices.Contains(flat, p.dir) {
			f.limit, f.show = 0, 5
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

// usage maps each file to the files it uses, and to the names it uses of each.
type usage map[string]map[string]map[string]bool

// fileUses finds the file that declares each name a package uses of its own: types, functions, constants,
// variables, methods and fields.
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

// declaredIn returns the file that declares something, or "" if another package does: its files may have the
// same names.
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

// inCycles lists the uses within cycles, fewest names first: those are the easiest to cut.
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
