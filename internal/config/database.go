package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// DatabaseURL names a database: sqlite:PATH or postgres://….
type DatabaseURL string

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *DatabaseURL) UnmarshalText(text []byte) error {
	scheme, rest, ok := strings.Cut(string(text), ":")
	switch {
	case ok && scheme == "sqlite" && strings.HasPrefix(rest, "//"):
		return fmt.Errorf("write sqlite:PATH, without //: sqlite:%s", strings.TrimLeft(rest, "/"))
	case ok && scheme == "sqlite" && rest != "":
		*u = DatabaseURL(text)
		return nil
	case scheme == "postgres" || scheme == "postgresql":
		_, err := parametersOf(string(text))
		*u = DatabaseURL(text)
		return err
	case !ok && strings.HasSuffix(scheme, ".db"):
		return fmt.Errorf("%q does not name a kind of database: did you mean sqlite:%s?", text, text)
	}
	// The text is not repeated: it may contain a password.
	return errors.New("is neither sqlite:PATH nor postgres://USER:PASSWORD@HOST/NAME")
}

// File returns the path of a SQLite database; ok is false for other databases.
func (u DatabaseURL) File() (path string, ok bool) {
	scheme, path, _ := strings.Cut(string(u), ":")
	if scheme != "sqlite" {
		return "", false
	}
	return path, true
}

// String returns the URL for people and logs: a PostgreSQL URL without user, password and
// parameters.
func (u DatabaseURL) String() string {
	if _, ok := u.File(); ok {
		return string(u)
	}
	text, _, _ := strings.Cut(string(u), "?")
	scheme, rest, _ := strings.Cut(text, "://")
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = rest[at+1:]
	}
	return scheme + "://" + rest
}

// Driver returns a PostgreSQL URL as pgx reads it. Parameters meant for other programs are
// translated or left out, and the pool has at most pool connections unless the URL sets a number.
// The timeouts are set at the start of each connection, or by the database role: then they are sent
// empty, and package postgres leaves them out.
func (u DatabaseURL) Driver(pool PoolSize, timeouts string) string {
	params, err := parametersOf(string(u))
	if err != nil {
		return string(u) // not from UnmarshalText
	}
	if pool > 0 {
		params = params.or("pool_max_conns", strconv.Itoa(int(pool)))
	}
	if timeouts == "role" {
		for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
			params = params.or(name, "")
		}
	}
	return u.with(params)
}

// Single returns the URL for a connection outside a pool.
func (u DatabaseURL) Single() string {
	params, err := parametersOf(string(u))
	if err != nil {
		return string(u)
	}
	return u.with(slices.DeleteFunc(params, func(p parameter) bool { return strings.HasPrefix(p.name, "pool_") }))
}

func (u DatabaseURL) with(params parameters) string {
	base, _, _ := strings.Cut(string(u), "?")
	if len(params) == 0 {
		return base
	}
	return base + "?" + params.String()
}

// With returns the URL with an additional parameter.
func (u DatabaseURL) With(name, value string) DatabaseURL {
	separator := "?"
	if strings.Contains(string(u), "?") {
		separator = "&"
	}
	return u + DatabaseURL(separator+name+"="+url.QueryEscape(value))
}

// PoolSize is the number of connections that a process may have open.
type PoolSize int

// minPool is what concurrent admissions, a sweep, a read and a stream need.
const minPool = 4

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *PoolSize) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < minPool || n > 10_000 {
		return fmt.Errorf("must be a whole number of at least %d, not %q", minPool, text)
	}
	*p = PoolSize(n)
	return nil
}

// parameter is a URL parameter as written.
type parameter struct{ name, value string }

type parameters []parameter

func (all parameters) String() string {
	parts := make([]string, len(all))
	for i, p := range all {
		parts[i] = p.name + "=" + p.value
	}
	return strings.Join(parts, "&")
}

// or adds a parameter unless it is already set.
func (all parameters) or(name, value string) parameters {
	if slices.ContainsFunc(all, func(p parameter) bool { return strings.EqualFold(p.name, name) }) {
		return all
	}
	return append(all, parameter{name, value})
}

// parametersOf returns the parameters of a URL for the driver.
func parametersOf(text string) (parameters, error) {
	base, query, _ := strings.Cut(text, "?")
	var kept, translated parameters
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		translate, ok := copied[name]
		switch plain, err := url.QueryUnescape(value); {
		case part == "":
		case err != nil:
			return nil, fmt.Errorf("the parameter %s of the database URL is not encoded as URLs are: write %% as %%25", name)
		case ok:
			p, err := translate(plain)
			if err != nil {
				return nil, fmt.Errorf("the parameter %s of the database URL %w", name, err)
			}
			translated = append(translated, p)
		default:
			kept = append(kept, parameter{name, value})
		}
	}
	if strings.Contains(base, ".pooler.supabase.com:6543") { // its transaction mode
		translated = append(translated, unprepared)
	}
	for _, p := range translated {
		if p.name != "" {
			kept = kept.or(p.name, p.value)
		}
	}
	return kept, nil
}

// unprepared restricts pgx to what a pooler in transaction mode supports: no named prepared
// statements.
var unprepared = parameter{"default_query_exec_mode", "cache_describe"}

// copied lists parameters that come with URLs from a provider's page or another program's settings,
// and mean nothing to pgx or the server. Each is translated into one of pgx, or left out (the zero
// parameter).
var copied = map[string]func(value string) (parameter, error){
	"pgbouncer":            yesOrNo(unprepared, parameter{}),
	"prepared_statements":  yesOrNo(parameter{}, unprepared),
	"statement_cache_size": statementCache,
	"prepareThreshold":     statementCache,
	"connection_limit":     connectionLimit,
	"schema":               ownSchema,
	"currentSchema":        ownSchema,
	"sslmode":              sslMode,
	"ssl":                  yesOrNo(parameter{"sslmode", "require"}, parameter{"sslmode", "disable"}),
	"sslaccept":            sslAccept,
	"pool_timeout":         leftOut, // a call has ten seconds for everything
	"socket_timeout":       leftOut,
	"supa":                 leftOut, // says which button it was copied with
	"uselibpqcompat":       leftOut, // sslmode means what it means to libpq
	"workaround":           leftOut,
}

func leftOut(string) (parameter, error) { return parameter{}, nil }

func yesOrNo(yes, no parameter) func(string) (parameter, error) {
	return func(value string) (parameter, error) {
		switch on, err := strconv.ParseBool(value); {
		case err != nil:
			return parameter{}, fmt.Errorf("must be true or false, not %q", value)
		case on:
			return yes, nil
		}
		return no, nil
	}
}

func statementCache(value string) (parameter, error) {
	switch n, err := strconv.Atoi(value); {
	case err != nil || n < 0:
		return parameter{}, fmt.Errorf("must be a whole number, not %q; 0: no statement is prepared under a name", value)
	case n == 0:
		return unprepared, nil
	}
	return parameter{}, nil
}

func connectionLimit(value string) (parameter, error) {
	if err := new(PoolSize).UnmarshalText([]byte(value)); err != nil {
		return parameter{}, fmt.Errorf("%w: a program that runs all the time needs more than one that answers a call; leave it out and set database_pool", err)
	}
	return parameter{"pool_max_conns", value}, nil
}

func ownSchema(value string) (parameter, error) {
	if value != "public" && value != "curfew" {
		return parameter{}, fmt.Errorf("is %q, but Curfew's tables are always in schema curfew: leave it out", value)
	}
	return parameter{}, nil
}

func sslMode(value string) (parameter, error) {
	all := []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
	switch {
	case value == "no-verify": // node-postgres: as require, which checks no certificate unless sslrootcert names one
		value = "require"
	case !slices.Contains(all, value):
		return parameter{}, fmt.Errorf("must be one of %s, not %q", strings.Join(all, ", "), value)
	}
	return parameter{"sslmode", value}, nil
}

func sslAccept(value string) (parameter, error) {
	modes := map[string]string{"strict": "verify-full", "accept_invalid_certs": "require"}
	if modes[value] == "" {
		return parameter{}, fmt.Errorf("must be strict or accept_invalid_certs, not %q; better write sslmode=verify-full", value)
	}
	return parameter{"sslmode", modes[value]}, nil
}
