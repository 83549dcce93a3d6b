package main

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// module is a Go module: its packages, in the order of their folders.
type module struct {
	path     string
	fset     *token.FileSet
	packages []*pkg
	errors   int // from the compiler; figures that need types may then be too low
}

// pkg is a package without its tests and generated files.
type pkg struct {
	dir     string // in the module, with slashes; "." is its root
	name    string
	imports []string // folders of this module, sorted
	files   []file
	tests   []file // measured for words only
	types   *types.Package
	info    *types.Info
}

// file is a source file of a package.
type file struct {
	name   string // base name
	lines  int
	syntax *ast.File
}

// public says whether another module can import the package.
func (p *pkg) public() bool {
	return p.name != "main" && !slices.Contains(strings.Split(p.dir, "/"), "internal")
}

// describe says what was measured.
func (m *module) describe() string {
	n := 0
	for _, p := range m.packages {
		n += len(p.files)
	}
	head := fmt.Sprintf("%s: %d packages, %d Go files for this system, without tests, generated files and nested modules",
		m.path, len(m.packages), n)
	if m.errors > 0 {
		head += fmt.Sprintf("\nIt does not compile (%d errors): some figures are too low", m.errors)
	}
	return head
}

// where formats a position as folder/file:line.
func (m *module) where(p *pkg, at token.Pos) string {
	position := m.fset.Position(at)
	return fmt.Sprintf("%s:%d", path.Join(p.dir, filepath.Base(position.Filename)), position.Line)
}

// qualified is a name with its package's folder, which says more than the package's name.
func (p *pkg) qualified(name string) string {
	if p.dir == "." {
		return p.name + "." + name
	}
	return p.dir + "." + name
}

// load reads the module whose root is dir.
func load(ctx context.Context, dir string) (*module, error) {
	m := &module{fset: token.NewFileSet()}
	loaded, err := packages.Load(&packages.Config{
		Context: ctx,
		Dir:     dir,
		Fset:    m.fset,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedModule |
			packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo,
	}, "./...")
	if err != nil {
		return nil, err
	}
	for _, p := range loaded {
		m.errors += len(p.Errors)
		if p.Module == nil || len(p.Syntax) == 0 {
			continue
		}
		m.path = p.Module.Path
		if err := m.add(p); err != nil {
			return nil, err
		}
	}
	if len(m.packages) == 0 {
		return nil, errors.New("no Go package of a module in the current folder")
	}
	slices.SortFunc(m.packages, func(a, b *pkg) int { return strings.Compare(a.dir, b.dir) })
	return m, nil
}

// add adds a loaded package and parses its tests.
func (m *module) add(p *packages.Package) error {
	added := &pkg{dir: folder(m.path, p.PkgPath), name: p.Name, types: p.Types, info: p.TypesInfo}
	added.files = sources(m.fset, p.Syntax)
	for imported := range p.Imports {
		if imported == m.path || strings.HasPrefix(imported, m.path+"/") {
			added.imports = append(added.imports, folder(m.path, imported))
		}
	}
	slices.Sort(added.imports)
	m.packages = append(m.packages, added)

	names, err := filepath.Glob(filepath.Join(filepath.Dir(p.GoFiles[0]), "*_test.go"))
	if err != nil {
		return err
	}
	for _, name := range names {
		syntax, err := parser.ParseFile(m.fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		added.tests = append(added.tests, sources(m.fset, []*ast.File{syntax})...)
	}
	return nil
}

// folder is a package's folder in the module, "." for the root.
func folder(module, imported string) string {
	return path.Clean(strings.TrimPrefix(strings.TrimPrefix(imported, module), "/"))
}

// sources skips generated files.
func sources(fset *token.FileSet, all []*ast.File) []file {
	var kept []file
	for _, syntax := range all {
		if ast.IsGenerated(syntax) {
			continue
		}
		at := fset.File(syntax.FileStart)
		kept = append(kept, file{name: filepath.Base(at.Name()), lines: lines(at), syntax: syntax})
	}
	return kept
}

// lines counts the lines of a file. An empty one after the last newline does not count.
func lines(f *token.File) int {
	n := f.LineCount()
	if f.Size() == 0 || f.LineStart(n) == f.Pos(f.Size()) {
		return n - 1
	}
	return n
}
