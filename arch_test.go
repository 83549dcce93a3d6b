package curfew_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/curfewhq/curfew"

// room is one row of the import table: what a folder of this module, and every folder below it that
// has no row of its own, may import outside its tests.
type room struct {
	ours      []string // rooms of this module; a room's own folders go without saying
	never     []string // import paths, each with everything below it
	stdlib    bool     // beside ours, nothing but the standard library
	forTests  bool     // imported by tests alone
	isCommand bool     // reads the environment and ends the process
}

// drivers open databases.
var drivers = []string{
	"database/sql",
	"github.com/jackc/pgx",
	"github.com/pressly/goose",
	"modernc.org/sqlite",
}

// rooms is the import table. A new room gets a row here, and a line in CONTRIBUTING.md.
var rooms = map[string]room{
	".":         {stdlib: true, never: []string{"net/http", "database/sql"}},
	"lifecycle": {ours: []string{".", "internal/record"}, never: append([]string{"net/http"}, drivers...)},
	"postgres":  {ours: []string{".", "internal/record"}, never: []string{"net/http", "modernc.org/sqlite"}},
	"sqlite":    {ours: []string{".", "internal/record"}, never: []string{"net/http", "github.com/jackc/pgx"}},
	"api":       {stdlib: true},

	"internal/adopt":     {ours: []string{".", "internal/record", "internal/adopt/mapping", "internal/suggest"}, never: []string{"net/http", "modernc.org/sqlite"}},
	"internal/approval":  {ours: []string{".", "internal/privacy", "internal/record", "lifecycle"}, never: append([]string{"net/http"}, drivers...)},
	"internal/audit":     {ours: []string{".", "internal/record"}, never: append([]string{"net/http"}, drivers...)},
	"internal/auth":      {ours: []string{".", "internal/limit", "internal/problem", "internal/record", "internal/strictjson", "internal/wire"}, never: drivers},
	"internal/backup":    {ours: []string{".", "internal/record"}, stdlib: true, never: drivers},
	"internal/config":    {ours: []string{".", "internal/adopt/mapping", "internal/suggest"}, never: append([]string{"net/http"}, drivers...)},
	"internal/directory": {ours: []string{".", "internal/record"}, never: append([]string{"net/http"}, drivers...)},
	"internal/discreet":  {stdlib: true, never: append([]string{"net/http"}, drivers...)},
	"internal/demo":      {ours: []string{"api"}, stdlib: true, never: drivers},
	"internal/forecast":  {ours: []string{".", "internal/record"}, never: append([]string{"net/http"}, drivers...)},
	"internal/job":       {ours: []string{".", "internal/record", "lifecycle"}, never: append([]string{"net/http"}, drivers...)},
	"internal/invariant": {ours: []string{".", "internal/record"}, stdlib: true, never: drivers},
	"internal/limit":     {ours: []string{"."}, never: append([]string{"net/http"}, drivers...)},
	"internal/metrics":   {ours: []string{".", "internal/limit", "internal/record", "lifecycle"}, never: drivers},
	"internal/notify":    {ours: []string{".", "internal/record"}, never: drivers},
	"internal/problem":   {ours: []string{".", "api", "internal/wire"}, never: drivers},
	"internal/openapi":   {ours: []string{".", "lifecycle", "internal/record", "api", "internal/notify", "internal/problem"}, never: drivers},
	"internal/sse":       {ours: []string{".", "internal/record", "lifecycle", "api", "internal/auth", "internal/problem", "internal/wire"}, never: drivers},
	"internal/record":    {ours: []string{"."}, stdlib: true, never: append([]string{"net/http"}, drivers...)},
	"internal/provider":  {ours: []string{".", "internal/strictjson"}, never: drivers},
	"internal/stream":    {ours: []string{".", "internal/record"}, never: drivers},
	"internal/stripe":    {ours: []string{"."}, never: drivers},

	"internal/privacy":    {ours: []string{".", "internal/record"}, never: append([]string{"net/http"}, drivers...)},
	"internal/timeline":   {ours: []string{".", "internal/record", "lifecycle"}, never: append([]string{"net/http"}, drivers...)},
	"internal/strictjson": {stdlib: true, never: append([]string{"net/http"}, drivers...)},
	"internal/suggest":    {stdlib: true, never: append([]string{"net/http"}, drivers...)},
	"internal/wire":       {ours: []string{".", "internal/directory", "internal/forecast", "internal/record", "lifecycle", "internal/privacy", "internal/timeline", "api"}, never: drivers},

	"internal/console": {
		ours: []string{
			".", "lifecycle", "internal/record", "api", "internal/auth", "internal/directory", "internal/forecast", "internal/limit", "internal/problem", "internal/timeline", "internal/wire",
		},
		never: drivers,
	},
	"internal/httpapi": {
		ours: []string{
			".", "lifecycle", "internal/record", "api", "internal/approval", "internal/audit", "internal/auth", "internal/console", "internal/directory", "internal/forecast", "internal/job", "internal/limit", "internal/metrics", "internal/openapi", "internal/problem",
			"internal/privacy", "internal/provider", "internal/sse", "internal/strictjson", "internal/timeline", "internal/wire",
		},
		never: drivers,
	},

	"internal/adopt/mapping":       {ours: []string{".", "internal/suggest"}, never: append([]string{"net/http"}, drivers...)},
	"internal/notify/mailtest":     {never: drivers, forTests: true},
	"internal/pgtest":              {forTests: true},
	"internal/browsertest":         {never: drivers, forTests: true},
	"internal/effort":              {stdlib: true, never: drivers, forTests: true},
	"internal/openapi/openapitest": {never: drivers, forTests: true},
	"internal/storetest": {
		ours: []string{".", "lifecycle", "internal/record", "internal/invariant", "internal/effort", "internal/storetest/seed"}, never: drivers, forTests: true,
	},
	"internal/storetest/seed": {stdlib: true, never: drivers, forTests: true},
	"internal/storetest/stores": {
		ours:     []string{".", "lifecycle", "postgres", "sqlite", "internal/pgtest", "internal/storetest"},
		forTests: true,
	},
	"internal/stripe/stripetest": {ours: []string{"internal/storetest/seed"}, never: drivers, forTests: true},

	"cmd/curfew": {
		ours: []string{
			".", "lifecycle", "internal/record", "postgres", "sqlite", "api", "internal/adopt", "internal/adopt/mapping", "internal/approval", "internal/audit", "internal/auth", "internal/backup",
			"internal/config", "internal/console", "internal/directory", "internal/demo", "internal/discreet", "internal/forecast", "internal/httpapi", "internal/invariant", "internal/job", "internal/limit", "internal/metrics", "internal/notify", "internal/privacy", "internal/problem", "internal/provider",
			"internal/sse", "internal/stream", "internal/stripe", "internal/suggest", "internal/timeline", "internal/wire",
		},
		isCommand: true,
	},
}

// exits are the calls that take a decision, or a setting, which belongs to the command.
var exits = map[string][]string{
	"os":      {"Environ", "Exit", "ExpandEnv", "Getenv", "LookupEnv", "Setenv", "Unsetenv"},
	"syscall": {"Environ", "Exit", "Getenv", "Setenv"},
	"log":     {"Fatal", "Fatalf", "Fatalln"},
}

func TestRoomsImportWhatTheTableAllows(t *testing.T) {
	t.Parallel()
	for _, pkg := range packages(t) {
		if _, ok := roomOf(pkg.dir); !ok {
			t.Errorf("%s is in no row of the import table", pkg.dir)
		}
		for _, imported := range pkg.imports() {
			if err := allowed(pkg.dir, imported); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestEveryPackageHasADoc(t *testing.T) {
	t.Parallel()
	for _, pkg := range packages(t) {
		if !pkg.documented() {
			t.Errorf("%s: no file says what package %s is, in a comment above its package clause", pkg.dir, pkg.name())
		}
	}
}

func TestOnlyTheCommandReadsTheEnvironmentAndExits(t *testing.T) {
	t.Parallel()
	for _, pkg := range packages(t) {
		name, _ := roomOf(pkg.dir)
		if rooms[name].isCommand || rooms[name].forTests {
			continue
		}
		for _, file := range pkg.files {
			for _, call := range exitsIn(file) {
				t.Errorf("%s: only cmd/curfew calls %s", pkg.dir, call)
			}
		}
	}
}

// The table is worth nothing if it cannot say no.
func TestTheTableForbids(t *testing.T) {
	t.Parallel()
	for sentence, forbidden := range map[string][2]string{
		"the root leaves the standard library":              {".", "github.com/google/uuid"},
		"the root speaks HTTP":                              {".", "net/http"},
		"the root speaks a part of HTTP":                    {".", "net/http/httptest"},
		"the root knows a room":                             {".", module + "/lifecycle"},
		"lifecycle speaks SQL":                              {"lifecycle", "database/sql"},
		"lifecycle speaks HTTP":                             {"lifecycle", "net/http"},
		"lifecycle knows a driver":                          {"lifecycle", "github.com/jackc/pgx/v5/pgxpool"},
		"lifecycle knows a store":                           {"lifecycle", module + "/sqlite"},
		"a store decides":                                   {"postgres", module + "/lifecycle"},
		"a store knows the other":                           {"sqlite", module + "/postgres"},
		"a folder of a store knows the other":               {"sqlite/internal/scan", module + "/postgres/migrations"},
		"stripe notifies":                                   {"internal/stripe", module + "/internal/notify"},
		"the client leaves the standard library":            {"api", "github.com/danielgtaylor/huma/v2"},
		"the client knows our words":                        {"api", module},
		"the pages know the server":                         {"internal/console", module + "/internal/httpapi"},
		"the demo knows what is behind the API":             {"internal/demo", module + "/lifecycle"},
		"the server opens a database":                       {"internal/httpapi", "database/sql"},
		"the server knows a store":                          {"internal/httpapi", module + "/postgres"},
		"the command ships the stores' tests":               {"cmd/curfew", module + "/internal/storetest"},
		"the command ships what lends databases to tests":   {"cmd/curfew", module + "/internal/pgtest"},
		"a store ships what lends databases to tests":       {"postgres", module + "/internal/pgtest"},
		"somebody imports the command":                      {"internal/httpapi", module + "/cmd/curfew"},
		"somebody imports a room that the table has not":    {"internal/httpapi", module + "/utils"},
		"a room that the table has not imports the library": {"utils", module},
	} {
		if allowed(forbidden[0], forbidden[1]) == nil {
			t.Errorf("nothing is said when %s: %s imports %s", sentence, forbidden[0], forbidden[1])
		}
	}
}

func TestTheTableAllows(t *testing.T) {
	t.Parallel()
	for sentence, fine := range map[string][2]string{
		"anybody uses the standard library":         {"lifecycle", "time"},
		"a similar name is another package":         {"lifecycle", "net/httpx"},
		"the server uses our words":                 {"internal/httpapi", module},
		"a room uses its own folders":               {"postgres", module + "/postgres/migrations"},
		"a folder uses its room":                    {"internal/httpapi/pages", module + "/internal/httpapi"},
		"the stores' tests know what calls a store": {"internal/storetest", module + "/lifecycle"},
	} {
		if err := allowed(fine[0], fine[1]); err != nil {
			t.Errorf("%s, yet: %v", sentence, err)
		}
	}
}

func TestExitsAreFound(t *testing.T) {
	t.Parallel()
	file := parse(t, "sample.go", `package sample
import (
	system "os"
	"log"
)
func f() { if system.Getenv("HOME") == "" { log.Fatalf("homeless") }; log.Print("home"); _ = system.Args }`)

	got := exitsIn(file)
	if want := []string{"log.Fatalf", "os.Getenv"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

func TestPackagesAreFound(t *testing.T) {
	t.Parallel()
	var found []string
	for _, pkg := range packages(t) {
		found = append(found, pkg.dir)
	}
	if !slices.Contains(found, ".") || !slices.Contains(found, "internal/pgtest") || slices.Contains(found, "tools") {
		t.Errorf("the other tests looked at %v", found)
	}
}

// allowed says why the package in folder dir may not import a path, or nil.
func allowed(dir, imported string) error {
	name, ok := roomOf(dir)
	if !ok {
		return fmt.Errorf("%s is in no row of the import table", dir)
	}
	row := rooms[name]
	for _, never := range row.never {
		if within(imported, never) {
			return fmt.Errorf("%s imports %s: %s never imports %s", dir, imported, name, never)
		}
	}
	if within(imported, module) {
		return allowedOurs(dir, name, imported)
	}
	// Only an import path outside the standard library begins with a domain.
	if first, _, _ := strings.Cut(imported, "/"); row.stdlib && strings.Contains(first, ".") {
		return fmt.Errorf("%s imports %s: %s keeps to the standard library", dir, imported, name)
	}
	return nil
}

func allowedOurs(dir, name, imported string) error {
	target, ok := roomOf(path.Clean(strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")))
	switch {
	case !ok:
		return fmt.Errorf("%s imports %s, which is in no row of the import table", dir, imported)
	case target != name && rooms[target].forTests && !rooms[name].forTests:
		return fmt.Errorf("%s imports %s, which is for tests", dir, imported)
	case target != name && !slices.Contains(rooms[name].ours, target):
		return fmt.Errorf("%s imports %s: %s may import of ours %v", dir, imported, name, rooms[name].ours)
	}
	return nil
}

// roomOf returns the innermost room that the folder dir is in. The root's files are a room; folders
// that belong to nothing else are not in it.
func roomOf(dir string) (string, bool) {
	for at := dir; at != "."; at = path.Dir(at) {
		if _, ok := rooms[at]; ok {
			return at, true
		}
	}
	return ".", dir == "."
}

// within says whether an import path is parent or below it.
func within(imported, parent string) bool {
	return imported == parent || strings.HasPrefix(imported, parent+"/")
}

// source is a package without its tests.
type source struct {
	dir   string // relative to the module, with slashes
	files []*ast.File
}

func (s source) name() string { return s.files[0].Name.Name }

func (s source) imports() []string {
	all := map[string]bool{}
	for _, file := range s.files {
		for _, imported := range importsOf(file) {
			all[imported] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func (s source) documented() bool {
	return slices.ContainsFunc(s.files, func(file *ast.File) bool {
		doc := file.Doc.Text()
		return strings.HasPrefix(doc, "Package "+s.name()+" ") || s.name() == "main" && doc != ""
	})
}

// packages returns every package of this module, read from its files.
func packages(t *testing.T) []source {
	t.Helper()
	found := map[string]source{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && elsewhere(name):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		found[dir] = source{dir: dir, files: append(found[dir].files, parse(t, name, nil))}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.SortedFunc(maps.Values(found), func(a, b source) int { return strings.Compare(a.dir, b.dir) })
}

// elsewhere says whether a folder is none of this module's: Go ignores it, or it has a go.mod.
func elsewhere(dir string) bool {
	base := filepath.Base(dir)
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil || base == "testdata" || base == "node_modules" || base == "dist" || base == "build" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")
}

func parse(t *testing.T, name string, text any) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// importsOf returns what a file imports, keyed by the name it goes by in the file.
func importsOf(file *ast.File) map[string]string {
	names := map[string]string{}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(err) // the parser let it pass
		}
		name := imported // unique, which is all that imports without a use of their name need
		if spec.Name != nil && spec.Name.Name != "_" && spec.Name.Name != "." {
			name = spec.Name.Name
		}
		names[name] = imported
	}
	return names
}

// exitsIn returns the calls in a file that only the command may make, sorted.
func exitsIn(file *ast.File) []string {
	imports := importsOf(file)
	var found []string
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if left, ok := selector.X.(*ast.Ident); ok {
			imported := imports[left.Name]
			if slices.Contains(exits[imported], selector.Sel.Name) {
				found = append(found, imported+"."+selector.Sel.Name)
			}
		}
		return true
	})
	slices.Sort(found)
	return found
}
