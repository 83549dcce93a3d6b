package mail

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Refusals stores which notices an address has unsubscribed from. It is keyed by a
// hash, so that it reveals no address.
type Refusals interface {
	// Unsubscribe stops a kind of notices. Repeating it changes nothing.
	Unsubscribe(ctx context.Context, hash, kind string) error
	Unsubscribed(ctx context.Context, hash, kind string) (bool, error)
}

// Signer signs with a key that only this service has: the local key.
type Signer interface {
	// Sign signs a text for a purpose. Signatures for different purposes differ.
	Sign(purpose, text string) []byte
}

// Unsubscriptions handles the unsubscribe links in mails.
type Unsubscriptions struct {
	Store  Refusals
	Signer Signer
}

// Unsubscribe stops the notices that a link's token names. Invalid if the token is not
// ours, or incomplete.
func (u Unsubscriptions) Unsubscribe(ctx context.Context, token string) error {
	kind, hash, err := u.read(token)
	if err != nil {
		return err
	}
	return u.Store.Unsubscribe(ctx, hash, kind)
}

// Check reports whether a token is valid, with the error of Unsubscribe.
func (u Unsubscriptions) Check(token string) error {
	_, _, err := u.read(token)
	return err
}

// token returns kind, hash and signature. It does not reveal the address.
func (u Unsubscriptions) token(kind, address string) string {
	text := kind + "." + record.AddressHash(address)
	return text + "." + base64.RawURLEncoding.EncodeToString(u.Signer.Sign(purpose, text))
}

// purpose separates these signatures from all others made with the key.
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
