// Release builds what is published of a version: archives with the program, packages of Debian, RPM and npm, an image for
// containers, a Homebrew formula, what each program is made of, and the checksums of it all.
//
// Two builds of one commit are the same to the last byte, wherever they are made: nothing in them comes from the machine,
// the folder or the clock. Times are those of the version in CHANGELOG.md, or of SOURCE_DATE_EPOCH.
//
//	release [-source DIR] [-platforms linux/amd64,…] OUT
//	release -version
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

// platforms are those that a release is built for.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

func main() {
	source := flag.String("source", ".", "the folder with the source")
	only := flag.String("platforms", strings.Join(platforms, ","), "what to build for")
	version := flag.Bool("version", false, "print the version that would be built, and build nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *source, strings.Split(*only, ","), *version, flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, source string, wanted []string, versionOnly bool, args []string, out io.Writer) error {
	r, err := newRelease(ctx, source)
	if err != nil {
		return err
	}
	if versionOnly {
		_, err := fmt.Fprintln(out, r.version)
		return err
	}
	if len(args) != 1 {
		return fmt.Errorf("name the folder to build into")
	}
	for _, p := range wanted {
		if !slices.Contains(platforms, p) {
			return fmt.Errorf("nothing is built for %q, only for %s", p, strings.Join(platforms, ", "))
		}
	}
	r.out = args[0]
	return r.build(ctx, wanted, out)
}

// build makes everything for some platforms.
func (r *release) build(ctx context.Context, wanted []string, log io.Writer) error {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	if err := r.generate(ctx); err != nil {
		return err
	}
	var built []program
	for _, name := range wanted {
		p, err := r.compile(ctx, name)
		if err != nil {
			return err
		}
		built = append(built, p)
		for _, pack := range []func(program) error{r.archive, r.materials, r.deb, r.rpm, r.npmBinary} {
			if err := pack(p); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for _, pack := range []func([]program) error{r.image, r.npm, r.formula, r.checksums} {
		if err := pack(built); err != nil {
			return err
		}
	}
	return r.report(log)
}

// report prints what was made, and how large it is.
func (r *release) report(to io.Writer) error {
	for _, a := range r.made {
		if _, err := fmt.Fprintf(to, "%5.1f MB  %s\n", float64(a.size)/1e6, a.name); err != nil {
			return err
		}
	}
	return nil
}
