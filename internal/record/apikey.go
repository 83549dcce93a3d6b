package record

import (
	"strconv"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// APIKey is a service's key for the API. Only a hash of its secret is stored.
type APIKey struct {
	ID        string
	Name      string    // of the service: its id as an actor
	Hash      string    // of the secret
	OldHash   string    // of the secret before the last rotation, which counts until OldUntil
	OldUntil  time.Time // zero: it was never rotated
	Scope     KeyScope
	ExpiresAt time.Time // zero: never
	CreatedAt time.Time
	CreatedBy curfew.Actor
	RotatedAt time.Time // zero: never
	UsedAt    time.Time // to the minute; zero: never
	RevokedAt time.Time // zero: it is not
	RevokedBy curfew.Actor
	Version   int64
}

// KeyScope is what a key is bound to. A key with the zero value may do whatever its role may.
type KeyScope struct {
	CustomerPrefix string   // the prefix of its customers' ids
	Routes         []string // names and groups of routes
	MaxAmount      *int64   // of a payment, in the smallest unit of its currency
	Currency       string   // of MaxAmount, in lower case; empty: any, as keys have it that an earlier release created
}

// Reaches reports whether a customer is one of the key's.
func (s KeyScope) Reaches(customerID string) bool {
	return strings.HasPrefix(customerID, s.CustomerPrefix)
}

// Allows reports whether a key with this scope may pay an amount. One that nobody knows it may not if there is a largest one,
// and none but 0 in another currency.
func (s KeyScope) Allows(amount *int64, currency string) bool {
	switch {
	case s.MaxAmount == nil:
		return true
	case amount == nil || *amount > *s.MaxAmount:
		return false
	}
	return *amount == 0 || s.Currency == "" || strings.EqualFold(currency, s.Currency)
}

// Bounds says in words what a key with this scope is bound to; nil means nothing.
func (s KeyScope) Bounds() []string {
	var all []string
	if s.CustomerPrefix != "" {
		all = append(all, "customers "+s.CustomerPrefix+"…")
	}
	if s.Routes != nil {
		all = append(all, "routes "+strings.Join(s.Routes, ", "))
	}
	switch {
	case s.MaxAmount == nil:
	case s.Currency == "":
		all = append(all, "amounts up to "+strconv.FormatInt(*s.MaxAmount, 10)+" in the smallest unit of any currency")
	default:
		all = append(all, "amounts up to "+curfew.Amount(*s.MaxAmount, s.Currency))
	}
	return all
}

// Revocation revokes tokens of the local key.
type Revocation struct {
	Noun  RevokedNoun
	Name  string    // the token's id, or the subject as role:id
	At    time.Time // of a subject, tokens that were issued until then
	Actor curfew.Actor
}

// RevokedNoun is what is revoked.
type RevokedNoun string

// What can be revoked.
const (
	RevokedToken   RevokedNoun = "token"
	RevokedSubject RevokedNoun = "subject"
)
