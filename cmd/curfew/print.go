package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// terminal is where a command writes: answers to out, everything else to err.
type terminal struct {
	out, err io.Writer
	watched  bool // somebody sees err as it is written
}

// watched reports whether a file is a terminal.
func watched(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// answer is a command's output; it remembers that it could not be written. What
// does not show is written as in JSON, so that JSON stays the same.
type answer struct {
	to  io.Writer
	err error
}

func (a *answer) Write(text []byte) (int, error) {
	if a.err == nil {
		_, a.err = io.WriteString(a.to, curfew.Visible(string(text)))
	}
	return len(text), a.err
}

// printf writes an answer for people; that it failed, the answer knows.
func (t terminal) printf(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format, args...) }

// notef writes what is no answer. Where that fails, nobody could be told.
func (t terminal) notef(format string, args ...any) { _, _ = fmt.Fprintf(t.err, format, args...) }

// rewrite writes a line in place of the one that was rewritten before, cut to
// what fits: a line that wraps could not be taken back.
func (t terminal) rewrite(line string) { t.notef("\r%s\x1b[K", cut(line, t.width())) }

// width is how many characters fit into a line of err; 0: nobody knows.
func (t terminal) width() int {
	f, ok := t.err.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// cut is a line that leaves the last column of its width free, where terminals
// disagree about what comes next.
func cut(line string, width int) string {
	if all := []rune(line); width > 1 && len(all) >= width {
		return string(all[:width-2]) + "…"
	}
	return line
}

// json writes an answer for programs.
func (t terminal) json(v any) error {
	enc := json.NewEncoder(t.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// columns writes rows with aligned columns, two spaces apart; the last column
// is not padded.
func columns(w io.Writer, rows ...[]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			cell = curfew.Visible(cell)
			row[i] = cell
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString("  " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(line.String(), " ")) // as printf and notef
	}
}

// moment is a time for people, with how far it is from now.
func moment(at, now time.Time) string {
	if at.IsZero() {
		return "never"
	}
	text := at.UTC().Format("2006-01-02 15:04:05 UTC")
	if d := at.Sub(now); d > 0 {
		return text + " (in " + lifecycle.Span(d) + ")"
	}
	return text + " (" + lifecycle.Span(now.Sub(at)) + " ago)"
}

// plural is «1 session» or «2 sessions».
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func standing(s curfew.Session) string {
	if s.Assigned() {
		return string(s.Status) + ", with mechanic " + s.MechanicID
	}
	return string(s.Status) + ", no mechanic yet"
}
