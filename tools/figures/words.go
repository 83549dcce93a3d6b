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

// retired is a word that should disappear from names, with its inflections.
type retired struct {
	forms   string   // lower case, separated by spaces; the first stands for all
	becomes string   // what replaces it
	stays   string   // the sense in which it is still good, if any
	only    []string // the folders where it is retired; empty means everywhere
}

// occurrence is a name that contains a word, where it is declared.
type occurrence struct {
	name string
	at   string
	test bool
}

// words counts the declared names that still contain retired words. A word that also has a good sense has no
// limit: only a reader can tell the two apart.
func words(m *module, table []retired) section {
	gone := figure{what: "declarations with a word that has no good sense", show: len(table)}
	read := figure{what: "declarations with a word that also has a good sense; to be read", limit: noLimit, show: len(table)}
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
	return section{title: "Words: retired ones in the names of declarations, files and packages", figures: []figure{gone, read}}
}

// describe formats a line of the report: counts, replacement, the commonest names.
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

// in returns the occurrences of a word, in the folders where it is retired.
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

// listing is every declared name that contains a word or, if the word is retired, one of its inflections.
func listing(m *module, word string) string {
	r := retired{forms: word}
	for _, row := range retiredWords {
		if slices.Contains(strings.Fields(row.forms), word) {
			r = row
		}
	}
	var out strings.Builder
	for _, p := range r.in(placesByWord(m)) {
		fmt.Fprintf(&out, "%s  %s\n", p.at, p.name)
	}
	return out.String()
}

// placesByWord returns all declared names, by each of their words.
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

// noteNames notes a file's name and the names it declares. Test functions are skipped: their names are sentences.
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

// embedded reports whether an object is an embedded field, which is named by its type.
func embedded(object types.Object) bool {
	field, ok := object.(*types.Var)
	return ok && field.Embedded()
}

// definitions finds what a file declares. It does not load imports or other files, so type errors are expected and
// ignored.
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

// startsWord reports whether a capital begins a word, rather than being inside an abbreviation.
func startsWord(runes []rune, i int) bool {
	if i == 0 || !unicode.IsUpper(runes[i-1]) {
		return true
	}
	return i+1 < len(runes) && unicode.IsLower(runes[i+1])
}
