package config

import (
	"fmt"
	"strings"
)

// Accounts are connected Stripe accounts, separated by commas.
type Accounts struct{ IDs []string }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Accounts) UnmarshalText(text []byte) error {
	ids, err := distinctNames(string(text))
	if err != nil {
		return err
	}
	for _, id := range ids {
		if name, ok := strings.CutPrefix(id, "acct_"); !ok || name == "" || strings.ContainsFunc(name, notAlphanumeric) {
			return fmt.Errorf("%q is not an account of Stripe: write it like acct_1234", id)
		}
	}
	a.IDs = ids
	return nil
}

// String joins the accounts with commas.
func (a Accounts) String() string { return strings.Join(a.IDs, ",") }

// maxMetadataKey is the maximum length of a key in Stripe's metadata, in characters.
const maxMetadataKey = 40

// MetadataKey is a key in Stripe's metadata.
type MetadataKey string

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *MetadataKey) UnmarshalText(text []byte) error {
	key := string(text)
	switch {
	case key == "":
		return ErrEmpty
	case len([]rune(key)) > maxMetadataKey:
		return fmt.Errorf("%q is longer than Stripe allows: a metadata key has at most %d characters", key, maxMetadataKey)
	case strings.ContainsFunc(key, strangeInKey):
		return fmt.Errorf("%q is not a metadata key: it must not contain spaces, brackets or control characters", key)
	}
	*k = MetadataKey(key)
	return nil
}

// MetadataKeys are keys in Stripe's metadata, separated by commas.
type MetadataKeys struct{ Names []string }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *MetadataKeys) UnmarshalText(text []byte) error {
	names, err := distinctNames(string(text))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := new(MetadataKey).UnmarshalText([]byte(name)); err != nil {
			return err
		}
	}
	k.Names = names
	return nil
}

// String joins the names with commas.
func (k MetadataKeys) String() string { return strings.Join(k.Names, ",") }

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

func strangeInKey(r rune) bool { return r <= ' ' || r == 0x7f || r == '[' || r == ']' || r == '\ufffd' }
