package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// report is where the results are printed; it keeps the first write error.
type report struct {
	to  io.Writer
	err error
}

func (r *report) say(format string, args ...any) {
	if r.err == nil {
		_, r.err = fmt.Fprintf(r.to, format, args...)
	}
}

// table is printed as Markdown, with aligned columns: words left, figures
// right.
type table [][]string

func newTable(heads ...string) table { return table{heads} }

func (t *table) add(cells ...string) { *t = append(*t, cells) }

func (t table) print(out *report) {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range t {
		for i, cell := range row {
			out.say("| %s ", pad(cell, widths[i], n > 0 && numeric(cell)))
		}
		out.say("|\n")
		if n == 0 {
			for _, width := range widths {
				out.say("|%s", strings.Repeat("-", width+2))
			}
			out.say("|\n")
		}
	}
}

func numeric(cell string) bool { return cell != "" && strings.Contains("0123456789", cell[:1]) }

func pad(cell string, width int, right bool) string {
	space := strings.Repeat(" ", width-utf8.RuneCountInString(cell))
	if right {
		return space + cell
	}
	return cell + space
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

func whole(f float64) string { return fmt.Sprintf("%.0f", f) }

func fraction(f float64) string { return fmt.Sprintf("%.2f", f) }

// words formats a number as people say it: 100k, 5M.
func words(n int) string {
	switch {
	case n >= 1_000_000 && n%1_000_000 == 0:
		return fmt.Sprintf("%dM", n/1_000_000)
	case n >= 1_000 && n%1_000 == 0:
		return fmt.Sprintf("%dk", n/1_000)
	}
	return fmt.Sprint(n)
}
