package config

import (
	"encoding/base64"
	"errors"
)

// SealKeys are keys that encrypt secrets: the first one encrypts, all decrypt. They are never
// printed.
type SealKeys struct{ Values [][32]byte }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *SealKeys) UnmarshalText(text []byte) error {
	k.Values = nil
	var several Secrets
	if err := several.UnmarshalText(text); err != nil {
		return err
	}
	for _, one := range several.Values {
		key, err := base64.StdEncoding.DecodeString(one)
		if err != nil || len(key) != 32 {
			return errors.New("is not 32 random bytes in base64: write what `openssl rand -base64 32` prints") // not repeated: it is secret
		}
		k.Values = append(k.Values, [32]byte(key))
	}
	return nil
}
