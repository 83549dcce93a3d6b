package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/curfewhq/curfew"
)

const (
	secretPrefix = "whsec_"
	// The specification's bounds of a secret, in bytes, and how long ours are.
	shortestSecret, longestSecret = 24, 64
	secretBytes                   = 32
)

// NewSecret makes a secret.
func NewSecret() string {
	key := make([]byte, secretBytes)
	_, _ = rand.Read(key) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// CheckSecret says what is wrong with a secret. The kind is Invalid.
func CheckSecret(text string) error {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < shortestSecret || len(key) > longestSecret {
		return curfew.Errorf(curfew.Invalid, "a secret is %s and the base64 of %d to %d bytes", secretPrefix, shortestSecret, longestSecret)
	}
	return nil
}

// Sign is the signatures of a message by every secret, as the header has them.
func Sign(secrets []string, id string, at time.Time, body []byte) (string, error) {
	all := make([]string, len(secrets))
	for i, secret := range secrets {
		key, err := standard.NewWebhook(secret)
		if err != nil {
			return "", err
		}
		if all[i], err = key.Sign(id, at, body); err != nil {
			return "", err
		}
	}
	return strings.Join(all, " "), nil
}
