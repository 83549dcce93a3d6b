// Mutants plants bugs, one after the other, and shows which test catches each.
//
// A mutant is a patch with a few lines above it: what is wrong with it, and the tests that must fail.
//
//	Sessions at exactly the minimum length count as too short.
//	Caught by: ./lifecycle TestAShortSessionIsCancelled
//	--- a/lifecycle/session.go
//	+++ b/lifecycle/session.go
//
// The tests pass without the mutant, or nothing is proved. The patches apply to what is committed, in a
// work tree of its own; the folder they are run from is not touched.
//
//	mutants [-write docs/mutants.md] FOLDER [NAME]...
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
)

func main() {
	write := flag.String("write", "", "write the table to this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	survivors, err := run(ctx, ".", *write, flag.Args(), os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	if survivors > 0 {
		os.Exit(1)
	}
}

// run tries the mutants of a folder, or the named ones, on what repo has committed. It returns how many
// were not caught.
func run(ctx context.Context, repo, write string, args []string, out io.Writer) (survivors int, err error) {
	if len(args) == 0 {
		return 0, fmt.Errorf("name the folder with the patches")
	}
	all, err := read(args[0])
	if err != nil {
		return 0, err
	}
	if names := args[1:]; len(names) > 0 {
		all = slices.DeleteFunc(all, func(m mutant) bool { return !slices.Contains(names, m.name) })
		if len(all) != len(names) {
			return 0, fmt.Errorf("%s does not have all of %s", args[0], strings.Join(names, ", "))
		}
	}
	tree, remove, err := workTree(ctx, repo)
	if err != nil {
		return 0, err
	}
	defer remove()
	for i := range all {
		all[i].verdict = tree.try(ctx, all[i])
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if all[i].verdict != caught {
			survivors++
		}
		if _, err := fmt.Fprintf(out, "%3d/%d  %-8s  %s: %s\n", i+1, len(all), all[i].verdict, all[i].name, all[i].what); err != nil {
			return 0, err
		}
	}
	if _, err := fmt.Fprintf(out, "%d of %d caught\n", len(all)-survivors, len(all)); err != nil || write == "" {
		return survivors, err
	}
	return survivors, os.WriteFile(write, []byte(table(all)), 0o644) //nolint:gosec // a document
}
