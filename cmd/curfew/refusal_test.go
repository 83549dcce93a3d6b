package main

import (
	"bytes"
	"strings"
	"testing"
)

// refusals are texts that must be refused, and the one line that says why.
var refusals = map[string]struct{ key, text, says string }{
	"a duration without a unit":      {"waiting_ttl", "30", "30 has no unit: did you mean 30m?"},
	"a duration that is none":        {"join_ttl", "soon", `"soon" is not a duration: write it like 15m, 90s or 1h30m`},
	"an empty duration":              {"max_wait", "", `"" is not a duration: write it like 15m, 90s or 1h30m`},
	"a drain of less than no time":   {"drain", "-1s", "must not be negative, like -1s"},
	"a wait of less than no time":    {"database_wait", "-1m", "must not be negative, like -1m"},
	"a switch with a third position": {"sweeper", "maybe", `must be on or off, not "maybe"`},
	"a count of 0":                   {"blocked_repeatedly", "0", `must be a whole number of at least 1, not "0"`},
	"an address without a port":      {"listen", "localhost", `"localhost" is not an address to listen on: write it like 127.0.0.1:3001`},
	"a port that cannot be":          {"listen_ops", "127.0.0.1:99999", `"127.0.0.1:99999" is not an address to listen on: write it like 127.0.0.1:3001`},
	"an address of a kind unknown":   {"base_url", "curfew.example.org", `"curfew.example.org" is not an address: write it like https://curfew.example.org`},
	"a database of no kind":          {"database_url", "curfew.db", `"curfew.db" does not name a kind of database: did you mean sqlite:curfew.db?`},
	"a database with slashes":        {"database_url", "sqlite:///tmp/x.db", "write sqlite:PATH, without //: sqlite:tmp/x.db"},
	"an empty database":              {"database_url", "", "is neither sqlite:PATH nor postgres://USER:PASSWORD@HOST/NAME"},
	"a secret in a wrong URL":        {"database_url", "mysql://me:secret@db/x", "is neither sqlite:PATH nor postgres://USER:PASSWORD@HOST/NAME"},
	"an unknown rule": {
		"rules", "noshows=off",
		`there is no rule "noshows": the rules are expiredRequests, oldWaitingSessions, orphanedSessions, forgotten, unattended, noShows, overran, due, scheduledMissed`,
	},
	"a rule neither on nor off": {"rules", "noShows=no", `noShows must be on or off, not "no"`},
	"a list that is none":       {"rules", "noShows", `"noShows" is not a list like a=x,b=y`},
	"one rule on and off under two names": {
		"rules", "expiredRequests=on,oldWaitingSessions=off",
		"oldWaitingSessions is switched both on and off (expiredRequests is another name for oldWaitingSessions)",
	},
	"a share of no time":        {"appointment_refund", "24=100", "24 has no unit: did you mean 24m?"},
	"a share of no percent":     {"appointment_refund", "24h=half", `24h must be a whole number of percent, not "half"`},
	"a share beyond all":        {"appointment_refund", "24h=101", "appointment_refund must be from 0 to 100 percent, not 101"},
	"a name twice":              {"settle", "expired=credit,expired=refund", "expired is set twice"},
	"an unknown settlement":     {"settle", "expired=keep", `settle.expired must be credit, refund or forfeit, not "keep"`},
	"what may not be forfeited": {"settle", "expired=forfeit", "settle.expired cannot be forfeit: only a customer's own no_show can"},
	"an unknown reason": {
		"settle", "noshow=credit",
		`there is no reason "noshow": the reasons are expired, orphaned, unattended, no_show, overran, missed, cleared, cancelled, too_short, finished, refunded, payment_failed, duplicate, foreign`,
	},
	"a plan's duration without a unit": {"plans", `{"a":{"kind":"chat","duration":30}}`, "plan a: duration: 30 has no unit: did you mean 30m?"},
	"a plan's unknown key":             {"plans", `{"a":{"kind":"chat","durations":"30m"}}`, "plan a: durations: unknown key: did you mean duration?"},
	"a plan of no kind":                {"plans", `{"a":{"duration":"30m"}}`, `plan a: kind must be chat, video or diagnostic, not ""`},
	"a plan's key twice":               {"plans", `{"a":{"kind":"chat","kind":"video"}}`, "plan a: line 1: kind is set twice"},
	"no plans":                         {"plans", `{}`, "there must be at least one plan"},
	"a price with cents":               {"plans", `{"a":{"kind":"chat","duration":"30m","price":9.99}}`, `plan a: price: must be a whole number of the currency's minor unit, not "9.99"`},
	"an account that is none":          {"stripe.accounts", "acct_1,me", `"me" is not an account of Stripe: write it like acct_1234`},
	"an account twice":                 {"stripe.accounts", "acct_1, acct_1", "acct_1 is set twice"},
	"an account that is missing":       {"stripe.accounts", "acct_1,", "has an empty name: write names with a comma between them"},
	"no metadata key":                  {"stripe.customer_keys", "customer_id,,user", "has an empty name: write names with a comma between them"},
	"a metadata key of two words":      {"stripe.customer_keys", "user id", `"user id" is not a metadata key: it must not contain spaces, brackets or control characters`},
	"a metadata key with brackets":     {"stripe.plan_key", "meta[plan]", `"meta[plan]" is not a metadata key: it must not contain spaces, brackets or control characters`},
	"a metadata key that is too long":  {"stripe.extends_key", strings.Repeat("k", 41), `"` + strings.Repeat("k", 41) + `" is longer than Stripe allows: a metadata key has at most 40 characters`},
	"a fee neither kept nor given":     {"stripe.refund_application_fee", "yes", `must be on or off, not "yes"`},
	"a transfer neither kept nor back": {"stripe.reverse_transfer", "1", `must be on or off, not "1"`},
	"a mail server without a scheme":   {"smtp.url", "mail.example.org:587", "is not a mail server: write it like smtp://USER@mail.example.org:587"},
	"a mail server of another scheme":  {"smtp.url", "smtps://mail.example.org", "is not a mail server: write it like smtp://USER@mail.example.org:587"},
	"a mail server's password":         {"smtp.url", "smtp://shop:secret@mail.example.org", "must not hold a password: set smtp.password instead"},
	"a way to encrypt mails":           {"smtp.tls", "ssl", `must be starttls, tls or none, not "ssl"`},
	"a sender who is none":             {"smtp.from", "shop", `"shop" is not a sender: write it like Example <help@example.org>`},
	"a folder that is not there":       {"smtp.templates", "no/such", `there is no folder "no/such"`},
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
		"a key twice":                   {"join_ttl: 1m\njoin_ttl: 2m\n", "FILE: line 2: join_ttl is set twice"},
		"a key without a value":         {"join_ttl:\n", "FILE: line 1: join_ttl: has no value: give it one or leave the line out"},
		"a list":                        {"rules: [noShows]\n", "FILE line 1: rules: must be one value, or a mapping of names to values"},
		"no mapping":                    {"- join_ttl\n", "FILE: must be a mapping: lines like name: value"},
		"two documents":                 {"join_ttl: 1m\n---\njoin_ttl: 2m\n", "FILE: the file must hold exactly one document"},
		"no YAML":                       {"join_ttl: [\n", "FILE: yaml: line 1: did not find expected node content"},
		"what the policy cannot hold":   {"settle: {expired: forfeit}\n", "FILE line 1: settle.expired cannot be forfeit: only a customer's own no_show can"},
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
