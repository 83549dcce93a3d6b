package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew/api"
)

func TestTheListSaysWhereEachSettingComesFrom(t *testing.T) {
	file := write(t, "waiting_ttl: 20m\njoin_ttl: 9m\nrules: {noShows: off}\nauth:\n  issuer: https://me:hunter2@id.example.org\n")
	t.Setenv("CURFEW_JOIN_TTL", "10m")
	t.Setenv("CURFEW_AUTH_JWT_SECRET", "0123456789abcdef0123456789abcdef")
	t.Setenv("CURFEW_DATABASE_URL", "postgres://me:hunter2@db/shop")
	var line commandLine
	parser, err := newParser(&line, terminal{})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse([]string{"version", "--config", file, "--live-grace=3m", "--settle=no_show=forfeit", "--appointment-refund=24h=90,1h=10"})
	if err != nil {
		t.Fatal(err)
	}
	var all []api.Setting
	if _, err := parsed.Call(func(from *sources) { all = from.list() }); err != nil {
		t.Fatal(err)
	}
	found := map[string]api.Setting{}
	for _, given := range all {
		if given.Help == "" {
			t.Errorf("%s has no help", given.Key)
		}
		given.Help = ""
		found[given.Key] = given
		if text := given.Value + given.Where; strings.Contains(text, "0123456789") || strings.Contains(text, "hunter2") {
			t.Errorf("%s shows a secret: %+v", given.Key, given)
		}
	}
	if len(found) != len(settingsFlags(t)) {
		t.Errorf("%d of %d settings are listed", len(found), len(settingsFlags(t)))
	}
	for _, want := range []api.Setting{
		{Key: "max_wait", Value: "1h", Source: "default", Default: "1h"},
		{Key: "waiting_ttl", Value: "20m", Source: "file", Where: file + " line 1", Default: "15m"},
		{Key: "join_ttl", Value: "10m", Source: "environment", Where: "CURFEW_JOIN_TTL", Default: "30m"},
		{Key: "live_grace", Value: "3m", Source: "flag", Where: "--live-grace", Default: "15m"},
		{Key: "rules", Value: "{noShows: off}", Source: "file", Where: file + " line 3"},
		{Key: "settle", Value: "no_show=forfeit", Source: "flag", Where: "--settle"},
		{Key: "appointment_refund", Value: "24h=90,1h=10", Source: "flag", Where: "--appointment-refund"},
		{Key: "plans", Value: "the built-in ones", Source: "default"},
		{Key: "auth.jwt_secret", Value: "set", Source: "environment", Where: "CURFEW_AUTH_JWT_SECRET"},
		{Key: "stripe.api_key", Value: "not set", Source: "default"},
		{Key: "stripe.webhook_secret", Value: "not set", Source: "default"},
		{Key: "database_url", Value: "postgres://db/shop", Source: "environment", Where: "CURFEW_DATABASE_URL", Default: "sqlite:curfew.db"},
		{Key: "log_level", Value: "info", Source: "default", Default: "info"},
	} {
		if diff := cmp.Diff(want, found[want.Key]); diff != "" {
			t.Error(diff)
		}
	}
}

// What is called a secret is never shown.
func TestEverySecretIsOne(t *testing.T) {
	t.Parallel()
	for _, f := range settingsFlags(t) {
		k := key(f)
		sounds := strings.HasSuffix(k, "secret") || strings.HasSuffix(k, "password") || strings.HasSuffix(k, "api_key") || k == "adopt_database_url" || k == "auth.key" || k == "auth.issuers" || k == "webhooks.key"
		if sounds != f.Tag.Has("secret") {
			t.Errorf("%s: its name and its tag disagree on whether it is a secret", k)
		}
	}
}
