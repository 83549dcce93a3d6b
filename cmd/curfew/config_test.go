package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
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
	want := strings.Fields(`database_url listen listen_ops base_url waiting_ttl max_wait orphan_ttl join_ttl live_grace
		scheduled_grace very_stale_after defer_ttl blocked_repeatedly blocked_window sweeper rules settle plans
		auth.key_file auth.jwt_secret auth.jwks_url auth.issuer auth.audience auth.role_claim log_format log_level`)
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
	if s.DatabaseURL != defaultDatabase || s.Listen.url() != defaultURL {
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
	for what, got := range map[string][2]duration{
		"the flag wins over the environment":  {s.WaitingTTL, duration(6 * time.Minute)},
		"the environment wins over the file":  {s.JoinTTL, duration(5 * time.Minute)},
		"the file wins over the default":      {s.LiveGrace, duration(3 * time.Minute)},
		"the default is left where none says": {s.OrphanTTL, duration(20 * time.Minute)},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: got %s, want %s", what, got[0], got[1])
		}
	}
}

func TestTheEnvironmentNamesTheFile(t *testing.T) {
	t.Setenv("CURFEW_CONFIG", write(t, "max_wait: 7m\n"))
	s, err := parse(t)
	if err != nil || s.MaxWait != duration(7*time.Minute) {
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
	want.Plans = map[string]curfew.Plan{
		"chat10": {Kind: curfew.Chat, Duration: 30 * time.Minute, WaitingTTL: 20 * time.Minute, Price: &price, Currency: "eur"},
		"more":   {Kind: curfew.Chat, Duration: 10 * time.Minute, Extends: true},
	}
	if diff := cmp.Diff(want, policy); diff != "" {
		t.Error(diff)
	}
	if s.Sweeper.on() || s.publicURL(s.Listen) != "https://curfew.example.org" || s.Auth.Issuer == "" || s.LogFormat != "json" {
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

// refusals are texts that must be refused, and the one line that says why.
var refusals = map[string]struct{ key, text, says string }{
	"a duration without a unit":      {"waiting_ttl", "30", "30 has no unit: did you mean 30m?"},
	"a duration that is none":        {"join_ttl", "soon", `"soon" is no duration: write it like 15m, 90s or 1h30m`},
	"an empty duration":              {"max_wait", "", `"" is no duration: write it like 15m, 90s or 1h30m`},
	"a switch with a third position": {"sweeper", "maybe", `must be on or off, not "maybe"`},
	"a count of 0":                   {"blocked_repeatedly", "0", `must be a whole number of at least 1, not "0"`},
	"an address without a port":      {"listen", "localhost", `"localhost" is no address to listen on: write it like 127.0.0.1:3001`},
	"a port that cannot be":          {"listen_ops", "127.0.0.1:99999", `"127.0.0.1:99999" is no address to listen on: write it like 127.0.0.1:3001`},
	"an address of a kind unknown":   {"base_url", "curfew.example.org", `"curfew.example.org" is no address: write it like https://curfew.example.org`},
	"a database of no kind":          {"database_url", "curfew.db", `"curfew.db" names no kind of database: did you mean sqlite:curfew.db?`},
	"a database with slashes":        {"database_url", "sqlite:///tmp/x.db", "write sqlite:PATH, without //: sqlite:tmp/x.db"},
	"an empty database":              {"database_url", "", "is neither sqlite:PATH nor postgres://USER:PASSWORD@HOST/NAME"},
	"a secret in a wrong URL":        {"database_url", "mysql://me:secret@db/x", "is neither sqlite:PATH nor postgres://USER:PASSWORD@HOST/NAME"},
	"an unknown rule": {
		"rules", "noshows=off",
		`there is no rule "noshows": the rules are expiredRequests, oldWaitingSessions, orphanedSessions, noShows, overran, scheduledMissed`,
	},
	"a rule neither on nor off": {"rules", "noShows=no", `noShows must be on or off, not "no"`},
	"a list that is none":       {"rules", "noShows", `"noShows" is no list like a=x,b=y`},
	"one rule on and off under two names": {
		"rules", "expiredRequests=on,oldWaitingSessions=off",
		"oldWaitingSessions is switched both on and off (expiredRequests is another name for oldWaitingSessions)",
	},
	"a name twice":              {"settle", "expired=credit,expired=refund", "expired is there twice"},
	"an unknown settlement":     {"settle", "expired=keep", `settle.expired must be credit, refund or forfeit, not "keep"`},
	"what may not be forfeited": {"settle", "expired=forfeit", "settle.expired cannot be forfeit: only a customer's own no_show can"},
	"an unknown reason": {
		"settle", "noshow=credit",
		`there is no reason "noshow": the reasons are expired, orphaned, no_show, overran, missed, cleared, cancelled, too_short, finished, foreign`,
	},
	"a plan's duration without a unit": {"plans", `{"a":{"kind":"chat","duration":30}}`, "plan a: duration: 30 has no unit: did you mean 30m?"},
	"a plan's unknown key":             {"plans", `{"a":{"kind":"chat","durations":"30m"}}`, "plan a: durations: there is no such key: did you mean duration?"},
	"a plan of no kind":                {"plans", `{"a":{"duration":"30m"}}`, `plan a: kind must be chat, video or diagnostic, not ""`},
	"a plan's key twice":               {"plans", `{"a":{"kind":"chat","kind":"video"}}`, "plan a: line 1: kind is there twice"},
	"no plans":                         {"plans", `{}`, "there must be at least one plan"},
	"a price with cents":               {"plans", `{"a":{"kind":"chat","duration":"30m","price":9.99}}`, `plan a: price: must be a whole number of the currency's minor unit, not "9.99"`},
	"a format unknown":                 {"log_format", "xml", `must be text or json, not "xml"`},
	"a level unknown":                  {"log_level", "loud", `must be debug, info, warn or error, not "loud"`},
}

func TestRefusedInTheEnvironment(t *testing.T) {
	for sentence, c := range refusals {
		t.Run(sentence, func(t *testing.T) {
			t.Setenv(variable(c.key), c.text)
			_, err := parse(t)
			checkRefusal(t, err, variable(c.key)+": "+c.says)
		})
	}
}

func TestRefusedAsAFlag(t *testing.T) {
	t.Parallel()
	for sentence, c := range refusals {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, "--"+flagName(c.key)+"="+c.text)
			checkRefusal(t, err, "--"+flagName(c.key)+": "+c.says+" (curfew --help shows what there is)")
		})
	}
}

func TestRefusedInTheFile(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct{ text, says string }{
		"a duration without a unit":     {"join_ttl: 1m\nwaiting_ttl: 30\n", "FILE line 2: waiting_ttl: 30 has no unit: did you mean 30m?"},
		"an unknown key":                {"waitingTtl: 30m\n", "FILE line 1: waitingTtl: there is no such setting: did you mean waiting_ttl?"},
		"a key like no other":           {"colour: red\n", "FILE line 1: colour: there is no such setting"},
		"an unknown key below auth":     {"auth:\n  issuer: x\n  keyfile: x\n", "FILE line 3: auth.keyfile: there is no such setting: did you mean auth.key_file?"},
		"a key twice":                   {"join_ttl: 1m\njoin_ttl: 2m\n", "FILE: line 2: join_ttl is there twice"},
		"a key without a value":         {"join_ttl:\n", "FILE: line 1: join_ttl: has no value: give it one or leave the line out"},
		"a list":                        {"rules: [noShows]\n", "FILE: line 1: rules: must be one value, or a mapping of names to values"},
		"no mapping":                    {"- join_ttl\n", "FILE: must be a mapping: lines like «name: value»"},
		"two documents":                 {"join_ttl: 1m\n---\njoin_ttl: 2m\n", "FILE: there must be one document in the file"},
		"no YAML":                       {"join_ttl: [\n", "FILE: yaml: line 1: did not find expected node content"},
		"what the policy cannot hold":   {"settle: {expired: forfeit}\n", "FILE line 1: settle: settle.expired cannot be forfeit: only a customer's own no_show can"},
		"what a flag would have hidden": {"sweeper: 1\n", `FILE line 1: sweeper: must be on or off, not "1"`},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			path := write(t, c.text)
			_, err := parse(t, "--config", path, "--sweeper=on")
			checkRefusal(t, err, strings.Replace(c.says, "FILE", path, 1))
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

func checkRefusal(t *testing.T, err error, want string) {
	t.Helper()
	var said bytes.Buffer
	code := 0
	if err != nil {
		code = report(terminal{err: &said}, parseErrorOnce(err))
	}
	if got := said.String(); got != "curfew: "+want+"\n" || code != exitUsage {
		t.Errorf("exit %d\n got %s want curfew: %s", code, got, want)
	}
}

// parseErrorOnce is parseError for errors that are not the caller's already.
func parseErrorOnce(err error) error {
	if _, ok := err.(usageError); ok { //nolint:errorlint // only the outermost counts
		return err
	}
	return parseError(err)
}

func TestADatabaseIsShownWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	for url, want := range map[databaseURL]string{
		"sqlite:a b.db":                                   "sqlite:a b.db",
		"postgres://me:se@cret@db:5432/x":                 "postgres://db:5432/x",
		"postgres://db/x?password=secret&sslmode=disable": "postgres://db/x",
	} {
		if got := url.String(); got != want {
			t.Errorf("%s is shown as %s, want %s", string(url), got, want)
		}
	}
}
