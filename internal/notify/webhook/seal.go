package webhook

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Somebody who can read the database, or a backup of it, must not be able to sign messages. Secrets
// are therefore encrypted with a key that is kept elsewhere: AES-256-GCM, bound to the endpoint's
// id. A sealed secret is its prefix, the name of the key, and the ciphertext in base64:
// sealed:1f2e3d4c:….

const sealedPrefix = "sealed:"

// Seal encrypts and decrypts secrets. The zero value leaves them as they are.
type Seal struct{ keys []sealKey }

type sealKey struct {
	name string
	gcm  cipher.AEAD
}

// NewSeal returns a Seal that encrypts with the first key and decrypts with any of them.
func NewSeal(keys [][32]byte) Seal {
	var s Seal
	for _, key := range keys {
		block, _ := aes.NewCipher(key[:])             // never fails: that is the length of a key
		gcm, _ := cipher.NewGCMWithRandomNonce(block) // never fails: it is AES
		sum := sha256.Sum256(append([]byte("curfew seal "), key[:]...))
		s.keys = append(s.keys, sealKey{hex.EncodeToString(sum[:4]), gcm})
	}
	return s
}

// seal seals an endpoint's secret.
func (s Seal) seal(endpoint, secret string) string {
	if len(s.keys) == 0 {
		return secret
	}
	k := s.keys[0]
	closed := k.gcm.Seal(nil, nil, []byte(secret), []byte(endpoint)) //nolint:gosec // it makes its own random nonce
	return sealedPrefix + k.name + ":" + base64.RawStdEncoding.EncodeToString(closed)
}

// errSealed is the error of a secret that cannot be opened here.
var errSealed = errors.New("the endpoint's secret is sealed with a key that is not in webhooks.key")

// open returns a secret ready for signing. A secret that was never sealed is returned as it is.
func (s Seal) open(endpoint, stored string) (string, error) {
	rest, sealed := strings.CutPrefix(stored, sealedPrefix)
	if !sealed {
		return stored, nil
	}
	name, text, _ := strings.Cut(rest, ":")
	closed, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return "", errSealed
	}
	for _, k := range s.keys {
		if k.name != name {
			continue
		}
		if secret, err := k.gcm.Open(nil, nil, closed, []byte(endpoint)); err == nil {
			return string(secret), nil
		}
	}
	return "", errSealed
}

// fresh reports whether a secret is stored as seal would store it now.
func (s Seal) fresh(stored string) bool {
	return len(s.keys) > 0 && strings.HasPrefix(stored, sealedPrefix+s.keys[0].name+":")
}

// sealed is a store that encrypts secrets.
type sealed struct {
	Store
	seal Seal
}

// Sealed returns a store that encrypts secrets in another store and decrypts them for its callers.
// A secret that it cannot decrypt is returned as stored: nothing can be signed with it.
func Sealed(store Store, seal Seal) Store { return sealed{store, seal} }

// AddEndpoint implements Store.
func (s sealed) AddEndpoint(ctx context.Context, w record.Endpoint) (record.Endpoint, error) {
	w.Secrets = []string{s.seal.seal(w.ID, w.Secrets[0])}
	return s.opened(s.Store.AddEndpoint(ctx, w))
}

// RotateEndpoint implements Store.
func (s sealed) RotateEndpoint(ctx context.Context, w record.Endpoint, secret string, keep time.Duration) (record.Endpoint, error) {
	return s.opened(s.Store.RotateEndpoint(ctx, w, s.seal.seal(w.ID, secret), keep))
}

// Endpoint implements Store.
func (s sealed) Endpoint(ctx context.Context, id string) (record.Endpoint, error) {
	return s.opened(s.Store.Endpoint(ctx, id))
}

func (s sealed) opened(w record.Endpoint, err error) (record.Endpoint, error) {
	for i, stored := range w.Secrets {
		if secret, err := s.seal.open(w.ID, stored); err == nil {
			w.Secrets[i] = secret
		}
	}
	return w, err
}

// SealStore is the part of a store that Reseal needs.
type SealStore interface {
	// Endpoints returns all endpoints, with their secrets as stored.
	Endpoints(ctx context.Context) ([]record.Endpoint, error)
	// ResealEndpoint stores the same secrets in another form. It returns Conflict if the version
	// has changed.
	ResealEndpoint(ctx context.Context, w record.Endpoint, secrets []string) (record.Endpoint, error)
}

// SealFigures counts how the secrets of endpoints are stored.
type SealFigures struct {
	Fresh  int // as they would be stored now
	Older  int // not sealed, or with an older key
	Closed int // with a key that is not here
}

// Look counts how the secrets of all endpoints are stored.
func (s Seal) Look(ctx context.Context, store SealStore) (SealFigures, error) {
	all, err := store.Endpoints(ctx)
	var f SealFigures
	for _, w := range all {
		for _, stored := range w.Secrets {
			_, err := s.open(w.ID, stored)
			switch {
			case err != nil:
				f.Closed++
			case s.fresh(stored):
				f.Fresh++
			default:
				f.Older++
			}
		}
	}
	return f, err
}

// Reseal encrypts every secret that is not yet encrypted with the first key, and counts how they
// are stored afterwards. A secret that cannot be decrypted is left alone.
func (s Seal) Reseal(ctx context.Context, store SealStore) (SealFigures, error) {
	if len(s.keys) == 0 {
		return SealFigures{}, curfew.Errorf(curfew.Invalid, "there is no key to seal with: set webhooks.key, for instance to what `openssl rand -base64 32` prints")
	}
	var err error
	for range tries {
		if err = s.resealAll(ctx, store); curfew.KindOf(err) != curfew.Conflict {
			break
		}
	}
	if err != nil {
		return SealFigures{}, err
	}
	return s.Look(ctx, store)
}

func (s Seal) resealAll(ctx context.Context, store SealStore) error {
	all, err := store.Endpoints(ctx)
	if err != nil {
		return err
	}
	for _, w := range all {
		secrets, changed := s.resealed(w)
		if !changed {
			continue
		}
		if _, err := store.ResealEndpoint(ctx, w, secrets); err != nil {
			return err
		}
	}
	return nil
}

// resealed returns an endpoint's secrets as they should be stored, and whether they differ from
// what is stored.
func (s Seal) resealed(w record.Endpoint) (secrets []string, changed bool) {
	for _, stored := range w.Secrets {
		if secret, err := s.open(w.ID, stored); err == nil && !s.fresh(stored) {
			stored, changed = s.seal(w.ID, secret), true
		}
		secrets = append(secrets, stored)
	}
	return secrets, changed
}
