package mapping

import (
	"errors"
	"fmt"
	"slices"
)

// Problem is something wrong with a mapping: where it is, and what to do about it.
type Problem struct {
	Path string // adopt.sessions.status.waiting
	Text string
}

// Error implements error.
func (p Problem) Error() string { return p.Path + ": " + p.Text }

// problems collects everything that was found, so that a mapping can be fixed in one go.
type problems []Problem

func (p *problems) add(path, format string, args ...any) {
	found := Problem{path, fmt.Sprintf(format, args...)}
	if !slices.Contains(*p, found) {
		*p = append(*p, found)
	}
}

// err joins the problems; nil if there are none.
func (p problems) err() error {
	all := make([]error, len(p))
	for i, found := range p {
		all[i] = found
	}
	return errors.Join(all...)
}

// Path returns the full path of a part of the mapping: Path("status.waiting") is
// adopt.NAME.status.waiting.
func (t Table) Path(part string) string { return "adopt." + t.Name + "." + part }
