package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secretPrefix = "whsec_"
	// secretBytes is within the 24 to 64 of the specification.
	secretBytes = 32
)

// NewSecret returns a new secret.
func NewSecret() string {
	key := make([]byte, secretBytes)
	_, _ = rand.Read(key) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// Sign returns the signature header of a message, signed with every secret.
func Sign(secrets []string, id string, at time.Time, body []byte) (string, error) {
	all := make([]string, len(secrets))
	for i, secret := range secrets {
		if strings.HasPrefix(secret, sealedPrefix) {
			return "", errSealed
		}
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
