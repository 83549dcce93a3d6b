package main

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/curfewhq/curfew/api"
)

// list is every setting as it holds, and where it comes from. Of a secret it
// says only whether it is set.
func (s *sources) list() []api.Setting {
	all := make([]api.Setting, len(s.flags))
	for i, f := range s.flags {
		all[i] = api.Setting{Key: key(f), Value: s.shown(f), Default: f.Default, Help: f.Help}
		all[i].Source, all[i].Where = s.of(f)
	}
	return all
}

// of is where a setting comes from: the first that has it wins.
func (s *sources) of(f *kong.Flag) (source, where string) {
	k := key(f)
	if s.typed(f) {
		return "flag", "--" + f.Name
	}
	if found, ok := s.env[k]; ok {
		return "environment", found.where
	}
	if found, ok := s.file[k]; ok {
		return "file", strings.TrimSuffix(found.where, ": "+k)
	}
	return "default", ""
}

// shown is a setting's value for people.
func (s *sources) shown(f *kong.Flag) string {
	v := f.Target
	absent := v.Kind() == reflect.Pointer && v.IsNil()
	switch text, speaks := v.Interface().(fmt.Stringer); {
	case f.Tag.Has("secret") && v.IsZero():
		return "not set"
	case f.Tag.Has("secret"):
		return "set"
	case absent:
		return unwritten[key(f)]
	case speaks:
		return text.String()
	case v.Kind() == reflect.Pointer && s.typed(f):
		return withoutPassword(s.typedText(f))
	}
	return withoutPassword(strings.TrimSpace(s.text(f)))
}

// withoutPassword is an address as it can be shown.
func withoutPassword(text string) string {
	if at, err := url.Parse(text); err == nil && at.User != nil {
		return at.Redacted()
	}
	return text
}
