package curfew_test

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
)

func TestEveryDirectDependencyHasALineOfReason(t *testing.T) {
	t.Parallel()
	mod, reasons := read(t, "go.mod"), read(t, "docs/dependencies.md")
	direct := regexp.MustCompile(`(?m)^\t(\S+) v(\S+)$`).FindAllStringSubmatch(mod, -1)
	if len(direct) == 0 {
		t.Fatal("go.mod has no direct dependencies?")
	}
	for _, d := range direct {
		if !strings.Contains(reasons, "`"+d[1]+"` | "+d[2]+" |") {
			t.Errorf("docs/dependencies.md has no line for %s %s", d[1], d[2])
		}
	}
	for _, listed := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| [0-9]").FindAllStringSubmatch(reasons, -1) {
		if !strings.Contains(mod+read(t, "tools/go.mod"), listed[1]+" v") {
			t.Errorf("docs/dependencies.md gives a reason for %s, which nothing needs", listed[1])
		}
	}
}

// The program is made of the modules that the first table lists, and of none that is for tests only.
func TestTheProgramReachesNoTestDependency(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./cmd/curfew").Output()
	if err != nil {
		t.Fatal(err)
	}
	reached := strings.Fields(string(out))
	text := read(t, "docs/dependencies.md")
	_, rest, _ := strings.Cut(text, "## In the program")
	program, rest, _ := strings.Cut(rest, "## In tests only")
	tests, _, _ := strings.Cut(rest, "\n## ")
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")
	for _, m := range row.FindAllStringSubmatch(program, -1) {
		if !slices.Contains(reached, m[1]) {
			t.Errorf("the program does not need %s: docs/dependencies.md says it does", m[1])
		}
	}
	found := row.FindAllStringSubmatch(tests, -1)
	for _, m := range found {
		if slices.Contains(reached, m[1]) {
			t.Errorf("%s is in the program, and docs/dependencies.md says it is in tests only", m[1])
		}
	}
	if len(found) == 0 || len(reached) == 0 {
		t.Error("nothing was compared")
	}
}

// A link in the documents leads to a file that is there.
func TestLinksBetweenDocumentsLead(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	docs, err := filepath.Glob("docs/*.md")
	books, err2 := filepath.Glob("docs/runbooks/*.md")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	for _, doc := range slices.Concat([]string{"README.md", "CONTRIBUTING.md", "SECURITY.md"}, docs, books) {
		for _, l := range link.FindAllStringSubmatch(read(t, doc), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), l[1])); err != nil {
				t.Errorf("%s links to %s: %v", doc, l[1], err)
			}
		}
	}
}

// Every picture is one that scripts/screenshots makes, and one that a document
// shows.
func TestPicturesAreMadeAndShown(t *testing.T) {
	t.Parallel()
	pictures, err := filepath.Glob("docs/pictures/*")
	docs, err2 := filepath.Glob("docs/*.md")
	if err := errors.Join(err, err2); err != nil || len(pictures) == 0 {
		t.Fatalf("pictures %q: %v", pictures, err)
	}
	texts := ""
	for _, doc := range append(docs, "README.md") {
		texts += read(t, doc)
	}
	script := read(t, "scripts/screenshots")
	for _, picture := range pictures {
		name := filepath.Base(picture)
		if !strings.Contains(texts, "pictures/"+name) {
			t.Errorf("%s is not shown", picture)
		}
		drawn := filepath.Ext(name) == ".svg" // from figures, not by a browser
		if kept := regexp.MustCompile(`for name in [^;]*\b` + regexp.QuoteMeta(name) + `\b`).MatchString(script); !kept && !drawn {
			t.Errorf("scripts/screenshots does not keep %s", picture)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The table of outcomes in docs/money.md is the code's.
func TestMoneyTellsTheLegalOutcomes(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	_, section, _ := strings.Cut(read(t, "docs/money.md"), "\n## Which outcome may follow which\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, row := range regexp.MustCompile(`(?m)^\| (\(recorded\)|[a-z_]+) \| ([a-z_, ]+) \|$`).FindAllStringSubmatch(section, -1) {
		for to := range strings.SplitSeq(row[2], ", ") {
			documented[strings.TrimSuffix(row[1], "(recorded)")+"→"+to] = true
		}
	}
	for _, step := range curfew.OutcomeSteps() {
		name := string(step.From) + "→" + string(step.To)
		if !documented[name] {
			t.Errorf("docs/money.md does not tell %s", name)
		}
		delete(documented, name)
	}
	delete(documented, "from→to")
	for name := range documented {
		t.Errorf("docs/money.md lists the step %s, which is not legal", name)
	}
}

// docs/money.md says what each outcome, each state of a payment and each step of a capture
// means.
func TestMoneyExplainsEveryState(t *testing.T) {
	t.Parallel()
	text := read(t, "docs/money.md")
	words := []string{"reported", "unpaid", "promised", "authorised", "captured", "failed", "due", "capturing", "releasing", "released"}
	for _, o := range curfew.Outcomes() {
		words = append(words, string(o))
	}
	for _, word := range words {
		if !strings.Contains(text, "`"+word+"`") {
			t.Errorf("docs/money.md does not explain %s", word)
		}
	}
}

// The drawing in CONTRIBUTING.md and the import table agree: whoever imports stands above.
func TestTheDrawingPointsDownward(t *testing.T) {
	t.Parallel()
	drawn := map[string]int{}
	for i, line := range strings.Split(strings.Split(read(t, "CONTRIBUTING.md"), "```")[1], "\n") {
		names, _, _ := strings.Cut(strings.TrimSpace(line), "           ") // what follows explains
		for name := range rooms {
			if mentions(" "+names, drawnAs(name)) {
				drawn[name] = i
			}
		}
	}
	if len(drawn) < 15 {
		t.Fatalf("the drawing has only %v", drawn)
	}
	for upper, row := range rooms {
		for _, lower := range row.ours {
			above, both := drawn[upper]
			below, too := drawn[lower]
			if both && too && above >= below {
				t.Errorf("%s may import %s, and is not drawn above it", upper, lower)
			}
		}
	}
}

func TestEveryRoomHasItsLineInContributing(t *testing.T) {
	t.Parallel()
	text := read(t, "CONTRIBUTING.md")
	for name := range rooms {
		line := "`" + strings.TrimPrefix(name, "internal/") + "/`"
		if name == "." {
			line = "`.`"
		}
		if !strings.Contains(text, line) {
			t.Errorf("CONTRIBUTING.md has no %s", line)
		}
	}
}

func drawnAs(room string) string {
	if room == "." {
		return "package curfew"
	}
	return strings.TrimPrefix(room, "internal/")
}

// Each security case has a row that names a test which exists, or says what is open or whose it is.
func TestEverySecurityCaseIsHeldOrOpen(t *testing.T) {
	t.Parallel()
	tests := testNames(t)
	seen := map[int]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([SV]\d.*?) \| (.+)$`).FindAllStringSubmatch(read(t, "docs/security.md"), -1) {
		named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(row[2], -1)
		for _, name := range named {
			if !tests[name[1]] {
				t.Errorf("%s names %s, and there is no such test", row[1], name[1])
			}
		}
		if len(named) == 0 && !regexp.MustCompile("open:|open \\||not ours|`make check`|`-trimpath`").MatchString(row[2]) {
			t.Errorf("%s says neither what holds it nor what is open: %s", row[1], row[2])
		}
		for _, n := range casesOf(t, row[1]) {
			if seen[n] {
				t.Errorf("S%02d has two rows", n)
			}
			seen[n] = true
		}
	}
	for n := 1; n <= 71; n++ {
		if !seen[n] {
			t.Errorf("S%02d has no row", n)
		}
	}
}

// casesOf reads S01, "S61, S62" and S19–S25.
func casesOf(t *testing.T, text string) []int {
	t.Helper()
	var all []int
	for _, part := range regexp.MustCompile(`S(\d\d)(?:–S(\d\d))?`).FindAllStringSubmatch(text, -1) {
		first, err := strconv.Atoi(part[1])
		last, err2 := strconv.Atoi(cmp.Or(part[2], part[1]))
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		for n := first; n <= last; n++ {
			all = append(all, n)
		}
	}
	return all
}

// docs/nextjs.md and docs/supabase.md are made of the files of examples/nextjs.
func TestThePagesForAppsShowTheirExample(t *testing.T) {
	t.Parallel()
	for page, files := range map[string]int{"docs/nextjs.md": 7, "docs/supabase.md": 1} {
		text := read(t, page)
		shown := regexp.MustCompile("(?ms)^`([^`\n]+)`:\n\n```tsx?\n(.*?)^```$").FindAllStringSubmatch(text, -1)
		if blocks := len(regexp.MustCompile("(?m)^```tsx?$").FindAllString(text, -1)); len(shown) != files || blocks != files {
			t.Errorf("%s shows %d files in %d blocks of TypeScript, not %d", page, len(shown), blocks, files)
		}
		for _, file := range shown {
			if read(t, filepath.Join("examples/nextjs", filepath.FromSlash(file[1]))) != file[2] {
				t.Errorf("%s shows another %s than examples/nextjs has", page, file[1])
			}
		}
	}
}
