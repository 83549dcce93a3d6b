package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// imports draws the import graph and looks for cycles. Go forbids cycles of packages, but not of top-level
// folders whose packages import each other.
func imports(m *module) section {
	byPackage, byRoom := graph{}, graph{}
	for _, p := range m.packages {
		byPackage.node(p.dir)
		byRoom.node(room(p.dir))
		for _, imported := range p.imports {
			byPackage.arrow(p.dir, imported)
			byRoom.arrow(room(p.dir), room(imported))
		}
	}
	return section{
		title: "Imports: the packages of this module that each one imports; a layer imports only from those below",
		figures: []figure{
			circles("packages in a cycle", byPackage, 0),
			circles("top-level folders in a cycle, each with its subfolders", byRoom, 0),
		},
		drawing: draw(byPackage),
	}
}

// room is the top-level folder that a package belongs to, or the second level in internal/ and cmd/.
func room(dir string) string {
	parts := strings.Split(dir, "/")
	if (parts[0] == "internal" || parts[0] == "cmd") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

// circles counts the nodes that are in cycles.
func circles(what string, g graph, limit int) figure {
	f := figure{what: what, limit: limit, show: 5}
	for _, cycle := range g.cycles() {
		f.value += len(cycle)
		f.places = append(f.places, fmt.Sprintf("%d: %s", len(cycle), strings.Join(cycle, " ")))
	}
	return f
}

// draw lists a graph by layers, highest first.
func draw(g graph) []string {
	width := 0
	for name := range g {
		width = max(width, len(name))
	}
	var text []string
	layers := g.layers()
	for n, layer := range slices.Backward(layers) {
		for i, name := range layer {
			label := "  "
			if i == 0 {
				label = fmt.Sprintf("%2d", n)
			}
			line := fmt.Sprintf("%s  %-*s  %s", label, width, name, strings.Join(slices.Sorted(maps.Keys(g[name])), " "))
			text = append(text, strings.TrimRight(line, " "))
		}
	}
	return text
}
