package main

import (
	"fmt"
	"strings"
)

// noLimit marks a figure for information only.
const noLimit = -1

// figure is a measured value beside the most it may be.
type figure struct {
	what   string
	value  int
	limit  int
	places []string // where it was found, worst first
	show   int      // places printed without -v; if 0, the rest is not mentioned either
}

func (f figure) over() bool { return f.limit != noLimit && f.value > f.limit }

func (f figure) verdict() string {
	switch {
	case f.limit == noLimit:
		return "-   "
	case f.over():
		return "over"
	default:
		return "ok  "
	}
}

// section is one subject: its figures, then a drawing.
type section struct {
	title   string
	figures []figure
	drawing []string
}

// report is everything that was measured.
type report struct {
	head     string
	sections []section
}

// over counts the figures that exceed their limit.
func (r report) over() int {
	n := 0
	for _, s := range r.sections {
		for _, f := range s.figures {
			if f.over() {
				n++
			}
		}
	}
	return n
}

// text renders the report. Without verbose, only the first few places of each figure are listed.
func (r report) text(verbose bool) string {
	var out strings.Builder
	fmt.Fprintln(&out, r.head)
	for _, s := range r.sections {
		fmt.Fprintf(&out, "\n%s\n", s.title)
		for _, f := range s.figures {
			f.print(&out, verbose)
		}
		for _, line := range s.drawing {
			fmt.Fprintln(&out, "  "+line)
		}
	}
	fmt.Fprintf(&out, "\nFigures over their limit: %d\n", r.over())
	return out.String()
}

func (f figure) print(out *strings.Builder, verbose bool) {
	limit := ""
	if f.limit != noLimit {
		limit = fmt.Sprintf(" (limit %d)", f.limit)
	}
	fmt.Fprintf(out, "  %s %5d  %s%s\n", f.verdict(), f.value, f.what, limit)
	shown := len(f.places)
	if !verbose {
		shown = min(shown, f.show)
	}
	for _, place := range f.places[:shown] {
		fmt.Fprintln(out, "              "+place)
	}
	if rest := len(f.places) - shown; rest > 0 && f.show > 0 {
		fmt.Fprintf(out, "              and %d more (-v)\n", rest)
	}
}
