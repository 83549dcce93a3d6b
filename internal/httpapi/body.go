package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/strictjson"
)

// maxBody limits the size of a body, in bytes.
const maxBody = 64 << 10

const jsonType = "application/json"

// readBody reads and checks a request's body, and puts it back for decoding. A missing body counts
// as {}.
func readBody(w http.ResponseWriter, r *http.Request, fields []string) error {
	if r.ContentLength > maxBody {
		return problem.TooLarge(maxBody)
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem.TooLarge(maxBody)
	}
	if err != nil {
		return problem.Malformed("the body could not be read to its end")
	}
	if len(text) == 0 {
		text = []byte("{}")
		r.Header.Set("Content-Type", jsonType)
	}
	if !declaredJSON(r) {
		return curfew.Errorf(curfew.UnsupportedMediaType, `a body needs the header "Content-Type: application/json"`)
	}
	if text, err = strictjson.Plain(text, fields); err != nil {
		return problem.Malformed("the body cannot be read: " + err.Error())
	}
	if !strings.HasPrefix(string(bytes.TrimSpace(text)), "{") {
		return curfew.Errorf(curfew.Invalid, "the body must be a JSON object")
	}
	if err := checkSelectors(text); err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return nil
}

// selectors are fields whose absence means everybody or everything.
var selectors = []string{"customerId", "endpoint", "except", "maxAgeMinutes", "only", "previewId", "rules"}

// checkSelectors rejects null in a selector: a program that lost the value sends null, and does not
// mean everybody. In any other field null counts as absent.
func checkSelectors(body []byte) error {
	if !bytes.Contains(body, []byte("null")) {
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return problem.Malformed("the body cannot be read: " + err.Error())
	}
	for _, name := range selectors {
		if string(fields[name]) == "null" {
			return curfew.Errorf(curfew.Invalid, "%s must not be null: leave it out instead", name)
		}
	}
	return nil
}

// declaredJSON reports whether the body is declared as JSON, and as UTF-8 if a charset is given.
func declaredJSON(r *http.Request) bool {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, named := params["charset"]
	return err == nil && kind == jsonType && (!named || strings.EqualFold(charset, "utf-8"))
}

// fieldsOf returns the fields that the body of an input type may have.
func fieldsOf(input reflect.Type) []string {
	fields := []string{}
	body, ok := input.FieldByName("Body")
	if !ok {
		return fields
	}
	for i := range body.Type.NumField() {
		name, _, _ := strings.Cut(body.Type.Field(i).Tag.Get("json"), ",")
		fields = append(fields, name)
	}
	return fields
}
