package console

import (
	"strings"
	"testing"
)

// What a reader has of a page is not sent again.
func TestDelta(t *testing.T) {
	t.Parallel()
	page := func(main string) string {
		return `<!doctype html><html><head><title>T</title></head><body data-page="x"><main id="main">` + main + `</main></body></html>`
	}
	long := strings.Repeat("word ", 20)
	const open = `<!doctype html><title>T</title><body data-page="x"><main id="main" data-base="">`
	for sentence, test := range map[string]struct {
		base, fresh, want string
		same              bool
	}{
		"nothing changed":              {"<p>a</p><p>b</p>", "<p>a</p><p>b</p>", `<template data-same="0" data-n="2"></template>`, true},
		"a time goes by":               {`<p><time data-as="ago">1 s</time></p>`, `<p><time data-as="ago">2 s</time></p>`, `<template data-same="0" data-n="1"></template>`, true},
		"a text changed":               {"<p>a</p><p>b</p>", "<p>a</p><p>c</p>", `<template data-same="0" data-n="1"></template><p data-base="1">c</p>`, false},
		"a row came first":             {`<p id="b">b</p>`, `<p id="a">a</p><p id="b">b</p>`, `<p id="a">a</p><template data-same="0" data-n="1"></template>`, false},
		"a row went":                   {`<p id="a">a</p><p id="b">b</p>`, `<p id="b">b</p>`, `<template data-same="1" data-n="1"></template>`, false},
		"an attribute changed":         {"<p>" + long + "</p>", `<p class="new">` + long + "</p>", `<p class="new" data-base="0"><template data-same="0" data-n="1"></template></p>`, false},
		"a question changed":           {"<button>Do<template><p>a</p></template></button>", "<button>Do<template><p>b</p></template></button>", `<button data-base="0">Do<template><p>b</p></template></button>`, false},
		"what is not marked up stays":  {"<p>a</p>", "<p>&lt;script&gt;</p>", `<p data-base="0">&lt;script&gt;</p>`, false},
		"a table keeps its rows":       {"<table><tbody><tr><td>a</td></tr></tbody></table>", "<table><tbody><tr><td>a</td></tr><tr><td>b</td></tr></tbody></table>", `<table data-base="0"><tbody data-base="0"><template data-same="0" data-n="1"></template><tr><td>b</td></tr></tbody></table>`, false},
		"another element took a place": {"<p>a</p>", "<ul><li>a</li></ul>", "<ul><li>a</li></ul>", false},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			got, changed := delta(page(test.base), page(test.fresh))
			if want := open + test.want + "</main>"; got != want || changed == test.same {
				t.Errorf("changed: %t\n got %s\nwant %s", changed, got, want)
			}
		})
	}
	if text, changed := delta("<p>no page</p>", page("")); text != "" || !changed {
		t.Errorf("without a base: %q", text)
	}
}

func TestRenderingsAreTheirReaders(t *testing.T) {
	t.Parallel()
	var r renderings
	half := strings.Repeat("x", renderingBytes/16)
	r.remember("a", rendering{"admin mara", half})
	if r.of("a", "admin mara") != half || r.of("a", "admin anna") != "" || r.of("b", "admin mara") != "" {
		t.Error("a page is given to another reader, or not to its own")
	}
	for i := range 16 {
		r.remember(strings.Repeat("b", i+1), rendering{"admin mara", half})
	}
	if r.remember("c", rendering{"admin mara", half + "x"}); r.of("a", "admin mara") != "" || r.of("c", "admin mara") != "" || r.size > renderingBytes {
		t.Errorf("%d bytes are kept", r.size)
	}
}
