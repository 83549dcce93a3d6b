package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	source = "package double\n\nfunc Double(n int) int {\n\treturn 2 * n\n}\n"
	tests  = "package double\n\nimport \"testing\"\n\nfunc TestDouble(t *testing.T) {\n\tif Double(3) != 6 {\n\t\tt.Error(Double(3))\n\t}\n}\n\n" +
		"func TestZero(t *testing.T) {\n\tif Double(0) != 0 {\n\t\tt.Error(Double(0))\n\t}\n}\n\nfunc TestRed(t *testing.T) { t.Error(\"always\") }\n"
)

// patched is a mutant of the module above.
func patched(by, line string) string {
	return "It does not double.\nCaught by: . " + by + "\n--- a/double.go\n+++ b/double.go\n@@ -2,4 +2,4 @@\n \n func Double(n int) int {\n" +
		"-\treturn 2 * n\n+\t" + line + "\n }\n"
}

func repository(t *testing.T, patches map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"go.mod": "module double\n\ngo 1.26\n", "double.go": source, "double_test.go": tests}
	for name, text := range patches {
		files["patches/"+name+".patch"] = text
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "--quiet"},
		{"add", "."},
		{"-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "double: begin"},
	} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		if cmd.Dir = dir; cmd.Run() != nil {
			t.Fatalf("git %v", args)
		}
	}
	return dir
}

func TestAVerdictIsWhatTheTestSays(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		patch string
		want  verdict
	}{
		"a bug that its test sees is caught":           {patched("TestDouble", "return 3 * n"), caught},
		"a bug that its test does not see survived":    {patched("TestZero", "return 3 * n"), survived},
		"a panic is seen":                              {patched("TestDouble", "panic(n)"), caught},
		"each of its tests has to see it":              {strings.Replace(patched("TestDouble", "return 3 * n"), "\n---", "\nCaught by: . TestZero\n---", 1), survived},
		"what does not compile proves nothing":         {patched("TestDouble", "return m"), broken},
		"what does not apply proves nothing":           {strings.Replace(patched("TestDouble", "return 3 * n"), "2 * n", "4 * n", 1), broken},
		"a test that is red without it proves nothing": {patched("TestRed", "return 3 * n"), broken},
		"a test that does not exist proves nothing":    {patched("TestTriple", "return 3 * n"), broken},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, map[string]string{"one": c.patch})
			var out bytes.Buffer
			path := filepath.Join(t.TempDir(), "table.md")
			survivors, err := run(t.Context(), dir, path, []string{filepath.Join(dir, "patches")}, &out)
			if err != nil {
				t.Fatal(err)
			}
			said, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if (survivors == 0) != (c.want == caught) || !strings.Contains(string(said), "| "+string(c.want)+" |") {
				t.Errorf("want %s: %s\n%s", c.want, &out, said)
			}
			if status, err := command(t.Context(), dir, "git", "status", "--porcelain"); err != nil || status != "" {
				t.Errorf("the folder was touched: %s, %v", status, err)
			}
			if trees, err := command(t.Context(), dir, "git", "worktree", "list"); err != nil || strings.Count(trees, "\n") != 1 {
				t.Errorf("a work tree is left: %s, %v", trees, err)
			}
		})
	}
}

func TestAMutantSaysWhatItIsAndWhoCatchesIt(t *testing.T) {
	t.Parallel()
	for sentence, text := range map[string]string{
		"without a patch":    "It is wrong.\nCaught by: . TestX\n",
		"without a sentence": "\nCaught by: . TestX\n--- a/x\n",
		"without a test":     "It is wrong.\n--- a/x\n",
		"without a name":     "It is wrong.\nCaught by: ./x\n--- a/x\n",
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "one.patch"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := read(dir); err == nil || !strings.Contains(err.Error(), "one.patch") {
				t.Errorf("it is taken: %v", err)
			}
		})
	}
	if _, err := run(context.Background(), ".", "", []string{t.TempDir()}, &bytes.Buffer{}); err == nil {
		t.Error("a folder without patches is taken")
	}
}
