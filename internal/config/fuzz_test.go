package config_test

import (
	"encoding"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/config"
)

// forms returns a new value of each type of setting that reads its own text.
func forms() []encoding.TextUnmarshaler {
	var all []encoding.TextUnmarshaler
	var collect func(reflect.Type)
	seen := map[reflect.Type]bool{}
	collect = func(in reflect.Type) {
		for i := range in.NumField() {
			is := in.Field(i).Type
			if is.Kind() == reflect.Pointer {
				is = is.Elem()
			}
			if value, ok := reflect.New(is).Interface().(encoding.TextUnmarshaler); ok {
				if !seen[is] {
					seen[is] = true
					all = append(all, value)
				}
			} else if is.Kind() == reflect.Struct {
				collect(is)
			}
		}
	}
	collect(reflect.TypeFor[config.Settings]())
	return all
}

// FuzzSettings looks for a text that no setting can read without a word about it, or at all.
func FuzzSettings(f *testing.F) {
	for _, text := range []string{
		"", "15m", "-1s", "1e9h", "on", "127.0.0.1:3001", "https://curfew.example.org/", "postgres://u:p@h/d?sslmode=disable", "sqlite:x.db",
		"smtp://u@mail.example.org:587", "noShows=off,overran=off", "cancelled=refund,no_show=forfeit", "24h=100,2h=50", "10.1.2.0/24,fd00::/8",
		"a,b", "acct_1,acct_2", "customer_id", "debug", "both", "0", "99999999999999999999",
		`{"chat10":{"kind":"chat","duration":"30m","price":2900,"currency":"eur","capture":"at_acceptance"}}`,
		`{"a":{"issuer":"x","jwksUrl":"https://x","roles":{"authenticated":"customer"}}}`, "a: &a [*a]", "a: {<<: *b}", "{a: {b: {c: d}}}", "---\n---\n", "\x00",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, value := range forms() {
			if err := value.UnmarshalText([]byte(text)); err != nil && strings.TrimSpace(err.Error()) == "" {
				t.Errorf("%T says nothing about %q", value, text)
			}
		}
	})
}

// FuzzReadFile looks for a file whose settings are read as something else than is written there.
func FuzzReadFile(f *testing.F) {
	for _, text := range []string{
		"", "waiting_ttl: 15m\n", "auth:\n  issuer: x\n  audience: y\n", "auth.issuer: x\n", "auth: {issuer: x}\nauth.issuer: y\n", "a: b\n---\nc: d\n",
		"plans:\n  chat10: {kind: chat}\n", "- a\n", "? [a]\n: b\n", "a: &x 1\nb: *x\n", "a: !!binary aGk=\n", "a: 2026-11-28\n", "a: 0x1F\nb: yes\n", "a: |\n  b\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "curfew.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := config.ReadFile(path, []string{"auth", "stripe", "payments", "webhooks", "smtp"})
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, e := range all {
			if e.Key == "" || e.Line < 1 || e.Line > strings.Count(text, "\n")+1 || seen[e.Key] {
				t.Errorf("%q has %+v", text, e)
			}
			seen[e.Key] = true
		}
	})
}
