package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// sources holds the settings from each source: flags override the environment, and the environment
// overrides the file.
type sources struct {
	parsed *kong.Context
	flags  []*kong.Flag // those that are settings
	env    map[string]source
	file   map[string]source
	// contained holds the settings in files of their own: secrets given neither as a flag nor in
	// the environment.
	contained map[string]source
}

// source is a setting's text, and where it was found.
type source struct{ where, text string }

// The sources, as the API names them.
const (
	fromFlag        = "flag"
	fromEnvironment = "environment"
	fromFile        = "file"
	fromDefault     = "default"
)

// given returns which source sets a flag's value, with its text; empty for a default.
func (s *sources) given(f *kong.Flag) (from string, found source) {
	if s.typed(f) {
		return fromFlag, source{"--" + f.Name, s.typedText(f)}
	}
	if found, ok := s.env[key(f)]; ok {
		return fromEnvironment, found
	}
	if found, ok := s.file[key(f)]; ok {
		return fromFile, found
	}
	if found, ok := s.contained[key(f)]; ok {
		return fromFile, found
	}
	return fromDefault, source{}
}

// find returns the setting whose key matches, or nil.
func (s *sources) find(matches func(key string) bool) *kong.Flag {
	i := slices.IndexFunc(s.flags, func(f *kong.Flag) bool { return matches(key(f)) })
	if i < 0 {
		return nil
	}
	return s.flags[i]
}

// typed reports whether a flag was given on the command line.
func (s *sources) typed(f *kong.Flag) bool {
	return slices.ContainsFunc(s.parsed.Path, func(p *kong.Path) bool { return p.Flag == f && !p.Resolved })
}

// typedText returns the last value typed for a flag.
func (s *sources) typedText(f *kong.Flag) (text string) {
	for i, arg := range s.parsed.Args {
		switch value, ok := strings.CutPrefix(arg, "--"+f.Name+"="); {
		case ok:
			text = value
		case arg == "--"+f.Name && i+1 < len(s.parsed.Args):
			text = s.parsed.Args[i+1]
		}
	}
	return text
}

// key returns a flag's key; it is empty for flags that are not settings.
func key(f *kong.Flag) string { return f.Tag.Get("setting") }

// variable returns the environment variable for a key.
func variable(key string) string {
	return "CURFEW_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// settingError is a mistake in a setting, with the place where it was given.
type settingError struct {
	where string
	err   error
}

// Error does not repeat the setting's key if the message already begins with it.
func (e *settingError) Error() string {
	text := e.err.Error()
	before, setting := "", e.where
	if at := strings.LastIndex(e.where, ": "); at >= 0 {
		before, setting = e.where[:at+2], e.where[at+2:]
	}
	if strings.HasPrefix(text, setting+".") {
		return before + text
	}
	return e.where + ": " + text
}

func (e *settingError) Unwrap() error { return e.err }
