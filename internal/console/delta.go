package console

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// How a page says what is as in an older one, its base. An element with data-base is the base's element at that place among
// its siblings, with other attributes or other children. A template with data-same and data-n stands for so many of the base's
// nodes from that place on. live.js puts them in.
const (
	attrBase = "data-base"
	attrSame = "data-same"
	attrMany = "data-n"
)

// worthNaming is the length from which a text is named rather than repeated: a template is longer than a line break.
const worthNaming = 48

// delta returns a page that says of its main element only what differs from an older page. Times that the reader's browser
// counts by itself are no difference. It returns nothing if a page has no main element.
func delta(base, fresh string) (text string, changed bool) {
	old, page := mainOf(base), mainOf(fresh)
	if old == nil || page == nil {
		return "", true
	}
	d := differ{seed: maphash.MakeSeed(), sums: map[*html.Node]uint64{}}
	changed = d.sum(old) != d.sum(page)
	main := d.thin(old, page)
	main.Attr = append(main.Attr, html.Attribute{Key: attrBase})
	var out strings.Builder
	head, _, _ := strings.Cut(fresh, "<main")
	out.WriteString("<!doctype html>" + between(head, "<title>", "</title>") + between(head, "<body", ">"))
	_ = html.Render(&out, main) // a builder takes everything
	return out.String(), changed
}

// between returns the part of a text from one mark to the end of another; empty: it has none.
func between(text, from, to string) string {
	if i := strings.Index(text, from); i >= 0 {
		if n := strings.Index(text[i:], to); n >= 0 {
			return text[i : i+n+len(to)]
		}
	}
	return ""
}

// mainOf returns the main element of a page, or nil.
func mainOf(page string) *html.Node {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return nil
	}
	for n := range doc.Descendants() {
		if n.DataAtom == atom.Main {
			return n
		}
	}
	return nil
}

// differ compares the nodes of two pages.
type differ struct {
	seed maphash.Seed
	sums map[*html.Node]uint64
}

// sum returns a hash of everything that a node says. Equal hashes mean equal nodes: with 64 bits, two of a page never meet.
func (d differ) sum(n *html.Node) uint64 {
	if s, ok := d.sums[n]; ok {
		return s
	}
	var h maphash.Hash
	h.SetSeed(d.seed)
	part := func(text string) { _, _ = h.WriteString(text + "\x00") }
	part(strconv.Itoa(int(n.Type)) + n.Data)
	for _, a := range n.Attr {
		part(a.Key + "=" + a.Val)
	}
	if !counts(n) {
		for c := range n.ChildNodes() {
			_, _ = h.Write(binary.BigEndian.AppendUint64(nil, d.sum(c)))
		}
	}
	d.sums[n] = h.Sum64()
	return d.sums[n]
}

// counts reports whether an element is a time whose text the browser writes.
func counts(n *html.Node) bool {
	return n.DataAtom == atom.Time && slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "data-as" })
}

// thin returns an element that says what of a fresh one differs from an old one.
func (d differ) thin(old, fresh *html.Node) *html.Node {
	thinned := &html.Node{Type: fresh.Type, Data: fresh.Data, DataAtom: fresh.DataAtom, Namespace: fresh.Namespace, Attr: slices.Clone(fresh.Attr)}
	places, all, next := map[uint64][]int{}, slices.Collect(old.ChildNodes()), 0
	for i, c := range all {
		places[d.sum(c)] = append(places[d.sum(c)], i)
	}
	for c := range fresh.ChildNodes() {
		at := places[d.sum(c)]
		switch i := partner(all, c, next); {
		case len(at) > 0:
			if !slices.Contains(at, next) {
				next = at[0]
			}
			keep(thinned, c, next)
			next++
		case i >= 0:
			part := d.thin(all[i], c)
			part.Attr = append(part.Attr, html.Attribute{Key: attrBase, Val: strconv.Itoa(i)})
			thinned.AppendChild(part)
			next = i + 1
		default:
			thinned.AppendChild(whole(c))
		}
	}
	return thinned
}

// keep adds a child that is the old element's at a place.
func keep(to, c *html.Node, at int) {
	if last := to.LastChild; last != nil && len(last.Attr) == 2 && last.Attr[0].Key == attrSame {
		from, _ := strconv.Atoi(last.Attr[0].Val) // both are our own numbers
		n, _ := strconv.Atoi(last.Attr[1].Val)
		if from+n == at {
			last.Attr[1].Val = strconv.Itoa(n + 1)
			return
		}
	}
	if c.Type == html.TextNode && len(c.Data) < worthNaming {
		to.AppendChild(whole(c))
		return
	}
	to.AppendChild(&html.Node{Type: html.ElementNode, Data: "template", DataAtom: atom.Template, Attr: []html.Attribute{
		{Key: attrSame, Val: strconv.Itoa(at)}, {Key: attrMany, Val: "1"},
	}})
}

// partner returns the place of the old child that a fresh one is a newer form of: that with its id, or else the next one of
// its kind. It is negative if there is none. What a browser parses otherwise than an element of a page has none.
func partner(all []*html.Node, c *html.Node, next int) int {
	switch {
	case c.Type != html.ElementNode, c.FirstChild == nil, c.DataAtom == atom.Template, c.DataAtom == atom.Noscript, c.DataAtom == atom.Textarea:
		return -1
	case idOf(c) != "":
		return slices.IndexFunc(all, func(o *html.Node) bool { return o.DataAtom == c.DataAtom && idOf(o) == idOf(c) })
	}
	for i := next; i < min(next+2, len(all)); i++ { // the next one, behind a line break
		if all[i].Type == html.ElementNode && all[i].DataAtom == c.DataAtom && idOf(all[i]) == "" {
			return i
		}
	}
	return -1
}

func idOf(n *html.Node) string {
	for _, a := range n.Attr {
		if a.Key == "id" {
			return a.Val
		}
	}
	return ""
}

// whole takes a node from its page.
func whole(n *html.Node) *html.Node {
	copied := &html.Node{Type: n.Type, Data: n.Data, DataAtom: n.DataAtom, Namespace: n.Namespace, Attr: n.Attr}
	for c := range n.ChildNodes() {
		copied.AppendChild(whole(c))
	}
	return copied
}
