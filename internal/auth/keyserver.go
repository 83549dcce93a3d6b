package auth

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"

	"github.com/curfewhq/curfew"
)

// keyTimes says when keys are fetched and how long they are valid. A new key is accepted after
// refresh at the latest, and usually with its first token; a removed one no longer than refresh and
// fetch together.
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
	source keySource
	times  keyTimes
	log    *slog.Logger
	keys   *jwkset.MemoryJWKSet
	find   jwt.Keyfunc
	rare   *rate.Limiter // of fetches that unknown keys cause
	first  chan struct{} // closed at the end of the first fetch

	begun    sync.Once
	mu       sync.Mutex
	underway chan struct{} // closed at the end of the fetch under way; nil: none is
	state    curfew.KeyFigures
	fetched  time.Time // when the last fetch that succeeded began
}

// NewKeyServer returns a key server whose keys have not been fetched yet. It returns Invalid for an
// address that CheckKeyURL rejects. A nil log discards the log.
func NewKeyServer(address string, log *slog.Logger) (*KeyServer, error) {
	return newKeyServer(address, log, usualKeyTimes)
}

func newKeyServer(address string, log *slog.Logger, times keyTimes) (*KeyServer, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	source, err := newKeySource(address, times.fetch, log)
	if err != nil {
		return nil, err
	}
	k := &KeyServer{
		source: source, times: times, log: log,
		keys: jwkset.NewMemoryStorage(), rare: rate.NewLimiter(rate.Every(times.unknown), 1), first: make(chan struct{}),
	}
	lookup, err := keyfunc.New(keyfunc.Options{Storage: k.keys})
	if err != nil {
		return nil, err
	}
	k.find, k.state.Host = lookup.Keyfunc, source.host
	return k, nil
}

// State returns the state of the key server, and how many of its keys are valid.
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

// Fetch fetches the keys now. If that fails, it keeps the known keys and returns the reason.
func (k *KeyServer) Fetch(ctx context.Context) error {
	timed, cancel := context.WithTimeout(ctx, k.times.fetch)
	defer cancel()
	begun := time.Now()
	keys, err := k.source.read(timed)
	if err == nil {
		err = k.keys.KeyReplaceAll(ctx, keys)
	}
	if ctx.Err() == nil { // otherwise the caller has gone
		k.note(begun, len(keys), err)
	}
	return err
}

// note records the outcome of a fetch. It logs changes, not every attempt.
func (k *KeyServer) note(begun time.Time, known int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.state
	if err != nil {
		k.state.Problem = err.Error()
		if was.FailingSince.IsZero() {
			k.state.FailingSince = begun
			k.log.Warn("the key server cannot be reached: tokens of known keys stay good for a while, others are refused",
				"host", k.source.host, "known", was.Known, "error", err)
		}
		return
	}
	k.state.FailingSince, k.state.Problem, k.state.Known = time.Time{}, "", known
	switch {
	case !was.FailingSince.IsZero():
		k.log.Info("the key server answers again", "host", k.source.host, "keys", known, "after", begun.Sub(was.FailingSince).Round(time.Second))
	case k.fetched.IsZero() || known != was.Known:
		k.log.Info("read the key server's keys", "host", k.source.host, "keys", known)
	}
	k.fetched = begun
}

// run keeps the keys fresh until the context ends, after the first fetch, which begin starts.
func (k *KeyServer) run(ctx context.Context) {
	<-k.first // a fetch has a limit
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

// begin starts a fetch unless one is in progress. The channel is closed when it ends.
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
		k.begun.Do(func() { close(k.first) })
	}()
	return done
}

// keyfunc finds the key of a token. For an unknown key it rarely fetches again, and the token waits
// briefly for that, because issuers sign with new keys at once.
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

// lookAgain waits for a fetch. It starts one unless the last one for an unknown key is too recent.
// It reports whether a fetch ended in time.
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
