package mailtest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// Mail is a received mail, decoded.
type Mail struct {
	From       string   // envelope sender
	To         []string // envelope recipients
	Header     mail.Header
	Subject    string // decoded
	Text, HTML string
	Raw        string
}

func (m Mail) parse(raw []byte) (Mail, error) {
	m.Raw = string(raw)
	read, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return m, err
	}
	m.Header = read.Header
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return m, err
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return m, fmt.Errorf("content type is %q (%w)", kind, err)
	}
	parts := multipart.NewReader(read.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return m, nil
		}
		if err != nil {
			return m, err
		}
		if err := m.add(part); err != nil {
			return m, err
		}
	}
}

func (m *Mail) add(part *multipart.Part) error {
	kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(decoded(part))
	switch kind {
	case "text/plain":
		m.Text = unixLines(text)
	case "text/html":
		m.HTML = unixLines(text)
	default:
		return fmt.Errorf("unexpected part %q", kind)
	}
	return err
}

func decoded(part *multipart.Part) io.Reader {
	switch strings.ToLower(part.Header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		return quotedprintable.NewReader(part)
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, part)
	}
	return part
}

func unixLines(text []byte) string { return strings.ReplaceAll(string(text), "\r\n", "\n") }
