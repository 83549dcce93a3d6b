package stripe

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// metaReference keeps a client_reference_id that is not a customer id, for operators.
const metaReference = "client_reference_id"

// maxQuantity is how many sessions one payment may buy. More is taken for a mistake.
const maxQuantity = 100

// order reads what was bought from the metadata, a client_reference_id and the lines. A value that
// cannot be used as it is becomes a flaw: it is left out, never guessed, truncated or corrected.
func (k Keys) order(metadata map[string]string, reference string, lines []object) *curfew.Order {
	d := draft{order: &curfew.Order{Metadata: map[string]string{}}, metadata: metadata}
	for _, key := range k.all() {
		if value := shown(metadata[key], maxMetadata); value != "" {
			d.order.Metadata[key] = value
		}
	}
	d.order.CustomerID = d.customer(k.Customer, reference)
	d.order.Plan = d.id(k.Plan)
	d.order.Extends = d.id(k.Extends)
	d.order.StartsAt = d.startsAt(k.StartsAt)
	d.order.Quantity = d.quantity(lines)
	d.order.Flaw = strings.Join(d.flaws, "; ")
	return d.order
}

// draft is an order while it is being read.
type draft struct {
	order    *curfew.Order
	metadata map[string]string
	flaws    []string
}

func (d *draft) flaw(format string, args ...any) {
	d.flaws = append(d.flaws, fmt.Sprintf(format, args...))
}

// customer returns the customer that the metadata names. A client_reference_id is often a cart
// number, so it counts only if the metadata names nobody.
func (d *draft) customer(keys []string, reference string) string {
	for _, key := range keys {
		if d.metadata[key] != "" {
			return d.id(key)
		}
	}
	if reference == "" {
		return ""
	}
	if err := curfew.CheckID("the customer's id in client_reference_id", reference); err != nil {
		d.flaw("%s", err)
		d.order.Metadata[metaReference] = shown(reference, maxMetadata)
		return ""
	}
	return reference
}

// id returns an id unchanged, or "" if it is invalid: a truncated id could be somebody else's.
func (d *draft) id(key string) string {
	value := d.metadata[key]
	if value == "" {
		return ""
	}
	if err := curfew.CheckID("the metadata's "+key, value); err != nil {
		d.flaw("%s", err)
		return ""
	}
	return value
}

// startsAt adds a flaw if the time is invalid: an appointment must not become a session that starts
// now.
func (d *draft) startsAt(key string) time.Time {
	value := d.metadata[key]
	if value == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		d.flaw("%s %q %s", key, shown(value, maxShown), misread(value))
		return time.Time{}
	}
	return at.UTC().Truncate(time.Microsecond)
}

// misread explains what a text lacks to be a time.
func misread(value string) string {
	const written = "2006-01-02T15:04:05Z"
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if at, err := time.Parse(layout, value); err == nil {
			return "has no time zone; write " + at.Format(written) + " or with an offset"
		}
	}
	if at, err := time.Parse(time.DateOnly, value); err == nil {
		return "has no time of day; write it like " + at.Add(10*time.Hour).Format(written)
	}
	return "is not a time; write it like 2026-12-20T10:00:00Z"
}

// quantity returns the quantity of the only line, if Stripe reports it. Of several lines only one
// is the plan, so then the metadata decides.
func (d *draft) quantity(lines []object) int64 {
	said, from := d.metadata[metaQuantity], "the metadata's quantity"
	if len(lines) == 1 && lines[0].field("quantity") != nil {
		said, from = lines[0].text("quantity"), "the line's quantity"
	}
	if said == "" {
		return 1
	}
	n, err := strconv.ParseInt(said, 10, 64)
	if err != nil || n < 1 || n > maxQuantity {
		d.flaw("%s is %q; it must be a number from 1 to %d", from, shown(said, maxShown), maxQuantity)
		return 1
	}
	return n
}
