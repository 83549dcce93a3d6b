package wire

import (
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// NewAPIKey is an API key to create.
type NewAPIKey struct {
	Name           string     `json:"name" minLength:"1" maxLength:"128" doc:"The name of the service that uses the key, as it appears in events and logs"`
	ExpiresAt      *time.Time `json:"expiresAt,omitempty" doc:"When the key expires; either this or neverExpires is required"`
	NeverExpires   bool       `json:"neverExpires,omitempty"`
	CustomerPrefix *string    `json:"customerPrefix,omitempty" minLength:"1" maxLength:"128" doc:"Restricts the key to customers whose id begins with this; absent: not restricted"`
	Routes         []string   `json:"routes,omitempty" minItems:"1" maxItems:"50" nullable:"false" doc:"Restricts the key to these routes, by operationId or by group, such as sessions; absent: not restricted"`
	MaxAmount      *int64     `json:"maxAmount,omitempty" minimum:"0" doc:"The largest payment that the key may make, in the smallest unit of its currency; absent: any amount"`
	Currency       *string    `json:"currency,omitempty" pattern:"^[A-Za-z]{3}$" doc:"The currency of maxAmount, required with it; payments in another currency are refused"`
}

// KeyRotation says how to rotate an API key.
type KeyRotation struct {
	GraceSeconds *int64 `json:"graceSeconds,omitempty" minimum:"0" maximum:"2592000" doc:"How long the previous secret stays valid; 0: not at all; absent: a day"`
}

// APIKey is an API key.
type APIKey struct {
	ID             string     `json:"id"`
	Name           string     `json:"name"`
	Role           string     `json:"role"`
	CustomerPrefix string     `json:"customerPrefix,omitempty" doc:"Absent: it reaches every customer"`
	Routes         []string   `json:"routes,omitempty" nullable:"false" doc:"Absent: every route of its role"`
	MaxAmount      *int64     `json:"maxAmount,omitempty" doc:"Absent: any"`
	Currency       string     `json:"currency,omitempty" doc:"The currency of maxAmount; absent: any, for a key that an earlier release created"`
	State          string     `json:"state" enum:"active,expired,revoked"`
	ExpiresAt      *time.Time `json:"expiresAt,omitempty" doc:"Absent: never"`
	CreatedAt      time.Time  `json:"createdAt"`
	CreatedBy      string     `json:"createdBy"`
	RotatedAt      *time.Time `json:"rotatedAt,omitempty"`
	OldUntil       *time.Time `json:"oldUntil,omitempty" doc:"Until when the previous secret is still accepted"`
	LastUsedAt     *time.Time `json:"lastUsedAt,omitempty" doc:"To the minute; absent: never used"`
	RevokedAt      *time.Time `json:"revokedAt,omitempty"`
	RevokedBy      string     `json:"revokedBy,omitempty"`
	Key            string     `json:"key,omitempty" doc:"The key itself, sent as a bearer token; returned only when it is created or rotated"`
}

// APIKeys is all API keys, oldest first.
type APIKeys struct {
	Keys []APIKey `json:"keys" nullable:"false"`
}

// Key converts an API key as it stands at a time. The text is what its holder presents, or empty.
func Key(k record.APIKey, text string, now time.Time) APIKey {
	out := APIKey{
		ID: k.ID, Name: k.Name, Role: "service", CustomerPrefix: k.Scope.CustomerPrefix, Routes: k.Scope.Routes, MaxAmount: k.Scope.MaxAmount, Currency: k.Scope.Currency,
		State: KeyState(k, now), ExpiresAt: OptionalTime(k.ExpiresAt), CreatedAt: k.CreatedAt.UTC(), CreatedBy: k.CreatedBy.String(),
		RotatedAt: OptionalTime(k.RotatedAt), LastUsedAt: OptionalTime(k.UsedAt), RevokedAt: OptionalTime(k.RevokedAt), Key: text,
	}
	if out.State == "active" && k.OldUntil.After(now) {
		out.OldUntil = OptionalTime(k.OldUntil)
	}
	if !k.RevokedAt.IsZero() {
		out.RevokedBy = k.RevokedBy.String()
	}
	return out
}

// Keys converts API keys.
func Keys(all []record.APIKey, now time.Time) APIKeys {
	out := APIKeys{Keys: make([]APIKey, len(all))}
	for i, k := range all {
		out.Keys[i] = Key(k, "", now)
	}
	return out
}

// KeyState says whether an API key counts.
func KeyState(k record.APIKey, now time.Time) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked"
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return "expired"
	}
	return "active"
}
