package mail

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
)

// Refusals is where it is kept which notices an address does not want. It is
// keyed by a hash: who looks at it learns no address.
type Refusals interface {
	// Unsubscribe stops a kind of notices; doing so again changes nothing.
	Unsubscribe(ctx context.Context, hash, kind string) error
	Unsubscribed(ctx context.Context, hash, kind string) (bool, error)
}

// Signer signs with a key that only this service has: the local key.
type Signer interface {
	// Sign signs for a purpose: a signature for another one is another.
	Sign(purpose, text string) []byte
}

// Unsubscriptions is what the links in mails do.
type Unsubscriptions struct {
	Store  Refusals
	Signer Signer
}

// Unsubscribe stops the notices that a link's token names. Invalid: it is none
// of ours, or not whole.
func (u Unsubscriptions) Unsubscribe(ctx context.Context, token string) error {
	kind, hash, err := u.read(token)
	if err != nil {
		return err
	}
	return u.Store.Unsubscribe(ctx, hash, kind)
}

// Check says whether a token is whole.
func (u Unsubscriptions) Check(token string) error {
	_, _, err := u.read(token)
	return err
}

// token is kind, hash and signature. It says nothing of the address.
func (u Unsubscriptions) token(kind, address string) string {
	text := kind + "." + hashOf(address)
	return text + "." + base64.RawURLEncoding.EncodeToString(u.Signer.Sign(purpose, text))
}

// purpose keeps these signatures apart from all others of the key.
const purpose = "unsubscribe"

func (u Unsubscriptions) read(token string) (kind, hash string, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", "", errNotWhole
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(signature, u.Signer.Sign(purpose, parts[0]+"."+parts[1])) || !slices.Contains(courtesies, parts[0]) {
		return "", "", errNotWhole
	}
	return parts[0], parts[1], nil
}

var errNotWhole = curfew.Errorf(curfew.Invalid, "this link is not whole: copy all of it from the message")

// hashOf is the same for every way of writing an address.
func hashOf(address string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(address)))
	return hex.EncodeToString(sum[:])
}
