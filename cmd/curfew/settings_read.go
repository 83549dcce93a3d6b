package main

import (
	"cmp"
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
	"github.com/curfewhq/curfew/internal/suggest"
)

// Variables that are not settings: the path of the settings file, and those of tests.
const (
	configVariable = "CURFEW_CONFIG"
	testPrefix     = "CURFEW_TEST_"
	portVariable   = "PORT" // by which platforms that give one port name it
)

// reserved are variables of programs that call Curfew, which often share an environment with it:
// @curfew/client reads the first two, and its documentation keeps an endpoint's secret in the
// third. No setting may have these names.
var reserved = []string{"CURFEW_URL", "CURFEW_TOKEN", "CURFEW_WEBHOOK_SECRET"}

// describe returns a flag's help, with the environment variable that sets it.
func describe(v *kong.Value) string {
	if v.Flag == nil || key(v.Flag) == "" {
		return kong.DefaultHelpValueFormatter(v)
	}
	return strings.TrimSpace(kong.DefaultHelpValueFormatter(v) + " ($" + variable(key(v.Flag)) + ")")
}

// resolveSettings gives kong the values from the environment and the settings file, after checking
// that both contain only valid settings.
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
	if err := s.readContained(); err != nil {
		return err
	}
	ctx.AddResolver(kong.ResolverFunc(s.resolve))
	ctx.Bind(&s)
	return nil
}

// resolve gives kong the value of a flag that was not typed.
func (s *sources) resolve(_ *kong.Context, _ *kong.Path, f *kong.Flag) (any, error) {
	if from, found := s.given(f); from == fromEnvironment || from == fromFile {
		return found.text, nil
	}
	return nil, nil
}

// readEnvironment reads the settings from variables that begin with CURFEW_.
func (s *sources) readEnvironment(environment []string) error {
	s.env = map[string]source{}
	for _, line := range environment {
		name, text, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, "CURFEW_") || strings.HasPrefix(name, testPrefix) || name == configVariable || slices.Contains(reserved, name) {
			continue
		}
		f := s.find(func(key string) bool { return variable(key) == name })
		if f == nil {
			return &settingError{name, fmt.Errorf("there is no such setting%s", suggest.Among(name, s.names(variable)))}
		}
		if err := checkValue(f, text); err != nil {
			return &settingError{name, err}
		}
		s.env[key(f)] = source{name, text}
	}
	return s.readPort(environment)
}

// readPort listens on the port that the platform provides, unless listen is set.
func (s *sources) readPort(environment []string) error {
	i := slices.IndexFunc(environment, func(line string) bool { return strings.HasPrefix(line, portVariable+"=") })
	if _, given := s.env["listen"]; given || i < 0 || environment[i] == portVariable+"=" {
		return nil
	}
	text := ":" + strings.TrimPrefix(environment[i], portVariable+"=")
	if err := checkValue(s.find(func(key string) bool { return key == "listen" }), text); err != nil {
		return &settingError{portVariable, fmt.Errorf("%q is no port", text[1:])}
	}
	s.env["listen"] = source{portVariable, text}
	return nil
}

// onePort reports whether everything is served on the port that the platform provides. Then there
// is no listener for operators, unless listen_ops is set.
func (s *sources) onePort() bool {
	_, from := s.given(s.find(func(key string) bool { return key == "listen" }))
	return from.where == portVariable
}

// withoutOps reports whether there is no listener for operators.
func (s *sources) withoutOps() bool {
	from, _ := s.given(s.find(func(key string) bool { return key == "listen_ops" }))
	return s.onePort() && from == fromDefault
}

// readFile reads the settings file. An empty path means there is none.
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
			return &settingError{where, fmt.Errorf("there is no such setting%s", suggest.Among(e.Key, s.names(nil)))}
		}
		if e.List && !config.IsList(f.Target.Type()) {
			return &settingError{where, config.ErrOneValue}
		}
		if err := checkValue(f, e.Text); err != nil {
			return &settingError{where, err}
		}
		s.file[e.Key] = source{where, e.Text}
	}
	return nil
}

// groups returns the prefixes of keys that contain a dot.
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

// names returns the key of every setting, transformed by spelled unless it is nil.
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

// checks are validations of settings that other packages define.
var checks = map[string]func(text string) error{
	"auth.jwks_url": auth.CheckKeyURL,
	"auth.key":      auth.CheckKey,
	"auth.issuers": func(text string) error {
		var all config.Issuers
		if err := all.UnmarshalText([]byte(text)); err != nil {
			return err
		}
		for _, one := range all.All {
			if err := auth.Issuer(one).Check(); err != nil {
				return fmt.Errorf("%s: %w", cmp.Or(one.Name, "an issuer without a name"), err)
			}
		}
		return nil
	},
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

// checkTyped applies the checks to flags. Values from the environment and the file go through checkValue.
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

// checkValue reports what is wrong with a setting's text.
func checkValue(f *kong.Flag, text string) error {
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

// flagName returns the flag for a key.
func flagName(key string) string {
	return strings.NewReplacer("_", "-", ".", "-").Replace(key)
}
