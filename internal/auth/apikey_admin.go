package auth

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// KeyStore stores API keys.
type KeyStore interface {
	// AddAPIKey writes a new key with the hash of its secret.
	AddAPIKey(ctx context.Context, k record.APIKey) (record.APIKey, error)
	// APIKeys returns all keys, oldest first.
	APIKeys(ctx context.Context) ([]record.APIKey, error)
	APIKey(ctx context.Context, id string) (record.APIKey, error)
	// RotateAPIKey replaces the secret. The old one stays valid for keep. It returns Conflict if
	// the version has changed.
	RotateAPIKey(ctx context.Context, k record.APIKey, hash string, keep time.Duration) (record.APIKey, error)
	// RevokeAPIKey revokes a key. It returns Conflict if the version has changed.
	RevokeAPIKey(ctx context.Context, k record.APIKey, by curfew.Actor) (record.APIKey, error)
	// UseAPIKeys records that these keys were used now, to the minute.
	UseAPIKeys(ctx context.Context, ids []string) error
}

// Limits of keys.
const (
	// MaxKeyGrace is the longest time for which a replaced secret may stay valid.
	MaxKeyGrace = 30 * 24 * time.Hour
	maxRoutes   = 50
	keyTries    = 3 // where somebody else changes the key at the same time
)

// RouteName is how a key is bound to a route: by the route's own name, or by that of its group.
type RouteName struct{ Name, Group string }

// Keys lets admins manage API keys. A key has the role service: people sign in.
type Keys struct {
	Store  KeyStore
	Routes []RouteName // those that the role service may use
}

// NewKey is a key to create.
type NewKey struct {
	Name      string
	ExpiresAt time.Time // zero: Forever must say so
	Forever   bool
	Scope     record.KeyScope
}

// Create creates a key and returns the text that its holder presents, which cannot be read again.
// It returns Invalid for an invalid key.
func (s Keys) Create(ctx context.Context, by curfew.Actor, n NewKey) (k record.APIKey, text string, err error) {
	n.Scope.Currency = strings.ToLower(n.Scope.Currency)
	if err := s.check(n); err != nil {
		return k, "", err
	}
	secret := newSecret()
	k, err = s.Store.AddAPIKey(ctx, record.APIKey{
		ID: uuid.Must(uuid.NewV7()).String(), Name: n.Name, Hash: hashOf(secret), Scope: n.Scope,
		ExpiresAt: n.ExpiresAt.UTC().Truncate(time.Microsecond), CreatedBy: by,
	})
	return k, keyText(k.ID, secret), err
}

func (s Keys) check(n NewKey) error {
	switch {
	case n.Forever && !n.ExpiresAt.IsZero():
		return curfew.Errorf(curfew.Invalid, "a key either has an end or never expires, not both")
	case !n.Forever && n.ExpiresAt.IsZero():
		return curfew.Errorf(curfew.Invalid, "a key needs an end: say when it expires, or that it never does")
	case !n.Forever && !n.ExpiresAt.After(time.Now()):
		return curfew.Errorf(curfew.Invalid, "a key's end must lie ahead")
	}
	if err := checkAmount(n.Scope); err != nil {
		return err
	}
	if n.Scope.CustomerPrefix != "" {
		if err := curfew.CheckID("customerPrefix", n.Scope.CustomerPrefix); err != nil {
			return err
		}
	}
	if err := s.checkRoutes(n.Scope.Routes); err != nil {
		return err
	}
	return curfew.CheckID("name", n.Name)
}

var currencyCode = regexp.MustCompile(`^[a-z]{3}$`)

// checkAmount rejects an amount without a currency: 5000 is 50 euros or 5 dinars. Only keys from an
// earlier release lack one.
func checkAmount(s record.KeyScope) error {
	switch {
	case s.MaxAmount == nil && s.Currency != "":
		return curfew.Errorf(curfew.Invalid, "currency is that of maxAmount: say the largest amount too")
	case s.MaxAmount == nil:
		return nil
	case *s.MaxAmount < 0:
		return curfew.Errorf(curfew.Invalid, "maxAmount must not be negative")
	case s.Currency == "":
		return curfew.Errorf(curfew.Invalid, "maxAmount needs a currency, such as EUR: its smallest unit is what the amount counts")
	case !currencyCode.MatchString(s.Currency):
		return curfew.Errorf(curfew.Invalid, "currency is the three letters of one, such as EUR, and not %q", curfew.Visible(s.Currency))
	}
	return nil
}

// checkRoutes rejects routes that no key can call, because binding to them would look like a
// permission.
func (s Keys) checkRoutes(routes []string) error {
	if routes != nil && len(routes) == 0 || len(routes) > maxRoutes {
		return curfew.Errorf(curfew.Invalid, "routes: a key is bound to 1 to %d: leave them out for all", maxRoutes)
	}
	for _, route := range routes {
		if !slices.ContainsFunc(s.Routes, func(r RouteName) bool { return r.Name == route || r.Group == route }) {
			return curfew.Errorf(curfew.Invalid, "routes: a key cannot be bound to %q: there are %s", curfew.Visible(route), s.choice())
		}
	}
	return nil
}

// choice lists what a key can be bound to: the groups, each with its routes.
func (s Keys) choice() string {
	var groups []string
	for _, r := range s.Routes {
		if i := slices.IndexFunc(groups, func(g string) bool { return strings.HasPrefix(g, r.Group+" ") }); i >= 0 {
			groups[i] = strings.TrimSuffix(groups[i], ")") + ", " + r.Name + ")"
			continue
		}
		groups = append(groups, r.Group+" ("+r.Name+")")
	}
	return strings.Join(groups, ", ")
}

// List returns all keys, oldest first, including revoked and expired ones.
func (s Keys) List(ctx context.Context) ([]record.APIKey, error) { return s.Store.APIKeys(ctx) }

// Rotate replaces a key's secret and returns the new text. The old secret stays valid for the grace
// period, but never longer than the key. It returns Invalid for an invalid grace period, and
// Conflict for a key that is revoked or has expired.
func (s Keys) Rotate(ctx context.Context, id string, grace time.Duration) (k record.APIKey, text string, err error) {
	if grace < 0 || grace > MaxKeyGrace {
		return k, "", curfew.Errorf(curfew.Invalid, "the secret before can count for up to 30 days more, and not for %s", grace)
	}
	secret := newSecret()
	k, err = s.withKey(ctx, id, func(k record.APIKey) (record.APIKey, error) {
		switch {
		case !k.RevokedAt.IsZero():
			return k, curfew.Errorf(curfew.Conflict, "key %s is revoked: create another", id)
		case !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(time.Now()):
			return k, curfew.Errorf(curfew.Conflict, "key %s has expired: create another", id)
		}
		return s.Store.RotateAPIKey(ctx, k, hashOf(secret), grace)
	})
	return k, keyText(k.ID, secret), err
}

// Revoke revokes a key permanently. It is safe to repeat.
func (s Keys) Revoke(ctx context.Context, by curfew.Actor, id string) (record.APIKey, error) {
	return s.withKey(ctx, id, func(k record.APIKey) (record.APIKey, error) {
		if !k.RevokedAt.IsZero() {
			return k, nil
		}
		return s.Store.RevokeAPIKey(ctx, k, by)
	})
}

// withKey calls do with the current key, and again if it was changed concurrently.
func (s Keys) withKey(ctx context.Context, id string, do func(record.APIKey) (record.APIKey, error)) (k record.APIKey, err error) {
	for range keyTries {
		if k, err = s.Store.APIKey(ctx, id); err != nil {
			return k, err
		}
		if k, err = do(k); curfew.KindOf(err) != curfew.Conflict {
			return k, err
		}
	}
	return k, err
}
