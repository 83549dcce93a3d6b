package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/curfewhq/curfew/internal/pgtest"
)

// typeScript is the TypeScript package, whose tests these run.
const typeScript = "../../clients/typescript"

// maxClient is how many bytes of a page's scripts the client may be, minified and compressed.
const maxClient = 12 << 10

// inTypeScript runs a program in the package's folder, which must succeed, and returns what it printed.
func inTypeScript(t *testing.T, input []byte, env []string, program string, args ...string) []byte {
	t.Helper()
	if _, err := os.Stat(filepath.Join(typeScript, "node_modules/.package-lock.json")); err != nil {
		t.Fatalf("the packages of clients/typescript are not installed: run scripts/install-test-deps (%v)", err)
	}
	curfew, err := exec.LookPath("curfew")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Stdin = typeScript, bytes.NewReader(input)
	cmd.Env = append(append(withoutSettings(os.Environ()), "CURFEW_BINARY="+curfew), env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", program, args, err, out, errs.Bytes())
	}
	return out
}

// typeScriptBuild is held by who builds the package, for everybody: two builds at once would remove each other's files.
var typeScriptBuild struct {
	sync.Mutex
	done bool
}

// builtTypeScript builds the package and its tests, once.
func builtTypeScript(t *testing.T) {
	t.Helper()
	typeScriptBuild.Lock()
	defer typeScriptBuild.Unlock()
	if !typeScriptBuild.done {
		inTypeScript(t, nil, nil, "sh", "scripts/build", "--tests")
		typeScriptBuild.done = true
	}
}

func TestTheTypesOfTypeScriptAreTheServers(t *testing.T) {
	t.Parallel()
	described, err := exec.CommandContext(t.Context(), "curfew", "openapi").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := inTypeScript(t, described, nil, node(t), "scripts/generate.mjs")
	if got, err := os.ReadFile(filepath.Join(typeScript, "src/schema.ts")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("clients/typescript/src/schema.ts is not what the server says (%v): in that folder, run"+
			" curfew openapi | node scripts/generate.mjs > src/schema.ts", err)
	}
}

// What pages load is small, and neither it nor the handlers of Next.js need Node, so that they run at the edge.
func TestTheClientIsSmall(t *testing.T) {
	t.Parallel()
	sizes := map[string]int{}
	for _, entry := range []string{"index", "next"} {
		built := api.Build(api.BuildOptions{
			EntryPoints: []string{filepath.Join(typeScript, "src", entry+".ts")}, Bundle: true, Platform: api.PlatformNeutral, Format: api.FormatESModule,
			Target: api.ES2022, MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		})
		if len(built.Errors) > 0 {
			t.Fatalf("%s: %v", entry, built.Errors)
		}
		var compressed bytes.Buffer
		w := gzip.NewWriter(&compressed)
		if _, err := w.Write(built.OutputFiles[0].Contents); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		sizes[entry] = compressed.Len()
		if compressed.Len() > maxClient {
			t.Errorf("%s is %d bytes, minified and compressed: more than %d", entry, compressed.Len(), maxClient)
		}
	}
	t.Logf("minified and compressed: %v", sizes)
}

// The package's own tests run against this program, on the Node that its lock file names. The long form breaks more connections,
// and runs everything on both databases.
func TestTheTypeScriptPackage(t *testing.T) {
	t.Parallel()
	builtTypeScript(t)
	var both, once, env []string
	both, once = []string{"client", "next", "webhook"}, []string{"stream", "package", "docs", "clock", "supabase"}
	if !testing.Short() {
		both, once, env = append(both, "stream", "package", "docs"), []string{"clock", "supabase"}, []string{"CURFEW_TEST_LONG=1"}
	}
	t.Run("on SQLite", func(t *testing.T) {
		t.Parallel()
		inTypeScript(t, nil, env, "sh", append([]string{"scripts/test"}, append(both, once...)...)...)
	})
	t.Run("on PostgreSQL", func(t *testing.T) {
		t.Parallel()
		needPostgres(t)
		inTypeScript(t, nil, append(env, "CURFEW_TEST_DATABASE_URL="+pgtest.Database(t)), "sh", append([]string{"scripts/test"}, both...)...)
	})
}

// Whoever prefers a generator of their own gets a client that compiles, with unions that the compiler tells apart.
func TestOtherGeneratorsMakeClients(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("two generators take half a minute: make long")
	}
	described, err := exec.CommandContext(t.Context(), "curfew", "openapi").Output()
	if err != nil {
		t.Fatal(err)
	}
	inTypeScript(t, described, []string{"TMPDIR=" + t.TempDir()}, "sh", "test/generators/generate")
}
