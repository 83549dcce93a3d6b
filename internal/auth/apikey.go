package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew/internal/record"
)

// keyPrefix begins every API key, so that the gate and secret scanners recognize it. The key's id
// follows, and then 256 random bits in base32:
// curfew_key_0199c0de00007000800000000000cafe_mfzwizltoq….
const keyPrefix = "curfew_key_"

var keyForm = regexp.MustCompile(`^` + keyPrefix + `([0-9a-f]{32})_([a-z2-7]{52})$`)

// secretBytes is the length of a key's secret.
const secretBytes = 32

// isKey reports whether a bearer token is meant as an API key.
func isKey(token string) bool { return strings.HasPrefix(token, keyPrefix) }

// newSecret returns a secret for a key.
func newSecret() string {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret))
}

// keyText is a key as its holder presents it.
func keyText(id, secret string) string {
	return keyPrefix + strings.ReplaceAll(id, "-", "") + "_" + secret
}

// parseKey returns the id and the secret in a key, both still unverified.
func parseKey(text string) (id, secret string, ok bool) {
	parts := keyForm.FindStringSubmatch(text)
	if parts == nil {
		return "", "", false
	}
	read, err := uuid.Parse(parts[1])
	return read.String(), parts[2], err == nil
}

// hashOf returns the hash under which a secret is stored. A secret of 256 random bits cannot be
// guessed, so a fast hash is enough.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// hasSecret reports whether a secret is a key's current one, or its previous one.
func hasSecret(k record.APIKey, secret string) (now, before bool) {
	hash := []byte(hashOf(secret))
	return subtle.ConstantTimeCompare(hash, []byte(k.Hash)) == 1, subtle.ConstantTimeCompare(hash, []byte(k.OldHash)) == 1
}
