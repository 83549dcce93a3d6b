package main

import (
	"maps"
	"slices"
	"strings"
)

// graph maps each node to those it uses.
type graph map[string]map[string]bool

// arrow records that one node uses another. A node's use of itself is ignored.
func (g graph) arrow(from, to string) {
	g.node(from)
	g.node(to)
	if from != to {
		g[from][to] = true
	}
}

func (g graph) node(name string) {
	if g[name] == nil {
		g[name] = map[string]bool{}
	}
}

// cycles returns the strongly connected components of more than one node, largest first: sets in which
// every node reaches every other.
func (g graph) cycles() [][]string {
	c := components{graph: g, index: map[string]int{}, low: map[string]int{}, open: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(g)) {
		if c.index[name] == 0 {
			c.visit(name)
		}
	}
	slices.SortFunc(c.found, func(a, b []string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a[0], b[0])
	})
	return c.found
}

// components is the state of Tarjan's algorithm (SIAM Journal on Computing 1, 1972).
type components struct {
	graph graph
	index map[string]int // order of discovery, from 1
	low   map[string]int // the earliest open node that is reached
	open  map[string]bool
	stack []string
	found [][]string
}

func (c *components) visit(name string) {
	n := len(c.index) + 1
	c.index[name], c.low[name] = n, n
	c.stack, c.open[name] = append(c.stack, name), true
	for _, used := range slices.Sorted(maps.Keys(c.graph[name])) {
		switch {
		case c.index[used] == 0:
			c.visit(used)
			c.low[name] = min(c.low[name], c.low[used])
		case c.open[used]:
			c.low[name] = min(c.low[name], c.index[used])
		}
	}
	if c.low[name] == n {
		c.closeAt(name)
	}
}

// closeAt pops the component that begins with the given node.
func (c *components) closeAt(first string) {
	at := slices.Index(c.stack, first)
	component := slices.Clone(c.stack[at:])
	c.stack = c.stack[:at]
	for _, name := range component {
		c.open[name] = false
	}
	if len(component) > 1 {
		slices.Sort(component)
		c.found = append(c.found, component)
	}
}

// layers groups nodes by their longest path down: first those that use nothing, then those that use only
// these, and so on. Nodes in a cycle, and those that use them, are in no layer.
func (g graph) layers() [][]string {
	var all [][]string
	done := map[string]bool{}
	for len(done) < len(g) {
		var layer []string
		for _, name := range slices.Sorted(maps.Keys(g)) {
			if !done[name] && within(g[name], done) {
				layer = append(layer, name)
			}
		}
		if layer == nil {
			break
		}
		for _, name := range layer {
			done[name] = true
		}
		all = append(all, layer)
	}
	return all
}

func within(names, done map[string]bool) bool {
	for name := range names {
		if !done[name] {
			return false
		}
	}
	return true
}
