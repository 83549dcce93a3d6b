package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// retired is a word that names are to lose, with its inflections.
type retired struct {
	forms   string   // lower case, separated by spaces; the first stands for all
	becomes string   // what to say instead
	stays   string   // the sense in which the word is good, if any: a reader must tell
	only    []string // the folders where it is retired; none: everywhere
}

// occurrence is a name that contains a word, where it is declared.
type occurrence struct {
	name string
	at   string
	test bool
}

// words counts where the names that are declared still contain retired words. A word that also has a good
// sense has no limit: a program cannot tell, a reader can.
func words(m *module, table []retired) section {
	gone := figure{what: "places with a word that has no other sense", show: len(table)}
	read := figure{what: "places with a word that also has a good one; read them", limit: noLimit, show: len(table)}
	found := placesByWord(m)
	for _, r := range table {
		all := r.in(found)
		if len(all) == 0 {
			continue
		}
		f := &gone
		if r.stays != "" {
			f = &read
		}
		f.value += len(all) - tests(all)
		f.places = append(f.places, r.describe(all))
	}
	return section{title: "Words: retired ones in declared names, of packages and files too", figures: []figure{gone, read}}
}

// describe is a line of the report: count, replacement, the commonest names.
func (r retired) describe(places []occurrence) string {
	word, _, _ := strings.Cut(r.forms, " ")
	text := fmt.Sprintf("%4d %-11s +%d in tests → %s", len(places)-tests(places), word, tests(places), r.becomes)
	if r.stays != "" {
		text += "; stays: " + r.stays
	}
	return text + "  (" + strings.Join(commonest(places, 4), ", ") + ")"
}

func tests(places []occurrence) int {
	n := 0
	for _, p := range places {
		if p.test {
			n++
		}
	}
	return n
}

// commonest returns the n names that occur most often, and how many others there are.
func commonest(places []occurrence, n int) []string {
	count := map[string]int{}
	for _, p := range places {
		count[p.name]++
	}
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), strings.Compare(a, b))
	})
	if len(names) > n {
		return append(names[:n:n], fmt.Sprintf("%d others", len(names)-n))
	}
	return names
}

// in returns the places of a word's forms, in the folders where it is retired.
func (r retired) in(found map[string][]occurrence) []occurrence {
	var places []occurrence
	for form := range strings.FieldsSeq(r.forms) {
		for _, p := range found[form] {
			if len(r.only) == 0 || slices.ContainsFunc(r.only, func(dir string) bool { return strings.HasPrefix(p.at, dir+"/") }) {
				places = append(places, p)
			}
		}
	}
	return places
}

// placesByWord returns every name that is declared, by each of its words.
func placesByWord(m *module) map[string][]occurrence {
	found := map[string][]occurrence{}
	note := func(p occurrence) {
		for _, word := range slices.Compact(slices.Sorted(slices.Values(split(p.name)))) {
			found[word] = append(found[word], p)
		}
	}
	for _, p := range m.packages {
		note(occurrence{name: p.name, at: p.dir + "/"})
		for _, f := range p.files {
			m.noteNames(p, f, p.info, note)
		}
		for _, f := range p.tests {
			m.noteNames(p, f, definitions(m.fset, f), note)
		}
	}
	return found
}

// noteNames notes a file's own name and what it declares. Names of tests are sentences, and left out.
func (m *module) noteNames(p *pkg, f file, info *types.Info, note func(occurrence)) {
	test := strings.HasSuffix(f.name, "_test.go")
	note(occurrence{name: strings.TrimSuffix(f.name, ".go"), at: p.dir + "/" + f.name, test: test})
	ast.Inspect(f.syntax, func(node ast.Node) bool {
		id, ok := node.(*ast.Ident)
		if !ok || id == f.syntax.Name || test && strings.HasPrefix(id.Name, "Test") {
			return true
		}
		if object, declares := info.Defs[id]; declares && !embedded(object) {
			note(occurrence{name: id.Name, at: m.where(p, id.Pos()), test: test})
		}
		return true
	})
}

// embedded says whether something is a field that takes its name from its type.
func embedded(object types.Object) bool {
	field, ok := object.(*types.Var)
	return ok && field.Embedded()
}

// definitions finds what a file declares, without looking at what it imports or at its package's other
// files: errors of types are no matter.
func definitions(fset *token.FileSet, f file) *types.Info {
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}}
	config := types.Config{Error: func(error) {}}
	_, _ = config.Check("", fset, []*ast.File{f.syntax}, info)
	return info
}

// split returns the words of a name, in lower case: HTTPServer is http and server, live_tail live and tail.
func split(name string) []string {
	var all []string
	runes := []rune(name)
	from := 0
	cut := func(to int) {
		if to > from {
			all = append(all, strings.ToLower(string(runes[from:to])))
		}
		from = to
	}
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r):
			cut(i)
			from = i + 1
		case unicode.IsUpper(r) && startsWord(runes, i):
			cut(i)
		}
	}
	cut(len(runes))
	return all
}

// startsWord says whether a capital is the first of a word, rather than within an abbreviation.
func startsWord(runes []rune, i int) bool {
	if i == 0 || !unicode.IsUpper(runes[i-1]) {
		return true
	}
	return i+1 < len(runes) && unicode.IsLower(runes[i+1])
}
