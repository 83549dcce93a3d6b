package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/config"
)

func TestIssuersAreReadFromYAMLAndJSON(t *testing.T) {
	t.Parallel()
	want := []config.Issuer{
		{
			Name: "https://abc.supabase.co/auth/v1", Audience: "authenticated", JWKSURL: "https://abc.supabase.co/keys", Subject: "sub",
			Role: []string{"app_metadata.role", "role"}, Roles: map[string]curfew.Role{"authenticated": curfew.Customer},
		},
		{Name: "shop", Secret: "s", Role: []string{"kind"}},
	}
	for _, text := range []string{
		"supabase:\n  issuer: https://abc.supabase.co/auth/v1\n  audience: authenticated\n  jwksUrl: https://abc.supabase.co/keys\n  subject: sub\n" +
			"  role: [app_metadata.role, role]\n  roles: {authenticated: customer}\nshop:\n  issuer: shop\n  secret: s\n  role: kind\n",
		`{"supabase": {"issuer": "https://abc.supabase.co/auth/v1", "audience": "authenticated", "jwksUrl": "https://abc.supabase.co/keys",
		  "subject": "sub", "role": ["app_metadata.role", "role"], "roles": {"authenticated": "customer"}},
		  "shop": {"issuer": "shop", "secret": "s", "role": "kind"}}`,
	} {
		var got config.Issuers
		if err := got.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%v in %s", err, text)
		} else if diff := cmp.Diff(want, got.All); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAnIssuerThatCannotBeReadSaysWhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                 "must not be empty",
		"[]":                               "must be a mapping",
		"a: x":                             "a: must be a mapping",
		"a: {jwks_url: x}":                 "a: jwks_url: unknown key: did you mean jwksUrl?",
		"a: {issuer: ''}":                  "a: issuer: must not be empty",
		"a: {issuer: }":                    "a: issuer: must be one value",
		"a: {issuer: [x]}":                 "a: issuer: must be one value",
		"a: {role: []}":                    "a: role: must not be empty",
		"a: {role: [x, '']}":               "a: role: must not be empty",
		"a: {roles: customer}":             "a: roles: must be a mapping from their roles",
		"a: {roles: {}}":                   "a: roles: must not be empty",
		"a: {roles: {x: [customer]}}":      "a: roles: x: must be one value",
		"a: {issuer: x, issuer: y}":        "set twice",
		"a: {issuer: x}\nb: {issuer: x}":   "b: another one has the issuer x already",
		"a: {issuer: x\n":                  "is not valid YAML or JSON",
		"a: {issuer: x}\na: {issuer: y}\n": "set twice",
	} {
		var got config.Issuers
		if err := got.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, which does not say %q", text, err, want)
		}
	}
}
