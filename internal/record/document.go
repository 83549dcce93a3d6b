package record

import (
	"encoding/json"
	"time"
)

// Labels reads a document as an object of strings. Other values are kept as
// JSON, and a document that is not an object has no labels: what another program
// wrote into one row must not make it unreadable.
func Labels(document []byte) map[string]string {
	var texts map[string]string
	if len(document) == 0 || json.Unmarshal(document, &texts) == nil {
		return texts
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(document, &all) != nil {
		return nil
	}
	texts = make(map[string]string, len(all))
	for name, raw := range all {
		var value string
		if json.Unmarshal(raw, &value) != nil {
			value = string(raw)
		}
		texts[name] = value
	}
	return texts
}

// lastYear is the last year that RFC 3339 can write.
const lastYear = 9999

// Writable returns a time that every format can write: a time before the year 1
// becomes the zero time, one after 9999 the last moment. Another program's
// mistake in one row must not make a list fail.
func Writable(t time.Time) time.Time {
	switch year := t.Year(); {
	case year < 1:
		return time.Time{}
	case year > lastYear:
		return time.Date(lastYear, time.December, 31, 0, 0, 0, 0, time.UTC)
	}
	return t
}
