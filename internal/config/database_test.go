package config_test

import (
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/config"
)

const rented = "postgres://me:p%40ss@db.example.org:5432/app"

func TestParametersOfCopiedURLs(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct{ url, want string }{
		"none":                       {rented, "?pool_max_conns=12"},
		"Prisma's, for a pooler":     {rented + "?pgbouncer=true&connection_limit=5&pool_timeout=10", "?default_query_exec_mode=cache_describe&pool_max_conns=5"},
		"Vercel's, of Supabase":      {rented + "?sslmode=require&supa=base-pooler.x", "?sslmode=require&pool_max_conns=12"},
		"Neon's":                     {rented + "?sslmode=require&channel_binding=require", "?channel_binding=require&sslmode=require&pool_max_conns=12"},
		"Neon's, with its endpoint":  {rented + "?options=endpoint%3Dep-cool-1", "?options=endpoint%3Dep-cool-1&pool_max_conns=12"},
		"node-postgres'":             {rented + "?sslmode=no-verify&uselibpqcompat=true", "?sslmode=require&pool_max_conns=12"},
		"a schema that is not ours":  {rented + "?schema=public", "?pool_max_conns=12"},
		"no cache of statements":     {rented + "?statement_cache_size=0", "?default_query_exec_mode=cache_describe&pool_max_conns=12"},
		"a mode of its own":          {rented + "?pgbouncer=true&default_query_exec_mode=exec", "?default_query_exec_mode=exec&pool_max_conns=12"},
		"pgbouncer=false":            {rented + "?pgbouncer=false", "?pool_max_conns=12"},
		"the driver's own":           {rented + "?pool_max_conns=3&connect_timeout=2", "?pool_max_conns=3&connect_timeout=2"},
		"Supavisor, by transactions": {"postgres://u.ref:p@aws-0-eu-central-1.pooler.supabase.com:6543/postgres", "?default_query_exec_mode=cache_describe&pool_max_conns=12"},
		"Supavisor, by sessions":     {"postgres://u.ref:p@aws-0-eu-central-1.pooler.supabase.com:5432/postgres", "?pool_max_conns=12"},
	} {
		var u config.DatabaseURL
		if err := u.UnmarshalText([]byte(c.url)); err != nil {
			t.Errorf("%s: %v", sentence, err)
			continue
		}
		base, _, _ := strings.Cut(c.url, "?")
		if got := u.Driver(12, "startup"); got != base+c.want {
			t.Errorf("%s: %s, want %s", sentence, got, base+c.want)
		}
	}
	u := config.DatabaseURL(rented + "?connection_limit=9&lock_timeout=1s")
	if got, want := u.Driver(12, "role"), rented+"?lock_timeout=1s&pool_max_conns=9&statement_timeout=&idle_in_transaction_session_timeout="; got != want {
		t.Errorf("timeouts of the role: %s, want %s", got, want)
	}
	if got, want := u.Single(), rented+"?lock_timeout=1s"; got != want {
		t.Errorf("one connection: %s, want %s", got, want)
	}
}

func TestParametersThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"connection_limit=1": `the parameter connection_limit of the database URL must be a whole number of at least 4, not "1": a program that runs all the time needs more than ` +
			`one that answers a call; leave it out and set database_pool`,
		"schema=app":      `the parameter schema of the database URL is "app", but Curfew's tables are always in schema curfew: leave it out`,
		"pgbouncer=maybe": `the parameter pgbouncer of the database URL must be true or false, not "maybe"`,
		"sslmode=on":      `the parameter sslmode of the database URL must be one of disable, allow, prefer, require, verify-ca, verify-full, not "on"`,
		"x=%zz":           `the parameter x of the database URL is not encoded as URLs are: write % as %25`,
	} {
		var u config.DatabaseURL
		if err := u.UnmarshalText([]byte(rented + "?" + query)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", query, err, want)
		}
	}
}
