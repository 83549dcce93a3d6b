package privacy

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Export is all data held about a customer.
type Export struct {
	CustomerID string
	Contacts   []Contact
	// Held is the rows by what they are, each with its columns.
	Held map[string][]map[string]any
}

// Contact is an address and a name that came with a payment.
type Contact struct{ Email, Name string }

// names are what the tables are called in an export.
var names = map[string]string{
	"session_requests": "requests", "payment_refs": "paymentNames", "payment_facts": "paymentFacts", "payment_repayments": "repayments",
	"mechanic_slots": "slots", "idempotency_keys": "idempotencyKeys", "sign_ins": "signIns",
}

// Export returns all data held about a customer. It names actors by role only, never an
// operator. NotFound: there is none.
func (s Service) Export(ctx context.Context, customerID string) (Export, error) {
	if err := curfew.CheckID("customer id", customerID); err != nil {
		return Export{}, err
	}
	all, err := s.Store.Personal(ctx, customerID)
	if err != nil {
		return Export{}, err
	}
	e := Export{CustomerID: customerID, Held: map[string][]map[string]any{}}
	for _, found := range all {
		if len(found.Rows) == 0 {
			continue
		}
		name := found.Table.Name
		if other := names[name]; other != "" {
			name = other
		}
		for _, row := range found.Rows {
			e.Held[name] = append(e.Held[name], members(found.Table, row))
		}
	}
	if len(e.Held) == 0 {
		return Export{}, unknown(customerID)
	}
	e.Contacts = contacts(e.Held["checkouts"])
	return e, nil
}

// contacts returns the addresses and names of checkouts, each once.
func contacts(checkouts []map[string]any) []Contact {
	all := []Contact{}
	for _, c := range checkouts {
		email, _ := c["email"].(string)
		name, _ := c["name"].(string)
		if one := (Contact{email, name}); one != (Contact{}) && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// members returns a row as a JSON object.
func members(t record.Table, row []any) map[string]any {
	object := make(map[string]any, len(row))
	for i, c := range t.Columns {
		object[camel(c.Name)] = member(c, row[i])
	}
	return object
}

func member(c record.Column, value any) any {
	switch v := value.(type) {
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case string:
		switch {
		case c.Kind == record.DocumentColumn && json.Valid([]byte(v)):
			return json.RawMessage(v)
		case c.Name == "actor":
			return string(record.ParseActor(v).Outside())
		}
	}
	return value
}

// camel returns a column's name as JSON has it: customer_id becomes customerId.
func camel(column string) string {
	first, rest, more := strings.Cut(column, "_")
	for more {
		var part string
		part, rest, more = strings.Cut(rest, "_")
		first += strings.ToUpper(part[:1]) + part[1:]
	}
	return first
}
