package stripe

import (
	"cmp"
	"slices"

	"github.com/curfewhq/curfew"
)

// Keys are the names of the keys in Stripe's metadata under which a marketplace writes what it
// sells. An empty field means the default.
type Keys struct {
	Customer []string // the first one that is set counts; default customer_id
	Plan     string   // default plan
	StartsAt string   // RFC 3339, of an appointment; default starts_at
	Extends  string   // the live session whose minutes are bought; default extends_session
}

// metaQuantity is the metadata key for how often the plan is bought, if Stripe does not say.
const metaQuantity = "quantity"

func (k Keys) withDefaults() Keys {
	k.Customer = slices.DeleteFunc(slices.Clone(k.Customer), func(key string) bool { return key == "" })
	if len(k.Customer) == 0 {
		k.Customer = []string{"customer_id"}
	}
	k.Plan = cmp.Or(k.Plan, "plan")
	k.StartsAt = cmp.Or(k.StartsAt, "starts_at")
	k.Extends = cmp.Or(k.Extends, "extends_session")
	return k
}

// all lists every key that is in use.
func (k Keys) all() []string {
	return append(slices.Clone(k.Customer), k.Plan, k.StartsAt, k.Extends, metaQuantity)
}

// check returns Invalid for a key that Stripe's metadata cannot have, and for one with two
// meanings.
func (k Keys) check() error {
	all := k.all()
	for i, key := range all {
		if err := curfew.CheckID("a key of the Stripe metadata", key); err != nil {
			return err
		}
		if slices.Contains(all[:i], key) {
			return curfew.Errorf(curfew.Invalid, "the Stripe metadata key %q has two meanings", key)
		}
	}
	return nil
}
