package console

import (
	"fmt"
	"time"
)

// Page is what every page is executed with.
type Page struct {
	Title    string
	Path     string // its address, for the navigation
	SignedIn bool
	Role     string // of who is signed in
	Subject  string // the id of who is signed in
	// LoginHint is the whole line that prints a sign-in link.
	LoginHint string
	Version   string
	Message   string // shown above everything else; empty: nothing
	Query     string // what was looked for last
	Now       time.Time
	View      any // what the page is about, by its name: Overview, Cleanup, …
}

// Link is an entry of the navigation.
type Link struct {
	Name, Path string
	Here       bool
}

// console is the pages of the console, in the order of the navigation.
var console = []Link{
	{Name: "Overview", Path: "/"},
	{Name: "Cleanup", Path: "/" + CleanupPage},
	{Name: "Customer", Path: "/console/customer"},
	{Name: "Payments", Path: "/console/payments"},
	{Name: "Deliveries", Path: "/console/deliveries"},
	{Name: "Settings", Path: "/console/settings"},
}

// Console is the navigation of an admin; empty for anybody else.
func (p Page) Console() []Link {
	if !p.SignedIn || p.Role != "admin" {
		return nil
	}
	all := make([]Link, len(console))
	for i, l := range console {
		l.Here = l.Path == p.Path
		all[i] = l
	}
	return all
}

// Moment is a time as a page shows it; its zero value shows nothing.
type Moment struct {
	At, Now time.Time
}

// Set reports whether there is anything to show.
func (m Moment) Set() bool { return !m.At.IsZero() }

// ISO is for machines.
func (m Moment) ISO() string { return m.At.UTC().Format(time.RFC3339Nano) }

// Clock is the time of day, with the day where it is not today's.
func (m Moment) Clock() string {
	at, now := m.At.UTC(), m.Now.UTC()
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format("15:04:05") + " UTC"
	}
	return at.Format("2 Jan 2006, 15:04") + " UTC"
}

// Ago is how long ago it was.
func (m Moment) Ago() string { return Span(m.Now.Sub(m.At)) }

// Left is how long it takes until then.
func (m Moment) Left() string { return Span(m.At.Sub(m.Now)) }

// Span is a duration in short: «40 s», «12 min», «3 h 5 min», «6 d 2 h». A
// negative one is none.
func Span(d time.Duration) string {
	d = max(0, d)
	s, m, h, days := int(d/time.Second), int(d/time.Minute), int(d/time.Hour), int(d/(24*time.Hour))
	switch {
	case s < 120:
		return fmt.Sprintf("%d s", s)
	case m < 120:
		return fmt.Sprintf("%d min", m)
	case h < 48:
		return pair(h, "h", m%60, "min")
	}
	return pair(days, "d", h%24, "h")
}

func pair(big int, unit string, small int, smaller string) string {
	if small == 0 {
		return fmt.Sprintf("%d %s", big, unit)
	}
	return fmt.Sprintf("%d %s %d %s", big, unit, small, smaller)
}

// State is how things are, in one sentence.
type State struct {
	Tone     string // good, warning or critical; empty: neither
	Sentence string
}

// Figure is a number with its name.
type Figure struct {
	Key   string // for programs
	Name  string
	Value *int // nil: unknown
	Hint  string
	Tone  string // of a figure that should be 0 and is not
	Href  string
}

// Some reports whether there is any.
func (f Figure) Some() bool { return f.Value != nil && *f.Value > 0 }

// Fact is a name and what is so.
type Fact struct {
	Name, Value string
	At          Moment // instead of Value: how long ago
}

// Field is something that an action asks for.
type Field struct {
	Name, Label, Value, Hint string
	Required                 bool
	Many                     bool // several, with commas between them
}

// Action is a button that calls the API, once somebody has said so.
type Action struct {
	Name  string // for programs: the last word of the path, if nothing is better
	Label string
	Call  string // method and path
	Body  string // JSON; empty: none
	// Ask is the question before it is done; empty: it is done at once.
	Ask    string
	Why    []string // what it means, a paragraph each
	Reason string   // the field of a reason: optional or required; empty: none
	Fields []Field  // of the body, beside the reason
	Done   string   // what is said afterwards, if the answer says nothing better
	Main   bool     // the one thing to do here
	Harm   bool     // it ends something
	Rows   int      // how much it ends, for its progress; 0: that is not shown
}

// ISO is when the page was written, for machines.
func (p Page) ISO() string { return Moment{At: p.Now}.ISO() }

// Clock is when the page was written, for people.
func (p Page) Clock() string { return Moment{At: p.Now, Now: p.Now}.Clock() }
