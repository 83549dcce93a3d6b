package webhook

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/record"
)

// Store stores endpoints.
type Store interface {
	// AddEndpoint writes a new endpoint with its secret.
	AddEndpoint(ctx context.Context, w record.Endpoint) (record.Endpoint, error)
	// Endpoints returns all endpoints, oldest first.
	Endpoints(ctx context.Context) ([]record.Endpoint, error)
	Endpoint(ctx context.Context, id string) (record.Endpoint, error)
	// ChangeEndpoint writes everything but the secrets. It returns Conflict if the version has
	// changed.
	ChangeEndpoint(ctx context.Context, w record.Endpoint) (record.Endpoint, error)
	// RotateEndpoint replaces the secret. The old one keeps signing for the given time.
	RotateEndpoint(ctx context.Context, w record.Endpoint, secret string, keep time.Duration) (record.Endpoint, error)
	// RemoveEndpoint removes an endpoint and its pending deliveries.
	RemoveEndpoint(ctx context.Context, w record.Endpoint) error
	// AddDelivery writes a delivery that no event caused.
	AddDelivery(ctx context.Context, d record.Delivery) error
}

const (
	// keepOld is how long a replaced secret keeps signing.
	keepOld        = 24 * time.Hour
	maxDescription = 200
	tries          = 3
)

// Endpoints lets admins manage endpoints.
type Endpoints struct {
	Store Store
	// AllowPrivate is the same as in Options.
	AllowPrivate []netip.Prefix
}

// Add creates an endpoint from its URL, description and kinds. Only its result contains the secret.
func (e Endpoints) Add(ctx context.Context, w record.Endpoint) (record.Endpoint, error) {
	w.ID, w.Secrets, w.Enabled = notify.NewID(), []string{NewSecret()}, true
	if err := e.check(w); err != nil {
		return record.Endpoint{}, err
	}
	return e.Store.AddEndpoint(ctx, w)
}

func (e Endpoints) check(w record.Endpoint) error {
	if len(w.Description) > maxDescription {
		return curfew.Errorf(curfew.Invalid, "description must have at most %d bytes", maxDescription)
	}
	if err := cmp.Or(curfew.CheckText("description", w.Description), curfew.CheckText("url", w.URL)); err != nil {
		return err
	}
	for _, kind := range w.Kinds {
		if !slices.Contains(record.EventKinds(), kind) {
			return curfew.Errorf(curfew.Invalid, "there is no event %q: the events are %s", kind, strings.Join(record.EventKinds(), ", "))
		}
	}
	return checkURL(w.URL, e.AllowPrivate)
}

// List returns all endpoints, without their secrets.
func (e Endpoints) List(ctx context.Context) ([]record.Endpoint, error) {
	all, err := e.Store.Endpoints(ctx)
	for i := range all {
		all[i].Secrets = nil
	}
	return all, err
}

// Show returns an endpoint, without its secrets.
func (e Endpoints) Show(ctx context.Context, id string) (record.Endpoint, error) {
	w, err := e.Store.Endpoint(ctx, id)
	w.Secrets = nil
	return w, err
}

// Change changes an endpoint by edit. Once enabled, an endpoint receives its pending
// deliveries in order, then new events.
func (e Endpoints) Change(ctx context.Context, id string, edit func(*record.Endpoint)) (record.Endpoint, error) {
	w, err := e.withRow(ctx, id, func(w record.Endpoint) (record.Endpoint, error) {
		edit(&w)
		if w.Enabled {
			w.DisabledReason = ""
		}
		if err := e.check(w); err != nil {
			return w, err
		}
		return e.Store.ChangeEndpoint(ctx, w)
	})
	w.Secrets = nil
	return w, err
}

// withRow calls do with the current endpoint, and again if it was changed concurrently.
func (e Endpoints) withRow(ctx context.Context, id string, do func(record.Endpoint) (record.Endpoint, error)) (w record.Endpoint, err error) {
	for range tries {
		if w, err = e.Store.Endpoint(ctx, id); err != nil {
			return w, err
		}
		if w, err = do(w); curfew.KindOf(err) != curfew.Conflict {
			return w, err
		}
	}
	return w, err
}

// Rotate replaces the secret and returns the new one. For a day, both sign.
func (e Endpoints) Rotate(ctx context.Context, id string) (record.Endpoint, error) {
	w, err := e.withRow(ctx, id, func(w record.Endpoint) (record.Endpoint, error) {
		return e.Store.RotateEndpoint(ctx, w, NewSecret(), keepOld)
	})
	if err == nil {
		w.Secrets = w.Secrets[:1]
	}
	return w, err
}

// Remove removes an endpoint.
func (e Endpoints) Remove(ctx context.Context, id string) error {
	_, err := e.withRow(ctx, id, func(w record.Endpoint) (record.Endpoint, error) { return w, e.Store.RemoveEndpoint(ctx, w) })
	return err
}

// Test sends an event of kind test to an endpoint, whatever its filter. The worker delivers it like
// any other. It returns Conflict if the endpoint is disabled.
func (e Endpoints) Test(ctx context.Context, id string) (record.Delivery, error) {
	w, err := e.Store.Endpoint(ctx, id)
	if err != nil {
		return record.Delivery{}, err
	}
	if !w.Enabled {
		return record.Delivery{}, curfew.Errorf(curfew.Conflict, "endpoint %s is disabled: enable it first", id)
	}
	d := record.Delivery{
		ID: notify.NewID(), Number: 1, Channel: Name, Queue: w.ID, Destination: w.ID, Kind: record.TestKind,
		Body: encode(message{Type: record.TestKind, Timestamp: time.Now().UTC().Truncate(time.Microsecond), Data: Test{w.ID}}),
	}
	d.EventID, d.Subject, d.State = d.ID, d.ID, record.DeliveryPending
	return d, e.Store.AddDelivery(ctx, d)
}
