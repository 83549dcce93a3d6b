// Figures measures the Go module in the current folder: its exported names, the sizes of its types,
// functions and files, exported names without a comment, retired words, and its import graph.
//
// Tests, generated files and nested modules are not measured; words in tests are counted beside the rest.
// Each figure is printed beside its limit; with -strict, an exceeded limit fails. A figure shows where to
// look and is not a goal: where a better design exceeds one, a decision says why.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	strict := flag.Bool("strict", false, "exit 1 when a limit is exceeded")
	verbose := flag.Bool("v", false, "list every place, not just the first few")
	word := flag.String("word", "", "list only the names that contain this word, and where they are declared")
	flag.Parse()

	over, err := run(context.Background(), ".", os.Stdout, options{verbose: *verbose, word: *word})
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(2)
	case *strict && over > 0:
		os.Exit(1)
	}
}

// options are what to print. The zero value is the report with the first few places of each figure.
type options struct {
	verbose bool   // all places
	word    string // instead of the report, the names that contain this word
}

// run measures the module in the folder dir, prints the report and returns how many figures exceed their
// limit.
func run(ctx context.Context, dir string, w io.Writer, o options) (int, error) {
	m, err := load(ctx, dir)
	if err != nil {
		return 0, err
	}
	if o.word != "" {
		_, err = io.WriteString(w, listing(m, o.word))
		return 0, err
	}
	r := report{head: m.describe(), sections: measure(m)}
	_, err = io.WriteString(w, r.text(o.verbose))
	return r.over(), err
}

// measure takes every figure, in the order of the report.
func measure(m *module) []section {
	return []section{
		surface(m),
		interfaces(m),
		methods(m),
		functions(m),
		files(m),
		undocumented(m),
		words(m, retiredWords),
		imports(m),
		fileCycles(m),
	}
}
