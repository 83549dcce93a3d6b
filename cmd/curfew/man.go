package main

import (
	"strings"

	"github.com/alecthomas/kong"
)

type manCommand struct{}

// Run prints the manual page, generated from the commands and settings.
func (c *manCommand) Run(term terminal) error {
	table, err := commandTable(term)
	if err != nil {
		return err
	}
	term.printf("%s", manual(table))
	return nil
}

// manual returns the page in roff. It has no date, so two builds of one version have the same page.
func manual(table *kong.Node) string {
	m := &roff{}
	m.line(".TH CURFEW 1 \"\" \"curfew " + version() + "\" \"User Commands\"")
	m.section("NAME", "curfew - "+manDescription)
	m.section("SYNOPSIS", "")
	m.line(".B curfew\n.I command\n[\n.I flags\n]")
	m.section("DESCRIPTION", "Curfew keeps the sessions of a paid live-help marketplace: it ends every session that is overdue, "+
		"and gives every payment an outcome. Without settings, curfew serve uses a SQLite file in the working directory and listens on 127.0.0.1:3001.")
	m.section("COMMANDS", "")
	eachCommand(table, func(n *kong.Node) {
		m.line(".TP\n.B " + escaped("curfew "+n.Summary()))
		m.text(n.Help)
		for _, f := range ownFlags(n) {
			m.line(".RS\n.TP\n.B " + escaped(f.String()))
			m.text(f.Help)
			m.line(".RE")
		}
	})
	m.section("SETTINGS", "Every command takes them: as flags, as environment variables, or in a YAML file. "+
		"A flag wins over the environment, and the environment over the file.")
	for _, f := range table.Flags {
		if key(f) == "" {
			continue
		}
		m.line(".TP\n.BR " + escaped("--"+f.Name) + ` " (` + escaped(key(f)+", $"+variable(key(f))) + ")\"")
		m.text(f.Help + defaultOf(f))
	}
	m.section("FILES", "")
	m.entry("curfew.db", "The database, unless database_url names another.")
	m.entry("curfew.key", "The key that signs tokens, beside the database. Whoever has it is an admin.")
	m.section("EXIT STATUS", "0: done. 1: it failed, or there are issues. 64: wrong usage or settings. Commands with more to tell say so above.")
	return m.String()
}

// manDescription describes the program in one line.
const manDescription = "the session keeper of a paid live-help marketplace"

func defaultOf(f *kong.Flag) string {
	if !f.HasDefault {
		return ""
	}
	return " Default: " + f.Default + "."
}

// roff is a manual page being written.
type roff struct{ strings.Builder }

func (m *roff) line(text string) { m.WriteString(text + "\n") }

// text writes a paragraph.
func (m *roff) text(text string) { m.line(escaped(text)) }

func (m *roff) section(title, text string) {
	m.line(".SH " + title)
	if text != "" {
		m.text(text)
	}
}

func (m *roff) entry(name, text string) {
	m.line(".TP\n.B " + escaped(name))
	m.text(text)
}

// escaped escapes what roff would interpret: backslashes, hyphens that are minus signs, and dots at
// the start of a line.
func escaped(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `\&...`, `"`, `\(dq`).Replace(strings.ReplaceAll(text, "\n", " "))
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		return `\&` + text
	}
	return text
}
