package webhook

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// block is the first code block of a language in the document for receivers.
func block(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```$").FindSubmatch(text)
	if found == nil {
		t.Fatalf("docs/notifications.md has no code in %s", language)
	}
	return string(found[1])
}

func TestTheDocumentNamesEveryEvent(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `((?:session|checkout)\\.[a-z_]+|test)` \\| ").FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, row[1])
	}
	want := append(record.EventKinds(), record.TestKind)
	slices.Sort(documented)
	slices.Sort(want)
	if !slices.Equal(documented, want) {
		t.Errorf("the document lists %v, the code %v", documented, want)
	}
}

// call is what a receiver gets; the programs of these tests read it from stdin.
type call struct {
	Secret  string            `json:"secret"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// calls are what a verifier must tell apart.
func calls(t *testing.T) map[string]struct {
	call
	fine bool
} {
	t.Helper()
	secret, old := NewSecret(), NewSecret()
	made := func(at time.Time, secrets ...string) call {
		body := `{"type":"test","data":{"text":"ü \" 1.2"}}`
		signature, err := Sign(secrets, "id-1", at, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return call{secret, map[string]string{
			"webhook-id": "id-1", "webhook-timestamp": strconv.FormatInt(at.Unix(), 10), "webhook-signature": signature,
		}, body}
	}
	now := time.Now()
	tampered, unsigned, another := made(now, secret), made(now, secret), made(now, secret)
	tampered.Body += " "
	another.Headers["webhook-id"] = "id-2"
	delete(unsigned.Headers, "webhook-signature")
	return map[string]struct {
		call
		fine bool
	}{
		"what was signed":                    {made(now, secret), true},
		"what two secrets signed":            {made(now, old, secret), true},
		"what only another secret signed":    {made(now, old), false},
		"another body":                       {tampered, false},
		"another id":                         {another, false},
		"no signature":                       {unsigned, false},
		"what was signed long ago":           {made(now.Add(-6*time.Minute), secret), false},
		"what was signed long from now":      {made(now.Add(6*time.Minute), secret), false},
		"what was signed a little while ago": {made(now.Add(-4*time.Minute), secret), true},
	}
}

// judged holds a program to the calls: it exits with 0 where one is fine, and
// with 3 where it is not.
func judged(t *testing.T, program ...string) {
	t.Helper()
	for sentence, c := range calls(t) {
		in, err := json.Marshal(c.call)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), program[0], program[1:]...)
		cmd.Stdin = bytes.NewReader(in)
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); c.fine != (code == 0) || code != 0 && code != 3 {
			t.Errorf("%s: exit code %d (%v): %s", sentence, code, err, out)
		}
	}
}

func TestTheGoOfTheDocumentVerifies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	imports := strings.Replace(block(t, "go"), "import (", "package main\n\nimport (\n\t\"encoding/json\"\n\t\"os\"", 1)
	write(t, filepath.Join(dir, "go.mod"), "module receiver\n\ngo 1.25\n")
	write(t, filepath.Join(dir, "main.go"), imports+`
func main() {
	var in struct {
		Secret, Body string
		Headers      map[string]string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		panic(err)
	}
	header := http.Header{}
	for name, value := range in.Headers {
		header.Set(name, value)
	}
	if verify(in.Secret, header, []byte(in.Body)) != nil {
		os.Exit(3)
	}
}
`)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", "receiver", ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	judged(t, filepath.Join(dir, "receiver"))
}

// types are the annotations of the document's TypeScript: without them it is
// JavaScript, also for a Node that does not take them away itself.
var types = regexp.MustCompile(`: (?:Record<string, string>|string|Buffer|void)`)

func TestTheTypeScriptOfTheDocumentVerifies(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node here: scripts/install-test-deps brings it")
	}
	file := filepath.Join(t.TempDir(), "receiver.mjs")
	write(t, file, types.ReplaceAllString(block(t, "ts"), "")+`
import { readFileSync } from "node:fs";
const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"));
try {
  verify(secret, headers, Buffer.from(body));
} catch {
  process.exit(3);
}
`)
	judged(t, node, file)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
