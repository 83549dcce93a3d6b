package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/config"
)

// parse reads a command line as the process would.
func parse(t *testing.T, args ...string) (*settings, error) {
	t.Helper()
	var line commandLine
	var out bytes.Buffer
	parser, err := newParser(&line, terminal{out: &out, err: &out})
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(append([]string{"version"}, args...))
	return &line.settings, err
}

// settingsFlags is every flag that is a setting.
func settingsFlags(t *testing.T) []*kong.Flag {
	t.Helper()
	parser, err := newParser(new(commandLine), terminal{})
	if err != nil {
		t.Fatal(err)
	}
	var flags []*kong.Flag
	for _, f := range parser.Model.Flags {
		if key(f) != "" {
			flags = append(flags, f)
		}
	}
	return flags
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "curfew.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The contract's keys, without those of later issues.
func TestEveryKeyOfTheContractIsASetting(t *testing.T) {
	t.Parallel()
	want := strings.Fields(`database_url database_url_file database_pool database_timeouts database_wait listen listen_ops drain base_url signin_url session_url callback_url allowed_origins trusted_proxies waiting_ttl max_wait orphan_ttl join_ttl join_offer stream_gone offer_after nudge_after live_grace
		scheduled_grace minimum_live very_stale_after defer_ttl credit_ttl blocked_repeatedly blocked_window free_cancels sweeper rules settle
		appointment_refund payment_lost part_refunded discounts authorization_life plans
		adopt adopt_database_url adopt_database_url_file adopt_deliveries
		auth.key_file auth.key auth.max_ttl auth.signin_idle auth.signin_max auth.jwt_secret auth.jwt_secret_file auth.jwks_url auth.issuer auth.audience auth.role_claim auth.issuers auth.issuers_file
		stripe.webhook_secret stripe.webhook_secret_file stripe.api_key stripe.api_key_file stripe.api_base stripe.live stripe.ignore_foreign stripe.account
		stripe.accounts stripe.customer_keys stripe.plan_key stripe.starts_at_key stripe.extends_key stripe.reverse_transfer stripe.refund_application_fee payments.secret payments.secret_file
		limits.reads limits.writes limits.streams limits.services limits.messages limits.logins limits.failures audit.keep retention.deliveries retention.texts retention.customers
		approvals.refunds_over approvals.live_ends approvals.erasures approvals.ttl
		trace_endpoint webhooks.allow_private webhooks.key webhooks.key_file
		smtp.url smtp.password smtp.password_file smtp.tls smtp.from smtp.operators smtp.templates log_format log_level`)
	var have []string
	for _, f := range settingsFlags(t) {
		have = append(have, key(f))
		if f.Name != flagName(key(f)) {
			t.Errorf("the flag of %s is --%s, not --%s", key(f), f.Name, flagName(key(f)))
		}
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

func TestUntoldSettingsAreTheDefaultPolicy(t *testing.T) {
	t.Parallel()
	s, err := parse(t)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := s.policy()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(curfew.DefaultPolicy(), policy); diff != "" {
		t.Error(diff)
	}
	if s.DatabaseURL != defaultDatabase || s.Listen.URL() != defaultURL {
		t.Errorf("defaults are %s and %s", s.DatabaseURL, s.Listen)
	}
}

func TestPrecedence(t *testing.T) {
	file := write(t, "waiting_ttl: 1m\njoin_ttl: 2m\nlive_grace: 3m\n")
	t.Setenv("CURFEW_WAITING_TTL", "4m")
	t.Setenv("CURFEW_JOIN_TTL", "5m")
	s, err := parse(t, "--config", file, "--waiting-ttl", "6m")
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string][2]config.Duration{
		"the flag wins over the environment":  {s.WaitingTTL, config.Duration(6 * time.Minute)},
		"the environment wins over the file":  {s.JoinTTL, config.Duration(5 * time.Minute)},
		"the file wins over the default":      {s.LiveGrace, config.Duration(3 * time.Minute)},
		"the default is left where none says": {s.OrphanTTL, config.Duration(20 * time.Minute)},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: got %s, want %s", what, got[0], got[1])
		}
	}
}

func TestTheEnvironmentNamesTheFile(t *testing.T) {
	t.Setenv("CURFEW_CONFIG", write(t, "max_wait: 7m\n"))
	s, err := parse(t)
	if err != nil || s.MaxWait != config.Duration(7*time.Minute) {
		t.Errorf("max_wait is %s (%v)", s.MaxWait, err)
	}
}

const everything = `
database_url: sqlite:/var/lib/curfew/curfew.db
listen: 0.0.0.0:80
base_url: https://curfew.example.org/
sweeper: off
blocked_repeatedly: 5
rules: {noShows: off, overran: on}
settle:
  no_show: forfeit
  expired: refund
appointment_refund: {48h: 90, 1h: 10}
plans:
  chat10: {kind: chat, duration: 30m, waitingTtl: 20m, price: 900, currency: eur}
  more: {kind: chat, duration: 10m, extends: true}
auth:
  issuer: https://id.example.org
  jwt_secret: "0123456789abcdef0123456789abcdef"
log_format: json
log_level: debug
`

func TestTheFileHoldsEverything(t *testing.T) {
	t.Parallel()
	s, err := parse(t, "--config", write(t, everything))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := s.policy()
	if err != nil {
		t.Fatal(err)
	}
	price := int64(900)
	want := curfew.DefaultPolicy()
	want.BlockedRepeatedly = 5
	want.Off = []curfew.RuleName{curfew.NoShows}
	want.Settle = map[curfew.EndReason]curfew.Settlement{curfew.NoShow: curfew.Forfeit, curfew.Expired: curfew.Refund}
	want.AppointmentRefund = []curfew.RefundShare{{Before: 48 * time.Hour, Percent: 90}, {Before: time.Hour, Percent: 10}}
	want.Plans = map[string]curfew.Plan{
		"chat10": {Kind: curfew.Chat, Duration: 30 * time.Minute, WaitingTTL: 20 * time.Minute, Price: &price, Currency: "eur"},
		"more":   {Kind: curfew.Chat, Duration: 10 * time.Minute, Extends: true},
	}
	if diff := cmp.Diff(want, policy); diff != "" {
		t.Error(diff)
	}
	if s.Sweeper.On() || s.publicURL(s.Listen) != "https://curfew.example.org" || s.Auth.Issuer == "" || s.LogFormat != "json" {
		t.Errorf("read %+v", s)
	}
}

func TestMappingsFitIntoOneVariable(t *testing.T) {
	for sentence, c := range map[string]struct{ rules, settle, plans string }{
		"as pairs":             {"noShows=off, overran=on", "no_show=forfeit", `{"a":{"kind":"video","duration":"1h"}}`},
		"as JSON":              {`{"noShows":"off"}`, `{"no_show":"forfeit"}`, `{"a":{"kind":"video","duration":"1h"}}`},
		"by a rule's old name": {"noShows=off,expiredRequests=on,oldWaitingSessions=on", "no_show=forfeit", "{a: {kind: video, duration: 1h}}"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Setenv("CURFEW_RULES", c.rules)
			t.Setenv("CURFEW_SETTLE", c.settle)
			t.Setenv("CURFEW_PLANS", c.plans)
			s, err := parse(t)
			if err != nil {
				t.Fatal(err)
			}
			policy, err := s.policy()
			if err != nil {
				t.Fatal(err)
			}
			if policy.Enabled(curfew.NoShows) || !policy.Enabled(curfew.Overruns) ||
				policy.Settle[curfew.NoShow] != curfew.Forfeit || policy.Plans["a"].Duration != time.Hour || len(policy.Plans) != 1 {
				t.Errorf("read %+v", policy)
			}
		})
	}
}

func TestAnEmptyFileSaysNothing(t *testing.T) {
	t.Parallel()
	if _, err := parse(t, "--config", write(t, "# nothing yet\n")); err != nil {
		t.Error(err)
	}
}

func TestAnUnknownVariableIsNamed(t *testing.T) {
	t.Setenv("CURFEW_WAITNG_TTL", "30m")
	_, err := parse(t)
	checkRefusal(t, err, "CURFEW_WAITNG_TTL: there is no such setting: did you mean CURFEW_WAITING_TTL?")
}

func TestAMistakeInAMappingIsNamedByItsPathAlone(t *testing.T) {
	t.Parallel()
	file := write(t, "log_level: debug\nadopt:\n  sessions: {table: public.sessions, status: {column: status, wating: [pending]}}\n")
	_, err := parse(t, "--config", file)
	checkRefusal(t, err, file+" line 2: adopt.sessions.status.wating: unknown key: did you mean waiting?")
}

func TestVariablesOfProgramsBesideAreLetBe(t *testing.T) {
	for _, name := range reserved {
		t.Setenv(name, "x")
		if f := settingsFlags(t); slices.ContainsFunc(f, func(f *kong.Flag) bool { return variable(key(f)) == name }) {
			t.Errorf("%s is a setting", name)
		}
	}
	if _, err := parse(t); err != nil {
		t.Error(err)
	}
	t.Setenv("CURFEW_URLS", "x")
	_, err := parse(t)
	checkRefusal(t, err, "CURFEW_URLS: there is no such setting: did you mean CURFEW_RULES?")
}

func TestVariablesOfTestsAreLetBe(t *testing.T) {
	t.Setenv("CURFEW_TEST_ANYTHING", "x")
	if _, err := parse(t); err != nil {
		t.Error(err)
	}
}

func TestWhatThePolicyCannotHoldIsRefused(t *testing.T) {
	t.Parallel()
	s, err := parse(t, "--waiting-ttl=0s")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.policy()
	checkRefusal(t, err, "waiting_ttl must be more than 0, not 0s")
}

func TestADatabaseIsShownWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	for url, want := range map[config.DatabaseURL]string{
		"sqlite:a b.db":                                   "sqlite:a b.db",
		"postgres://me:se@cret@db:5432/x":                 "postgres://db:5432/x",
		"postgres://db/x?password=secret&sslmode=disable": "postgres://db/x",
	} {
		if got := url.String(); got != want {
			t.Errorf("%s is shown as %s, want %s", string(url), got, want)
		}
	}
}

func TestWhichPaymentsCount(t *testing.T) {
	t.Parallel()
	live, test := true, false
	for sentence, c := range map[string]struct {
		args []string
		want *bool
	}{
		"nothing is said":               {nil, nil},
		"a test key":                    {[]string{"--stripe-api-key=sk_test_1"}, nil},
		"a live key":                    {[]string{"--stripe-api-key=sk_live_1"}, &live},
		"a restricted live key":         {[]string{"--stripe-api-key=rk_live_1"}, &live},
		"a live key, and test payments": {[]string{"--stripe-api-key=sk_live_1", "--stripe-live=off"}, &test},
		"a live key, and both":          {[]string{"--stripe-api-key=sk_live_1", "--stripe-live=both"}, nil},
		"live payments without a key":   {[]string{"--stripe-live=on"}, &live},
	} {
		s, err := parse(t, c.args...)
		if err != nil {
			t.Errorf("%s: %v", sentence, err)
			continue
		}
		if diff := cmp.Diff(c.want, livePayments(s.Stripe)); diff != "" {
			t.Errorf("%s: %s", sentence, diff)
		}
	}
	for _, wrong := range []string{"--stripe-live=yes", "--stripe-live="} {
		if _, err := parse(t, wrong); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
	s, err := parse(t, "--stripe-webhook-secret=whsec_1", "--stripe-account=me")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.payments(); err == nil || !strings.Contains(err.Error(), "acct_") {
		t.Errorf("an account that is none: %v", err)
	}
}
