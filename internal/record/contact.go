package record

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// contactKeys are the members of a provider's messages that identify people or say how to
// reach them.
var contactKeys = []string{
	"address", "billing_details", "customer_details", "customer_email", "customer_name", "customer_phone", "email", "individual", "name",
	"owner", "payer", "phone", "receipt_email", "shipping", "shipping_details",
}

// WithoutContacts returns a message without names, addresses and other contact data. A message
// without such data, or that is not JSON, is returned unchanged, to the byte.
func WithoutContacts(body []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var message any
	if d.Decode(&message) != nil || !removeContacts(message) {
		return body
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(message) != nil {
		return body
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// removeContacts reports whether there were any.
func removeContacts(in any) (removed bool) {
	switch v := in.(type) {
	case map[string]any:
		for key, value := range v {
			if value != nil && slices.Contains(contactKeys, strings.ToLower(key)) {
				v[key], removed = Erased, true
				continue
			}
			removed = removeContacts(value) || removed
		}
	case []any:
		for _, value := range v {
			removed = removeContacts(value) || removed
		}
	}
	return removed
}
