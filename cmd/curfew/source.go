package main

import (
	"encoding"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/notify/mail"
)

// settingError is a setting that cannot be, with where it was given.
type settingError struct {
	where string
	err   error
}

func (e *settingError) Error() string { return e.where + ": " + e.err.Error() }
func (e *settingError) Unwrap() error { return e.err }

// key is a flag's key; empty for flags that are no setting.
func key(f *kong.Flag) string { return f.Tag.Get("setting") }

// variable is the name of a key in the environment.
func variable(key string) string {
	return "CURFEW_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// Variables that are no settings: the file's name, and what tests are lent.
const (
	configVariable = "CURFEW_CONFIG"
	testPrefix     = "CURFEW_TEST_"
)

// describe is a flag's help with the name of its variable.
func describe(v *kong.Value) string {
	if v.Flag == nil || key(v.Flag) == "" {
		return kong.DefaultHelpValueFormatter(v)
	}
	return strings.TrimSpace(kong.DefaultHelpValueFormatter(v) + " ($" + variable(key(v.Flag)) + ")")
}

// sources is where settings come from beside the command line.
type sources struct {
	parsed *kong.Context
	flags  []*kong.Flag
	file   map[string]source
	env    map[string]source
}

// source is one setting's text, and where it stands.
type source struct{ where, text string }

// resolveSettings gives kong the environment and the file, once both are known
// to hold nothing but settings that can be.
func resolveSettings(ctx *kong.Context) error {
	s := sources{parsed: ctx}
	path, named := os.LookupEnv(configVariable)
	if named && strings.TrimSpace(path) == "" {
		return &settingError{configVariable, config.ErrEmpty}
	}
	for _, f := range ctx.Flags() {
		if f.Name == "config" {
			if given, _ := ctx.FlagValue(f).(string); given != "" {
				path = given
			}
		}
		if key(f) != "" {
			s.flags = append(s.flags, f)
		}
	}
	if err := s.checkTyped(); err != nil {
		return err
	}
	if err := s.readEnvironment(os.Environ()); err != nil {
		return err
	}
	if err := s.readFile(path); err != nil {
		return err
	}
	ctx.AddResolver(kong.ResolverFunc(s.resolve))
	ctx.Bind(&s)
	return nil
}

func (s *sources) resolve(_ *kong.Context, _ *kong.Path, f *kong.Flag) (any, error) {
	for _, from := range []map[string]source{s.env, s.file} {
		if found, ok := from[key(f)]; ok {
			return found.text, nil
		}
	}
	return nil, nil
}

func (s *sources) readEnvironment(environment []string) error {
	s.env = map[string]source{}
	for _, line := range environment {
		name, text, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, "CURFEW_") || strings.HasPrefix(name, testPrefix) || name == configVariable {
			continue
		}
		f := s.find(func(key string) bool { return variable(key) == name })
		if f == nil {
			return &settingError{name, fmt.Errorf("there is no such setting%s", config.Suggest(name, s.names(variable)))}
		}
		if err := try(f, text); err != nil {
			return &settingError{name, err}
		}
		s.env[key(f)] = source{name, text}
	}
	return nil
}

func (s *sources) readFile(path string) error {
	s.file = map[string]source{}
	if path == "" {
		return nil
	}
	found, err := config.ReadFile(path, s.groups())
	if err != nil {
		return &settingError{path, err}
	}
	for _, e := range found {
		where := fmt.Sprintf("%s line %d: %s", path, e.Line, e.Key)
		f := s.find(func(key string) bool { return key == e.Key })
		if f == nil {
			return &settingError{where, fmt.Errorf("there is no such setting%s", config.Suggest(e.Key, s.names(nil)))}
		}
		if err := try(f, e.Text); err != nil {
			return &settingError{where, err}
		}
		s.file[e.Key] = source{where, e.Text}
	}
	return nil
}

// groups are what stands before the dots of keys.
func (s *sources) groups() []string {
	var all []string
	for _, f := range s.flags {
		for at, r := range key(f) {
			if group := key(f)[:at]; r == '.' && !slices.Contains(all, group) {
				all = append(all, group)
			}
		}
	}
	return all
}

func (s *sources) find(matches func(key string) bool) *kong.Flag {
	i := slices.IndexFunc(s.flags, func(f *kong.Flag) bool { return matches(key(f)) })
	if i < 0 {
		return nil
	}
	return s.flags[i]
}

func (s *sources) names(spelled func(key string) string) []string {
	var all []string
	for _, f := range s.flags {
		name := key(f)
		if spelled != nil {
			name = spelled(name)
		}
		all = append(all, name)
	}
	return all
}

// checks are the rules for settings that other packages own.
var checks = map[string]func(text string) error{
	"auth.jwks_url": auth.CheckKeyURL,
	"smtp.from": func(text string) error {
		_, err := mail.ParseFrom(text)
		return err
	},
	"smtp.tls": func(text string) error {
		if !slices.Contains([]mail.TLS{mail.StartTLS, mail.ImplicitTLS, mail.NoTLS}, mail.TLS(text)) {
			return fmt.Errorf("must be starttls, tls or none, not %q", text)
		}
		return nil
	},
}

// checkTyped applies the checks to flags. The environment and the file pass through try.
func (s *sources) checkTyped() error {
	for _, f := range s.flags {
		check, ok := checks[key(f)]
		if !ok || !s.typed(f) {
			continue
		}
		if err := check(s.typedText(f)); err != nil {
			return fmt.Errorf("--%s: %w", f.Name, err)
		}
	}
	return nil
}

// try reports what is wrong with a setting's text.
func try(f *kong.Flag, text string) error {
	kind := f.Target.Type()
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if u, ok := reflect.New(kind).Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return err
		}
	}
	if strings.TrimSpace(text) == "" {
		return config.ErrEmpty
	}
	if check, ok := checks[key(f)]; ok {
		return check(text)
	}
	return nil
}

// flagName is a key as a flag.
func flagName(key string) string {
	return strings.NewReplacer("_", "-", ".", "-").Replace(key)
}
