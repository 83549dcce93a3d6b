package mail

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
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

// Signer signs with the local key, which only this service has.
type Signer interface {
	// Sign signs a text for a purpose. Signatures for different purposes differ.
	Sign(purpose, text string) []byte
}

// Unsubscriptions handles the unsubscribe links in mails.
type Unsubscriptions struct {
	Store  Refusals
	Signer Signer
}

// Unsubscribe stops the notices that a link's token names. It returns Invalid if the token is
// incomplete or not Curfew's.
func (u Unsubscriptions) Unsubscribe(ctx context.Context, token string) error {
	kind, hash, err := u.read(token)
	if err != nil {
		return err
	}
	return u.Store.Unsubscribe(ctx, hash, kind)
}

// Check returns the error that Unsubscribe would return for a token, without unsubscribing.
func (u Unsubscriptions) Check(token string) error {
	_, _, err := u.read(token)
	return err
}

// token returns the kind and the hash, encrypted: anybody who sees the link, in a log or a mailbox,
// can neither read the address nor test a guess of it.
func (u Unsubscriptions) token(kind, address string) string {
	sealed := u.seal().Seal(nil, nil, []byte(kind+"."+record.AddressHash(address)), nil) //nolint:gosec // it makes a nonce of its own
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// seal returns a cipher with its own key, which prepends a random nonce.
func (u Unsubscriptions) seal() cipher.AEAD {
	key := sha256.Sum256(u.Signer.Sign("unsubscribe link", ""))
	block, _ := aes.NewCipher(key[:])                // the key has the right length
	sealed, _ := cipher.NewGCMWithRandomNonce(block) // and so has the block
	return sealed
}

// purpose separates these signatures from others made with the same key.
const purpose = "unsubscribe"

func (u Unsubscriptions) read(token string) (kind, hash string, err error) {
	if parts := strings.Split(token, "."); len(parts) == 3 {
		return u.readSigned(parts[0], parts[1], parts[2])
	}
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", "", errNotWhole
	}
	text, err := u.seal().Open(nil, nil, sealed, nil)
	kind, hash, _ = strings.Cut(string(text), ".")
	if err != nil || !slices.Contains(courtesies, kind) {
		return "", "", errNotWhole
	}
	return kind, hash, nil
}

// readSigned reads links from mails that were sent before links were encrypted.
func (u Unsubscriptions) readSigned(kind, hash, signed string) (string, string, error) {
	signature, err := base64.RawURLEncoding.DecodeString(signed)
	if err != nil || !hmac.Equal(signature, u.Signer.Sign(purpose, kind+"."+hash)) || !slices.Contains(courtesies, kind) {
		return "", "", errNotWhole
	}
	return kind, hash, nil
}

var errNotWhole = curfew.Errorf(curfew.Invalid, "this link is not whole: copy all of it from the message")
