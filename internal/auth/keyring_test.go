package auth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
)

// shelf stores API keys in memory, counts how often one is read, and may be out of reach.
type shelf struct {
	mu    sync.Mutex
	keys  []record.APIKey
	reads int
	used  []string
	down  bool
}

var errDown = curfew.Errorf(curfew.Unavailable, "the database does not answer")

// find returns a key to be read or changed.
func (s *shelf) find(id string, do func(*record.APIKey)) (record.APIKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.down {
		return record.APIKey{}, errDown
	}
	i := slices.IndexFunc(s.keys, func(k record.APIKey) bool { return k.ID == id })
	if i < 0 {
		return record.APIKey{}, curfew.Errorf(curfew.NotFound, "there is no key %q", id)
	}
	do(&s.keys[i])
	return s.keys[i], nil
}

func (s *shelf) AddAPIKey(_ context.Context, k record.APIKey) (record.APIKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, k)
	return k, nil
}

func (s *shelf) APIKeys(context.Context) ([]record.APIKey, error) { return s.keys, nil }

func (s *shelf) APIKey(_ context.Context, id string) (record.APIKey, error) {
	return s.find(id, func(*record.APIKey) {})
}

func (s *shelf) RotateAPIKey(_ context.Context, k record.APIKey, hash string, keep time.Duration) (record.APIKey, error) {
	return s.find(k.ID, func(k *record.APIKey) {
		k.OldHash, k.Hash, k.OldUntil = k.Hash, hash, time.Now().Add(keep)
	})
}

func (s *shelf) RevokeAPIKey(_ context.Context, k record.APIKey, by curfew.Actor) (record.APIKey, error) {
	return s.find(k.ID, func(k *record.APIKey) { k.RevokedAt, k.RevokedBy = time.Now(), by })
}

func (s *shelf) UseAPIKeys(_ context.Context, ids []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errDown
	}
	s.used = append(s.used, ids...)
	return nil
}

// written returns whose uses were written, in order.
func (s *shelf) written() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.used)
}

func (s *shelf) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// ring is a gate before a shelf.
type ring struct {
	*testing.T
	shelf *shelf
	keys  auth.Keys
	ring  *auth.Keyring
	gate  *auth.Gate
	log   *logBuffer
}

func newRing(t *testing.T) *ring {
	t.Helper()
	r := &ring{T: t, shelf: &shelf{}, log: &logBuffer{}}
	r.keys = auth.Keys{Store: r.shelf, Routes: []auth.RouteName{{Name: "readSession", Group: "sessions"}}}
	r.ring = auth.NewKeyring(r.shelf, slog.New(slog.NewTextHandler(r.log, nil)))
	r.gate = auth.NewGate(auth.GateOptions{Keys: r.ring})
	return r
}

// made makes a key.
func (r *ring) made(n auth.NewKey) (id, text string) {
	r.Helper()
	n.Name = "shop"
	k, text, err := r.keys.Create(r.Context(), curfew.Actor{Role: curfew.Admin, ID: "anna"}, n)
	must(r.T, err)
	return k.ID, text
}

// call returns the code of the problem that a call with a key meets; empty: it is admitted.
func (r *ring) call(key string) (admitted auth.Request, code string) {
	r.Helper()
	req := httptest.NewRequestWithContext(r.Context(), http.MethodGet, "/", nil)
	req.Header.Set("Authorization", "Bearer "+key)
	c, err := r.gate.Authorize(req, auth.Access{Roles: []curfew.Role{curfew.Service}, Relation: auth.Nobodys, Name: "readSession", Group: "sessions"})
	if err == nil {
		return c, ""
	}
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return c, p.Code
	}
	return c, string(problem.KindOf(err))
}

func TestARevokedKeyIsRefusedWithin15Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRing(t)
		id, key := r.made(auth.NewKey{Forever: true})
		r.call(key)
		_, err := r.keys.Revoke(t.Context(), curfew.Actor{Role: curfew.Admin, ID: "anna"}, id)
		must(t, err)
		revoked := time.Now()
		for code := ""; code == "" && time.Since(revoked) < time.Minute; _, code = r.call(key) {
			<-time.After(100 * time.Millisecond) // of the bubble
		}
		if took := time.Since(revoked); took > 15*time.Second {
			t.Errorf("it counted for %s more", took)
		}
	})
}

func TestAKeyIsReadOnceInAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRing(t)
		_, key := r.made(auth.NewKey{Forever: true})
		for range 100 {
			if _, code := r.call(key); code != "" {
				t.Fatal(code)
			}
		}
		if r.shelf.reads != 1 {
			t.Errorf("it was read %d times", r.shelf.reads)
		}
	})
}

// Nobody learns from a database that is down that a key does not count, and none counts for long without it.
func TestAKeyWithoutADatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRing(t)
		_, key := r.made(auth.NewKey{Forever: true})
		_, other := r.made(auth.NewKey{Forever: true})
		r.call(key)
		r.shelf.setDown(true)
		<-time.After(5 * time.Second)
		if _, code := r.call(key); code != "" {
			t.Errorf("a key that was read 5 s ago: %s", code)
		}
		if _, code := r.call(other); code != "unavailable" {
			t.Errorf("a key that was never read: %q", code)
		}
		<-time.After(10 * time.Second)
		if _, code := r.call(key); code != "unavailable" {
			t.Errorf("a key that was read 15 s ago: %q", code)
		}
		r.shelf.setDown(false)
		if _, code := r.call(key); code != "" {
			t.Errorf("afterwards: %s", code)
		}
	})
}

// Keys that somebody makes up displace none that is known.
func TestManyKeysThatNobodyHasDisplaceNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRing(t)
		_, key := r.made(auth.NewKey{Forever: true})
		r.call(key)
		for i := range 5000 {
			if _, code := r.call(fmt.Sprintf("curfew_key_%032x_%s", i, strings.Repeat("a", 52))); code != "unauthenticated" {
				t.Fatal(code)
			}
		}
		read := r.shelf.reads
		if r.call(key); r.shelf.reads != read || r.ring.Known() != 1 {
			t.Errorf("%d keys are known, and the key was read %d times more", r.ring.Known(), r.shelf.reads-read)
		}
	})
}

func TestFewKeysAreKnownAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRing(t)
		var last string
		for range 1500 {
			_, last = r.made(auth.NewKey{Forever: true})
			if _, code := r.call(last); code != "" {
				t.Fatal(code)
			}
		}
		if n := r.ring.Known(); n != 1000 {
			t.Errorf("%d are known", n)
		}
		<-time.After(time.Minute)
		if r.call(last); r.ring.Known() != 1 {
			t.Errorf("a minute later %d are known", r.ring.Known())
		}
	})
}

// The end of a key, or of the secret that it is presented with, is the end of a stream.
func TestTheEndOfAKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRing(t)
		end := time.Now().Add(time.Hour)
		id, old := r.made(auth.NewKey{ExpiresAt: end})
		_, forever := r.made(auth.NewKey{Forever: true})
		if c, _ := r.call(forever); !c.Until.IsZero() {
			t.Errorf("one without an end ends at %s", c.Until)
		}
		_, present, err := r.keys.Rotate(t.Context(), id, time.Minute)
		must(t, err)
		if c, _ := r.call(present); !c.Until.Equal(end) {
			t.Errorf("the present secret ends at %s", c.Until)
		}
		if c, _ := r.call(old); !c.Until.Equal(time.Now().Add(time.Minute)) {
			t.Errorf("the old secret ends at %s", c.Until)
		}
		<-time.After(time.Minute)
		if _, code := r.call(old); code != "unauthenticated" {
			t.Errorf("the old secret at its end: %q", code)
		}
		if _, code := r.call(present); code != "" {
			t.Errorf("the present secret: %s", code)
		}
		_, last, err := r.keys.Rotate(t.Context(), id, 30*24*time.Hour)
		must(t, err)
		<-time.After(time.Minute)
		if c, _ := r.call(present); !c.Until.Equal(end) {
			t.Errorf("a secret before outlives its key: %s", c.Until)
		}
		<-time.After(time.Hour)
		if _, code := r.call(last); code != "unauthenticated" {
			t.Errorf("an expired key: %q", code)
		}
		if _, _, err := r.keys.Rotate(t.Context(), id, 0); curfew.KindOf(err) != curfew.Conflict {
			t.Errorf("an expired key was rotated: %v", err)
		}
	})
}

// Uses are written every 15 s, at the end, and again if they could not be.
func TestUsesOfKeysAreWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRing(t)
		id, key := r.made(auth.NewKey{Forever: true})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.ring.Run(ctx) }()
		r.call(key)
		r.call(key)
		if len(r.shelf.written()) != 0 {
			t.Error("the call wrote it")
		}
		r.shelf.setDown(true)
		<-time.After(20 * time.Second)
		r.shelf.setDown(false)
		<-time.After(15 * time.Second)
		if !slices.Equal(r.shelf.written(), []string{id}) {
			t.Errorf("written: %v", r.shelf.written())
		}
		r.call(key)
		cancel()
		<-done
		if !slices.Equal(r.shelf.written(), []string{id, id}) {
			t.Errorf("written at the end: %v", r.shelf.written())
		}
	})
}

// Operators can see why a key is refused, and never the key.
func TestTheLogSaysWhyAKeyIsRefused(t *testing.T) {
	t.Parallel()
	r := newRing(t)
	id, key := r.made(auth.NewKey{Forever: true})
	_, err := r.keys.Revoke(t.Context(), curfew.Actor{Role: curfew.Admin, ID: "anna"}, id)
	must(t, err)
	guessed := key[:len(key)-52] + strings.Repeat("a", 52)
	for _, one := range []string{key, guessed, "curfew_key_" + strings.Repeat("0", 32) + key[43:], key + "a"} {
		r.call(one)
	}
	for _, why := range []string{"it is revoked", "another secret", "there is no key", "not a whole key"} {
		if !strings.Contains(r.log.String(), why) {
			t.Errorf("the log does not say %q: %s", why, r.log.String())
		}
	}
	if strings.Contains(r.log.String(), key[len(key)-52:]) {
		t.Errorf("the log has the secret: %s", r.log.String())
	}
}
