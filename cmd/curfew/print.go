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

// terminal is where a command writes: its results to out, everything else to err.
type terminal struct {
	out, err io.Writer
	watched  bool // err is a terminal
}

// watched reports whether a file is a terminal.
func watched(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// answer is a command's output. It remembers write errors. It escapes invisible characters as JSON
// does, so that JSON stays the same.
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

// printf writes a result for people. The answer remembers errors.
func (t terminal) printf(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format, args...) }

// notef writes what is not a result. It ignores errors: there is nowhere to report them.
func (t terminal) notef(format string, args ...any) { _, _ = fmt.Fprintf(t.err, format, args...) }

// rewrite replaces the line that it wrote last. It cuts the line to the width of the terminal, because a wrapped line
// could not be replaced.
func (t terminal) rewrite(line string) { t.notef("\r%s\x1b[K", cut(line, t.width())) }

// width returns how many characters fit into a line of err; 0 if unknown.
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

// cut shortens a line so that it leaves the last column free: terminals disagree about what follows
// a full line.
func cut(line string, width int) string {
	if all := []rune(line); width > 1 && len(all) >= width {
		return string(all[:width-2]) + "…"
	}
	return line
}

// json writes a result for programs.
func (t terminal) json(v any) error {
	enc := json.NewEncoder(t.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// columns writes rows with aligned columns, two spaces apart. The last column is not padded.
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

// moment formats a time for people, with its distance from now.
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

// plural returns "1 session" or "2 sessions".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// sessionState describes the status of a session, and who has it.
func sessionState(s curfew.Session) string {
	if s.Assigned() {
		return string(s.Status) + ", with mechanic " + s.MechanicID
	}
	return string(s.Status) + ", no mechanic yet"
}
