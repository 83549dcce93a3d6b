package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
)

// ledger stores revocations in memory, and may be out of reach.
type ledger struct {
	mu    sync.Mutex
	all   []record.Revocation
	reads int
	down  bool
}

func (l *ledger) Revoke(_ context.Context, v record.Revocation, _ time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	v.At = time.Now()
	l.all = append(l.all, v)
	return nil
}

func (l *ledger) Revocations(_ context.Context, since time.Time) ([]record.Revocation, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	if l.down {
		return nil, errDown
	}
	var found []record.Revocation
	for _, v := range l.all {
		if !v.At.Before(since) {
			found = append(found, v)
		}
	}
	return found, nil
}

// never is a store of one-time names of which none was claimed.
type never struct{}

func (never) ClaimOnce(context.Context, string, time.Duration) error { return nil }
func (never) Claimed(context.Context, string) (bool, error)          { return false, nil }

var localKey = []byte(strings.Repeat("k", 32))

// office is a gate of one process before a ledger.
type office struct {
	*testing.T
	identity *auth.Identity
	revoked  *auth.Revocations
	desk     *desk
	signIns  *auth.SignIns
	gate     *auth.Gate
	log      *logBuffer
}

func newOffice(t *testing.T, l *ledger) *office {
	t.Helper()
	o := &office{T: t, log: &logBuffer{}, desk: &desk{rows: map[string]record.SignIn{}}}
	log := slog.New(slog.NewTextHandler(o.log, nil))
	var err error
	o.identity, err = auth.NewIdentity(t.Context(), auth.Options{Key: base64.StdEncoding.EncodeToString(localKey), JWTSecret: sharedSecret, Logger: log})
	must(t, err)
	o.revoked = auth.NewRevocations(l, log)
	o.signIns = auth.NewSignIns(auth.SignInOptions{Store: o.desk, Idle: time.Hour, Max: 12 * time.Hour, Logger: log})
	o.gate = auth.NewGate(auth.GateOptions{Identity: o.identity, Once: never{}, Revoked: o.revoked, SignIns: o.signIns})
	return o
}

func (o *office) token(who curfew.Actor) string {
	o.Helper()
	token, err := o.identity.Token(who, 24*time.Hour)
	must(o.T, err)
	return token
}

// call returns the code of the problem that a call with a token meets; empty: it is admitted.
func (o *office) call(token string) string {
	o.Helper()
	r := httptest.NewRequestWithContext(o.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	_, err := o.gate.Authorize(r, auth.Access{Roles: auth.Roles, Relation: auth.Nobodys})
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p.Code
	}
	if err != nil {
		return string(problem.KindOf(err))
	}
	return ""
}

// browse is call for a signed-in browser.
func (o *office) browse(cookie string) error {
	o.Helper()
	_, err := o.gate.Browser(o.withCookie(cookie))
	return err
}

// running reads in the background until the test ends.
func (o *office) running() {
	ctx, cancel := context.WithCancel(o.Context())
	done := make(chan struct{})
	go func() { defer close(done); o.revoked.Run(ctx) }()
	o.Cleanup(func() { cancel(); <-done })
}

var (
	anna = curfew.Actor{Role: curfew.Admin, ID: "anna"}
	ada  = curfew.Actor{Role: curfew.Customer, ID: "ada"}
)

// idOf reads a token's id.
func idOf(t *testing.T, token string) string {
	t.Helper()
	c := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(token, c)
	must(t, err)
	id, _ := c["jti"].(string)
	return id
}

func revoke(t *testing.T, l *ledger, r auth.TokenRevocation) {
	t.Helper()
	must(t, auth.RevokeTokens(t.Context(), l, anna, r))
}

// Whatever a process of which nobody has told it does: it refuses what is revoked within a minute.
func TestARevokedTokenIsRefusedWithinAMinute(t *testing.T) {
	t.Parallel()
	for sentence, background := range map[string]bool{"one that reads in the background": true, "one that does not": false} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &ledger{}
				o := newOffice(t, l)
				if background {
					o.running()
				}
				token := o.token(ada)
				if code := o.call(token); code != "" {
					t.Fatal(code)
				}
				revoke(t, l, auth.TokenRevocation{TokenID: idOf(t, token)})
				revoked := time.Now()
				for o.call(token) == "" && time.Since(revoked) < 2*time.Minute {
					<-time.After(100 * time.Millisecond)
				}
				took, most := time.Since(revoked), time.Minute
				if background {
					most = 6 * time.Second
				}
				if took > most {
					t.Errorf("it counted for %s more", took)
				}
				if !strings.Contains(o.log.String(), "it is revoked") {
					t.Errorf("the log does not say why: %s", o.log.String())
				}
			})
		})
	}
}

func TestASubjectIsRevoked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{}
		o := newOffice(t, l)
		<-time.After(500 * time.Millisecond) // within the second of what is revoked
		before, mechanic := o.token(ada), o.token(curfew.Actor{Role: curfew.Mechanic, ID: "ada"})
		bob := o.token(curfew.Actor{Role: curfew.Customer, ID: "bob"})
		cookie, _ := o.signIn(ada)
		ticket, err := o.identity.LoginTicket(ada)
		must(t, err)
		foreign := forge(t, jwt.SigningMethodHS256, []byte(sharedSecret), nil, claimed(map[string]any{"sub": "ada", "role": "customer", "aud": nil}))
		<-time.After(250 * time.Millisecond)
		revoke(t, l, auth.TokenRevocation{Subject: ada})
		must(t, o.revoked.Read(t.Context()))
		if code := o.call(before); code != "unauthenticated" {
			t.Errorf("a token from before: %q", code)
		}
		if err := o.browse(cookie); !errors.Is(err, curfew.Unauthenticated) {
			t.Errorf("a browser from before: %v", err)
		}
		if _, err := o.gate.Ticket(t.Context(), ticket); !errors.Is(err, curfew.Unauthenticated) {
			t.Errorf("a login link from before: %v", err)
		}
		<-time.After(time.Second)
		for sentence, token := range map[string]string{
			"one of the same id in another role": mechanic, "another subject's": bob, "another issuer's": foreign, "one from afterwards": o.token(ada),
		} {
			if code := o.call(token); code != "" {
				t.Errorf("%s: %s", sentence, code)
			}
		}
	})
}

// Nobody is told that a token does not count because the database does not answer, and none counts for long without it.
func TestRevocationsWithoutADatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{}
		o := newOffice(t, l)
		o.running()
		synctest.Wait()
		token := o.token(ada)
		l.mu.Lock()
		l.down = true
		l.mu.Unlock()
		<-time.After(30 * time.Second)
		if code := o.call(token); code != "" {
			t.Errorf("half a minute later: %s", code)
		}
		<-time.After(30 * time.Second)
		if code := o.call(token); code != "unavailable" {
			t.Errorf("a minute later: %q", code)
		}
		if n := strings.Count(o.log.String(), "cannot be read"); n != 1 {
			t.Errorf("the log says so %d times", n)
		}
		l.mu.Lock()
		l.down = false
		l.mu.Unlock()
		if code := o.call(token); code != "" {
			t.Errorf("afterwards: %s", code)
		}
	})
}

// A call reads nothing while the background does.
func TestCallsDoNotReadRevocations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{}
		o := newOffice(t, l)
		o.running()
		synctest.Wait()
		token := o.token(ada)
		for range 100 {
			o.call(token)
		}
		if l.reads != 1 {
			t.Errorf("%d reads", l.reads)
		}
	})
}

func TestRevokingNamesOneThing(t *testing.T) {
	t.Parallel()
	for sentence, r := range map[string]auth.TokenRevocation{
		"nothing":                {},
		"both":                   {TokenID: "x", Subject: ada},
		"a subject without role": {Subject: curfew.Actor{ID: "ada"}},
		"a role without subject": {Subject: curfew.Actor{Role: curfew.Customer}},
		"Curfew itself":          {Subject: curfew.Sweeper},
		"an id with a line feed": {TokenID: "a\nb"},
	} {
		l := &ledger{}
		if err := auth.RevokeTokens(t.Context(), l, anna, r); !errors.Is(err, curfew.Invalid) || len(l.all) > 0 {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}

// A token of the local key lives no longer than it may, whatever it says.
func TestTokensHaveALongestLife(t *testing.T) {
	t.Parallel()
	key := base64.StdEncoding.EncodeToString(localKey)
	for _, impossible := range []time.Duration{time.Second, -time.Hour, 367 * 24 * time.Hour} {
		if _, err := auth.NewIdentity(t.Context(), auth.Options{Key: key, MaxTTL: impossible}); !errors.Is(err, curfew.Invalid) {
			t.Errorf("a longest life of %s: %v", impossible, err)
		}
	}
	identity, err := auth.NewIdentity(t.Context(), auth.Options{Key: key, MaxTTL: time.Hour})
	must(t, err)
	if _, err := identity.Token(ada, time.Hour+time.Second); !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), "auth.max_ttl") {
		t.Errorf("a token of over an hour: %v", err)
	}
	if _, err := identity.Token(ada, time.Hour); err != nil {
		t.Error(err)
	}
	own := func(changes map[string]any) string {
		return forge(t, jwt.SigningMethodHS256, localKey, map[string]any{"typ": "curfew+jwt"}, claimed(changes))
	}
	year, ago := time.Now().Add(365*24*time.Hour).Unix(), time.Now().Add(-61*time.Minute).Unix()
	for sentence, test := range map[string]struct{ token, wrong string }{
		"one that says a year, just issued":        {own(map[string]any{"exp": year}), ""},
		"one that says a year, issued an hour ago": {own(map[string]any{"exp": year, "iat": ago}), "expired at"},
		"one that does not say when":               {own(map[string]any{"exp": year, "iat": nil}), "iat"},
	} {
		got := identity.Inspect(test.token)
		if (got.Wrong == nil) != (test.wrong == "") || got.Wrong != nil && !strings.Contains(got.Wrong.Error(), test.wrong) {
			t.Errorf("%s: %v", sentence, got.Wrong)
		}
		if got.Wrong == nil && time.Until(got.Until) > time.Hour {
			t.Errorf("%s: until %s", sentence, got.Until)
		}
	}
}
