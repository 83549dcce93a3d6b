package main

import (
	"bytes"
	"errors"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestColumnsAreAligned(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	columns(&out, []string{"a", "zwölf", "x"}, []string{"bbb", "c", ""}, nil)
	if diff := cmp.Diff("  a    zwölf  x\n  bbb  c\n\n", out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestMomentsAreToldFromNow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for want, at := range map[string]time.Time{
		"2026-11-23 12:15:00 UTC (in 15 minutes)":  now.Add(15 * time.Minute),
		"2026-11-23 11:59:20 UTC (40 seconds ago)": now.Add(-40 * time.Second),
		"never": {},
	} {
		if got := moment(at, now); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestQuotedWordsSurviveAShell(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"curfew.key", "a b/curfew.key", `it's $HOME "x"`, "ключ"} {
		got, err := exec.Command("sh", "-c", "printf %s "+quoted(word)).Output()
		if err != nil || string(got) != word {
			t.Errorf("%s arrives as %s (%v)", word, got, err)
		}
	}
}

func TestErrorsAreOneLine(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	if code := report(terminal{err: &said}, errors.Join(errors.New("one"), errors.New("two\r\nthree"))); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if said.String() != "curfew: one; two; three\n" {
		t.Errorf("it says %q", said.String())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestAnAnswerThatCannotBeWrittenIsAFailure(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"version", "--json"}} {
		var said bytes.Buffer
		if code := run(t.Context(), args, terminal{out: fullDisk{}, err: &said}); code != exitFailed || said.Len() == 0 {
			t.Errorf("curfew %s: exit code %d, %s", args, code, said.String())
		}
	}
}

func TestALineIsCutToItsTerminal(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		line  string
		width int
		want  string
	}{
		"what fits stays":                        {"1:02 h  9 waiting", 18, "1:02 h  9 waiting"},
		"what would fill the last column is cut": {"1:02 h  9 waiting", 17, "1:02 h  9 waiti…"},
		"a character is never halved":            {"süß und größer", 10, "süß und …"},
		"a terminal of one column is left alone": {"1:02 h", 1, "1:02 h"},
		"where nobody knows the width, it stays": {"1:02 h", 0, "1:02 h"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			if got := cut(c.line, c.width); got != c.want {
				t.Errorf("it is %q, want %q", got, c.want)
			}
		})
	}
}

func TestALineIsWrittenInPlaceOfTheLast(t *testing.T) {
	t.Parallel()
	var seen bytes.Buffer
	to := terminal{err: &seen, watched: true}
	to.rewrite("1 waiting")
	to.rewrite("")
	if got, want := seen.String(), "\r1 waiting\x1b[K\r\x1b[K"; got != want || to.width() != 0 {
		t.Errorf("it wrote %q, want %q; the width is %d", got, want, to.width())
	}
}
