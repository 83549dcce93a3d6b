package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"

	"github.com/curfewhq/curfew"
)

// maxKeySet is the largest key set that is read, in bytes.
const maxKeySet = 1 << 20

// keyTimes is the rhythm of a key server. A new key counts after refresh at the
// latest, and usually with its first token; a removed one counts no longer than
// refresh and fetch together.
type keyTimes struct {
	refresh time.Duration // between two fetches
	retry   time.Duration // between two fetches while they fail
	unknown time.Duration // between two fetches that tokens with an unknown key cause
	fetch   time.Duration // how long one may take
	wait    time.Duration // how long a token with an unknown key waits for one
	keep    time.Duration // how long keys count after the last fetch that succeeded
}

var usualKeyTimes = keyTimes{
	refresh: 30 * time.Second, retry: 5 * time.Second, unknown: 10 * time.Second,
	fetch: 5 * time.Second, wait: 2 * time.Second, keep: 24 * time.Hour,
}

// KeyServer is where another issuer publishes the keys of its tokens.
type KeyServer struct {
	url    string
	host   string // the URL as it may be shown
	times  keyTimes
	client *http.Client
	log    *slog.Logger
	keys   *jwkset.MemoryJWKSet
	find   jwt.Keyfunc
	rare   *rate.Limiter // of fetches that unknown keys cause

	mu       sync.Mutex
	underway chan struct{} // closed at the end of the fetch under way; nil: none is
	state    curfew.KeyFigures
	fetched  time.Time // when the last fetch that succeeded began
}

// NewKeyServer checks the address: https, or http on this machine. Nothing is
// fetched yet. The error's kind is Invalid.
func NewKeyServer(address string, log *slog.Logger) (*KeyServer, error) {
	return newKeyServer(address, log, usualKeyTimes)
}

func newKeyServer(address string, log *slog.Logger, times keyTimes) (*KeyServer, error) {
	if err := CheckKeyURL(address); err != nil {
		return nil, err
	}
	at, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	k := &KeyServer{
		url: address, host: at.Host, times: times, log: log, client: keyClient(times.fetch),
		keys: jwkset.NewMemoryStorage(), rare: rate.NewLimiter(rate.Every(times.unknown), 1),
	}
	found, err := keyfunc.New(keyfunc.Options{Storage: k.keys})
	if err != nil {
		return nil, err
	}
	k.find, k.state.Host = found.Keyfunc, at.Host
	return k, nil
}

// CheckKeyURL says what is wrong with a key server's address. What it publishes
// decides who gets in, so nobody on the way may change it. The kind is Invalid.
func CheckKeyURL(address string) error {
	at, err := url.Parse(address) // not repeated: it may hold a password
	switch {
	case err != nil || at.Hostname() == "" || at.Scheme != "https" && at.Scheme != "http":
		return curfew.Errorf(curfew.Invalid, "auth.jwks_url is not a URL: write it like https://id.example.org/.well-known/jwks.json")
	case at.Scheme == "http" && !onLoopback(at.Hostname()):
		return curfew.Errorf(curfew.Invalid, "auth.jwks_url must begin with https://: whoever is on the way could replace the keys (http is for this machine alone)")
	}
	return nil
}

func onLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// keyClient follows a few redirects, and only to https. Each fetch has a
// connection of its own: one that died silently holds up no other.
func keyClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment},
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			switch {
			case to.URL.Scheme != "https":
				return errors.New("it redirects to an address without https")
			case len(via) > 3:
				return errors.New("it redirects too often")
			}
			return nil
		},
	}
}

// State is what is known now.
func (k *KeyServer) State() curfew.KeyFigures {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.state
	if !k.fetched.IsZero() {
		s.Until = k.fetched.Add(k.times.keep)
	}
	if !time.Now().Before(s.Until) {
		s.Known = 0
	}
	return s
}

// Fetch reads the keys now. The error says why they could not be had; the known
// ones are kept then.
func (k *KeyServer) Fetch(ctx context.Context) error {
	timed, cancel := context.WithTimeout(ctx, k.times.fetch)
	defer cancel()
	begun := time.Now()
	keys, err := k.read(timed)
	if err == nil {
		err = k.keys.KeyReplaceAll(ctx, keys)
	}
	if ctx.Err() == nil { // else nobody wants to know any more
		k.note(begun, len(keys), err)
	}
	return err
}

// note keeps what became of a fetch. The log hears of changes, not of every try.
func (k *KeyServer) note(begun time.Time, known int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.state
	if err != nil {
		k.state.Problem = err.Error()
		if was.FailingSince.IsZero() {
			k.state.FailingSince = begun
			k.log.Warn("the key server cannot be reached: tokens of known keys stay good for a while, others are refused",
				"host", k.host, "known", was.Known, "error", err)
		}
		return
	}
	k.state.FailingSince, k.state.Problem, k.state.Known = time.Time{}, "", known
	switch {
	case !was.FailingSince.IsZero():
		k.log.Info("the key server answers again", "host", k.host, "keys", known, "after", begun.Sub(was.FailingSince).Round(time.Second))
	case k.fetched.IsZero() || known != was.Known:
		k.log.Info("read the key server's keys", "host", k.host, "keys", known)
	}
	k.fetched = begun
}

// read is the published keys that Curfew can use. A set that is none is an
// error; an empty one takes every key back.
func (k *KeyServer) read(ctx context.Context) ([]jwkset.JWK, error) {
	text, err := k.get(ctx)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(text, &set) != nil || set.Keys == nil {
		return nil, errors.New("it answered with something that is not a JSON Web Key Set")
	}
	usable := []jwkset.JWK{}
	for _, one := range *set.Keys {
		if key, ok := usableKey(one); ok {
			usable = append(usable, key)
		}
	}
	if skipped := len(*set.Keys) - len(usable); skipped > 0 {
		k.log.DebugContext(ctx, "the key server has keys that are not for ES256 or RS256 signatures", "host", k.host, "skipped", skipped)
	}
	return usable, nil
}

func (k *KeyServer) get(ctx context.Context) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := k.client.Do(req)
	if err != nil {
		return nil, withoutAddress(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read, or is of no use
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered with status %d", resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySet+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("its answer broke off: %w", err)
	case len(text) > maxKeySet:
		return nil, fmt.Errorf("it answered with more than %d bytes", maxKeySet)
	}
	return text, nil
}

// withoutAddress is a client's error without the URL, which may hold a password.
func withoutAddress(err error) error {
	failed, ok := errors.AsType[*url.Error](err)
	switch {
	case ok && failed.Timeout():
		return errors.New("it did not answer in time")
	case ok:
		return failed.Err
	}
	return err
}

// usableKey is a public key for ES256 or RS256 signatures; ok is false for
// others, and for what is no key: one that is broken takes no other with it.
func usableKey(text []byte) (key jwkset.JWK, ok bool) {
	var is jwkset.JWKMarshal
	if json.Unmarshal(text, &is) != nil || is.USE == jwkset.UseEnc {
		return key, false
	}
	key, err := jwkset.NewJWKFromMarshal(is, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return key, false
	}
	switch key.Key().(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
		return key, true
	}
	return key, false
}

// run keeps the keys fresh until the context ends.
func (k *KeyServer) run(ctx context.Context) {
	for {
		pause := k.times.refresh
		if !k.State().FailingSince.IsZero() {
			pause = k.times.retry
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		<-k.begin(ctx)
	}
}

// begin starts a fetch, unless one is under way, and returns what is closed at
// its end.
func (k *KeyServer) begin(ctx context.Context) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.underway != nil {
		return k.underway
	}
	done := make(chan struct{})
	k.underway = done
	go func() {
		defer close(done)
		_ = k.Fetch(ctx) // noted
		k.mu.Lock()
		defer k.mu.Unlock()
		k.underway = nil
	}()
	return done
}

// keyfunc finds the key of a token. An unknown one makes it look again, rarely,
// and the token waits for that, shortly: issuers sign with new keys at once.
func (k *KeyServer) keyfunc(ctx context.Context) jwt.Keyfunc {
	return func(token *jwt.Token) (any, error) {
		if k.State().Known > 0 {
			key, err := k.find(token)
			if !errors.Is(err, jwkset.ErrKeyNotFound) {
				return key, err
			}
		}
		if !k.lookAgain(ctx) || k.State().Known == 0 {
			return nil, jwkset.ErrKeyNotFound
		}
		return k.find(token)
	}
}

// lookAgain waits for a fetch, which it starts where that is not too soon after
// the last one of this kind. It reports whether one ended in time.
func (k *KeyServer) lookAgain(ctx context.Context) bool {
	k.mu.Lock()
	done := k.underway
	k.mu.Unlock()
	if done == nil {
		if !k.rare.Allow() {
			return false
		}
		return within(k.begin(ctx), k.times.wait)
	}
	return within(done, k.times.wait)
}

// within reports whether a channel was closed in time.
func within(done <-chan struct{}, most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
