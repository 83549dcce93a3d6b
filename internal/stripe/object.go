package stripe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// object is a Stripe object. Only the fields that are needed are decoded, one by one, so that a
// changed field in another API version cannot make a payment unreadable.
type object map[string]json.RawMessage

// field returns a raw field; nil if it is absent or null.
func (o object) field(name string) json.RawMessage {
	raw := bytes.TrimSpace(o[name])
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	return raw
}

// text returns a string, or a number as it is written; "" for anything else.
func (o object) text(name string) string { return text(o.field(name)) }

func text(raw json.RawMessage) string {
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(raw, &s) == nil:
		return s
	case json.Unmarshal(raw, &n) == nil:
		return n.String()
	}
	return ""
}

// object returns a nested object; an empty one if there is none.
func (o object) object(name string) object {
	var inner object
	if json.Unmarshal(o.field(name), &inner) != nil {
		return nil
	}
	return inner
}

// ref returns the id of a related object, which may have been expanded.
func (o object) ref(name string) string {
	if id := o.text(name); id != "" {
		return id
	}
	return o.object(name).text("id")
}

// list returns the objects in a Stripe list.
func (o object) list(name string) []object {
	raw := o.field(name)
	if whole := o.object(name); whole != nil {
		raw = whole.field("data")
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil
	}
	var all []object
	for _, item := range items {
		var inner object
		if json.Unmarshal(item, &inner) == nil && inner != nil {
			all = append(all, inner)
		}
	}
	return all
}

// texts returns the strings in an object, such as metadata.
func (o object) texts(name string) map[string]string {
	all := map[string]string{}
	for key, raw := range o.object(name) {
		all[key] = text(raw)
	}
	return all
}

// flag reports whether a field is true.
func (o object) flag(name string) bool { return string(o.field(name)) == "true" }

// int returns a whole number, which may be written as a string.
func (o object) int(name string) (int64, error) {
	raw := o.field(name)
	if raw == nil {
		return 0, fmt.Errorf("%s is missing", name)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(o.text(name)), 10, 64)
	if err == nil {
		return n, nil
	}
	if f, ok := float(raw); ok {
		return int64(f), nil
	}
	return 0, fmt.Errorf("%s is %s, which is no whole number", name, shown(string(raw), maxShown))
}

// float parses a number written with a point or an exponent, if it is a whole number.
func float(raw json.RawMessage) (float64, bool) {
	var f float64
	if raw[0] == '"' || json.Unmarshal(raw, &f) != nil {
		return 0, false
	}
	return f, f == math.Trunc(f) && math.Abs(f) < 1<<53
}

// time parses Stripe's Unix time, or RFC 3339 as in thin events; the zero time for anything else.
func (o object) time(name string) time.Time {
	if seconds, err := o.int(name); err == nil {
		return instant(seconds)
	}
	at, err := time.Parse(time.RFC3339, o.text(name))
	if err != nil {
		return time.Time{}
	}
	return at.UTC().Truncate(time.Microsecond)
}

// lastSecond is the end of the year 9999, the latest time that RFC 3339 can write and that Curfew's
// databases can store.
const lastSecond = 253402300799

// instant converts Stripe's Unix time; the zero time if it is not between 1970 and 9999.
func instant(seconds int64) time.Time {
	if seconds <= 0 || seconds > lastSecond {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
