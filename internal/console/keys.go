package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// KeyLister lists the API keys of services.
type KeyLister interface {
	List(ctx context.Context) ([]record.APIKey, error)
}

// keyLife is how long a new key lives, unless its maker says otherwise.
const keyLife = 90 * 24 * time.Hour

// keysView shows the API keys, newest first.
func (s *Site) keysView(ctx context.Context, _ *http.Request, _ curfew.Actor) (any, error) {
	all, err := s.keys.List(ctx)
	if err != nil {
		return nil, err
	}
	at := moments{time.Now()}
	v := Keys{State: keysState(all, at), Add: keyAdder(at)}
	for i := range all {
		v.Keys = append(v.Keys, keyView(all[len(all)-1-i], at))
	}
	return v, nil
}

func keysState(all []record.APIKey, at moments) State {
	active := 0
	for _, k := range all {
		if wire.KeyState(k, at.now) == "active" {
			active++
		}
	}
	if active == 0 {
		return State{Sentence: "No service has a key."}
	}
	return State{Tone: "good", Sentence: "Services have " + things("key").of(active) + "."}
}

// keyAdder returns the button that creates a key.
func keyAdder(at moments) Action {
	return Action{
		Name: "add", Label: "Create key…", Call: "POST /api/keys", Ask: "Which service is the key for?", Main: true,
		Why: []string{"The key can do what a service may do, within its limits. It is shown only once."},
		Fields: []Field{
			{Name: "name", Label: "Service", Required: true},
			{Name: "expiresAt", Label: "Valid until", Value: at.now.Add(keyLife).UTC().Format(time.RFC3339), Required: true},
			{Name: "customerPrefix", Label: "Only customers whose id begins with", Hint: "all"},
			{Name: "routes", Label: "Only these routes", Hint: "all; or sessions, fulfillCheckout", Many: true},
			{Name: "maxAmount", Label: "Largest payment, in the smallest unit of its currency", Hint: "any", Number: true},
			{Name: "currency", Label: "Currency, required with a largest payment", Hint: "EUR"},
		},
	}
}

func keyView(k record.APIKey, at moments) Key {
	v := Key{
		ID: k.ID, Name: k.Name, State: wire.KeyState(k, at.now), BoundTo: boundTo(k.Scope), By: k.CreatedBy.String(),
		CreatedAt: at.at(k.CreatedAt), UsedAt: at.at(k.UsedAt), ExpiresAt: at.at(k.ExpiresAt), RevokedAt: at.at(k.RevokedAt),
	}
	if v.Active = v.State == "active"; !v.Active {
		return v
	}
	if k.OldUntil.After(at.now) {
		v.OldUntil = at.at(k.OldUntil)
	}
	v.Actions = []Action{
		{
			Name: "rotate", Label: "New secret…", Call: "POST /api/keys/" + k.ID + "/rotate", Ask: "Replace its secret?",
			Why: []string{"The new key is shown only once. The old one stays valid for the time below; with 0 it is invalid at once."},
			Fields: []Field{
				{Name: "graceSeconds", Label: "Seconds for which the old one stays valid", Value: "86400", Number: true, Required: true},
			},
		},
		{
			Name: "revoke", Label: "Revoke…", Call: "DELETE /api/keys/" + k.ID, Ask: "Revoke this key?", Harm: true,
			Why: []string{"Within 10 seconds nobody can call with it. It cannot be brought back."}, Done: "It is revoked.",
		},
	}
	return v
}

// boundTo says what a key is bound to.
func boundTo(s record.KeyScope) string {
	all := s.Bounds()
	if len(all) == 0 {
		return "all that a service may do"
	}
	return strings.Join(all, "; ")
}
