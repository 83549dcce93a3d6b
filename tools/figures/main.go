// Figures measures the Go module in the current folder: the surface it shows, the sizes of its types,
// functions and files, names without a comment, retired words, and who imports whom.
//
// Tests and generated files are left out, and so are modules in folders of this one. Limits are printed
// beside what was measured; -strict makes one that is exceeded an error. A figure is there to make
// somebody look, not to be pleased: where the better design breaks one, a decision says why.
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
	verbose := flag.Bool("v", false, "list every place, not the first few")
	flag.Parse()

	over, err := run(context.Background(), ".", os.Stdout, *verbose)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(2)
	case *strict && over > 0:
		os.Exit(1)
	}
}

// run measures the module in the folder dir, prints the report and returns how many figures are over their
// limit.
func run(ctx context.Context, dir string, w io.Writer, verbose bool) (int, error) {
	m, err := load(ctx, dir)
	if err != nil {
		return 0, err
	}
	r := report{head: m.describe(), sections: measure(m)}
	_, err = io.WriteString(w, r.text(verbose))
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
