// Package auth identifies who sent a request and decides, in one gate, what they may do. It issues
// Curfew's own tokens, login tickets and cookies, and accepts the tokens of other issuers: by a
// shared secret, or by keys that a key server publishes.
//
// The package does not know what may happen to a session: it reads one only to see whose it is.
package auth

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// keySize is the length of the local key, and the minimum length of a shared secret, in bytes: that
// of the hash (RFC 7518, section 3.2).
const keySize = 32

// ticketTTL is how long a login ticket is valid.
const ticketTTL = 2 * time.Minute

// Lifetimes of tokens of the local key.
const (
	usualMaxTTL = 30 * 24 * time.Hour
	// longestTTL is also how long a revocation must be remembered.
	longestTTL = 366 * 24 * time.Hour
)

// Options says whose tokens are accepted, besides those of the local key.
type Options struct {
	// KeyFile holds the local key: 32 random bytes in base64, mode 0600.
	KeyFile string
	// CreateKey creates the key file if it is missing.
	CreateKey bool
	// Key is the local key itself, in base64, instead of KeyFile.
	Key string
	// MaxTTL caps the life of tokens of the local key, whatever their own expiry; from a minute to
	// 366 days. 0 means 30 days.
	MaxTTL time.Duration
	// JWTSecret is another issuer's key for HS256, of at least 32 bytes.
	JWTSecret string
	// JWKSURL is where another issuer publishes its keys for ES256, RS256 and EdDSA: https, or http
	// on this machine. They are fetched every 30 s, and at most every 10 s for tokens with an
	// unknown key. While fetches fail, the known keys stay valid for 24 hours.
	JWKSURL string
	// Issuer and Audience, if set, are required in the tokens of the issuers above.
	Issuer, Audience string
	// RoleClaim is the claim with the role in those tokens. The default is role.
	RoleClaim string
	// Issuers are further issuers, each with its own keys and claims.
	Issuers []Issuer
	// Logger logs failures to fetch an issuer's keys, recoveries, and why tokens are refused. Nil
	// discards the log.
	Logger *slog.Logger
}

// Identity issues tokens with the local key, and verifies tokens.
type Identity struct {
	key     []byte
	maxTTL  time.Duration
	local   *issuer
	secret  *issuer            // HS256; nil: none
	public  *issuer            // by a published key; nil: none
	issuers map[string]*issuer // those with a name
	servers []*KeyServer
	refused refusals
}

// NewIdentity reads or creates the local key and sets up the other issuers. It keeps the keys at
// JWKSURL fresh until the context ends. Key servers that do not answer delay it by at most 2 s.
func NewIdentity(ctx context.Context, o Options) (*Identity, error) {
	return newIdentity(ctx, o, usualKeyTimes)
}

func newIdentity(ctx context.Context, o Options, times keyTimes, adjust ...func(*KeyServer)) (*Identity, error) {
	key, err := localKey(o)
	if err != nil {
		return nil, err
	}
	if o.MaxTTL = cmp.Or(o.MaxTTL, usualMaxTTL); o.MaxTTL < time.Minute || o.MaxTTL > longestTTL {
		return nil, curfew.Errorf(curfew.Invalid, "auth.max_ttl must be from 1m to 8784h, not %s", o.MaxTTL)
	}
	i := &Identity{key: key, maxTTL: o.MaxTTL, issuers: map[string]*issuer{}, refused: newRefusals(o.Logger)}
	i.local = newIssuer(Issuer{}, []string{"HS256"}, constant(key))
	add := func(one Issuer) (*issuer, error) { return i.add(ctx, one, o.Logger, times, adjust) }
	unnamed := Issuer{Name: o.Issuer, Audience: o.Audience, Role: roleAt(o.RoleClaim)}
	if o.JWTSecret != "" {
		if len(o.JWTSecret) < keySize {
			return nil, curfew.Errorf(curfew.Invalid, "auth.jwt_secret must have at least %d bytes", keySize)
		}
		i.secret = newIssuer(unnamed, []string{"HS256"}, constant([]byte(o.JWTSecret)))
	}
	if unnamed.JWKSURL = o.JWKSURL; o.JWKSURL != "" {
		if i.public, err = add(unnamed); err != nil {
			return nil, err
		}
	}
	for _, one := range o.Issuers {
		if err := one.Check(); err != nil {
			return nil, fmt.Errorf("auth.issuers: %s: %w", one.Name, err)
		}
		if i.issuers[one.Name], err = add(one); err != nil {
			return nil, err
		}
	}
	i.awaitKeys(time.Now().Add(times.wait))
	return i, nil
}

// awaitKeys waits until every key server has answered, but no longer than until.
func (i *Identity) awaitKeys(until time.Time) {
	for _, server := range i.servers {
		within(server.first, time.Until(until))
	}
}

// add sets up an issuer and keeps its published keys fresh.
func (i *Identity) add(ctx context.Context, o Issuer, log *slog.Logger, times keyTimes, adjust []func(*KeyServer)) (*issuer, error) {
	if o.JWKSURL == "" {
		return newIssuer(o, []string{"HS256"}, constant([]byte(o.Secret))), nil
	}
	server, err := newKeyServer(o.JWKSURL, log, times)
	if err != nil {
		return nil, err
	}
	for _, change := range adjust {
		change(server)
	}
	i.servers = append(i.servers, server)
	server.begin(ctx)
	go server.run(ctx)
	return newIssuer(o, publicKeyAlgorithms, server.keyfunc(ctx)), nil
}

func roleAt(claim string) []string {
	if claim == "" {
		return nil
	}
	return []string{claim}
}

// Keys returns the state of the other issuers' key servers.
func (i *Identity) Keys() []curfew.KeyFigures {
	var all []curfew.KeyFigures
	for _, server := range i.servers {
		all = append(all, server.State())
	}
	return all
}

// Sign returns the HMAC-SHA256 of a text with the local key. It is valid only for its purpose, and
// never as a token, because tokens contain no NUL.
func (i *Identity) Sign(purpose, text string) []byte {
	mac := hmac.New(sha256.New, i.key)
	_, _ = mac.Write([]byte(purpose + "\x00" + text)) // never fails
	return mac.Sum(nil)
}

// CheckKey returns Invalid for a text that is not a local key.
func CheckKey(text string) error {
	_, err := decodeKey("auth.key", text)
	return err
}

func decodeKey(where, text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != keySize {
		return nil, curfew.Errorf(curfew.Invalid, "%s does not contain a key: it should be %d bytes in base64", where, keySize)
	}
	return key, nil
}

// localKey returns the given key, or that in the key file, which it may create.
func localKey(o Options) ([]byte, error) {
	path := o.KeyFile
	switch {
	case o.Key != "":
		return decodeKey("auth.key", o.Key)
	case path == "":
		return nil, curfew.Errorf(curfew.Invalid, "auth.key_file is not set")
	case o.CreateKey:
		if err := createKey(path); err != nil {
			return nil, fmt.Errorf("create the key %s: %w", path, err)
		}
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, curfew.Errorf(curfew.Invalid, "there is no key at %s: run `curfew serve` or `curfew token`, which create it", path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, curfew.Errorf(curfew.Invalid, "others can read the key %s: run `chmod 600 %s`", path, path)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	return decodeKey(path, string(text))
}

// createKey creates the key file, atomically, unless it exists. If two processes create it at once,
// one wins.
func createKey(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".curfew-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // it is linked, or of no use
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	_, err = file.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
