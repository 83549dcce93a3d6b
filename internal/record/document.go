package record

import (
	"encoding/json"
	"time"
)

// Labels reads a document as an object of texts. Values that are none are kept
// as JSON, and a document that is no object has no labels: what another program
// wrote into one row keeps nobody from reading it.
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

// lastYear is the last one that a moment can be written in for others.
const lastYear = 9999

// Writable is a moment as everybody can write it: what lies before the year 1 or
// after 9999 becomes the zero time or the last moment. Another program's slip in
// one row must not keep a list from being answered.
func Writable(t time.Time) time.Time {
	switch year := t.Year(); {
	case year < 1:
		return time.Time{}
	case year > lastYear:
		return time.Date(lastYear, time.December, 31, 0, 0, 0, 0, time.UTC)
	}
	return t
}
