package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/strictjson"
)

// maxBody is the largest body that is read, in bytes.
const maxBody = 64 << 10

const jsonType = "application/json"

// readBody reads and checks a request's body, and puts it back for whoever
// decodes it. An absent body counts as {}.
func readBody(w http.ResponseWriter, r *http.Request, fields []string) error {
	if r.ContentLength > maxBody {
		return tooLarge(maxBody)
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(maxBody)
	}
	if err != nil {
		return malformed("the body could not be read to its end")
	}
	if len(text) == 0 {
		text = []byte("{}")
		r.Header.Set("Content-Type", jsonType)
	}
	if !declaredJSON(r) {
		return curfew.Errorf(curfew.UnsupportedMediaType, `a body needs the header "Content-Type: application/json"`)
	}
	if err := strictjson.Check(text, fields); err != nil {
		return malformed("the body cannot be read: " + err.Error())
	}
	if !strings.HasPrefix(string(bytes.TrimSpace(text)), "{") {
		return curfew.Errorf(curfew.Invalid, "the body must be a JSON object")
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return nil
}

// tooLarge also ends the connection: the rest of the body is not waited for.
func tooLarge(most int) error {
	f := kindFailure(curfew.TooLarge, fmt.Sprintf("the body has more than %d bytes", most))
	f.header.Set("Connection", "close")
	return f
}

// declaredJSON reports whether the body is said to be JSON, in UTF-8 if the
// encoding is named.
func declaredJSON(r *http.Request) bool {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, named := params["charset"]
	return err == nil && kind == jsonType && (!named || strings.EqualFold(charset, "utf-8"))
}
