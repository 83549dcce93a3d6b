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

// object is an object of Stripe's. Fields are read one by one, and only those that are
// needed, so that no other field of another API version can make a payment unreadable.
type object map[string]json.RawMessage

// field is nil if it is absent or null.
func (o object) field(name string) json.RawMessage {
	raw := bytes.TrimSpace(o[name])
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	return raw
}

// text reads a text, and a number as it is written. Anything else is no text.
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

// object returns an empty one for what is none.
func (o object) object(name string) object {
	var inner object
	if json.Unmarshal(o.field(name), &inner) != nil {
		return nil
	}
	return inner
}

// ref returns the id of another object, which Stripe sends whole if it was expanded.
func (o object) ref(name string) string {
	if id := o.text(name); id != "" {
		return id
	}
	return o.object(name).text("id")
}

// list returns what is an object in a list of Stripe's.
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

// texts returns the texts in an object, such as metadata.
func (o object) texts(name string) map[string]string {
	all := map[string]string{}
	for key, raw := range o.object(name) {
		all[key] = text(raw)
	}
	return all
}

// flag reports whether a field is true.
func (o object) flag(name string) bool { return string(o.field(name)) == "true" }

// int reads a whole number, also if it is written as a text.
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

// float reads a number that is written with a point or an exponent, and is whole all the same.
func float(raw json.RawMessage) (float64, bool) {
	var f float64
	if raw[0] == '"' || json.Unmarshal(raw, &f) != nil {
		return 0, false
	}
	return f, f == math.Trunc(f) && math.Abs(f) < 1<<53
}

// time reads Stripe's Unix time, and RFC 3339 as thin events write it. What is neither is
// no time.
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

// lastSecond is the end of the year 9999: no text writes a later time, and no database
// that Curfew uses has one.
const lastSecond = 253402300799

// instant converts Stripe's Unix time. What is no time between 1970 and 9999 is none.
func instant(seconds int64) time.Time {
	if seconds <= 0 || seconds > lastSecond {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
