package curfew_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ownFiles are those that one store has and the other does not need.
var ownFiles = map[string][]string{
	"postgres": {
		"access.go", "batch.go", "engine.go", "group_commit.go", "insert.go", "key.go", "notification.go", "online.go", "pool.go", "readers.go",
		"rights.go", "roles.go", "settings.go", "transaction.go",
	},
	"sqlite": {
		"connect.go", "file.go", "group_commit.go", "lock.go", "lock_linux.go", "lock_other.go", "lost.go", "reader.go", "stat.go", "stat_linux.go",
		"stat_other.go", "writer.go",
	},
}

// ownMethods are those that one store's dialect asks for.
var ownMethods = map[string][]string{
	"postgres": {
		"db.again", "db.read", "db.send", "db.tx", "schema.alone", "schema.close", "schema.createSchema", "schema.exposed",
		"schema.filtered", "schema.lacking", "schema.namesByTable",
	},
	"sqlite": {
		"db.checkLibrary", "db.limit", "db.now", "db.query", "db.wall", "endpoints.changedEndpoint", "schema.integrity", "schema.journal",
		"schema.synchronous", "schema.verifyLog", "schema.verifyMigrated", "schema.verifyOwn",
	},
}

// The stores are twins: the same noun is the same file, with the same methods in
// the same order, so that their diff shows dialect and nothing else.
func TestStoresAreTwins(t *testing.T) {
	t.Parallel()
	postgres, sqlite := storeOf(t, "postgres"), storeOf(t, "sqlite")
	if diff := cmp.Diff(slices.Sorted(maps.Keys(postgres.files)), slices.Sorted(maps.Keys(sqlite.files))); diff != "" {
		t.Errorf("files (-postgres +sqlite):\n%s", diff)
	}
	for name, methods := range postgres.files {
		if diff := cmp.Diff(methods, sqlite.files[name]); diff != "" {
			t.Errorf("methods of %s (-postgres +sqlite):\n%s", name, diff)
		}
	}
	for name, file := range postgres.homes {
		if twin, ok := sqlite.homes[name]; ok && twin != file {
			t.Errorf("%s is in postgres/%s and in sqlite/%s", name, file, twin)
		}
	}
}

// store is what a room declares.
type store struct {
	nouns map[string]bool     // the types that Store is made of
	files map[string][]string // methods of nouns by file, in order
	homes map[string]string   // file by name, of functions, constants and variables
}

func storeOf(t *testing.T, room string) store {
	t.Helper()
	paths, err := filepath.Glob(room + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	s := store{nounsOf(t, room), map[string][]string{}, map[string]string{}}
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasSuffix(name, "_test.go") || slices.Contains(ownFiles[room], name) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		s.files[name] = []string{}
		for _, d := range file.Decls {
			s.add(name, d, ownMethods[room])
		}
	}
	return s
}

func (s store) add(file string, declared ast.Decl, own []string) {
	switch d := declared.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			s.homes[d.Name.Name] = file
			return
		}
		noun := nameOf(d.Recv.List[0].Type)
		if method := noun + "." + d.Name.Name; s.nouns[noun] && !slices.Contains(own, method) {
			s.files[file] = append(s.files[file], method)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok {
				for _, name := range v.Names {
					s.homes[name.Name] = file
				}
			}
		}
	}
}

// nameOf is the name of a type, or of what a pointer points to.
func nameOf(of ast.Expr) string {
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

// nounsOf is the types that a room's Store is made of.
func nounsOf(t *testing.T, room string) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), room+"/store.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	nouns := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Store" {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List { //nolint:errcheck,forcetypeassert // Store is a struct
			nouns[nameOf(field.Type)] = true
		}
		return false
	})
	return nouns
}
