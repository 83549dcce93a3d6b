package provider_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/provider"
)

var noon = time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)

// secretOf is a secret of 24 bytes.
func secretOf(text string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(text, 24)[:24]))
}

var (
	current  = secretOf("now")
	previous = secretOf("before")
	stranger = secretOf("somebody else")
)

// hook reads at noon.
func hook(t testing.TB, secrets ...string) *provider.Hook {
	t.Helper()
	if len(secrets) == 0 {
		secrets = []string{current}
	}
	h, err := provider.NewHook(provider.HookOptions{Secrets: secrets, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// signed is what the specification's own library sends.
func signed(t testing.TB, at time.Time, body string, secrets ...string) http.Header {
	t.Helper()
	all := make([]string, len(secrets))
	for i, secret := range secrets {
		key, err := standard.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if all[i], err = key.Sign("delivery-1", at, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	h := http.Header{}
	h.Set("webhook-id", "delivery-1")
	h.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	h.Set("webhook-signature", strings.Join(all, " "))
	return h
}

// paid is a payment of which nothing is odd.
const paid = `{"id":"e1","type":"paid","provider":"paypal","references":["p1","order-1"],"amount":2900,"currency":"eur",` +
	`"at":"2026-11-28T10:00:00Z","order":{"customerId":"kim","plan":"chat10"}}`

// read is what the hook makes of a genuine message.
func read(t testing.TB, body string) curfew.Notice {
	t.Helper()
	n, err := hook(t).Read(signed(t, noon, body, current), []byte(body))
	if err != nil {
		t.Fatalf("a genuine message failed: %v", err)
	}
	return n
}

func TestOnlyWhoHasASecretIsHeard(t *testing.T) {
	t.Parallel()
	without := func(name string) http.Header {
		h := signed(t, noon, paid, current)
		h.Del(name)
		return h
	}
	with := func(name, value string) http.Header {
		h := signed(t, noon, paid, current)
		h.Set(name, value)
		return h
	}
	const minutes = 5 * time.Minute
	for sentence, c := range map[string]struct {
		header http.Header
		want   error
	}{
		"signed":                                 {signed(t, noon, paid, current), nil},
		"signed by a stranger too":               {signed(t, noon, paid, stranger, current), nil},
		"beside a signature of another version":  {with("webhook-signature", "v1a,x "+signed(t, noon, paid, current).Get("webhook-signature")), nil},
		"as old as may be":                       {signed(t, noon.Add(-minutes), paid, current), nil},
		"as new as may be":                       {signed(t, noon.Add(minutes), paid, current), nil},
		"no header at all":                       {http.Header{}, provider.ErrNoSignature},
		"no id":                                  {without("webhook-id"), provider.ErrNoSignature},
		"no time":                                {without("webhook-timestamp"), provider.ErrNoSignature},
		"no signature":                           {without("webhook-signature"), provider.ErrNoSignature},
		"a blank signature":                      {with("webhook-signature", " "), provider.ErrNoSignature},
		"a time in words":                        {with("webhook-timestamp", "noon"), provider.ErrSignature},
		"a time with a fraction":                 {with("webhook-timestamp", "1764331200.5"), provider.ErrSignature},
		"a signature of another version":         {with("webhook-signature", "v2,abc"), provider.ErrSignature},
		"an empty signature":                     {with("webhook-signature", "v1,"), provider.ErrUnproven},
		"a stranger's secret":                    {signed(t, noon, paid, stranger), provider.ErrUnproven},
		"another body":                           {signed(t, noon, strings.Replace(paid, "2900", "1", 1), current), provider.ErrUnproven},
		"another id":                             {with("webhook-id", "delivery-2"), provider.ErrUnproven},
		"another time":                           {with("webhook-timestamp", strconv.FormatInt(noon.Unix()+1, 10)), provider.ErrUnproven},
		"too old":                                {signed(t, noon.Add(-minutes-time.Second), paid, current), provider.ErrTooOld},
		"too new":                                {signed(t, noon.Add(minutes+time.Second), paid, current), provider.ErrTooNew},
		"a stranger learns nothing of our clock": {signed(t, noon.Add(-time.Hour), paid, stranger), provider.ErrUnproven},
	} {
		n, err := hook(t).Read(c.header, []byte(paid))
		if !errors.Is(err, c.want) || (err == nil) != (n.ID == "e1") {
			t.Errorf("%s: %v, and read is %+v", sentence, err, n)
		}
		if err != nil && curfew.KindOf(err) != curfew.Invalid {
			t.Errorf("%s: the kind is %s", sentence, curfew.KindOf(err))
		}
	}
}

func TestWhileASecretIsReplacedBothSign(t *testing.T) {
	t.Parallel()
	both := hook(t, current, previous)
	for secret, fine := range map[string]bool{current: true, previous: true, stranger: false} {
		if _, err := both.Read(signed(t, noon, paid, secret), []byte(paid)); (err == nil) != fine {
			t.Errorf("%s: %v", secret, err)
		}
	}
}

func TestWithoutAGoodSecretThereIsNoHook(t *testing.T) {
	t.Parallel()
	short := base64.StdEncoding.EncodeToString(make([]byte, 23))
	long := base64.StdEncoding.EncodeToString(make([]byte, 65))
	for sentence, secrets := range map[string][]string{
		"none": nil, "an empty one": {""}, "one that is empty behind its prefix": {"whsec_"}, "one of 23 bytes": {"whsec_" + short},
		"one of 65 bytes": {"whsec_" + long}, "one without its prefix": {strings.TrimPrefix(current, "whsec_")},
		"one that is not base64": {"whsec_" + strings.Repeat("!", 40)}, "a bad one beside a good one": {current, "whsec_secret"},
	} {
		_, err := provider.NewHook(provider.HookOptions{Secrets: secrets})
		if curfew.KindOf(err) != curfew.Invalid || strings.Contains(err.Error(), "secret!") || strings.Contains(err.Error(), short) {
			t.Errorf("%s: %v", sentence, err)
		}
	}
	if _, err := provider.NewHook(provider.HookOptions{Secrets: []string{current, "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 64))}}); err != nil {
		t.Error(err)
	}
}

// What parses a body on its way and writes it anew leaves another reason than a wrong secret does.
func TestABodyThatWasWrittenAnewIsToldFromAWrongSecret(t *testing.T) {
	t.Parallel()
	spaced := strings.ReplaceAll(paid, ",", ", ")
	for sentence, c := range map[string]struct {
		header http.Header
		body   string
		want   error
	}{
		"with spaces":                     {signed(t, noon, paid, current), spaced, provider.ErrChanged},
		"with spaces, and too old":        {signed(t, noon.Add(-time.Hour), paid, current), spaced, provider.ErrUnproven},
		"with spaces, of a stranger":      {signed(t, noon, paid, stranger), spaced, provider.ErrUnproven},
		"with another value":              {signed(t, noon, paid, current), strings.ReplaceAll(spaced, "2900", "1"), provider.ErrUnproven},
		"no JSON":                         {signed(t, noon, paid, current), spaced + "x", provider.ErrUnproven},
		"too large to look at it closely": {signed(t, noon, paid, current), paid + strings.Repeat(" ", 32<<10), provider.ErrUnproven},
	} {
		if _, err := hook(t).Read(c.header, []byte(c.body)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}

// Without a clock of its own, a hook reads by the machine's.
func TestTheClockIsTheMachinesUnlessAnotherIsGiven(t *testing.T) {
	t.Parallel()
	h, err := provider.NewHook(provider.HookOptions{Secrets: []string{current}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Read(signed(t, time.Now(), paid, current), []byte(paid)); err != nil {
		t.Error(err)
	}
	if _, err := h.Read(signed(t, time.Now().Add(-time.Hour), paid, current), []byte(paid)); !errors.Is(err, provider.ErrTooOld) {
		t.Error(err)
	}
}
