package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/curfewhq/curfew"
)

// staticFile is a static file as it is sent.
type staticFile struct {
	contentType  string
	text, packed []byte // packed is the gzip form; nil: it saves nothing
}

// library is every static file, by its name below static. The stamp is a hash of all of them. It stands in their addresses,
// so that browsers may keep a file for as long as they like: a release that changes a file changes its address.
type library struct {
	stamp string
	files map[string]staticFile
}

// contentTypes names the types of the files; others are plain text.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// stamped is an address with the stamp of this release or of another one.
var stamped = regexp.MustCompile(`^([0-9a-f]{16})/(.+)$`)

// files reads and compresses the static files, when the first is needed.
var files = sync.OnceValue(func() library {
	all, sum := library{files: map[string]staticFile{}}, sha256.New()
	err := fs.WalkDir(Static(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(Static(), name)
		sum.Write([]byte(name + "\x00" + strconv.Itoa(len(text)) + "\x00"))
		sum.Write(text)
		all.files[name] = newStaticFile(name, text)
		return err
	})
	if err != nil {
		panic(err) // the files are embedded
	}
	all.stamp = hex.EncodeToString(sum.Sum(nil))[:16]
	return all
})

func newStaticFile(name string, text []byte) staticFile {
	f := staticFile{contentType: contentTypes[path.Ext(name)], text: text}
	if f.contentType == "" {
		f.contentType = "text/plain; charset=utf-8"
	}
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is valid
	_, _ = w.Write(text)                                       // a buffer takes everything
	_ = w.Close()
	if packed.Len() < len(text) {
		f.packed = packed.Bytes()
	}
	return f
}

// Asset returns the address of a static file, such as css/curfew.css.
func Asset(name string) string { return "/static/" + files().stamp + "/" + name }

// find returns the file at an address below /static/, and whether the address changes with the file. An address without a
// stamp, or with that of another release, leads to the file as it is in this one: while replicas are replaced, a page of one
// may load its files from another.
func (l library) find(address string) (f staticFile, lasting, ok bool) {
	if m := stamped.FindStringSubmatch(address); m != nil {
		lasting, address = m[1] == l.stamp, m[2]
	}
	f, ok = l.files[address]
	return f, lasting, ok
}

// Static serves the pages' files, below /static/. Folders are not listed.
func (s *Site) Static(w http.ResponseWriter, r *http.Request) {
	if !ServeStatic(w, r) {
		s.problems.Answer(w, r, curfew.Errorf(curfew.NotFound, "there is no such file"))
	}
}

// ServeStatic sends the static file that a request asks for below /static/. It reports false, and has sent nothing, if there
// is none.
func ServeStatic(w http.ResponseWriter, r *http.Request) bool {
	f, lasting, ok := files().find(strings.TrimPrefix(r.URL.Path, "/static/"))
	if !ok {
		return false
	}
	h, text := w.Header(), f.text
	h.Set("Content-Type", f.contentType)
	h.Set("Vary", "Accept-Encoding")
	if lasting {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if f.packed != nil && AcceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		text = f.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text) // an error means that the reader has gone
	return true
}

// AcceptsGzip reports whether a request's sender reads gzip (RFC 9110, section 12.5.3). What is not understood is a no.
func AcceptsGzip(r *http.Request) bool {
	for _, given := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(given, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, found := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
			share, err := strconv.ParseFloat(q, 64)
			return !found || err == nil && share > 0
		}
	}
	return false
}
