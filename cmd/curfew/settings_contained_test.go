package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// secrets is what a setting can hold that nobody else may read.
var secrets = map[string]string{
	"database_url": "postgres://kim:hush@db/x", "adopt_database_url": "postgres://kim:hush@db/theirs", "auth.jwt_secret": strings.Repeat("hush", 8), "stripe.webhook_secret": "whsec_hush",
	"auth.issuers":   oneIssuer,
	"stripe.api_key": "rk_test_hush", "payments.secret": "whsec_" + strings.Repeat("hush", 8), "smtp.password": "hush, hush",
	"webhooks.key": "aHVzaGh1c2hodXNoaHVzaGh1c2hodXNoaHVzaGh1c2g=",
}

// oneIssuer is a value of auth.issuers.
const oneIssuer = `{"shop": {"issuer": "shop", "secret": "hushhushhushhushhushhushhushhush"}}`

// written is a file with a text, as systems mount secrets.
func written(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "mounted")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEverySecretAlsoComesFromAFile(t *testing.T) {
	t.Parallel()
	flags := settingsFlags(t)
	for _, f := range flags {
		k, text := key(f), secrets[key(f)]
		if !f.Tag.Has("secret") && k != "database_url" || k == "auth.key" { // its file is one that serve may make
			continue
		}
		if !slices.ContainsFunc(flags, func(other *kong.Flag) bool { return key(other) == k+"_file" && other.Tag.Get("contains") == k }) {
			t.Errorf("%s has no file", k)
			continue
		}
		whole, err := parse(t, "--"+f.Name+"="+text)
		if err != nil {
			t.Fatal(k, err)
		}
		path := written(t, text+"\n")
		for source, args := range map[string][]string{
			"a flag": {"--" + f.Name + "-file=" + path}, "the file of settings": {"--config=" + written(t, k+"_file: "+path)},
		} {
			got, err := parse(t, args...)
			if err != nil || value(got, k) != value(whole, k) {
				t.Errorf("%s by %s is %q, want %q: %v", k, source, value(got, k), value(whole, k), err)
			}
		}
	}
}

// value is a secret as the settings hold it.
func value(s *settings, key string) string {
	switch key {
	case "database_url":
		return string(s.DatabaseURL)
	case "adopt_database_url":
		return string(*s.AdoptDatabaseURL)
	case "auth.jwt_secret":
		return s.Auth.JWTSecret
	case "auth.issuers":
		return fmt.Sprint(s.Auth.Issuers.All)
	case "stripe.webhook_secret":
		return strings.Join(s.Stripe.WebhookSecret.Values, ",")
	case "stripe.api_key":
		return s.Stripe.APIKey
	case "payments.secret":
		return strings.Join(s.Payments.Secret.Values, ",")
	}
	return s.SMTP.Password
}

func TestSeveralSecretsStandOnALineEach(t *testing.T) {
	t.Parallel()
	s, err := parse(t, "--stripe-webhook-secret-file="+written(t, "whsec_new\r\nwhsec_old\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Stripe.WebhookSecret.Values; !slices.Equal(got, []string{"whsec_new", "whsec_old"}) {
		t.Errorf("they are %q", got)
	}
}

func TestAFileOfASecretThatIsWrong(t *testing.T) {
	t.Parallel()
	for sentence, args := range map[string][]string{
		"set twice":  {"--smtp-password=hush", "--smtp-password-file=" + written(t, "hush")},
		"no file":    {"--stripe-api-key-file=" + filepath.Join(t.TempDir(), "none")},
		"empty":      {"--auth-jwt-secret-file=" + written(t, "\n")},
		"a gap":      {"--payments-secret-file=" + written(t, "whsec_hush\n\nwhsec_other")},
		"no address": {"--database-url-file=" + written(t, "mysql://kim:hush@db")},
	} {
		_, err := parse(t, args...)
		if err == nil || !strings.Contains(err.Error(), "-file") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}
