package console

import (
	"fmt"
	"regexp"
	"time"
)

// Page is what every template is executed with.
type Page struct {
	Title    string
	Path     string // its address, for the navigation
	SignedIn bool
	Role     string // of who is signed in
	Subject  string // the id of who is signed in
	ID       string // of this rendering, for a reader who keeps it up to date; empty: nobody does
	// LoginHint is the command that prints a sign-in link, and SigninURL where customers and mechanics sign in; both for
	// somebody who is not signed in.
	LoginHint string
	SigninURL string
	Version   string // only for somebody who is signed in
	Message   string // shown above everything else; empty: nothing
	Query     string // what was last searched for
	Now       time.Time
	View      any // what the page is about, by its name: Overview, Cleanup, …
}

// Part is a piece of a sentence: a text, or a time.
type Part struct {
	Text string
	At   Moment // set: instead of the text
}

// stamp matches a time as sentences have it, which programs and the command line share with the pages.
var stamp = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`)

// parts splits a sentence at its times, so that a page can show them in the reader's time.
func parts(sentence string) []Part {
	var all []Part
	for {
		found := stamp.FindStringIndex(sentence)
		if found == nil {
			return append(all, Part{Text: sentence})
		}
		at, err := time.Parse("2006-01-02 15:04:05 MST", sentence[found[0]:found[1]])
		if err != nil { // the 31st of February
			return append(all, Part{Text: sentence})
		}
		all = append(all, Part{Text: sentence[:found[0]]}, Part{At: Moment{At: at}})
		sentence = sentence[found[1]:]
	}
}

// Link is an entry of the navigation.
type Link struct {
	Name, Path string
	Here       bool
	Key        string // that leads there, after g; empty: none
}

// console lists the pages of the console, in the order of the navigation.
var console = []Link{
	{Name: "Overview", Path: "/", Key: "o"},
	{Name: "Sessions", Path: "/console/sessions", Key: "s"},
	{Name: "Cleanup", Path: "/" + CleanupPage, Key: "c"},
	{Name: "Customer", Path: "/console/customer", Key: "u"},
	{Name: "Payments", Path: "/console/payments", Key: "p"},
	{Name: "Deliveries", Path: "/console/deliveries", Key: "d"},
	{Name: "Keys", Path: "/console/keys", Key: "k"},
	{Name: "Approvals", Path: "/console/approvals", Key: "a"},
	{Name: "Audit", Path: "/console/audit", Key: "l"},
	{Name: "Adopted", Path: "/console/adopted"},
	{Name: "Settings", Path: "/console/settings", Key: "e"},
}

// Console returns the navigation of an admin. It is empty for anybody else.
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

// NameOf returns the name of the page that a key leads to.
func (p Page) NameOf(key string) string {
	for _, l := range console {
		if l.Key == key {
			return l.Name
		}
	}
	return ""
}

// Moment is a time as a page shows it; its zero value shows nothing.
type Moment struct {
	At, Now time.Time
}

// Set reports whether there is anything to show.
func (m Moment) Set() bool { return !m.At.IsZero() }

// ISO returns the time for programs.
func (m Moment) ISO() string { return m.At.UTC().Format(time.RFC3339Nano) }

// Clock returns the time of day, with the date unless that is today's.
func (m Moment) Clock() string {
	at, now := m.At.UTC(), m.Now.UTC()
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format("15:04:05") + " UTC"
	}
	return at.Format("2 Jan 2006, 15:04") + " UTC"
}

// UTC returns the whole time, for whoever compares it with a log.
func (m Moment) UTC() string { return m.At.UTC().Format("2006-01-02 15:04:05 UTC") }

// Ago returns how long ago it was.
func (m Moment) Ago() string { return Span(m.Now.Sub(m.At)) }

// Left returns how long it is until then.
func (m Moment) Left() string { return Span(m.At.Sub(m.Now)) }

// Span returns a duration in short, such as 40 s, 12 min, 3 h 5 min or 6 d 2 h. A negative one counts as 0.
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

// State says how things are, in one sentence.
type State struct {
	Tone     string // good, warning or critical; empty: neither
	Sentence string
}

// Figure is a number and its name.
type Figure struct {
	Key   string // for programs
	Name  string
	Value *int // nil: unknown
	Hint  string
	Tone  string // of a figure that should be 0, but is not
	Href  string
}

// Some reports whether the figure is known and not 0.
func (f Figure) Some() bool { return f.Value != nil && *f.Value > 0 }

// Fact is a name and a value.
type Fact struct {
	Name, Value string
	Href        string // of the value; empty: it leads nowhere
	At          Moment // instead of Value: how long ago
	Exact       bool   // the time itself, rather than how long ago
}

// Field is something that an action asks for.
type Field struct {
	Name, Label, Value, Hint string
	Required                 bool
	Many                     bool // several, separated by commas
	Number                   bool // not a text
}

// Action is a button that calls the API, after a confirmation.
type Action struct {
	Name  string // for programs: the last word of the path, if nothing is better
	Label string
	Call  string // method and path
	Body  string // JSON; empty: none
	// Ask is the question to confirm; empty: it is done at once.
	Ask    string
	Why    []string // the consequences, a paragraph each
	Reason string   // the field of a reason: optional or required; empty: none
	Fields []Field  // of the body, besides the reason
	Done   string   // what is said afterwards, unless the response says more
	Main   bool     // the main thing to do on the page
	Harm   bool     // it ends something
	Rows   int      // how much it ends, to show progress; 0: none is shown
}

// ISO returns when the page was written, for programs.
func (p Page) ISO() string { return Moment{At: p.Now}.ISO() }

// Clock returns when the page was written, for people.
func (p Page) Clock() string { return Moment{At: p.Now, Now: p.Now}.Clock() }
