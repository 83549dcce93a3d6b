package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
)

// publisher is another issuer, whose key server rotates keys and fails in every way.
type publisher struct {
	*testing.T
	fetches atomic.Int64

	mu    sync.Mutex
	keys  map[string]*ecdsa.PrivateKey
	order []string
	fault http.HandlerFunc // nil: it works
	extra []any            // other entries of its set
}

func newPublisher(t *testing.T) *publisher {
	p := &publisher{T: t, keys: map[string]*ecdsa.PrivateKey{}}
	p.add("first")
	return p
}

func (p *publisher) add(kid string) {
	p.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(p.T, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys[kid] = key
	p.order = append(p.order, kid)
}

// publish says which of the keys are published from now on.
func (p *publisher) publish(kids ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.order = kids
}

func (p *publisher) fail(with http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = with
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.fetches.Add(1)
	p.mu.Lock()
	fault, set := p.fault, append([]any{}, p.extra...)
	for _, kid := range p.order {
		set = append(set, p.public(kid))
	}
	p.mu.Unlock()
	if fault != nil {
		fault(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": set})
}

func (p *publisher) public(kid string) map[string]any {
	point, err := p.keys[kid].PublicKey.Bytes()
	if err != nil {
		p.Error(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	return map[string]any{"kty": "EC", "kid": kid, "use": "sig", "crv": "P-256", "x": enc(point[1:33]), "y": enc(point[33:])}
}

// token is signed with one of the keys, published or not.
func (p *publisher) token(kid string) string {
	p.Helper()
	return forge(p.T, jwt.SigningMethodES256, p.keys[kid], map[string]any{"kid": kid}, claimed(nil))
}

// rareTimes fetch only at the start and for unknown keys. A test shortens the times it is about.
var rareTimes = auth.KeyTimes{
	Refresh: time.Hour, Retry: time.Hour, Unknown: time.Hour, Fetch: testTimeout, Wait: testTimeout, Keep: time.Hour,
}

const quick = 20 * time.Millisecond

func trusting(t *testing.T, url string, times auth.KeyTimes, log *logBuffer) *auth.Identity {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(stop)
	o := auth.Options{KeyFile: filepath.Join(t.TempDir(), "curfew.key"), CreateKey: true, JWKSURL: url}
	if log != nil {
		o.Logger = slog.New(slog.NewTextHandler(log, nil))
	}
	i, err := auth.NewIdentityTimed(ctx, o, times, nil)
	must(t, err)
	return i
}

func (p *publisher) serve() string {
	p.Helper()
	s := httptest.NewServer(p)
	p.Cleanup(s.Close)
	return s.URL
}

func counts(i *auth.Identity, token string) bool {
	_, err := i.Verify(token)
	return err == nil
}

func TestKeys_ANewOneCountsWithItsFirstToken(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	i := trusting(t, p.serve(), rareTimes, nil)
	p.add("second")
	var wrong atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if !counts(i, p.token("second")) {
				wrong.Add(1)
			}
		})
	}
	all.Wait()
	if n := p.fetches.Load(); wrong.Load() > 0 || n != 2 {
		t.Errorf("%d of 20 first tokens were refused, with %d fetches", wrong.Load(), n)
	}
	if !counts(i, p.token("first")) {
		t.Error("the old key counts no more")
	}
}

// S28: an unknown key causes a fetch, but not at every call.
func TestKeys_FiftyUnknownOnesAreOneFetch(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	i := trusting(t, p.serve(), rareTimes, nil)
	p.add("secret")
	p.publish("first")
	var all sync.WaitGroup
	for n := range 50 {
		token := forge(t, jwt.SigningMethodES256, p.keys["secret"], map[string]any{"kid": fmt.Sprint(n)}, claimed(nil))
		all.Go(func() {
			if counts(i, token) {
				t.Error("a token of an unknown key was accepted")
			}
		})
	}
	all.Wait()
	if n := p.fetches.Load(); n != 2 {
		t.Errorf("%d fetches: one at the start and one for them would do", n)
	}
}

func TestKeys_ARegularFetchLearnsOfNewAndRemovedOnes(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	times := rareTimes
	times.Refresh = quick
	i := trusting(t, p.serve(), times, nil)
	counts(i, forge(t, jwt.SigningMethodES256, p.keys["first"], map[string]any{"kid": "none"}, claimed(nil))) // spends the fetch for unknown ones
	p.add("second")
	eventually(t, "the new key counts", func() bool { return counts(i, p.token("second")) })
	p.publish("second")
	eventually(t, "the removed key is refused", func() bool { return !counts(i, p.token("first")) })
	if !counts(i, p.token("second")) {
		t.Error("the key that stayed counts no more")
	}
	p.publish()
	eventually(t, "with every key removed every token is refused", func() bool { return !counts(i, p.token("second")) })
	if s := i.Keys()[0]; s.Known != 0 || !s.FailingSince.IsZero() {
		t.Errorf("an empty set is no failure: %+v", s)
	}
}

// The usual times keep the promise: a minute for a new key and for a removed one.
func TestKeys_TheUsualRhythm(t *testing.T) {
	t.Parallel()
	times := auth.UsualKeyTimes()
	if times.Refresh+times.Fetch > time.Minute || times.Retry > times.Refresh || times.Keep != 24*time.Hour {
		t.Errorf("%+v", times)
	}
}

var keyFaults = map[string]http.HandlerFunc{
	"an answer that never comes": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	"an answer without an end": func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"keys":[`))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	},
	"a 500":                       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	"a 204":                       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	"a page":                      func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>welcome</html>")) },
	"an object of something else": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) },
	"no list":                     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":null}`)) },
	"half an answer":              func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[{"kty":"EC"`)) },
	"2 MB": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"keys":[` + strings.Repeat(" ", 2<<20) + `]}`))
	},
	"a broken connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"a redirect without https": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+"/elsewhere", http.StatusFound)
	},
}

// While the key server fails, tokens of known keys count and others do not, health reports it, and it recovers by itself.
func TestKeys_AServerThatFails(t *testing.T) {
	t.Parallel()
	for sentence, fault := range keyFaults {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			p := newPublisher(t)
			times := rareTimes
			times.Refresh, times.Retry, times.Fetch = quick, quick, 200*time.Millisecond
			var log logBuffer
			i := trusting(t, p.serve(), times, &log)
			p.add("second")
			p.publish("first")
			p.fail(fault)
			eventually(t, "it is seen to fail", func() bool { return !i.Keys()[0].FailingSince.IsZero() })
			if s := i.Keys()[0]; s.Problem == "" || s.Known != 1 || strings.Contains(s.Problem, "http://") {
				t.Errorf("it says %+v", s)
			}
			if !counts(i, p.token("first")) || counts(i, p.token("second")) {
				t.Error("the known key counts, and no other")
			}
			p.fail(nil)
			p.publish("first", "second")
			eventually(t, "it heals", func() bool { return counts(i, p.token("second")) && i.Keys()[0].FailingSince.IsZero() })
			eventually(t, "the log tells both", func() bool {
				return strings.Contains(log.String(), "cannot be reached") && strings.Contains(log.String(), "answers again")
			})
			if n := strings.Count(log.String(), "cannot be reached"); n != 1 {
				t.Errorf("logged %d times:\n%s", n, &log)
			}
		})
	}
}

func TestKeys_KnownOnesCountForATimeOnly(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	times := rareTimes
	times.Refresh, times.Retry, times.Keep = quick, quick, time.Second
	i := trusting(t, p.serve(), times, nil)
	p.fail(keyFaults["a 500"])
	eventually(t, "it fails", func() bool { return !i.Keys()[0].FailingSince.IsZero() })
	if !counts(i, p.token("first")) {
		t.Error("the known key is refused at once")
	}
	eventually(t, "the known key is refused in the end", func() bool { return !counts(i, p.token("first")) })
	if s := i.Keys()[0]; s.Known != 0 {
		t.Errorf("it says %+v", s)
	}
}

// If the key server is down at the start, Curfew starts, says so, refuses its tokens, and recovers when it comes up.
func TestKeys_DownAtTheStart(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	at := l.Addr().String()
	must(t, l.Close())
	times := rareTimes
	times.Retry = quick
	var log logBuffer
	i := trusting(t, "http://"+at, times, &log)
	if s := i.Keys()[0]; s.Known != 0 || s.FailingSince.IsZero() || s.Host != at || !strings.Contains(log.String(), "cannot be reached") {
		t.Errorf("it says %+v, and logs %s", s, &log)
	}
	if counts(i, p.token("first")) {
		t.Error("a token of an unknown key is accepted")
	}
	l, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", at)
	must(t, err)
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: p, ReadHeaderTimeout: testTimeout}}
	s.Start()
	t.Cleanup(s.Close)
	eventually(t, "it heals", func() bool { return counts(i, p.token("first")) })
}

// The start does not wait for a key server that hangs.
func TestKeys_AServerThatHangsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.fail(keyFaults["an answer that never comes"])
	times := rareTimes
	times.Wait = quick
	i := trusting(t, p.serve(), times, nil)
	if s := i.Keys()[0]; s.Known != 0 || counts(i, p.token("first")) {
		t.Errorf("%+v", s)
	}
}

func TestKeys_ByTLS(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	s := httptest.NewTLSServer(p)
	t.Cleanup(s.Close)
	o := auth.Options{KeyFile: filepath.Join(t.TempDir(), "curfew.key"), CreateKey: true, JWKSURL: s.URL}
	i, err := auth.NewIdentityTimed(t.Context(), o, rareTimes, s.Client().Transport)
	must(t, err)
	if !counts(i, p.token("first")) {
		t.Error("refused")
	}
	i, err = auth.NewIdentityTimed(t.Context(), o, rareTimes, nil)
	must(t, err)
	if state := i.Keys()[0]; state.Known != 0 || !strings.Contains(state.Problem, "certificate") {
		t.Errorf("an unknown certificate is trusted: %+v", state)
	}
}

// An entry that is broken, or for something else, does not affect the others.
func TestKeys_EntriesOfNoUse(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.extra = []any{
		"text",
		map[string]any{},
		map[string]any{"kty": "EC", "kid": "half", "crv": "P-256", "x": "AA"},
		map[string]any{"kty": "RSA", "kid": "enc", "use": "enc", "e": "AQAB", "n": "AA"},
		map[string]any{"kty": "oct", "kid": "shared", "k": base64.RawURLEncoding.EncodeToString([]byte(sharedSecret))},
		map[string]any{"kty": "unheard", "kid": "of"},
	}
	i := trusting(t, p.serve(), rareTimes, nil)
	if s := i.Keys()[0]; s.Known != 1 || !counts(i, p.token("first")) {
		t.Errorf("%+v", s)
	}
	if counts(i, forge(t, jwt.SigningMethodHS256, []byte(sharedSecret), map[string]any{"kid": "shared"}, claimed(nil))) {
		t.Error("a published secret counts")
	}
}

func TestKeys_Addresses(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"https://id.example.org/keys":      true,
		"http://127.0.0.1:8080/keys":       true,
		"http://[::1]:8080/keys":           true,
		"http://localhost/keys":            true,
		"http://id.example.org/keys":       false,
		"http://10.1.2.3/keys":             false,
		"http://127.0.0.1.example.org/":    false,
		"http://u:p@id.example.org/keys":   false,
		"ftp://id.example.org/keys":        false,
		"file:///etc/keys":                 false,
		"id.example.org/keys":              false,
		"https://":                         false,
		"":                                 false,
		"https://id.example.org/%zz":       false,
		"http://2130706433/keys":           false,
		"http://0.0.0.0/keys":              false,
		"//id.example.org/keys":            false,
		"https:id.example.org":             false,
		"HTTPS://id.example.org/keys?a=b":  true,
		"http://localhost.example.org/key": false,
	} {
		err := auth.CheckKeyURL(address)
		if (err == nil) != ok || err != nil && (curfew.KindOf(err) != curfew.Invalid || !strings.Contains(err.Error(), "https://") || strings.Contains(err.Error(), "u:p")) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
